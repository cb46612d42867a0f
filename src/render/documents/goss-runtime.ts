import type { ArtifactName, ClusterPlan } from '../../plan/types.ts';
import { type Check, escaped, tells } from './goss-checks.ts';
import type { Kind } from './types.ts';

/** The container runtime and the versions of everything that containers need. */
export function runtimeChecks(cluster: ClusterPlan, kind: Kind): Check[] {
  const isDocker = kind.overlays.includes('docker');
  return [
    ...versionChecks(cluster, kind),
    ...(isDocker ? dockerChecks() : []),
    ...(isDocker || kind.overlays.includes('containerd') ? containerdChecks(!isDocker) : []),
    ...(kind.isNode ? [cri(cluster)] : []),
  ];
}

function versionChecks({ kubernetes }: ClusterPlan, kind: Kind): Check[] {
  const version = (program: string, wanted: string | undefined, args: readonly string[]): Check[] =>
    wanted === undefined
      ? []
      : [
          tells(
            `version of ${program}`,
            args,
            wanted,
            'the versions in the spec, and what is installed here',
          ),
        ];
  const ofKubernetes = kind.isNode ? kubernetes.version : undefined;
  // The control plane has etcdctl alone.
  const ofEtcd = artifact(kind, 'etcd');
  return [
    // The daemon's, which may be older than the program that would start next.
    ...version('Docker', pinned(kind, 'docker-ce'), ['field', 'Server Version', 'docker', 'info']),
    ...version('containerd', pinned(kind, 'containerd.io'), ['version', 'containerd', '--version']),
    ...version('cri-dockerd', artifact(kind, 'cri-dockerd'), ['version', 'cri-dockerd', '--version']),
    ...version('kubelet', ofKubernetes, ['version', 'kubelet', '--version']),
    ...version('kubeadm', ofKubernetes, ['version', 'kubeadm', 'version', '-o', 'short']),
    ...version('kubectl', ofKubernetes, ['version', 'kubectl', 'version', '--client']),
    ...version('etcd', kind.isEtcd ? ofEtcd : undefined, ['version', 'etcd', '--version']),
    ...version('etcdctl', ofEtcd, ['version', 'etcdctl', 'version']),
  ];
}

/** `26.1.4` of `docker-ce-26.1.4-1.el7` or `docker-ce=5:26.1.4-1~debian.12`; undefined where no version is named. */
function pinned({ packages }: Kind, name: string): string | undefined {
  const pattern = new RegExp(`^${escaped(name)}[-=](?:\\d+:)?(\\d[^-~]*)`);
  const all = packages.post.flatMap((group) => group.packages);
  return all.map((each) => pattern.exec(each)?.[1]).find((version) => version !== undefined);
}

function artifact({ artifacts }: Kind, name: ArtifactName): string | undefined {
  return artifacts.find((each) => each.name === name)?.version;
}

function dockerChecks(): Check[] {
  const info = (name: string, field: string, wanted: string) =>
    tells(name, ['field', field, 'docker', 'info'], wanted, 'docker info; /etc/docker/daemon.json');
  return [
    info("Docker's cgroup driver", 'Cgroup Driver', 'systemd'),
    info("Docker's data", 'Docker Root Dir', '/data/docker'),
    info("Docker's storage driver", 'Storage Driver', 'overlay2'),
  ];
}

function containerdChecks(isRuntime: boolean): Check[] {
  const setting = (name: string, key: string, wanted: string) =>
    tells(
      name,
      ['field', key, 'containerd', 'config', 'dump'],
      wanted,
      'containerd config dump; /etc/containerd/config.toml',
    );
  return [
    setting("containerd's data", 'root', '/data/containerd'),
    ...(isRuntime ? [setting("containerd takes systemd's cgroups", 'SystemdCgroup', 'true')] : []),
  ];
}

/** Both sockets may be there: the one that the kubelet uses has to be the planned runtime's. */
function cri({ kubernetes: { runtime, criSocket } }: ClusterPlan): Check {
  return tells(
    'container runtime',
    ['field', 'RuntimeName', 'crictl', '--timeout', '10s', 'version'],
    runtime,
    `crictl version; /etc/crictl.yaml; systemctl status kubelet; the socket is ${criSocket}`,
  );
}
