import { contains, toNumber, toRange } from '../../plan/ipv4.ts';
import type { AddressPlan, ClusterPlan, HostPlan, LinkPlan } from '../../plan/types.ts';
import { NETWORKS, type NetworkName } from '../../spec/schema/host.ts';

/** One interface with what is configured on it, whichever program configures it. */
export interface Connection {
  kind: 'ethernet' | 'bond' | 'port' | 'vlan';
  /** `nic0`, `bond0`, `bond0p0`, `vlan132`. Of a NIC or a port it is our name; the kernel may use another. */
  name: string;
  /** Of a NIC or a port: what it is found by. */
  mac?: string;
  /** Of a bond; `primary` is the connection name of the port to prefer. */
  bond?: { mode: NonNullable<LinkPlan['bond']>['mode']; primary: string };
  /** Of a port, its bond; of a VLAN, what carries it. */
  parent?: string;
  /** Of a VLAN. */
  vlan?: number;
  mtu: number;
  /** Absent where only tagged networks lie on it. */
  ip?: IpConfig;
}

export interface IpConfig {
  network: NetworkName;
  address: string;
  prefix: number;
  /** Only on the network that carries the default route. */
  gateway?: string;
  dns: string[];
  routes: Route[];
  rules: Rule[];
}

/** A route; in the main table where none is named, on the link itself where there is no gateway. */
export interface Route {
  to: string;
  via?: string;
  table?: number;
}

/** A routing rule. `suppressDefault`: look there, but for the default route. */
export interface Rule {
  priority: number;
  from?: string;
  to?: string;
  table: number;
  suppressDefault?: boolean;
}

const MAIN_TABLE = 254;
/** A table for each network, whose default route leaves by that network. */
const TABLES: Record<NetworkName, number> = { management: 101, container: 102, storage: 103 };

/** A host's interfaces, those that others need first. */
export function connections(cluster: ClusterPlan, host: HostPlan): Connection[] {
  return host.links.flatMap((link) => {
    const untagged = link.networks.find((name) => cluster.networks[name]?.vlan === undefined);
    const tagged = link.networks.filter((name) => name !== untagged);
    return [
      ...linkConnections(link, untagged && ipConfig(untagged, cluster, host)),
      ...tagged.map((name) => vlanConnection(name, link, cluster, host)),
    ];
  });
}

/** The first three name servers, which is what a resolver reads. */
export function nameServers(all: readonly Connection[]): string[] {
  return [...new Set(all.flatMap(({ ip }) => ip?.dns ?? []))].slice(0, 3);
}

function linkConnections(link: LinkPlan, ip: IpConfig | undefined): Connection[] {
  const { name, mtu } = link;
  const addressed = ip ? { ip } : {};
  if (!link.bond) return [{ kind: 'ethernet', name, mtu, mac: link.macs[0] ?? '', ...addressed }];
  const ports = link.macs.map(
    (mac, index): Connection => ({ kind: 'port', name: `${name}p${index}`, mac, parent: name, mtu }),
  );
  return [
    { kind: 'bond', name, mtu, bond: { mode: link.bond.mode, primary: `${name}p0` }, ...addressed },
    ...ports,
  ];
}

function vlanConnection(
  network: NetworkName,
  link: LinkPlan,
  cluster: ClusterPlan,
  host: HostPlan,
): Connection {
  const plan = cluster.networks[network];
  const ip = ipConfig(network, cluster, host);
  return {
    kind: 'vlan',
    // The network service of EL 7 brings up what is called vlan… after what carries it.
    name: `vlan${plan?.vlan}`,
    parent: link.name,
    ...(plan?.vlan === undefined ? {} : { vlan: plan.vlan }),
    mtu: plan?.mtu ?? link.mtu,
    ...(ip ? { ip } : {}),
  };
}

function ipConfig(network: NetworkName, cluster: ClusterPlan, host: HostPlan): IpConfig | undefined {
  const own = host.addresses[network];
  const plan = cluster.networks[network];
  if (!own || !plan) return undefined;
  const { address, prefix, gateway } = own;
  const common = { network, address, prefix, dns: plan.dns };
  const services = network === host.defaultNetwork ? [] : serviceRoutes(network, cluster, host);
  if (gateway === undefined) return { ...common, routes: services, rules: [] };
  const between = betweenRules(own, cluster, host);
  if (network === host.defaultNetwork) {
    const routes = between.length > 0 ? tableRoutes(own, gateway) : [];
    return { ...common, gateway, routes, rules: between };
  }
  return {
    ...common,
    routes: [...services, ...sideRoutes(own, gateway, cluster, host)],
    rules: [...between, ...sideRules(own, cluster, host)],
  };
}

/** What goes by a network that has not the default route: its own range; its name servers, and the API's load balancer, elsewhere. */
function sideRoutes(
  { network, subnet }: AddressPlan,
  gateway: string,
  cluster: ClusterPlan,
  { isNode }: HostPlan,
): Route[] {
  const plan = cluster.networks[network];
  const { via, address } = cluster.endpoint;
  const balancer = network === 'management' && isNode && via === 'external' ? [address] : [];
  const known = Object.values(cluster.networks).map(({ cidr }) => toRange(cidr));
  const far = [...(plan?.dns ?? []), ...balancer].filter(
    (server) => !known.some((range) => contains(range, toNumber(server))),
  );
  return [
    ...(plan && plan.cidr !== subnet ? [{ to: plan.cidr, via: gateway }] : []),
    ...far.map((server) => ({ to: `${server}/32`, via: gateway })),
    ...tableRoutes({ network, subnet }, gateway),
  ];
}

/**
 * A host that calls a service chooses its source address by where the service's address leads, and keeps it when kube-proxy turns
 * the call to another host. Nodes are known by their management addresses, so that is the way: by the default
 * route the call would have the container network's address, and go from there to management only where routers join the two. No
 * packet leaves with a service's address.
 */
function serviceRoutes(network: NetworkName, { kubernetes }: ClusterPlan, host: HostPlan): Route[] {
  return host.isNode && network === 'management' ? [{ to: kubernetes.serviceSubnet }] : [];
}

/** A network's own table: its subnet, and everything else by its gateway. */
function tableRoutes({ network, subnet }: Pick<AddressPlan, 'network' | 'subnet'>, gateway: string): Route[] {
  const table = TABLES[network];
  return [
    { to: subnet, table },
    { to: '0.0.0.0/0', via: gateway, table },
  ];
}

/**
 * A host that has only management asks another by its container address: the answer must go back by the
 * container network, although management's range has a route of its own, or strict reverse-path filters drop the question.
 */
function betweenRules(own: AddressPlan, cluster: ClusterPlan, host: HostPlan): Rule[] {
  const others = NETWORKS.filter((name) => name !== own.network && host.addresses[name]);
  const base = 4000 + 100 * NETWORKS.indexOf(own.network);
  return sourcesOn(own, cluster, host)
    .flatMap((from) => others.flatMap((name) => ({ from, to: cluster.networks[name]?.cidr })))
    .flatMap(({ from, to }, index) =>
      to === undefined
        ? []
        : [{ priority: base + index, from: `${from}/32`, to, table: TABLES[own.network] }],
    );
}

/** A host's own address on a network, and the virtual ones that it may be given there. */
function sourcesOn(own: AddressPlan, cluster: ClusterPlan, host: HostPlan): string[] {
  return [own.address, ...virtualAddresses(cluster, host).filter((vip) => isIn(vip, own))];
}

/**
 * Replies leave by the network that the question came in by: what has this network's address as its source
 * takes this network's default route. Every route of the main table but its default goes first, or traffic to
 * pods and containers on this very host would leave it.
 */
function sideRules(own: AddressPlan, cluster: ClusterPlan, host: HostPlan): Rule[] {
  const base = 5000 + 10 * NETWORKS.indexOf(own.network);
  const table = TABLES[own.network];
  return [
    { priority: base, table: MAIN_TABLE, suppressDefault: true },
    ...sourcesOn(own, cluster, host).map((from, index) => ({
      priority: base + 1 + index,
      from: `${from}/32`,
      table,
    })),
  ];
}

/** The addresses that keepalived may give this host. */
function virtualAddresses(cluster: ClusterPlan, host: HostPlan): string[] {
  return [
    ...(cluster.endpoint.via === 'vip' && host.isControlPlane ? [cluster.endpoint.address] : []),
    ...(cluster.ingress.vip !== undefined && host.isIngress ? [cluster.ingress.vip] : []),
  ];
}

/** Whether an address lies in the subnet of a host's own. */
export function isIn(address: string, own: AddressPlan): boolean {
  return contains(toRange(own.subnet), toNumber(address));
}
