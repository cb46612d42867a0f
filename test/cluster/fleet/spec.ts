/** Specs of clusters in the rig. */
import type { Emulation } from '../rig/emulated.ts';
import type { KubernetesVersion } from './images.ts';

/** Whom hosts take the time from; outside the range that addresses are allotted from. */
export const CLOCK = '192.0.2.5';

export interface FleetSpec {
  kubernetes: KubernetesVersion;
  runtime: 'containerd' | 'docker';
  /** How many of each. */
  etcd: number;
  masters: number;
  workers: number;
  /** Other roles, of which there is one host each. */
  others?: string[];
  /** The spec's kubernetes.endpoint, as YAML on one line. */
  endpoint?: string;
  /** kube-proxy's; what the machine's kernel can by default. */
  proxyMode?: 'iptables' | 'ipvs' | 'nftables';
  /** Hosts with a kernel and a clock of their own. */
  emulated?: Record<string, Omit<Emulation, 'address'>>;
  /** Of hosts that lack some: what is mounted on them, where others have HostOptions.volumes. */
  volumes?: Record<string, string[]>;
  /** More of the spec's text, at its end. */
  more?: string;
}

/** The spec's text: hosts etcd-1, master-1, worker-1 and so on. */
export function specOf(options: FleetSpec): string {
  const { kubernetes, runtime, etcd, masters, workers, endpoint = '{}', more = '' } = options;
  const { proxyMode = 'iptables', others = [] } = options;
  const hosts = [
    ...[...named('etcd', etcd), ...named('master', masters), ...named('worker', workers)],
    ...others.flatMap((role) => named(role, 1)),
  ];
  return `name: rig
id: "0badca"
os: { release: debian-12 }
kubernetes:
  version: ${kubernetes}
  runtime: ${runtime}
  podSubnet: 10.244.0.0/16
  serviceSubnet: 10.96.0.0/12
  proxyMode: ${proxyMode}
  cni: { plugin: flannel }
  endpoint: ${endpoint}
networks:
  management: { cidr: 192.0.2.0/24, gateway: 192.0.2.1, dns: [${CLOCK}] }
  container: { cidr: 198.51.100.0/24, gateway: 198.51.100.1 }
ntp: [${CLOCK}]
hosts:
${hosts.map(hostOf).join('')}${more}`;
}

const named = (role: string, count: number) =>
  Array.from({ length: count }, (_, index) => ({ name: `${role}-${index + 1}`, role }));

function hostOf({ name, role }: { name: string; role: string }, index: number): string {
  const mac = (nic: number) => `02:00:5e:10:${(index + 1).toString(16).padStart(2, '0')}:0${nic}`;
  const nics = [`{ mac: "${mac(1)}", networks: [management] }`];
  if (role !== 'etcd') nics.push(`{ mac: "${mac(2)}", networks: [container] }`);
  return `  - { name: ${name}, role: ${role}, nics: [${nics.join(', ')}] }\n`;
}
