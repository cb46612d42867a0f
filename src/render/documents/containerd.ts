import type { ClusterPlan } from '../../plan/types.ts';
import { header } from './header.ts';
import { type Toml, toToml } from './toml.ts';
import type { DocumentFile, Kind, SharedDocument } from './types.ts';

const CERTS = '/etc/containerd/certs.d';

/** containerd's configuration: as the runtime of Kubernetes, or beneath Docker, which wants only its root. */
export const containerd: SharedDocument = {
  scope: 'shared',
  paths: ['/etc/containerd/config.toml', `${CERTS}/*/hosts.toml`],
  render(cluster, kind) {
    const isRuntime = kind.overlays.includes('containerd');
    if (!isRuntime && !kind.overlays.includes('docker')) return [];
    const schema = configVersion(kind);
    const config: Toml = {
      version: schema,
      root: '/data/containerd',
      state: '/run/containerd',
      ...(isRuntime
        ? { plugins: criPlugins(schema, cluster.kubernetes.pauseImage) }
        : { disabled_plugins: CRI[schema] }),
    };
    const note = `# ${header(cluster, kind)}\n`;
    const files = [{ path: '/etc/containerd/config.toml', content: note + toToml(config) }];
    return isRuntime ? [...files, ...registries(cluster, note)] : files;
  },
};

/** containerd 2 has configuration version 3; 1.6 and 1.7 read no newer one than 2. */
function configVersion({ packages }: Pick<Kind, 'packages'>): 2 | 3 {
  const version = packages.pinned.find(({ name }) => name === 'containerd.io')?.version;
  // Where no version is pinned, the older form: containerd 2 still reads it.
  return version !== undefined && Number.parseInt(version, 10) >= 2 ? 3 : 2;
}

/** The plugins that are the CRI. Beneath Docker they are off, so that nothing takes containerd for the runtime. */
const CRI = {
  2: ['io.containerd.grpc.v1.cri'],
  3: ['io.containerd.grpc.v1.cri', 'io.containerd.cri.v1.images', 'io.containerd.cri.v1.runtime'],
};

function criPlugins(schema: 2 | 3, pauseImage: string): Toml {
  const runc: Toml = { runtime_type: 'io.containerd.runc.v2', options: { SystemdCgroup: true } };
  if (schema === 3) {
    return {
      'io.containerd.cri.v1.images': {
        pinned_images: { sandbox: pauseImage },
        registry: { config_path: CERTS },
      },
      'io.containerd.cri.v1.runtime': { containerd: { default_runtime_name: 'runc', runtimes: { runc } } },
    };
  }
  return {
    'io.containerd.grpc.v1.cri': {
      sandbox_image: pauseImage,
      containerd: { default_runtime_name: 'runc', runtimes: { runc } },
      registry: { config_path: CERTS },
    },
  };
}

/** One hosts.toml for each registry with mirrors; the registry itself is asked last. */
function registries(cluster: ClusterPlan, note: string): DocumentFile[] {
  return Object.entries(cluster.registryMirrors).map(([registry, mirrors]) => {
    const host = Object.fromEntries(mirrors.map((url) => [url, mirror(url)]));
    // Docker Hub's name in image references is not where it is served.
    const server = `https://${registry === 'docker.io' ? 'registry-1.docker.io' : registry}`;
    return { path: `${CERTS}/${registry}/hosts.toml`, content: note + toToml({ server, host }) };
  });
}

function mirror(url: string): Toml {
  const hasPath = new URL(url).pathname !== '/';
  return { capabilities: ['pull', 'resolve'], ...(hasPath ? { override_path: true } : {}) };
}
