import { toAddress, toRange } from '../../plan/ipv4.ts';
import type { ClusterPlan } from '../../plan/types.ts';
import { header } from './header.ts';
import type { SharedDocument } from './types.ts';

const PATH = '/etc/imgbuild/cni.conf';

/** What usr/libexec/imgbuild/cni-manifest adapts the pod network's manifest to, as assignments of sh. */
export const cni: SharedDocument = {
  scope: 'shared',
  paths: [PATH],
  render(cluster, kind) {
    if (!kind.isControlPlane || cluster.kubernetes.cni.plugin === 'none') return [];
    const lines = Object.entries(settings(cluster)).map(([name, value]) => `${name}='${value}'\n`);
    return [{ path: PATH, content: `# ${header(cluster, kind)}\n${lines.join('')}` }];
  },
};

function settings({ kubernetes, networks }: ClusterPlan): Record<string, string> {
  const { cni: pods, podSubnet } = kubernetes;
  const nodes = networks.container ?? networks.management;
  const range = nodes?.cidr ?? '';
  return {
    plugin: pods.plugin,
    manifest: `${pods.plugin}-manifest`,
    mode: pods.mode,
    pod_subnet: pods.plugin === 'flannel' ? pods.network : podSubnet,
    mtu: String(pods.mtu),
    node_network: range,
    node_pattern: addressPattern(range),
    image_repository: pods.imageRepository ?? '',
  };
}

/** A regular expression that the addresses of a range match, and no others: flannel finds its interface by one. */
export function addressPattern(cidr: string): string {
  const { first, last } = toRange(cidr);
  const from = toAddress(first).split('.').map(Number);
  const to = toAddress(last).split('.').map(Number);
  const octets = from.map((low, index) => {
    const high = to[index] ?? low;
    if (low === high) return String(low);
    if (low === 0 && high === 255) return '[0-9]+';
    return `(${Array.from({ length: high - low + 1 }, (_, step) => low + step).join('|')})`;
  });
  return `^${octets.join('\\.')}$`;
}
