import type { Problem } from '../report/problem.ts';
import type { OsEntry, OsRelease } from './schema.ts';

/** Fields that a release must have once all that it extends is merged in. */
const NEEDED = [
  'family',
  'major',
  'distro',
  'handler',
  'systemd',
  'cgroup',
  'installTree',
  'iso',
  'kickstart',
  'network',
  'kernels',
  'docker',
] as const;

/** Releases with what they extend merged in; the abstract entries are left out. */
export function resolveReleases(
  entries: ReadonlyMap<string, OsEntry>,
  problems: Problem[],
): Map<string, OsRelease> {
  const releases = new Map<string, OsRelease>();
  for (const [name, entry] of entries) {
    if (entry.abstract) continue;
    const chain = chainOf(name, entries, problems);
    if (!chain) continue;
    const merged = chain.reduce((base, over) => lay(base, over) as OsEntry);
    const missing = NEEDED.filter((field) => merged[field] === undefined);
    if (missing.length > 0) {
      problems.push(
        problem(
          name,
          `the release ${name} lacks ${missing.join(', ')}`,
          'write them, or extend an entry that has them',
        ),
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
  problems: Problem[],
): OsEntry[] | undefined {
  const chain: OsEntry[] = [];
  const seen = new Set<string>();
  for (let next: string | undefined = name; next !== undefined; ) {
    const entry: OsEntry | undefined = entries.get(next);
    if (!entry || seen.has(next)) {
      problems.push(
        problem(
          name,
          entry ? `${next} extends itself` : `there is no entry ${next} to extend`,
          'correct extends:',
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

function problem(name: string, message: string, hint: string): Problem {
  return { code: 'catalogue', severity: 'error', path: ['os', name], message, hint };
}
