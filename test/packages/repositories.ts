import { mkdir, readdir, readFile, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';
import { type Group, resolve, type Stub, stubRepository } from '../rigs/dnf-stubs.ts';
import { run, type Verdict } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';

/** A package of a fixture: a name, or more where its version or its dependencies matter. */
type Entry = string | { name: string; evr?: string; requires?: string[]; provides?: string[] };

/** Names that were read in one place. */
interface Reading {
  source: string;
  packages: Entry[];
}

interface Release {
  repositories: Record<string, Reading[]>;
  groups: Record<string, string[]>;
}

type Layouts = Record<string, Record<string, Record<string, string>>>;

const fixtures = join(import.meta.dirname, '../fixtures/packages');
const kubernetes = await read<{ minors: Record<string, Reading[]> }>('kubernetes');
/** Where each mirror set keeps each repository, by distribution. */
export const LAYOUTS = await read<Layouts>('mirrors');
const releases = new Map(
  await Promise.all(['7', '8', '9', '10'].map(async (major) => [major, await read<Release>(major)] as const)),
);

async function read<T>(name: string): Promise<T> {
  return parse(await readFile(join(fixtures, `${name}.yaml`), 'utf8')) as T;
}

/** Which repositories: a release's by their ids, and Kubernetes' own as `kubernetes-1.34`. */
export interface Selection {
  major: number;
  repositories: string[];
}

function readings({ repositories }: Release, id: string): Reading[] | undefined {
  const [, minor] = /^kubernetes-(.+)$/.exec(id) ?? [];
  return minor === undefined ? repositories[id] : kubernetes.minors[minor];
}

function releaseOf(major: number): Release {
  const release = releases.get(String(major));
  if (!release) throw new Error(`no fixture for el${major}`);
  return release;
}

/** Whether the fixtures describe this repository. */
export function isKnown(major: number, id: string): boolean {
  return readings(releaseOf(major), id) !== undefined;
}

function toStub(entry: Entry, major: number): Stub {
  const {
    name,
    evr = `1-1.el${major}`,
    requires,
    provides,
  } = typeof entry === 'string' ? { name: entry } : entry;
  const [, epoch, version, release] = /^(?:(\d+):)?([^-:]+)-([^-]+)$/.exec(evr) ?? [];
  if (version === undefined || release === undefined)
    throw new Error(`${name}: ${evr} is no version-release`);
  return {
    name,
    version,
    release,
    arch: 'x86_64',
    ...(epoch === undefined ? {} : { epoch: Number(epoch) }),
    ...(requires === undefined ? {} : { requires }),
    ...(provides === undefined ? {} : { provides }),
  };
}

const built = new Map<string, Promise<string>>();

function once(key: string, make: () => Promise<string>): Promise<string> {
  const known = built.get(key) ?? make();
  built.set(key, known);
  return known;
}

function repository(major: number, id: string): Promise<string> {
  const release = releaseOf(major);
  const found = readings(release, id);
  if (!found) throw new Error(`el${major}: no fixture for the repository ${id}`);
  const stubs = found.flatMap(({ packages }) => packages.map((entry) => toStub(entry, major)));
  // Kubernetes' RPMs are the same for every release.
  const key = id.startsWith('kubernetes-') ? id : `${major} ${id}`;
  // Only the tree that Anaconda installs from has groups.
  const groups: Group[] = id === 'base' || id === 'baseos' ? groupsOf(release) : [];
  return once(key, () => stubRepository(stubs, groups));
}

function groupsOf({ groups }: Release): Group[] {
  return Object.entries(groups).map(([id, packages]) => ({ id, packages }));
}

/** One repository with what several have; the first gives the groups. */
function union({ major, repositories }: Selection): Promise<string> {
  return once(`${major} of ${repositories.join(' ')}`, async () => {
    const parts = await Promise.all(repositories.map((id) => repository(major, id)));
    const top = join(await scratch(), 'repository');
    await mkdir(top);
    for (const [index, part] of parts.entries()) await symlink(part, join(top, String(index)));
    const repodata = join(parts[0] ?? '', 'repodata');
    const comps = (await readdir(repodata)).find((name) => name.endsWith('comps.xml'));
    const groups = comps === undefined ? [] : ['--groupfile', join(repodata, comps)];
    const { exitCode, lines } = await run('createrepo_c', ['--quiet', ...groups, top]);
    if (exitCode !== 0) throw new Error(lines.join('\n'));
    return top;
  });
}

/** What dnf says of installing these on an empty host, with these repositories and no others. */
export async function install(from: Selection, wanted: string[]): Promise<Verdict & { packages: string[] }> {
  return resolve({ repository: await union(from), install: wanted, releasever: String(from.major) });
}
