import type { ClusterPlan, HostPlan } from '../../plan/types.ts';
import { header } from './header.ts';
import type { HostDocument } from './types.ts';

const PATH = '/etc/imgbuild/firstboot.conf';

/** What the steps of the first boot (overlays: usr/libexec/imgbuild/firstboot/steps) have to know, as assignments of sh. */
export const firstboot: HostDocument = {
  scope: 'host',
  paths: [PATH],
  render(cluster, host) {
    const lines = Object.entries(settings(cluster, host)).map(
      ([name, value]) => `${name}=${quoted(value)}\n`,
    );
    return [{ path: PATH, content: `# ${header(cluster, host, host.name)}\n${lines.join('')}` }];
  },
};

/** What the host starts without, and cannot work without; the ESP is only for the next start. */
function awaited({ disks }: HostPlan): string[] {
  return (disks.layouts[0]?.filesystems ?? [])
    .filter(({ type, options }) => type !== 'vfat' && options.includes('nofail'))
    .map(({ mount }) => mount);
}

const quoted = (value: string) => `'${value.replaceAll("'", "'\\''")}'`;
const yes = (condition: boolean) => (condition ? 'yes' : '');

function settings(cluster: ClusterPlan, host: HostPlan): Record<string, string> {
  const { kubernetes, etcd, endpoint } = cluster;
  const { addresses, defaultNetwork, isControlPlane, isEtcd, isNode } = host;
  const named = (list: readonly { name: string; address: string }[], url: (address: string) => string) =>
    list.map(({ name, address }) => `${name}=${url(address)}`);
  return {
    host: host.name,
    role: host.role.name,
    cluster: cluster.name,
    mark: cluster.mark,
    control_plane: yes(isControlPlane),
    node: yes(isNode),
    etcd: yes(isEtcd),
    // Stacked etcd can be asked nothing before the first init: one host alone may do it.
    first_init: yes(etcd.topology === 'stacked' && isControlPlane && endpoint.servers[0]?.name === host.name),
    node_address: addresses.management?.address ?? '',
    addresses: Object.values(addresses)
      .map(({ address }) => address)
      .join(' '),
    gateway: addresses[defaultNetwork]?.gateway ?? '',
    ntp: cluster.ntp.join(' '),
    mounts: awaited(host).join(' '),
    runtime: isNode ? kubernetes.runtime : 'docker',
    cri_socket: kubernetes.criSocket,
    kubernetes_version: kubernetes.version,
    image_repository: kubernetes.imageRepository,
    pause_image: kubernetes.pauseImage,
    cni: kubernetes.cni.plugin,
    endpoint: `${endpoint.name}:${endpoint.port}`,
    endpoint_via: endpoint.via,
    api_servers: named(endpoint.servers, (address) => address).join(' '),
    etcd_topology: etcd.topology,
    etcd_endpoints: etcd.endpoints.join(','),
    etcd_members: named(etcd.members, (address) => `https://${address}:2380`).join(' '),
    report_url: cluster.server ?? '',
  };
}
