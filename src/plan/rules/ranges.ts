import { plural } from '../../report/print.ts';
import { NETWORKS } from '../../spec/schema/host.ts';
import { overlap, type Range, rangeText, toNumber, toRange } from '../ipv4.ts';
import type { HostPlan } from '../types.ts';
import type { Rule, RuleContext } from './rule.ts';

/** Every range of the cluster by name. */
function ranges({ cluster }: RuleContext): { name: string; path: (string | number)[]; range: Range }[] {
  const named = NETWORKS.flatMap((name) => {
    const network = cluster.networks[name];
    return network
      ? [{ name: `the ${name} network`, path: ['networks', name, 'cidr'], range: toRange(network.cidr) }]
      : [];
  });
  return [
    ...named,
    {
      name: 'the pod subnet',
      path: ['kubernetes', 'podSubnet'],
      range: toRange(cluster.kubernetes.podSubnet),
    },
    {
      name: 'the service subnet',
      path: ['kubernetes', 'serviceSubnet'],
      range: toRange(cluster.kubernetes.serviceSubnet),
    },
  ];
}

const DOCKER_BRIDGE = '172.17.0.0/16';

/** Ranges that no network, pod or service can have. */
const SPECIAL: [range: string, what: string][] = [
  ['0.0.0.0/8', 'addresses of this host'],
  ['127.0.0.0/8', 'loopback addresses'],
  ['169.254.0.0/16', 'link-local addresses'],
  [DOCKER_BRIDGE, 'the bridge that Docker makes on every host'],
  ['224.0.0.0/3', 'multicast and reserved addresses'],
];

/** What is set apart on these hosts. */
export function setApart(hosts: readonly HostPlan[]): { range: Range; text: string; what: string }[] {
  const hasDocker = hosts.some((host) => host.overlays.includes('docker'));
  return SPECIAL.filter(([text]) => text !== DOCKER_BRIDGE || hasDocker).map(([text, what]) => ({
    range: toRange(text),
    text,
    what,
  }));
}

/** kube-controller-manager gives each node a /24 of the pod subnet unless told otherwise. */
const NODE_MASK = 24;

/** Ranges of networks, pods and services: their form, and how they lie beside each other. */
export const rangeRules: Rule[] = [
  {
    code: 'cidr-host-bits',
    severity: 'error',
    title: 'A range does not begin at its network address',
    reason: '`100.64.0.5/20` is either an address or a range; which one was meant decides where hosts live.',
    remedy: 'Write the network address.',
    example: 'kubernetes: { podSubnet: 10.244.0.1/16 }\n',
    check: (context, report) => {
      const { cluster } = context;
      const look = (path: (string | number)[], cidr: string) => {
        const range = toRange(cidr);
        if (toNumber(cidr.split('/')[0] ?? '') !== range.first)
          report(path, `${cidr} does not begin at its network address`, `write ${rangeText(range)}`);
      };
      look(['kubernetes', 'podSubnet'], cluster.kubernetes.podSubnet);
      look(['kubernetes', 'serviceSubnet'], cluster.kubernetes.serviceSubnet);
      for (const name of NETWORKS) {
        const network = cluster.networks[name];
        if (!network) continue;
        look(['networks', name, 'cidr'], network.cidr);
        for (const [index, subnet] of (network.subnets ?? []).entries())
          look(['networks', name, 'subnets', index, 'cidr'], subnet.cidr);
      }
    },
  },
  {
    code: 'network-overlap',
    severity: 'error',
    title: 'Two ranges overlap',
    reason: 'Hosts, pods and services must be told apart by address: traffic for one would end in the other.',
    remedy: 'Choose ranges that lie apart, such as /20s of 100.64.0.0/10 for the networks.',
    example: 'kubernetes: { serviceSubnet: 10.10.0.0/16 }\n',
    check: (context, report) => {
      const all = ranges(context);
      for (const [index, b] of all.entries()) {
        for (const a of all.slice(0, index)) {
          if (overlap(a.range, b.range))
            report(
              b.path,
              `${b.name} ${rangeText(b.range)} overlaps ${a.name} ${rangeText(a.range)}`,
              'choose ranges that lie apart',
            );
        }
      }
    },
  },
  {
    code: 'range-special',
    severity: 'error',
    title: 'A range is set apart for something else',
    reason:
      '0/8, 127/8, 169.254/16 and everything from 224.0.0.0 on are this host, loopback, link-local and multicast addresses: nothing else can live there. 172.17.0.0/16 is the bridge that Docker makes on every host.',
    remedy: 'Choose from 10/8, 172.18.0.0 to 172.31.255.255, 192.168/16 or 100.64/10.',
    example: 'kubernetes: { runtime: docker, podSubnet: 172.17.0.0/16 }\n',
    check: (context, report) => {
      const special = setApart(context.plan.hosts);
      for (const { name, path, range } of ranges(context)) {
        const hit = special.find((other) => overlap(other.range, range));
        if (hit)
          report(
            path,
            `${name} ${rangeText(range)} overlaps ${hit.text}: ${hit.what}`,
            'choose from 10/8, 172.18.0.0 to 172.31.255.255, 192.168/16 or 100.64/10',
          );
      }
    },
  },
  {
    code: 'pod-subnet-small',
    severity: 'error',
    title: 'The pod subnet is too small for the nodes',
    reason: 'Each node takes a /24 of it. A node without one runs no pods.',
    remedy: 'Choose a wider `kubernetes.podSubnet`.',
    example: 'kubernetes: { podSubnet: 10.244.0.0/23 }\n',
    check: ({ cluster, plan }, report) => {
      const { prefix } = toRange(cluster.kubernetes.podSubnet);
      const nodes = plan.hosts.filter((host) => host.isNode).length;
      const room = prefix > NODE_MASK ? 0 : 2 ** (NODE_MASK - prefix);
      if (nodes > room)
        report(
          ['kubernetes', 'podSubnet'],
          `${cluster.kubernetes.podSubnet} has room for ${plural(room, 'node')}, and there are ${nodes}`,
          `choose a /${NODE_MASK - Math.ceil(Math.log2(nodes))} or wider`,
        );
    },
  },
  {
    code: 'service-subnet-small',
    severity: 'error',
    title: 'The service subnet is too small',
    reason: 'The cluster’s DNS takes the tenth address of it, and every service one more.',
    remedy: 'Choose a wider `kubernetes.serviceSubnet`; /12 to /20 is usual.',
    example: 'kubernetes: { serviceSubnet: 10.96.0.0/29 }\n',
    check: ({ cluster }, report) => {
      const { prefix } = toRange(cluster.kubernetes.serviceSubnet);
      if (prefix > 24)
        report(
          ['kubernetes', 'serviceSubnet'],
          `${cluster.kubernetes.serviceSubnet} is smaller than a /24`,
          'choose a wider range, such as 10.96.0.0/12',
        );
      // kube-apiserver's bitmap of service addresses ends at 20 bits.
      if (prefix < 12)
        report(
          ['kubernetes', 'serviceSubnet'],
          `${cluster.kubernetes.serviceSubnet} is larger than a /12`,
          'kube-apiserver takes a /12 at most',
        );
    },
  },
];
