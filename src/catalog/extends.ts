import { suggest } from '../report/did-you-mean.ts';
import type { Place, Problem } from '../report/problem.ts';
import { FAMILIES } from './families.ts';
import type { OsEntry, OsRelease } from './schema.ts';

/** Fields that a release must have once all that it extends is merged in; its family wants more. */
const NEEDED = [
  'family',
  'major',
  'distro',
  'systemd',
  'cgroup',
  'network',
  'kernels',
  'docker',
  'nginx',
] as const;

/** Releases with what they extend merged in; the abstract entries are left out. */
export function resolveReleases(
  entries: ReadonlyMap<string, OsEntry>,
  problems: Problem[],
  placeOf: (name: string) => Place | undefined,
): Map<string, OsRelease> {
  const releases = new Map<string, OsRelease>();
  const report = (name: string, message: string, hint: string) => {
    const place = placeOf(name);
    problems.push({
      ...{ code: 'catalogue', severity: 'error', path: ['os', name], message, hint },
      ...(place ? { place } : {}),
    });
  };
  for (const [name, entry] of entries) {
    if (entry.abstract) continue;
    const chain = chainOf(name, entries, report);
    if (!chain) continue;
    const merged = chain.reduce((base, over) => lay(base, over) as OsEntry);
    const needed = [...NEEDED, ...(merged.family ? FAMILIES[merged.family].needs : [])];
    const missing = needed.filter((field) => merged[field] === undefined);
    if (missing.length > 0) {
      report(
        name,
        `the release ${name} lacks ${missing.join(', ')}`,
        'write them, or extend an entry that has them, such as el9',
      );
      continue;
    }
    releases.set(name, { ...merged, title: merged.title ?? name } as OsRelease);
  }
  return releases;
}

/** The entry's ancestors and itself, the oldest first. */
function chainOf(
  name: string,
  entries: ReadonlyMap<string, OsEntry>,
  report: (name: string, message: string, hint: string) => void,
): OsEntry[] | undefined {
  const chain: OsEntry[] = [];
  const seen = new Set<string>();
  for (let next: string | undefined = name; next !== undefined; ) {
    const entry: OsEntry | undefined = entries.get(next);
    if (!entry || seen.has(next)) {
      const way = [...chain.map((e) => e.name).reverse(), next].join(', which extends ');
      if (entry) report(name, `the release extends itself: ${way}`, 'correct extends in one of them');
      else
        report(
          name,
          `there is no release "${next}" to extend`,
          suggest(
            next,
            [...entries.keys()].filter((other) => other !== name),
          ),
        );
      return undefined;
    }
    seen.add(next);
    chain.unshift(entry);
    next = entry.extends;
  }
  return chain;
}

function lay(base: unknown, over: unknown): unknown {
  if (Array.isArray(base) && Array.isArray(over)) return [...new Set([...base, ...over])];
  if (isMap(base) && isMap(over)) {
    const merged: Record<string, unknown> = { ...base };
    for (const [key, value] of Object.entries(over)) {
      merged[key] = key in base ? lay(base[key], value) : value;
    }
    return merged;
  }
  return over;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
