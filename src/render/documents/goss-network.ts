import { toAddress, toRange } from '../../plan/ipv4.ts';
import type { AddressPlan, ClusterPlan, HostPlan } from '../../plan/types.ts';
import { NETWORKS } from '../../spec/schema/host.ts';
import { type Check, look } from './goss-checks.ts';
import { connections } from './network.ts';
import type { Kind } from './types.ts';

/** That every host's name leads to its management address, and the API's to where /etc/hosts says. */
export function nameChecks({ hostsFile, endpoint }: ClusterPlan, { isNode }: Kind): Check[] {
  const api = isNode || endpoint.via !== 'local-proxy';
  const names = hostsFile.flatMap(({ address, names: all }) => all.map((name) => ({ name, address })));
  return [...names, ...(api ? [{ name: endpoint.name, address: endpoint.address }] : [])].map(
    ({ name, address }) => ({
      type: 'dns',
      id: name,
      name: 'names of the hosts',
      fields: { resolvable: true, addrs: { 'consist-of': [address] } },
      expected: 'each leads to its address, and to no other',
      see: '/etc/hosts; getent hosts NAME',
    }),
  );
}

/** That each address is on the planned NIC, and each bond has its ports. */
export function addressChecks(cluster: ClusterPlan, host: HostPlan): Check[] {
  const macs = new Map(host.links.map((link) => [link.name, link.macs]));
  const networkOf = (address: string) =>
    Object.values(host.addresses).find((own) => own.address === address)?.network ?? '';
  return [
    ...connections(cluster, host).flatMap(({ name, kind, parent, ip, mtu }) => {
      const link = (kind === 'vlan' ? parent : name) ?? name;
      const own = macs.get(link) ?? [];
      if (!ip) return [];
      return [
        look(
          `address of the ${networkOf(ip.address)} network`,
          ['address', `${ip.address}/${ip.prefix}`, mtu, ...own],
          {
            expected: `${ip.address}/${ip.prefix} on ${name} (${own.join(', ')}), MTU ${mtu}`,
            see: 'ip addr; ip link',
          },
        ),
      ];
    }),
    ...host.links.flatMap(({ bond, macs: ports }) =>
      bond
        ? [
            look(`bond ${bond.name}`, ['bond', bond.name, bond.mode, ...ports], {
              expected: `${bond.mode}, and all ports up: ${ports.join(', ')}`,
              see: `cat /proc/net/bonding/${bond.name}`,
            }),
          ]
        : [],
    ),
  ];
}

interface Way {
  to: string;
  /** Undefined: the kernel chooses the source, which has to be that of the network as well. */
  from?: string;
  by: AddressPlan;
}

/** That what goes to each network, and what answers from it, leaves by the planned NIC. */
export function routeChecks(cluster: ClusterPlan, host: HostPlan): Check[] {
  return ways(cluster, host).map(({ to, from, by }) =>
    look(
      `routes by the ${by.network} network`,
      ['route', to, from ?? '-', by.address],
      { expected: `they leave by the NIC of ${by.address}`, see: 'ip rule; ip route show table all' },
      `route to ${to}${from === undefined ? '' : ` from ${from}`}`,
    ),
  );
}

/** Nobody's: an address for documents (RFC 5737). */
const ELSEWHERE = '198.51.100.1';

/** What follows from src/render/documents/network.ts, in the order of the networks. */
function ways(cluster: ClusterPlan, host: HostPlan): Way[] {
  const attached = NETWORKS.flatMap((name) => host.addresses[name] ?? []);
  const fallback = host.addresses[host.defaultNetwork];
  const routed = (own: AddressPlan | undefined) => own?.gateway !== undefined;
  const found: Way[] = [];
  for (const name of NETWORKS) {
    const network = cluster.networks[name];
    if (!network) continue;
    const own = host.addresses[name];
    const far = lastOf(network.cidr, own);
    const by = own ?? fallback;
    if (own) found.push({ to: lastOf(own.subnet, own), by: own });
    if (by && routed(by)) found.push({ to: far, by });
    // An answer goes back by the network that was asked for, although the asker's has a route of its own.
    for (const other of attached)
      if (own && other !== own && routed(other)) found.push({ to: far, from: other.address, by: other });
  }
  for (const own of attached)
    if (own !== fallback && routed(own)) found.push({ to: ELSEWHERE, from: own.address, by: own });
  if (fallback && routed(fallback)) found.push({ to: ELSEWHERE, by: fallback });
  return [...new Map(found.map((way) => [`${way.to} ${way.from ?? ''}`, way])).values()];
}

/** The last address of a range that is not the host's own. */
function lastOf(cidr: string, own: AddressPlan | undefined): string {
  const { last } = toRange(cidr);
  const address = toAddress(last - 1);
  return address === own?.address ? toAddress(last - 2) : address;
}
