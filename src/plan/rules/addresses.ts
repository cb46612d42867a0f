import { plural } from '../../report/print.ts';
import type { Cluster, SubnetSpec } from '../../spec/schema/cluster.ts';
import { NETWORKS, type NetworkName } from '../../spec/schema/host.ts';
import { allotRange, networksOf, subnetForRole, subnetsOf } from '../addresses.ts';
import { contains, toAddress, toNumber, toRange } from '../ipv4.ts';
import { type Rule, type RuleContext, repeated, words } from './rule.ts';

/** Addresses that hosts were given in the spec. */
function* given({ cluster }: RuleContext) {
  for (const [h, host] of cluster.hosts.entries()) {
    for (const name of NETWORKS) {
      const address = host.addresses?.[name];
      if (address !== undefined) yield { host, name, address, path: ['hosts', h, 'addresses', name] };
    }
  }
}

/** What an address of a subnet is for, where it is for no host. */
function ownerOf(cluster: Cluster, subnet: SubnetSpec, address: number): string | undefined {
  const { first, last } = toRange(subnet.cidr);
  const { vip, address: balancer } = cluster.kubernetes.endpoint;
  const owners: [string | undefined, string][] = [
    [subnet.gateway, 'the gateway'],
    [toAddress(first), 'the network address'],
    [toAddress(last), 'the broadcast address'],
    [vip, 'the virtual address of the API, in'],
    [cluster.ingress.vip, 'the virtual address of ingress, in'],
    [balancer, 'the address of the load balancer before the API, in'],
  ];
  const [, what] = owners.find(([owned]) => owned === toAddress(address)) ?? [];
  return what && `${what}${what.endsWith(', in') ? '' : ' of'} ${subnet.cidr}`;
}

export const addressRules: Rule[] = [
  {
    code: 'address-duplicate',
    severity: 'error',
    title: 'Two hosts have one address',
    reason: 'Each takes the other’s traffic away; what breaks changes with every ARP answer.',
    remedy: 'Correct one of them, or leave it out: it is then allotted.',
    example:
      'hosts:\n  - { name: knode1, addresses: { management: 10.10.10.81 } }\n  - { name: knode2, addresses: { management: 10.10.10.81 } }\n',
    check: (context, report) => {
      for (const [first, ...others] of repeated([...given(context)], ({ address }) => address)) {
        for (const { host, address, path } of others) {
          report(
            path,
            `${address} of ${host.name} is ${first?.host.name}’s address`,
            'correct one of them, or leave it out: it is then allotted',
          );
        }
      }
    },
  },
  {
    code: 'address-outside',
    severity: 'error',
    title: 'An address lies outside its network',
    reason: 'No gateway reaches it, and no neighbour answers.',
    remedy: 'Choose an address in one of the network’s subnets.',
    example: 'hosts:\n  - { name: knode1, addresses: { management: 192.168.1.10 } }\n',
    check: (context, report) => {
      for (const { host, name, address, path } of given(context)) {
        const network = context.cluster.networks[name];
        if (!network) continue;
        const subnets = subnetsOf(network);
        if (subnets.some((s) => contains(toRange(s.cidr), toNumber(address)))) continue;
        report(
          path,
          `${address} of ${host.name} is in no subnet of ${name}`,
          `choose one in ${subnets.map((s) => s.cidr).join(' or ')}, or leave it out: it is then allotted`,
        );
      }
    },
  },
  {
    code: 'address-reserved',
    severity: 'error',
    title: 'An address is a gateway’s, a network’s, a broadcast’s or a virtual one',
    reason:
      'A host with its gateway’s address cuts a whole subnet off; network and broadcast addresses belong to nobody.',
    remedy: 'Choose another address.',
    example: 'hosts:\n  - { name: knode1, addresses: { management: 10.10.0.1 } }\n',
    check: (context, report) => {
      const { cluster } = context;
      for (const { host, name, address, path } of given(context)) {
        const network = cluster.networks[name];
        if (!network) continue;
        const value = toNumber(address);
        for (const subnet of subnetsOf(network)) {
          const range = toRange(subnet.cidr);
          if (!contains(range, value)) continue;
          const what = ownerOf(cluster, subnet, value);
          if (what)
            report(
              path,
              `${address} of ${host.name} is ${what}`,
              'choose another, or leave it out: it is then allotted',
            );
        }
      }
    },
  },
  {
    code: 'address-unused',
    severity: 'error',
    title: 'A host has an address on a network that none of its NICs carries',
    reason: 'The address would be set nowhere, and what expects the host there would wait for ever.',
    remedy: 'Add the network to a NIC, or remove the address.',
    example:
      'networks: { storage: { cidr: 10.30.0.0/20, gateway: 10.30.0.1 } }\nhosts:\n  - { name: knode1, addresses: { storage: 10.30.0.20 } }\n',
    check: (context, report) => {
      for (const { host, name, path } of given(context)) {
        if (!networksOf(host).includes(name))
          report(
            path,
            `no NIC of ${host.name} carries the ${name} network`,
            `add ${name} to a NIC’s networks, or remove the address`,
          );
      }
    },
  },
  {
    code: 'address-locked',
    severity: 'error',
    title: 'An address was allotted to another host',
    reason:
      '`addresses.lock.yaml` records what was allotted, so that no host moves. Giving the address to a second one would move the first.',
    remedy: 'Choose another address; or, to move the first host, delete its line from the lock.',
    example: 'hosts:\n  - { name: knode1, addresses: { management: 10.10.0.11 } }\n',
    check: (context, report) => {
      const { cluster, lock } = context;
      const names = new Set(cluster.hosts.map((host) => host.name));
      const holder = new Map<string, string>();
      for (const name of NETWORKS) {
        for (const [host, address] of Object.entries(lock[name] ?? {}))
          if (names.has(host)) holder.set(`${name} ${address}`, host);
      }
      for (const { host, name, address, path } of given(context)) {
        const other = holder.get(`${name} ${address}`);
        const otherSpec = cluster.hosts.find((h) => h.name === other);
        if (!other || other === host.name || otherSpec?.addresses?.[name] !== undefined) continue;
        report(
          path,
          `${address} was allotted to ${other}`,
          `choose another; or delete ${other}’s line from addresses.lock.yaml to move it`,
        );
      }
    },
  },
  {
    code: 'address-moved',
    severity: 'error',
    title: 'A host would lose the address that it was allotted',
    reason:
      '`addresses.lock.yaml` records what was allotted, so that no host moves. What now has its address would move it, and certificates, /etc/hosts and members of etcd know it by the old one.',
    remedy: 'Correct what has taken the address; or, to move the host, delete its line from the lock.',
    example: 'kubernetes: { endpoint: { address: 10.10.0.11 } }\n',
    check: ({ cluster, lock }, report) => {
      for (const [index, host] of cluster.hosts.entries()) {
        for (const name of networksOf(host)) {
          const network = cluster.networks[name];
          const had = Object.hasOwn(lock[name] ?? {}, host.name) ? lock[name]?.[host.name] : undefined;
          if (!network || had === undefined || host.addresses?.[name] !== undefined) continue;
          const subnet = subnetsOf(network).find(({ cidr }) => contains(toRange(cidr), toNumber(had)));
          const what =
            subnet &&
            (ownerOf(cluster, subnet, toNumber(had)) ??
              (network.dns.includes(had)
                ? 'a name server’s; a host that is one is given its address'
                : undefined));
          if (what)
            report(
              ['hosts', index, 'name'],
              `${host.name} was allotted ${had}, which is now ${what}`,
              `correct that; or delete ${host.name}’s line from addresses.lock.yaml to move it`,
            );
        }
      }
    },
  },
  {
    code: 'address-exhausted',
    severity: 'error',
    title: 'A subnet has no address left',
    reason: 'A host without an address cannot be rendered.',
    remedy: 'Widen the subnet’s `allot` range, or divide the network otherwise.',
    example: 'networks: { management: { allot: { from: 10.10.0.11, to: 10.10.0.12 } } }\n',
    check: ({ cluster, host }, report) => {
      const without = new Map<string, { subnet: SubnetSpec; hosts: { index: number; name: string }[] }>();
      for (const [index, spec] of cluster.hosts.entries()) {
        for (const name of networksOf(spec)) {
          const network = cluster.networks[name];
          const planned = host.get(spec.name);
          if (!network || !planned || planned.addresses[name] || spec.addresses?.[name] !== undefined)
            continue;
          const subnet = subnetForRole(network, spec.role);
          if (!subnet) continue;
          const { hosts } = without.get(subnet.cidr) ?? { hosts: [] };
          without.set(subnet.cidr, { subnet, hosts: [...hosts, { index, name: spec.name }] });
        }
      }
      for (const { subnet, hosts } of without.values()) {
        const { from, to } = allotRange(subnet);
        report(
          ['hosts', hosts[0]?.index ?? 0, 'name'],
          `${plural(hosts.length, 'host')} too many for ${subnet.cidr}, which has ${Math.max(0, to - from + 1)} to allot: ${words(hosts.map(({ name }) => name))}`,
          'widen allot, or give the network another subnet',
        );
      }
    },
  },
  {
    code: 'subnet-missing',
    severity: 'error',
    title: 'A role has no subnet',
    reason: 'Where every subnet names its roles, hosts of another role have nowhere to be.',
    remedy: 'Add the role to a subnet, or leave `roles` out of one: it takes all others.',
    example:
      'networks:\n  management: { subnets: [{ cidr: 10.10.0.0/24, gateway: 10.10.0.1, roles: [master] }] }\n',
    check: ({ cluster }, report) => {
      const reported = new Set<string>();
      for (const host of cluster.hosts) {
        for (const name of networksOf(host)) {
          const network = cluster.networks[name];
          if (!network || host.addresses?.[name] !== undefined || subnetForRole(network, host.role)) continue;
          if (reported.has(`${name} ${host.role}`)) continue;
          reported.add(`${name} ${host.role}`);
          report(
            ['networks', name, 'subnets'],
            `no subnet of ${name} takes the role ${host.role}`,
            'add the role to a subnet, or leave roles out of one',
          );
        }
      }
    },
  },
  {
    code: 'allot-range',
    severity: 'error',
    title: 'Addresses are to be allotted from outside the subnet',
    reason: 'Allotted addresses must be usable in the subnet.',
    remedy: 'Correct `allot`.',
    example: 'networks: { management: { allot: { from: 10.99.0.10, to: 10.99.0.20 } } }\n',
    check: ({ cluster }, report) => {
      for (const name of NETWORKS as readonly NetworkName[]) {
        const network = cluster.networks[name];
        if (!network) continue;
        for (const [index, subnet] of subnetsOf(network).entries()) {
          if (!subnet.allot) continue;
          const range = toRange(subnet.cidr);
          const { from, to } = allotRange(subnet);
          const path = network.subnets
            ? ['networks', name, 'subnets', index, 'allot']
            : ['networks', name, 'allot'];
          if (!contains(range, from) || !contains(range, to))
            report(
              path,
              `${subnet.allot.from} to ${subnet.allot.to} is not inside ${subnet.cidr}`,
              'correct the range',
            );
          else if (from > to)
            report(
              path,
              `${subnet.allot.from} comes after ${subnet.allot.to}`,
              'write the lower address under from',
            );
        }
      }
    },
  },
];
