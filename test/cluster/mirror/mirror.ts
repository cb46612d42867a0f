/** The mirror that test hosts install from: one directory, and what leads a spec to it. */
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { digest } from '../../../src/artifacts/download.ts';
import { minorOf } from '../../../src/plan/units.ts';
import { cli } from '../../cli/run.ts';
import { ownCatalog } from '../../project.ts';
import { signer } from '../../rigs/apt-stubs.ts';
import { run } from '../../rigs/programs.ts';
import { scratch } from '../../rigs/scratch.ts';
import { type ArtifactFile, type ArtifactVersions, buildArtifacts } from './artifacts.ts';
import { writeRepository } from './deb.ts';
import { BUILD, kubernetesDebs } from './packages.ts';

export interface MirrorOptions {
  kubernetes: '1.28.2' | '1.34.2';
  runtime: 'containerd' | 'docker';
  /** Where hosts see it. */
  at?: string;
}

/** Of what is the same for each Kubernetes. */
const versions = { criTools: '1.34.0', cni: '1.9.1', criDockerd: '0.3.17', goss: '0.4.9', flannel: '0.28.4' };

/** Of files that are no packages; each wants a folder of its own. */
const KINDS = ['criDockerd', 'etcd', 'cni', 'goss'];

export interface Mirror {
  /** For `lab.serve(80, fileServer(directory))`. */
  directory: string;
  /** Keys of a spec that lead its hosts here, as YAML. */
  spec: string;
  /**
   * Makes what stands beside a spec with these keys: images/ says which key the packages are signed with and what the
   * checksums of our own builds are, and `imgbuild lock` writes imgbuild.lock.
   */
  prepare(project: string): Promise<void>;
}

/** What is not in the cache is built first. */
export async function openMirror(options: MirrorOptions): Promise<Mirror> {
  const { kubernetes, runtime, at = 'http://192.0.2.1' } = options;
  const minor = minorOf(kubernetes);
  const catalog = (await ownCatalog()).kubernetes;
  const artifactVersions: ArtifactVersions = {
    etcd: catalog.minors[minor]?.etcd.default ?? '',
    goss: versions.goss,
    'flannel-manifest': versions.flannel,
    ...(runtime === 'docker' ? { 'cri-dockerd': versions.criDockerd } : {}),
  };
  const directory = await scratch();
  const by = await signer();
  const debs = await kubernetesDebs({ kubernetes, criTools: versions.criTools, cni: versions.cni });
  await writeRepository(join(directory, 'kubernetes', minor), debs, by);
  const files = await buildArtifacts(artifactVersions);
  const folder = join(directory, 'files');
  await mkdir(folder);
  for (const { name, path } of Object.values(files)) await symlink(path, join(folder, name));
  for (const kind of KINDS) await symlink(folder, join(directory, kind));

  const repositories = {
    kubernetes: `${at}/kubernetes/{minor}`,
    ...Object.fromEntries(KINDS.map((kind) => [kind, `${at}/${kind}`])),
  };
  const own = {
    'keys.yaml': {
      'kubernetes-deb': {
        fingerprint: await fingerprintOf(by.home),
        kind: 'kubernetes',
        path: 'Release.key',
      },
    },
    'kubernetes.yaml': {
      minors: {
        [minor]: { criTools: `${versions.criTools}-${BUILD}`, cni: `${versions.cni}-${BUILD}` },
      },
      ...(await checksums(artifactVersions, files)),
    },
  };
  return {
    directory,
    spec: stringify({
      mirrors: { repositories },
      // Debian's own containerd stands in for docker.com's, whose later ones read another configuration.
      versions: { criDockerd: versions.criDockerd, cni: versions.flannel, containerd: '1.6.20' },
    }),
    async prepare(project) {
      await mkdir(join(project, 'images'), { recursive: true });
      for (const [name, content] of Object.entries(own))
        await writeFile(join(project, 'images', name), stringify(content));
      const { code, all } = await cli(project, ['lock', '--offline', folder]);
      if (code !== 0) throw new Error(`imgbuild lock ended with ${code}:\n${all}`);
    },
  };
}

/** Of versions whose upstream checksum the catalogue has: ours are other builds. What it does not know the lock vouches for. */
async function checksums(wanted: ArtifactVersions, files: Record<string, ArtifactFile>): Promise<object> {
  const found: Record<string, { sha256: Record<string, string> }> = {};
  for (const [key, name] of [
    ['etcd', 'etcd'],
    ['goss', 'goss'],
    ['criDockerd', 'cri-dockerd'],
  ] as const) {
    const [version, file] = [wanted[name], files[name]];
    if (version !== undefined && file) found[key] = { sha256: { [version]: await digest(file.path) } };
  }
  return found;
}

async function fingerprintOf(home: string): Promise<string> {
  const { stdout } = await run('gpg', ['--batch', '--homedir', home, '--with-colons', '--list-keys']);
  return /^fpr:+([0-9A-F]{40}):/m.exec(stdout)?.[1] ?? '';
}
