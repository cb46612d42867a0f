import { familyOf } from '../catalog/families.ts';
import type { Catalog, OsRelease, Role, Runtime } from '../catalog/schema.ts';
import type { Cluster } from '../spec/schema/cluster.ts';
import type { Settings } from './settings.ts';
import type { KernelPlan, PackagesPlan } from './types.ts';
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
  const set = catalog.kubernetes.docker[docker];
  return {
    docker,
    containerd: cluster.versions.containerd ?? set?.unmarked[os.family] ?? set?.containerd ?? '',
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
  const extra = os.repositories.filter(({ kind }) => kind === 'epel').map(({ id }) => `imgbuild-${id}`);
  if (tools.length > 0) post.push({ title: 'tools', repositories: extra, packages: tools });
  const asked = ({ name, version }: Wanted) =>
    version === undefined ? name : familyOf(os).exact(name, version);
  const runtime = runtimePackages(input);
  post.push({
    title: 'container runtime',
    repositories: ['imgbuild-docker'],
    packages: runtime.map(asked),
  });
  const kubernetes = input.isNode ? kubernetesPackages(cluster, os, catalog) : [];
  if (kubernetes.length > 0)
    post.push({
      title: 'Kubernetes',
      repositories: ['imgbuild-kubernetes'],
      packages: kubernetes.map(asked),
    });
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
    pinned: [...runtime, ...kubernetes].flatMap(({ name, version }) =>
      version === undefined ? [] : [{ name, version }],
    ),
  };
}

/** A package, and its version as the repository has it; without one whichever there is. */
interface Wanted {
  name: string;
  version?: string;
}

function runtimePackages({ runtime, versions, catalog, os }: PackageInput): Wanted[] {
  const family = familyOf(os);
  const set = catalog.kubernetes.docker[versions.docker];
  const { epoch, suffix } = os.docker;
  const docker = `${epoch === undefined ? '' : `${epoch}:`}${versions.docker}-1`;
  const wanted: Record<string, string | undefined> = {
    'docker-ce': docker,
    'docker-ce-cli': docker,
    'containerd.io': versions.containerd,
    'docker-buildx-plugin': set?.buildx,
    'docker-compose-plugin': set?.compose,
  };
  return runtime.packages.map((name) => {
    const version = wanted[name];
    if (version === undefined || version === '') return { name };
    if (name === 'containerd.io' && version === set?.unmarked[os.family]) return { name, version };
    // A spec may give a version without a build.
    if (!version.includes('-')) return { name, version: family.anyBuild(version) };
    return { name, version: family.builtFor(version, suffix) };
  });
}

/** kubeadm from 1.32 on requires none of the others: each is named. */
function kubernetesPackages(cluster: Cluster, os: OsRelease, { kubernetes }: Catalog): Wanted[] {
  const minor = kubernetes.minors[minorOf(cluster.kubernetes.version)];
  const built = (name: string, version: string): Wanted => {
    const [number, build] = version.split(/-(?=[^-]*$)/);
    return { name, version: `${number}-${kubernetes.packagePrefix[os.family] ?? ''}${build}` };
  };
  return [
    ...['kubelet', 'kubeadm', 'kubectl'].map((name) =>
      built(name, `${cluster.kubernetes.version}-${kubernetes.packageRelease}`),
    ),
    ...(minor ? [built('cri-tools', minor.criTools)] : []),
    ...(minor?.cni ? [built('kubernetes-cni', minor.cni)] : []),
  ];
}

function unique<T>(values: readonly T[]): T[] {
  return [...new Set(values)];
}
