import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Run, run } from './programs.ts';
import { scratch } from './scratch.ts';

/** A package without content: what apt knows of it before it fetches it. */
export interface Deb {
  name: string;
  /** Default: 1-1. */
  version?: string;
  depends?: string[];
  conflicts?: string[];
  provides?: string[];
  recommends?: string[];
}

const fields = (deb: Deb): string =>
  [
    `Package: ${deb.name}`,
    `Version: ${deb.version ?? '1-1'}`,
    'Architecture: amd64',
    'Maintainer: nobody <nobody@example.com>',
    ...(['depends', 'conflicts', 'provides', 'recommends'] as const).flatMap((field) =>
      deb[field] ? [`${field[0]?.toUpperCase()}${field.slice(1)}: ${deb[field].join(', ')}`] : [],
    ),
    'Description: a stub',
  ].join('\n');

/** An index of packages. */
export const packagesFile = (debs: readonly Deb[]): string =>
  debs
    .map((deb) => `${fields(deb)}\nFilename: ${deb.name}.deb\nSize: 1\nSHA256: ${'0'.repeat(64)}\n`)
    .join('\n');

/** What dpkg has for packages that are installed. */
const statusFile = (debs: readonly Deb[]): string =>
  debs.map((deb) => `${fields(deb)}\nStatus: install ok installed\n`).join('\n');

/** A key to sign with, and its public half, armoured. */
export interface Signer {
  home: string;
  armoured: string;
}

export async function signer(): Promise<Signer> {
  const home = await scratch();
  const gpg = async (...args: string[]) => {
    const { exitCode, stdout, lines } = await run('gpg', ['--batch', '--homedir', home, ...args]);
    if (exitCode !== 0) throw new Error(lines.join('\n'));
    return stdout;
  };
  await gpg(
    '--passphrase',
    '',
    '--quick-generate-key',
    'stub <stub@example.com>',
    'ed25519',
    'sign',
    'never',
  );
  return { home, armoured: `${await gpg('--armor', '--export')}\n` };
}

/** Files of a repository, signed: at `dists/<suite>/<component>`, or flat where there is no component. */
export async function signedRepository(
  debs: readonly Deb[],
  by: Signer,
  at?: { suite: string; component: string },
): Promise<string> {
  const folder = await scratch();
  const base = at ? join(folder, 'dists', at.suite) : folder;
  const index = at ? `${at.component}/binary-amd64/Packages` : 'Packages';
  const packages = packagesFile(debs);
  const digest = createHash('sha256').update(packages).digest('hex');
  await put(join(base, index), packages);
  const release = [
    `Suite: ${at?.suite ?? 'stable'}`,
    `Codename: ${at?.suite ?? 'stable'}`,
    `Components: ${at?.component ?? 'main'}`,
    'Architectures: amd64',
    'Date: Thu, 01 Jan 2026 00:00:00 UTC',
    'SHA256:',
    ` ${digest} ${Buffer.byteLength(packages)} ${index}`,
    '',
  ].join('\n');
  await put(join(base, 'Release'), release);
  const options = ['--batch', '--homedir', by.home, '--clearsign', '-o', join(base, 'InRelease')];
  const { exitCode, lines } = await run('gpg', [...options, join(base, 'Release')]);
  if (exitCode !== 0) throw new Error(lines.join('\n'));
  return folder;
}

/** A root whose apt is none of this machine's business. */
export class AptRoot {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  /** With these files (host path → content) and these packages installed. */
  static async make(
    files: Readonly<Record<string, string>>,
    installed: readonly Deb[] = [],
  ): Promise<AptRoot> {
    const root = await scratch();
    for (const folder of [
      'etc/apt/sources.list.d',
      'etc/apt/preferences.d',
      'etc/apt/apt.conf.d',
      'var/lib/apt/lists/partial',
      'var/cache/apt/archives/partial',
    ])
      await mkdir(join(root, folder), { recursive: true });
    const status = join(root, 'var/lib/dpkg/status');
    await put(status, statusFile(installed));
    // Read before all else: apt then looks for its folders here, and not on this machine.
    const settings = {
      Dir: root,
      'Dir::State::status': status,
      'APT::Sandbox::User': 'root',
      'APT::Architecture': 'amd64',
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
    await put(join(root, 'apt.conf'), lines.join(''));
    const made = new AptRoot(root);
    await made.put(files);
    return made;
  }

  async put(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [path, content] of Object.entries(files)) await put(join(this.root, path), content);
  }

  apt(program: 'apt-get' | 'apt-cache' | 'apt-config', ...args: string[]): Promise<Run> {
    return run(program, args, { env: { APT_CONFIG: join(this.root, 'apt.conf') } });
  }

  /** What apt would do to have these packages: `kubelet 1.34.2-1.1`. */
  async simulate(...args: string[]): Promise<{ exitCode: number; lines: string[]; installs: string[] }> {
    const { exitCode, lines } = await this.apt('apt-get', '-s', ...args);
    const installs = lines.flatMap((line) => {
      const [, name, version] = /^Inst (\S+) (?:\[[^\]]*\] )?\((\S+)/.exec(line) ?? [];
      return name === undefined ? [] : [`${name} ${version}`];
    });
    return { exitCode, lines, installs };
  }
}

async function put(file: string, content: string): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, content);
}
