import type { Catalog, KubernetesData, Role, Runtime } from '../catalog/schema.ts';
import type { Cluster } from '../spec/schema/cluster.ts';
import type { ArtifactLock } from './artifact-lock.ts';
import type { Versions } from './packages.ts';
import type { MirrorUrls } from './repositories.ts';
import type { ArtifactName, ArtifactPlan, HostPlan, Plan, RolePlan } from './types.ts';
import { compareVersions, minorOf } from './units.ts';

/** What is fetched by a name: which key of mirror sets it lies under, how its file is called, what is installed of it. */
interface Source {
  kind: string;
  /** Its key in images/kubernetes.yaml. */
  data: 'calico' | 'cniPlugins' | 'criDockerd' | 'etcd' | 'flannel' | 'goss';
  file: (version: string) => string;
  programs?: (version: string, role: Role) => NonNullable<ArtifactPlan['programs']>;
}

const BIN = '/usr/local/bin';

const SOURCES: Record<ArtifactName, Source> = {
  'calico-manifest': { kind: 'cni', data: 'calico', file: () => 'calico.yaml' },
  'flannel-manifest': { kind: 'cni', data: 'flannel', file: () => 'kube-flannel.yml' },
  'cni-plugins': {
    kind: 'cniPlugins',
    data: 'cniPlugins',
    file: (version) => `cni-plugins-linux-amd64-v${version}.tgz`,
    // All of them: which there are differs from version to version.
    programs: () => ({ folder: '/opt/cni/bin', members: ['*'] }),
  },
  'cri-dockerd': {
    kind: 'criDockerd',
    data: 'criDockerd',
    file: (version) => `cri-dockerd-${version}.amd64.tgz`,
    programs: () => ({ folder: BIN, members: ['cri-dockerd/cri-dockerd'] }),
  },
  etcd: {
    kind: 'etcd',
    data: 'etcd',
    file: (version) => `etcd-v${version}-linux-amd64.tar.gz`,
    // Control planes agree in etcd on who makes the cluster: they need to ask, not to serve.
    programs: (version, { etcd }) => ({
      folder: BIN,
      members: (etcd ? ['etcd', 'etcdctl', 'etcdutl'] : ['etcdctl']).map(
        (program) => `etcd-v${version}-linux-amd64/${program}`,
      ),
    }),
  },
  goss: {
    kind: 'goss',
    data: 'goss',
    file: (version) => (isArchive(version) ? `goss_${version}_linux_x86_64.tar.gz` : 'goss-linux-amd64'),
    programs: (version) => ({ folder: BIN, members: isArchive(version) ? ['goss'] : [] }),
  },
};

/** goss came as a program by itself up to 0.4.9. */
const isArchive = (goss: string) => compareVersions(goss, '0.4.10') >= 0;

/** The pod network's version, after the spec's own choice; empty where there is none. */
export function cniVersion(cluster: Cluster, catalog: Catalog): string {
  const { cni, version } = cluster.kubernetes;
  const { calico, flannel, minors } = catalog.kubernetes;
  if (cni.plugin === 'none') return '';
  if (cluster.versions.cni !== undefined) return cluster.versions.cni;
  return cni.plugin === 'flannel' ? flannel.default : (minors[minorOf(version)]?.calico ?? calico.default);
}

export interface ArtifactInput {
  cluster: Cluster;
  catalog: Catalog;
  role: Role;
  runtime: Runtime;
  versions: Versions;
  isNode: boolean;
}

/** What a target fetches beside packages, with what is known of it. */
export function planArtifacts(input: ArtifactInput, urls: MirrorUrls, lock: ArtifactLock): ArtifactPlan[] {
  const { cluster, catalog } = input;
  return wanted(input).map(([name, version]) => {
    const { kind, data, file, programs } = SOURCES[name];
    const known = checksums(catalog.kubernetes, data)[version];
    const entry = lock[name]?.version === version ? lock[name] : undefined;
    const sha256 = known ?? entry?.sha256;
    return {
      name,
      version,
      urls: urls.bases(kind, version).map((base) => `${base}/${file(version)}`),
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(entry === undefined ? {} : { size: entry.size, locked: entry.sha256 }),
      ...(known === undefined ? {} : { known }),
      ...(sha256 === undefined && cluster.artifacts.allowUnlocked ? { unchecked: true } : {}),
      ...(programs ? { programs: programs(version, input.role) } : {}),
    };
  });
}

function checksums(data: KubernetesData, name: Source['data']): Record<string, string> {
  return data[name].sha256;
}

function wanted({ cluster, catalog, role, runtime, versions, isNode }: ArtifactInput) {
  const { kubernetes } = catalog;
  const { plugin } = cluster.kubernetes.cni;
  const found: [ArtifactName, string][] = [];
  if (isNode && runtime.name === 'docker') found.push(['cri-dockerd', versions.criDockerd]);
  if (role.etcd || role.kubernetes === 'control-plane') found.push(['etcd', versions.etcd]);
  // Most have the RPM.
  if (isNode && !kubernetes.minors[minorOf(cluster.kubernetes.version)]?.cni)
    found.push(['cni-plugins', cluster.versions.cniPlugins ?? kubernetes.cniPlugins.default]);
  if (role.kubernetes === 'control-plane' && plugin !== 'none')
    found.push([`${plugin}-manifest`, cniVersion(cluster, catalog)]);
  found.push(['goss', cluster.versions.goss ?? kubernetes.goss.default]);
  // etcd has no version where Kubernetes' is unknown; that is told by itself.
  return found.filter(([, version]) => version !== '').sort(([a], [b]) => (a < b ? -1 : 1));
}

/** Everything that hosts and images of a plan fetch, each once, by name. */
export function artifactsOf({ hosts, roles }: Plan): ArtifactPlan[] {
  const found = new Map<ArtifactName, ArtifactPlan>();
  for (const artifact of [...hosts, ...roles].flatMap((target: HostPlan | RolePlan) => target.artifacts)) {
    const other = found.get(artifact.name);
    // A URL of the spec's own may differ from release to release.
    const urls = other ? [...new Set([...other.urls, ...artifact.urls])] : artifact.urls;
    found.set(artifact.name, { ...artifact, urls });
  }
  return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}
