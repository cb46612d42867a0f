/** The container images of a cluster, of our own builds, under the names that kubeadm and the pod network ask for. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { posix } from 'node:path';
import { promisify } from 'node:util';
import { inCache } from '../../rigs/cache.ts';
import { buildProgram } from '../programs/build.ts';
import { type Image, writeImage } from '../programs/image.ts';
import type { ProgramName } from '../programs/recipes.ts';
import { fromRoot, netfilter } from '../programs/root.ts';
import { buildBase } from '../rig/base.ts';

/** What tests run in pods: a busybox, with all that it can do. */
export const BUSYBOX = 'rig.test/busybox:1';

/** Where the first boot looks for archives of images. */
const FOLDER = 'var/lib/imgbuild/images';

const versions = {
  coredns: { '1.28.2': '1.10.1', '1.34.2': '1.12.1' },
  flanneld: '0.28.4',
  cniFlannel: '0.9.1',
};
export type KubernetesVersion = keyof typeof versions.coredns;

interface Kind {
  /** Of the image's name, without its registry and tag. */
  name: RegExp;
  make: (version: KubernetesVersion) => Promise<Omit<Image, 'name'>>;
}

/** An image of one program, which is called by its name. */
const program =
  (
    name: ProgramName,
    versionOf: (version: KubernetesVersion) => string,
    roots: string[] = [],
  ): Kind['make'] =>
  async (version) => {
    const { root } = await buildBase();
    const { files, links } = await fromRoot(root, roots);
    const path = `/usr/local/bin/${name}`;
    return {
      entrypoint: [path],
      files: { ...files, [path]: await buildProgram(name, versionOf(version)) },
      links,
    };
  };

const own = (version: KubernetesVersion) => version;

const kinds: Kind[] = [
  { name: /^kube-apiserver$/, make: program('kube-apiserver', own) },
  { name: /^kube-controller-manager$/, make: program('kube-controller-manager', own) },
  { name: /^kube-scheduler$/, make: program('kube-scheduler', own) },
  { name: /^kube-proxy$/, make: program('kube-proxy', own, netfilter) },
  { name: /^coredns$/, make: program('coredns', (version) => versions.coredns[version]) },
  // What an operator has for snapshots is in it too.
  { name: /^etcd$/, make: program('etcd', (version) => (version === '1.28.2' ? '3.5.33' : '3.6.14')) },
  { name: /^pause$/, make: program('pause', () => '1') },
  {
    name: /^busybox$/,
    make: async () => ({
      files: { '/bin/busybox': (await buildBase()).busybox },
      links: { '/bin/sh': 'busybox', '/bin/cp': 'busybox' },
    }),
  },
  {
    name: /^flannel$/,
    make: async () => {
      const { root, busybox } = await buildBase();
      const { files, links } = await fromRoot(root, netfilter);
      const flanneld = await buildProgram('flanneld', versions.flanneld);
      return {
        entrypoint: ['/opt/bin/flanneld'],
        files: { ...files, '/opt/bin/flanneld': flanneld, '/bin/busybox': busybox },
        links: { ...links, '/bin/cp': 'busybox' },
      };
    },
  },
  {
    name: /^flannel-cni-plugin$/,
    make: async () => ({
      files: {
        '/flannel': await buildProgram('cni-flannel', versions.cniFlannel),
        '/bin/busybox': (await buildBase()).busybox,
      },
      links: { '/bin/cp': 'busybox' },
    }),
  },
];

/** A layer for hosts which has the archives of these images; made once for each list. */
export async function imageLayer(version: KubernetesVersion, names: readonly string[]): Promise<string> {
  const base = await buildBase();
  const key = createHash('sha256')
    .update([version, base.root, ...netfilter, ...names].join('\n'))
    .digest('hex')
    .slice(0, 12);
  return await inCache(`cluster-images-${version}-${key}`, async (directory) => {
    await mkdir(`${directory}/${FOLDER}`, { recursive: true });
    for (const name of names) {
      const short = posix.basename(name).replace(/[:@].*$/, '');
      const kind = kinds.find((kind) => kind.name.test(short));
      if (kind === undefined) throw new Error(`nobody knows how the image ${name} is made`);
      await writeImage(`${directory}/${FOLDER}/${short}.tar`, { name, ...(await kind.make(version)) });
    }
  });
}

/** The images that kubeadm wants of a repository. */
export async function kubeadmImages(version: KubernetesVersion, repository: string): Promise<string[]> {
  const kubeadm = await buildProgram('kubeadm', version);
  const list = [
    'config',
    'images',
    'list',
    `--image-repository=${repository}`,
    `--kubernetes-version=v${version}`,
  ];
  const { stdout } = await promisify(execFile)(kubeadm, list);
  return stdout.split('\n').filter(Boolean);
}
