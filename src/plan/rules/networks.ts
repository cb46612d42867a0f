import { NETWORKS } from '../../spec/schema/host.ts';
import { networksOf, subnetsOf } from '../addresses.ts';
import { contains, overlap, toNumber, toRange } from '../ipv4.ts';
import { type Rule, words } from './rule.ts';

export const networkRules: Rule[] = [
  {
    code: 'subnet-outside',
    severity: 'error',
    title: 'A subnet lies outside its network',
    reason:
      'Hosts route the network’s range through their subnet’s gateway; a subnet outside of it would be reached by the default route.',
    remedy: 'Correct the subnet, or widen the network’s `cidr`.',
    example: 'networks:\n  management: { subnets: [{ cidr: 10.99.0.0/24, gateway: 10.99.0.1 }] }\n',
    check: ({ cluster }, report) => {
      for (const name of NETWORKS) {
        const network = cluster.networks[name];
        const whole = network && toRange(network.cidr);
        for (const [index, subnet] of (network?.subnets ?? []).entries()) {
          const range = toRange(subnet.cidr);
          if (whole && !(contains(whole, range.first) && contains(whole, range.last)))
            report(
              ['networks', name, 'subnets', index, 'cidr'],
              `${subnet.cidr} is not inside ${network?.cidr}`,
              `correct it, or widen networks.${name}.cidr`,
            );
        }
      }
    },
  },
  {
    code: 'subnet-overlap',
    severity: 'error',
    title: 'Two subnets of a network overlap',
    reason: 'Hosts would take neighbours behind a gateway for neighbours on the wire.',
    remedy: 'Divide the network into parts that lie apart.',
    example:
      'networks:\n  management: { subnets: [{ cidr: 10.10.0.0/23, gateway: 10.10.0.1, roles: [master] }, { cidr: 10.10.1.0/24, gateway: 10.10.1.1 }] }\n',
    check: ({ cluster }, report) => {
      for (const name of NETWORKS) {
        const subnets = cluster.networks[name]?.subnets ?? [];
        for (const [index, b] of subnets.entries()) {
          const a = subnets.slice(0, index).find((s) => overlap(toRange(s.cidr), toRange(b.cidr)));
          if (a)
            report(
              ['networks', name, 'subnets', index, 'cidr'],
              `${b.cidr} overlaps ${a.cidr}`,
              'divide the network into parts that lie apart',
            );
        }
      }
    },
  },
  {
    code: 'gateway-outside',
    severity: 'error',
    title: 'A gateway lies outside its subnet',
    reason: 'A host reaches a gateway on the wire or not at all.',
    remedy: 'Correct the gateway.',
    example: 'networks: { management: { gateway: 10.99.0.1 } }\n',
    check: ({ cluster }, report) => {
      for (const name of NETWORKS) {
        const network = cluster.networks[name];
        if (!network) continue;
        for (const [index, subnet] of subnetsOf(network).entries()) {
          if (!subnet.gateway) continue;
          const range = toRange(subnet.cidr);
          const value = toNumber(subnet.gateway);
          const path = network.subnets
            ? ['networks', name, 'subnets', index, 'gateway']
            : ['networks', name, 'gateway'];
          if (!contains(range, value) || value === range.first || value === range.last)
            report(
              path,
              `${subnet.gateway} is no address for a host in ${subnet.cidr}`,
              'correct the gateway',
            );
        }
      }
    },
  },
  {
    code: 'gateway-missing',
    severity: 'error',
    title: 'A network has no gateway',
    reason: 'The default route, the way to the other subnets and the way back all lead through it.',
    remedy: 'Set `gateway`, or describe `subnets` with theirs.',
    example: 'networks: { storage: { cidr: 10.30.0.0/20 } }\n',
    check: ({ cluster }, report) => {
      for (const name of NETWORKS) {
        const network = cluster.networks[name];
        if (network && !network.gateway && !network.subnets)
          report(
            ['networks', name],
            `networks.${name} has no gateway`,
            'set gateway, or describe subnets with theirs',
          );
        if (network?.gateway && network.subnets)
          report(
            ['networks', name, 'gateway'],
            `networks.${name} has subnets, each with a gateway of its own`,
            'remove this gateway',
          );
      }
    },
  },
  {
    code: 'vlan-duplicate',
    severity: 'error',
    title: 'Two networks have one VLAN',
    reason:
      'They would be one network: each sees the other’s broadcasts, and nothing keeps their traffic apart.',
    remedy: 'Correct one of them.',
    example:
      'networks: { management: { vlan: 20 }, storage: { cidr: 10.30.0.0/20, gateway: 10.30.0.1, vlan: 20 } }\n',
    check: ({ cluster }, report) => {
      const seen = new Map<number, string>();
      for (const name of NETWORKS) {
        const vlan = cluster.networks[name]?.vlan;
        if (vlan === undefined) continue;
        const other = seen.get(vlan);
        if (other)
          report(['networks', name, 'vlan'], `${other} has the VLAN ${vlan} too`, 'correct one of them');
        else seen.set(vlan, name);
      }
    },
  },
  {
    code: 'network-small',
    severity: 'warning',
    title: 'The management network is smaller than a /20',
    reason:
      'A cluster grows; a network does not: a /20 has 4094 addresses, and renumbering a control plane means building it anew.',
    remedy: 'Take a /20 or larger, for example from 100.64.0.0/10, which no company network uses.',
    example: 'networks: { management: { cidr: 10.10.0.0/24 } }\n',
    check: ({ cluster }, report) => {
      const { prefix } = toRange(cluster.networks.management.cidr);
      if (prefix > 20)
        report(
          ['networks', 'management', 'cidr'],
          `the management network is a /${prefix}`,
          'take a /20 or larger, for example from 100.64.0.0/10',
        );
    },
  },
  {
    code: 'dns-missing',
    severity: 'warning',
    title: 'A host has no name server',
    reason:
      'Packages, images and time servers are named, not numbered; without DNS only what /etc/hosts holds can be found. And a node without one gives none to its pods: CoreDNS does not start.',
    remedy: 'Set `dns` on a network that every host is on.',
    example: 'networks: { management: { dns: [] } }\n',
    check: ({ cluster }, report) => {
      const without = cluster.hosts.filter(
        (host) => !networksOf(host).some((name) => (cluster.networks[name]?.dns.length ?? 0) > 0),
      );
      if (without.length > 0)
        report(
          ['networks', 'management', 'dns'],
          `${words(without.map((host) => host.name))} ${without.length > 1 ? 'have' : 'has'} no name server`,
          'set networks.management.dns',
        );
    },
  },
];
