import type { Catalog, OsRelease, Role, Runtime } from '../catalog/schema.ts';
import type { Cluster } from '../spec/schema/cluster.ts';
import type { MirrorUrls } from './repositories.ts';
import type { Settings } from './settings.ts';
import type { ArchivePlan, KernelPlan, PackagesPlan } from './types.ts';
import { minorOf } from './units.ts';

/** Versions that a target gets, after the spec's own choices. */
export interface Versions {
  docker: string;
  containerd: string;
  criDockerd: string;
  etcd: string;
}

export function planVersions(cluster: Cluster, os: OsRelease, catalog: Catalog): Versions {
  const docker = cluster.versions.docker ?? os.docker.default;
  return {
    docker,
    containerd: cluster.versions.containerd ?? catalog.kubernetes.docker[docker]?.containerd ?? '',
    criDockerd: cluster.versions.criDockerd ?? catalog.kubernetes.criDockerd.default,
    etcd: etcdVersion(cluster, catalog),
  };
}

/** The spec's etcd, else the one that suits its Kubernetes. */
export function etcdVersion(cluster: Cluster, catalog: Catalog): string {
  return (
    cluster.etcd.version ?? catalog.kubernetes.minors[minorOf(cluster.kubernetes.version)]?.etcd.default ?? ''
  );
}

/** The kernel that a target boots; a flavour that the release lacks falls back to the stock one (a rule refuses it). */
export function planKernel(os: OsRelease, settings: Settings): KernelPlan {
  const flavor = settings.os.kernel ?? os.kernels.default;
  const kernel = os.kernels[flavor];
  if (!kernel) return { flavor: 'stock', version: os.kernels.stock.version, packages: [] };
  const pin = settings.os.kernelVersion ? `${settings.os.kernelVersion}.el${os.major}.elrepo` : kernel.pin;
  return {
    flavor,
    version: settings.os.kernelVersion ?? kernel.version,
    packages: kernel.packages.map((name) => (pin ? `${name}-${pin}` : name)),
  };
}

export interface PackageInput {
  cluster: Cluster;
  catalog: Catalog;
  role: Role;
  os: OsRelease;
  runtime: Runtime;
  settings: Settings;
  kernel: KernelPlan;
  versions: Versions;
  overlays: readonly string[];
  isNode: boolean;
}

/** What is installed, by whom and from where. */
export function planPackages(input: PackageInput): PackagesPlan {
  const { catalog, cluster, os, role, settings, kernel } = input;
  const features = input.overlays.map((overlay) => os.features[overlay]).filter((f) => f !== undefined);
  const tools = unique([...os.packages.post, ...features.flatMap((f) => f.post), ...settings.packages]);
  const post: PackagesPlan['post'] = [];
  if (tools.length > 0) post.push({ title: 'tools', repositories: ['imgbuild-epel'], packages: tools });
  post.push({
    title: 'container runtime',
    repositories: ['imgbuild-docker'],
    packages: runtimePackages(input),
  });
  if (input.isNode) {
    const minor = catalog.kubernetes.minors[minorOf(cluster.kubernetes.version)];
    const release = catalog.kubernetes.packageRelease;
    const own = ['kubelet', 'kubeadm', 'kubectl'].map(
      (name) => `${name}-${cluster.kubernetes.version}-${release}`,
    );
    post.push({
      title: 'Kubernetes',
      repositories: ['imgbuild-kubernetes'],
      // kubeadm from 1.32 on requires none of the others: each is named.
      packages: minor ? [...own, `cri-tools-${minor.criTools}`, `kubernetes-cni-${minor.cni}`] : own,
    });
  }
  if (kernel.packages.length > 0) {
    post.push({
      title: `kernel-${kernel.flavor}`,
      repositories: ['imgbuild-elrepo-kernel'],
      packages: kernel.packages,
    });
  }
  return {
    installer: unique([
      ...os.packages.installer,
      ...features.flatMap((f) => f.installer),
      ...role.packages,
    ]).sort(),
    removed: [...os.packages.removed],
    post,
  };
}

function runtimePackages({ runtime, versions, catalog, os }: PackageInput): string[] {
  const set = catalog.kubernetes.docker[versions.docker];
  const version: Record<string, string | undefined> = {
    'docker-ce': `${versions.docker}-1`,
    'docker-ce-cli': `${versions.docker}-1`,
    'containerd.io': versions.containerd,
    'docker-buildx-plugin': set?.buildx,
    'docker-compose-plugin': set?.compose,
  };
  return runtime.packages.map((name) => {
    const wanted = version[name];
    if (wanted === undefined || wanted === '') return name;
    // A version without a release, as a spec may give it, matches whatever release the repository has.
    return wanted.includes('-') ? `${name}-${wanted}.${os.docker.suffix}` : `${name}-${wanted}`;
  });
}

/** Programs that no repository packages: release archives, each with its checksum. */
export function planArchives(
  input: Pick<PackageInput, 'catalog' | 'runtime' | 'versions' | 'role' | 'isNode'>,
  urls: MirrorUrls,
): ArchivePlan[] {
  const { catalog, runtime, versions, role } = input;
  const archives: ArchivePlan[] = [];
  if (input.isNode && runtime.name === 'docker') {
    const version = versions.criDockerd;
    archives.push({
      name: 'cri-dockerd',
      version,
      url: `${urls.base('criDockerd', version)}/cri-dockerd-${version}.amd64.tgz`,
      sha256: catalog.kubernetes.criDockerd.sha256[version] ?? '',
      programs: ['cri-dockerd/cri-dockerd'],
    });
  }
  if (role.etcd) {
    const version = versions.etcd;
    const folder = `etcd-v${version}-linux-amd64`;
    archives.push({
      name: 'etcd',
      version,
      url: `${urls.base('etcd', version)}/${folder}.tar.gz`,
      sha256: catalog.kubernetes.etcd.sha256[version] ?? '',
      programs: ['etcd', 'etcdctl', 'etcdutl'].map((program) => `${folder}/${program}`),
    });
  }
  return archives;
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
