/** Debian packages of files that are there already, and a signed repository of them. */
import { createHash } from 'node:crypto';
import { copyFile, mkdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { digest } from '../../../src/artifacts/download.ts';
import type { Signer } from '../../rigs/apt-stubs.ts';
import { inCache } from '../../rigs/cache.ts';
import { must } from '../rig/commands.ts';
import { hashOf } from './hash.ts';

export interface Package {
  name: string;
  version: string;
  depends: string[];
  description: string;
  /** Files of this machine, by their path on a host, 0755. */
  programs: Record<string, string>;
  /** Texts by their path on a host, 0644; below /etc they are configuration. */
  texts: Record<string, string>;
}

/** A package as a file, and what a repository says of it. */
export interface Deb {
  file: string;
  stanza: string;
}

/** The package out of the cache, where the same one was built before. */
export async function buildDeb(wanted: Package): Promise<Deb> {
  const { name, version } = wanted;
  const file = `${name}_${version}_amd64.deb`;
  const directory = await inCache(
    `cluster-deb-${name}-${version}-${await hashOf(Object.values(wanted.programs), wanted)}`,
    async (made) => {
      const root = join(made, 'root');
      const control = controlOf(wanted);
      await lay(root, wanted, control);
      const deb = join(made, file);
      await must(['dpkg-deb', '--root-owner-group', '-Zzstd', '-z1', '--build', root, deb]);
      await rm(root, { recursive: true });
      const { size } = await stat(deb);
      const stanza = `${control}Filename: ./${file}\nSize: ${size}\nSHA256: ${await digest(deb)}\n`;
      await writeFile(join(made, 'stanza'), stanza);
    },
  );
  return { file: join(directory, file), stanza: await readFile(join(directory, 'stanza'), 'utf8') };
}

/** A repository in one flat folder, as Kubernetes' own is, with the key that it is signed with. */
export async function writeRepository(folder: string, debs: readonly Deb[], by: Signer): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { file } of debs) await symlink(file, join(folder, basename(file)));
  const packages = debs.map(({ stanza }) => stanza).join('\n');
  await writeFile(join(folder, 'Packages'), packages);
  const sum = createHash('sha256').update(packages).digest('hex');
  const release = [
    'Suite: /',
    'Architectures: amd64',
    `Date: ${new Date().toUTCString().replace('GMT', 'UTC')}`,
    'SHA256:',
    ` ${sum} ${Buffer.byteLength(packages)} Packages`,
    '',
  ].join('\n');
  await writeFile(join(folder, 'Release'), release);
  const gpg = ['gpg', '--batch', '--homedir', by.home, '--clearsign', '--output', join(folder, 'InRelease')];
  await must([...gpg, join(folder, 'Release')]);
  await writeFile(join(folder, 'Release.key'), by.armoured);
}

function controlOf({ name, version, depends, description }: Package): string {
  return [
    `Package: ${name}`,
    `Version: ${version}`,
    'Architecture: amd64',
    'Maintainer: nobody <nobody@example.com>',
    ...(depends.length > 0 ? [`Depends: ${depends.join(', ')}`] : []),
    `Description: ${description}`,
    '',
  ].join('\n');
}

async function lay(root: string, { programs, texts }: Package, control: string): Promise<void> {
  const conffiles = Object.keys(texts).filter((path) => path.startsWith('/etc/'));
  const files = {
    ...texts,
    '/DEBIAN/control': control,
    ...(conffiles.length > 0 ? { '/DEBIAN/conffiles': `${conffiles.join('\n')}\n` } : {}),
  };
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await writeFile(join(root, path), text, { mode: 0o644 });
  }
  for (const [path, program] of Object.entries(programs)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await copyFile(program, join(root, path));
  }
}
