import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import type { HostPlan, Plan } from '../../src/plan/types.ts';
import { ownCatalog } from '../project.ts';
import { AptRoot, type Deb, packagesFile } from '../rigs/apt-stubs.ts';
import { describeWith } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';
import { LAYOUTS } from './repositories.ts';
import { type Choice, planFor } from './specs.ts';

/** What is installed on Debian, resolved by apt itself against stubs of the repositories' real names. */

type Readings<T> = { source: string; packages: T[] }[];

const read = async <T>(name: string): Promise<T> =>
  parse(await readFile(join(import.meta.dirname, `../fixtures/packages/${name}.yaml`), 'utf8')) as T;
const fixture = await read<{ repositories: Record<string, Readings<string | Deb>> }>('debian-12');
const { minors } = await read<{ minors: Record<string, Readings<{ name: string; evr: string }>> }>(
  'kubernetes',
);
const catalog = await ownCatalog();

const debs = (id: string): Deb[] =>
  (fixture.repositories[id] ?? []).flatMap(({ packages }) =>
    packages.map((each) => (typeof each === 'string' ? { name: each } : each)),
  );

/** One build makes RPMs and debs; an RPM's release has the system in front that it was built on. */
const kubernetes = (minor: string): Deb[] =>
  (minors[minor] ?? []).flatMap(({ packages }) =>
    packages.map(({ name, evr }) => ({ name, version: evr.replace('-150500.', '-') })),
  );

const roots = new Map<string, Promise<AptRoot>>();

/** Debian's and Docker's repositories, and those of one minor version of Kubernetes. */
function rootFor(minor: string): Promise<AptRoot> {
  const made = roots.get(minor) ?? makeRoot([...debs('debian'), ...debs('docker'), ...kubernetes(minor)]);
  roots.set(minor, made);
  return made;
}

async function makeRoot(packages: readonly Deb[]): Promise<AptRoot> {
  const folder = await scratch({ Packages: packagesFile(packages) });
  const root = await AptRoot.make({
    '/etc/apt/sources.list': `deb [trusted=yes] file:${folder} /\n`,
    '/etc/apt/apt.conf.d/recommends': 'APT::Install-Recommends "false";\n',
  });
  const { exitCode, lines } = await root.apt('apt-get', 'update');
  expect({ exitCode, lines }).toMatchObject({ exitCode: 0 });
  return root;
}

const CHOICES: Choice[] = [
  ...(['docker', 'containerd'] as const).flatMap((runtime): Choice[] => [
    { release: 'debian-12', runtime },
    { release: 'debian-12', runtime, endpoint: 'vip' },
  ]),
  ...Object.values(catalog.kubernetes.minors).map(
    ({ newest }): Choice => ({ release: 'debian-12', kubernetes: newest }),
  ),
  ...Object.entries(catalog.kubernetes.docker)
    .filter(([, set]) => set.majors.debian?.includes(12))
    .map(([docker]): Choice => ({ release: 'debian-12', docker })),
];

const titled = (choice: Choice): [string, Choice] => [
  Object.values(choice).slice(1).join(' ') || 'as it comes',
  choice,
];

/** Hosts that have other packages than those before. */
function kinds(plan: Plan): HostPlan[] {
  return [...new Map(plan.hosts.map((host) => [JSON.stringify(host.packages), host])).values()];
}

describeWith(['apt-get'], 'packages of Debian 12', () => {
  test.each(CHOICES.map(titled))('%s: all are there, in the planned versions', async (_, choice) => {
    const plan = await planFor(choice);
    const root = await rootFor(plan.cluster.kubernetes.minor);
    for (const { role, packages } of kinds(plan)) {
      const asked = [...packages.installer, ...packages.post.flatMap((group) => group.packages)];
      const { exitCode, lines, installs } = await root.simulate('install', ...asked);
      expect({ role: role.name, exitCode, wrong: lines.filter((line) => /^E:/.test(line)) }).toEqual({
        ...{ role: role.name, exitCode: 0 },
        wrong: [],
      });
      const versions = new Map(installs.map((each) => each.split(' ') as [string, string]));
      for (const { name, version } of packages.pinned)
        expect([name, versions.get(name)]).toEqual([name, version]);
      for (const unwanted of packages.removed) expect([...versions.keys()]).not.toContain(unwanted);
    }
  });

  test.each([
    ['a misspelt name', 'conntrack-tool'],
    ['a name of another family', 'iproute-tc'],
    ['a wrong patch', 'kubelet=1.31.99-1.1'],
    ['a release of the RPMs', 'kubelet=1.31.14-150500.1.1'],
    ['no epoch', 'docker-ce=29.8.0-1~debian.12~bookworm'],
    ['another Debian', 'docker-ce=5:29.8.0-1~debian.11~bullseye'],
  ])('but not %s', async (_, name) => {
    const { exitCode } = await (await rootFor('1.31')).simulate('install', name);
    expect(exitCode).not.toBe(0);
  });
});

test.each([...catalog.mirrors.keys()])('repositories of %s are where people have them', async (set) => {
  const plan = await planFor({ release: 'debian-12', mirrors: set });
  const { minor } = plan.cluster.kubernetes;
  const known = Object.entries(LAYOUTS[set]?.debian ?? {}).map(([id, url]) => [
    id,
    url.replace('{minor}', minor),
  ]);
  const [host] = plan.hosts.filter(({ isNode }) => isNode);
  expect(host?.repositories.map(({ id, url }) => [id.replace('imgbuild-', ''), url])).toEqual(known);
  expect(host?.keys.map(({ url }) => url)).toEqual([
    `${known.find(([id]) => id === 'docker')?.[1]}/gpg`,
    `${known.find(([id]) => id === 'kubernetes')?.[1]}/Release.key`,
  ]);
});
