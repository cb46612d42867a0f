/**
 * A repository of empty packages, and what dnf makes of a package list against it: no network, no root's
 * package database, a second for hundreds of packages.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run, type Verdict } from './programs.ts';
import { scratch } from './scratch.ts';

export interface Stub {
  name: string;
  version: string;
  release: string;
  arch: 'x86_64' | 'noarch';
  epoch?: number;
  /** As in a spec file: `containerd.io >= 1.6`. */
  requires?: string[];
  provides?: string[];
}

/** A comps group; with `groups` it is an environment, which consists of groups. */
export type Group = { id: string } & ({ packages: string[] } | { groups: string[] });

/** Tags that hold for every package, and switch off all that takes time or looks at this machine. */
const preamble = `
%define debug_package %{nil}
%define __os_install_post %{nil}
%define _binary_payload w0.gzdio
%define _build_id_links none
Name: stubs
Version: 1
Release: 1
Summary: stub
License: none
AutoReqProv: no
%description
stub
`;

function subpackage({ name, version, release, arch, epoch, requires = [], provides = [] }: Stub): string {
  return [
    `%package -n ${name}`,
    ...(epoch === undefined ? [] : [`Epoch: ${epoch}`]),
    `Version: ${version}`,
    `Release: ${release}`,
    'Summary: stub',
    'AutoReqProv: no',
    // The rest gets the architecture of --target; a subpackage may name no other but noarch.
    ...(arch === 'noarch' ? ['BuildArch: noarch'] : []),
    ...requires.map((requirement) => `Requires: ${requirement}`),
    ...provides.map((capability) => `Provides: ${capability}`),
    `%description -n ${name}`,
    'stub',
    `%files -n ${name}`,
    '',
  ].join('\n');
}

/** One spec makes all its subpackages in one rpmbuild; a second version of a name needs a second spec. */
function specs(stubs: Stub[]): string[] {
  const nth = new Map<string, number>();
  const lists: Stub[][] = [];
  for (const stub of stubs) {
    const n = nth.get(stub.name) ?? 0;
    nth.set(stub.name, n + 1);
    lists[n] = [...(lists[n] ?? []), stub];
  }
  return lists.map((list) => preamble + list.map(subpackage).join('\n'));
}

function comps(groups: Group[]): string {
  const entries = groups.map((group) =>
    'packages' in group
      ? `<group><id>${group.id}</id><name>${group.id}</name><uservisible>true</uservisible><packagelist>${group.packages
          .map((name) => `<packagereq type="mandatory">${name}</packagereq>`)
          .join('')}</packagelist></group>`
      : `<environment><id>${group.id}</id><name>${group.id}</name><grouplist>${group.groups
          .map((id) => `<groupid>${id}</groupid>`)
          .join('')}</grouplist></environment>`,
  );
  return `<?xml version="1.0" encoding="UTF-8"?>\n<comps>${entries.join('\n')}</comps>\n`;
}

async function must(program: 'rpmbuild' | 'createrepo_c', args: string[]): Promise<void> {
  const { exitCode, lines } = await run(program, args);
  if (exitCode !== 0) throw new Error(`${program}: ${lines.join('\n')}`);
}

/** Build the repository; its directory is gone after the tests of the file. */
export async function stubRepository(stubs: Stub[], groups: Group[] = []): Promise<string> {
  const top = await scratch({ 'comps.xml': comps(groups) });
  const repository = join(top, 'repository');
  await mkdir(repository);
  // Otherwise rpmbuild opens a database in the home directory and works in /var/tmp.
  const defines = [`_topdir ${top}`, `_rpmdir ${repository}`, `_dbpath ${top}/db`, `_tmppath ${top}`];
  for (const [index, spec] of specs(stubs).entries()) {
    const file = join(top, `${index}.spec`);
    await writeFile(file, spec);
    await must('rpmbuild', [
      '-bb',
      '--quiet',
      '--target=x86_64',
      ...defines.map((define) => `--define=${define}`),
      file,
    ]);
  }
  await must('createrepo_c', ['--quiet', '--groupfile', join(top, 'comps.xml'), repository]);
  return repository;
}

export interface Wish {
  repository: string;
  /** Names, pins (`kubelet-1.31.14-150500.1.1`), `@group`, `@^environment`; `-name` excludes, as in %packages. */
  install: string[];
  releasever: string;
}

/**
 * What `dnf install` would put on an empty host. `packages` are name-[epoch:]version-release.arch; `messages`
 * may hold warnings, such as of a group's package that is in no repository, though it is `ok`.
 */
export async function resolve({
  repository,
  install,
  releasever,
}: Wish): Promise<Verdict & { packages: string[] }> {
  const top = await scratch({
    // best: as the releases have it, so that an older version is no silent way out.
    'dnf.conf': '[main]\nbest=1\nplugins=0\ngpgcheck=0\nreposdir=/dev/null\nvarsdir=/dev/null\n',
  });
  const dnf = [
    '--verbose', // names each package on a line of its own, however wide
    '--assumeyes',
    '--downloadonly', // the files are here already, so this does nothing but resolve, and exits with 0
    `--config=${top}/dnf.conf`,
    `--installroot=${top}/root`,
    `--setopt=cachedir=${top}/cache`, // dnf puts it below installroot, all but a lock file
    `--repofrompath=stubs,file://${repository}`,
    `--releasever=${releasever}`,
    '--forcearch=x86_64',
    ...install.filter((spec) => spec.startsWith('-')).map((spec) => `--exclude=${spec.slice(1)}`),
    'install',
    // dnf's command line has no `@^`, only the kickstart has.
    ...install.filter((spec) => !spec.startsWith('-')).map((spec) => spec.replace(/^@\^/, '@')),
  ];
  // dnf wants to be root, though only its own directories are written.
  const root = process.getuid?.() === 0;
  const { exitCode, lines } = root
    ? await run('dnf', dnf)
    : await run({ path: 'unshare' }, ['--map-root-user', 'dnf', ...dnf]);
  const added = lines.flatMap((line) => {
    const [, name, arch, evr] = /^---> Package (\S+)\.(\S+) (\S+) will be installed$/.exec(line) ?? [];
    return name === undefined ? [] : [`${name}-${evr}.${arch}`];
  });
  const from = lines.findIndex((line) => /^Error/.test(line));
  const messages = [
    ...lines.filter((line) =>
      /^(No match for|Module or Group|no package matched|Problem|Failed)/i.test(line),
    ),
    ...(from < 0 ? [] : lines.slice(from)),
  ];
  // It failed in a way that is not about packages.
  if (exitCode !== 0 && messages.length === 0) throw new Error(`dnf: ${lines.join('\n')}`);
  return { ok: exitCode === 0, messages: [...new Set(messages)], packages: added.sort() };
}
