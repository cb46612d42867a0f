import type { Cluster, NetworkSpec, SubnetSpec } from '../spec/schema/cluster.ts';
import { type HostSpec, NETWORKS, type NetworkName } from '../spec/schema/host.ts';
import { contains, type Range, toAddress, toNumber, toRange } from './ipv4.ts';

/**
 * Addresses that earlier runs allotted, by network and host: kept in `addresses.lock.yaml` beside the
 * spec, so that adding, removing or reordering hosts moves no other.
 */
export type AddressLock = Partial<Record<NetworkName, Record<string, string>>>;

export interface Allotted {
  address: string;
  subnet: SubnetSpec;
  allotted: boolean;
}

/** A network's subnets; one without any is a single subnet. */
export function subnetsOf(network: NetworkSpec): SubnetSpec[] {
  if (network.subnets) return network.subnets;
  return [
    {
      cidr: network.cidr,
      // Rules refuse a network without a gateway where one is needed.
      gateway: network.gateway ?? '',
      ...(network.allot ? { allot: network.allot } : {}),
    },
  ];
}

/** The subnet that a role's hosts live in. */
export function subnetForRole(network: NetworkSpec, role: string): SubnetSpec | undefined {
  const subnets = subnetsOf(network);
  return subnets.find((s) => s.roles?.includes(role)) ?? subnets.find((s) => s.roles === undefined);
}

/** The networks that lie on a host's NICs. */
export function networksOf(host: HostSpec): NetworkName[] {
  return NETWORKS.filter((name) => host.nics.some((nic) => nic.networks.includes(name)));
}

/** First and last address that may be allotted from a subnet. */
export function allotRange(subnet: SubnetSpec): { from: number; to: number } {
  const range = toRange(subnet.cidr);
  if (subnet.allot) return { from: toNumber(subnet.allot.from), to: toNumber(subnet.allot.to) };
  // The first ten are left to gateways, virtual addresses and switches.
  return { from: Math.min(range.first + 11, range.last), to: range.last - 1 };
}

/**
 * Every host's address on one network: the given one, else the locked one, else the lowest free one in
 * spec order. A host for which there is none is left out; rules say why.
 */
export function allot(
  cluster: Cluster,
  name: NetworkName,
  lock: Readonly<Record<string, string>> = {},
): Map<string, Allotted> {
  const network = cluster.networks[name];
  const result = new Map<string, Allotted>();
  if (!network) return result;
  const hosts = cluster.hosts.filter((host) => networksOf(host).includes(name));
  const taken = reserved(cluster, network);
  const subnets = subnetsOf(network).map((subnet) => ({ subnet, range: toRange(subnet.cidr) }));

  for (const host of hosts) {
    const given = host.addresses?.[name];
    if (given === undefined) continue;
    taken.add(toNumber(given));
    const home = subnets.find(({ range }) => contains(range, toNumber(given)));
    if (home) result.set(host.name, { address: given, subnet: home.subnet, allotted: false });
  }
  const waiting: { host: HostSpec; subnet: SubnetSpec; range: Range }[] = [];
  for (const host of hosts) {
    if (host.addresses?.[name] !== undefined) continue;
    const subnet = subnetForRole(network, host.role);
    if (!subnet) continue;
    const range = toRange(subnet.cidr);
    const locked = Object.hasOwn(lock, host.name) ? lock[host.name] : undefined;
    if (locked !== undefined && contains(range, toNumber(locked)) && !taken.has(toNumber(locked))) {
      taken.add(toNumber(locked));
      result.set(host.name, { address: locked, subnet, allotted: true });
    } else waiting.push({ host, subnet, range });
  }
  // Where the search of a subnet goes on, so that a thousand hosts do not each begin at the start.
  const next = new Map<string, number>();
  for (const { host, subnet } of waiting) {
    const { from, to } = allotRange(subnet);
    let candidate = next.get(subnet.cidr) ?? from;
    while (candidate <= to && taken.has(candidate)) candidate++;
    next.set(subnet.cidr, candidate + 1);
    if (candidate > to) continue;
    taken.add(candidate);
    result.set(host.name, { address: toAddress(candidate), subnet, allotted: true });
  }
  return result;
}

/** Addresses that no host may be allotted: gateways, network and broadcast, virtual addresses, a load balancer's, name servers. */
function reserved(cluster: Cluster, network: NetworkSpec): Set<number> {
  const taken = new Set<number>();
  for (const subnet of subnetsOf(network)) {
    const range = toRange(subnet.cidr);
    taken.add(range.first).add(range.last);
    if (subnet.gateway) taken.add(toNumber(subnet.gateway));
  }
  if (network.gateway) taken.add(toNumber(network.gateway));
  const { vip, address: balancer } = cluster.kubernetes.endpoint;
  for (const address of [vip, balancer, cluster.ingress.vip, ...network.dns]) {
    if (address) taken.add(toNumber(address));
  }
  return taken;
}

/** The lock after this plan: what was allotted, in spec order; networks with nothing allotted are left out. */
export function lockOf(addresses: ReadonlyMap<NetworkName, Map<string, Allotted>>): AddressLock {
  const lock: AddressLock = {};
  for (const [network, hosts] of addresses) {
    const entries = [...hosts].filter(([, a]) => a.allotted).map(([host, a]) => [host, a.address] as const);
    if (entries.length > 0) {
      lock[network] = Object.fromEntries(entries.sort(([, a], [, b]) => toNumber(a) - toNumber(b)));
    }
  }
  return lock;
}
