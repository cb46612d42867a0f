/** What no repository packages, from our own builds, in files of upstream's names with upstream's members. */
import { copyFile, mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inCache } from '../../rigs/cache.ts';
import { buildProgram } from '../programs/build.ts';
import { must } from '../rig/commands.ts';
import { hashOf } from './hash.ts';

/** Versions by the artefact's name in imgbuild.lock. */
export interface ArtifactVersions {
  etcd: string;
  goss: string;
  'flannel-manifest': string;
  /** Where the runtime is Docker. */
  'cri-dockerd'?: string;
}

/** Upstream's form of this version, in words of our own. */
const MANIFEST = { version: '0.28.4', file: fileURLToPath(new URL('kube-flannel.yml', import.meta.url)) };

/** One file, and the name under which hosts ask for it. */
export interface ArtifactFile {
  name: string;
  path: string;
}

/** The files by the artefact's name. */
export async function buildArtifacts(versions: ArtifactVersions): Promise<Record<string, ArtifactFile>> {
  const { etcd, goss, 'flannel-manifest': flannel, 'cri-dockerd': criDockerd } = versions;
  if (flannel !== MANIFEST.version)
    throw new Error(`flannel's manifest is here for ${MANIFEST.version}, not ${flannel}`);
  const top = `etcd-v${etcd}-linux-amd64`;
  const members: Record<string, string> = {};
  for (const name of ['etcd', 'etcdctl', 'etcdutl'] as const)
    members[`${top}/${name}`] = await buildProgram(name, etcd);
  const files: Record<string, ArtifactFile> = {
    etcd: await archive(`${top}.tar.gz`, members),
    goss: { name: 'goss-linux-amd64', path: await buildProgram('goss', goss) },
    'flannel-manifest': { name: 'kube-flannel.yml', path: MANIFEST.file },
  };
  if (criDockerd !== undefined)
    files['cri-dockerd'] = await archive(`cri-dockerd-${criDockerd}.amd64.tgz`, {
      'cri-dockerd/cri-dockerd': await buildProgram('cri-dockerd', criDockerd),
    });
  return files;
}

/** An archive of programs by the name that they have in it. The same programs make the same bytes. */
async function archive(name: string, members: Record<string, string>): Promise<ArtifactFile> {
  const key = await hashOf(Object.values(members));
  const directory = await inCache(`cluster-file-${name}-${key}`, async (made) => {
    const root = join(made, 'root');
    for (const [member, program] of Object.entries(members)) {
      await mkdir(dirname(join(root, member)), { recursive: true });
      await copyFile(program, join(root, member));
    }
    const tar = ['tar', '--create', '--use-compress-program=gzip -n1', '--file', join(made, name)];
    const same = ['--sort=name', '--mtime=@0', '--owner=0', '--group=0', '--numeric-owner'];
    const tops = [...new Set(Object.keys(members).map((member) => member.split('/')[0] ?? ''))];
    await must([...tar, ...same, '--directory', root, ...tops]);
    await rm(root, { recursive: true });
  });
  return { name, path: join(directory, name) };
}
