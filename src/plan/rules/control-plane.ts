import { subnetsOf } from '../addresses.ts';
import { contains, toNumber, toRange } from '../ipv4.ts';
import { toSeconds } from '../units.ts';
import type { Rule, RuleContext } from './rule.ts';

function problemWithVip(
  { cluster, plan }: RuleContext,
  vip: string,
  networks: readonly ('management' | 'container')[],
): string | undefined {
  const subnets = networks.flatMap((name) =>
    cluster.networks[name] ? subnetsOf(cluster.networks[name]) : [],
  );
  const home = subnets.find((subnet) => contains(toRange(subnet.cidr), toNumber(vip)));
  if (!home) return `is in no subnet of ${networks.filter((n) => cluster.networks[n]).join(' or ')}`;
  const range = toRange(home.cidr);
  if (vip === home.gateway) return 'is the gateway';
  if (toNumber(vip) === range.first || toNumber(vip) === range.last) return 'is no address for a host';
  const holder = plan.hosts.find((host) => Object.values(host.addresses).some((a) => a.address === vip));
  return holder ? `is the address of ${holder.name}` : undefined;
}

/** Ports of a host that something else listens on: https://kubernetes.io/docs/reference/networking/ports-and-protocols/ */
const PORTS: Record<number, string> = {
  2379: 'etcd',
  2380: 'etcd',
  2381: 'etcd',
  10248: 'the kubelet',
  10249: 'kube-proxy',
  10250: 'the kubelet',
  10256: 'kube-proxy',
  10257: 'kube-controller-manager',
  10259: 'kube-scheduler',
};

function isNodePort(port: number): boolean {
  return port >= 30000 && port <= 32767;
}

export const controlPlaneRules: Rule[] = [
  {
    code: 'control-plane-none',
    severity: 'error',
    title: 'There is no control plane',
    reason: 'Without a host that runs the API server there is no cluster to join.',
    remedy: 'Give at least one host the role `master`.',
    example: 'hosts:\n  - { name: kmaster, role: worker }\n',
    check: ({ plan, cluster }, report) => {
      if (cluster.hosts.length === plan.hosts.length && !plan.hosts.some((host) => host.isControlPlane))
        report(['hosts'], 'no host is a control plane', 'give at least one host the role master');
    },
  },
  {
    code: 'etcd-even',
    severity: 'error',
    title: 'etcd has an even number of members',
    reason:
      'A majority of four is three, as of five: the fourth member adds a host that can fail and no failure that can be borne. Two members stop when either does.',
    remedy: 'Have one, three or five members.',
    example:
      'hosts:\n  - { name: etcd-1, role: etcd, nics: [{ mac: "52:54:00:00:00:11", networks: [management] }] }\n  - { name: etcd-2, role: etcd, nics: [{ mac: "52:54:00:00:00:12", networks: [management] }] }\n',
    check: ({ plan }, report) => {
      const { members, topology } = plan.cluster.etcd;
      if (members.length === 0 || members.length % 2 === 1) return;
      const who = topology === 'stacked' ? 'control planes, each with an etcd member' : 'etcd members';
      report(
        ['hosts'],
        `there are ${members.length} ${who}: an even number bears no more failures than one less`,
        'have one, three or five',
      );
    },
  },
  {
    code: 'etcd-few',
    severity: 'warning',
    title: 'etcd has a single member',
    reason: 'When its host fails, the cluster’s state is gone but for the last snapshot.',
    remedy: 'Have three members for anything that matters.',
    example:
      'hosts:\n  - { name: etcd-1, role: etcd, nics: [{ mac: "52:54:00:00:00:11", networks: [management] }] }\n',
    check: ({ plan }, report) => {
      const { members, topology } = plan.cluster.etcd;
      // A single control plane with its own etcd is a laboratory, and says so by itself.
      if (topology === 'external' && members.length === 1)
        report(['hosts'], 'etcd has a single member', 'have three members for anything that matters');
    },
  },
  {
    code: 'etcd-none',
    severity: 'error',
    title: 'etcd is external and has no members',
    reason: 'The API server keeps everything in etcd.',
    remedy: 'Give one, three or five hosts the role `etcd`, or set `etcd.topology: stacked`.',
    example: 'etcd: { topology: external }\n',
    check: ({ cluster, plan }, report) => {
      if (
        plan.cluster.etcd.topology === 'external' &&
        plan.cluster.etcd.members.length === 0 &&
        cluster.hosts.length === plan.hosts.length
      )
        report(
          ['etcd', 'topology'],
          'etcd is external and no host has the role etcd',
          'add hosts of role etcd, or set topology: stacked',
        );
    },
  },
  {
    code: 'etcd-idle',
    severity: 'error',
    title: 'There are etcd hosts, and etcd is stacked',
    reason: 'Hosts of role etcd would be installed and serve nobody.',
    remedy: 'Set `etcd.topology: external`, or give the hosts another role.',
    example:
      'etcd: { topology: stacked }\nhosts:\n  - { name: etcd-1, role: etcd, nics: [{ mac: "52:54:00:00:00:11", networks: [management] }] }\n',
    check: ({ plan }, report) => {
      if (plan.cluster.etcd.topology === 'stacked' && plan.hosts.some((host) => host.isEtcd))
        report(
          ['etcd', 'topology'],
          'there are hosts of role etcd, and etcd is stacked',
          'set topology: external, or give the hosts another role',
        );
    },
  },
  {
    code: 'endpoint-direct',
    severity: 'error',
    title: 'Several control planes without an endpoint',
    reason:
      'With `via: direct` every kubeconfig names one control plane; when that one is down, the others cannot be reached.',
    remedy: 'Use `via: local-proxy`, or `via: vip` with an address.',
    example:
      'kubernetes: { endpoint: { via: direct } }\nhosts:\n  - { name: kmaster2, role: master, nics: [{ mac: "52:54:00:00:00:11", networks: [management] }] }\n  - { name: kmaster3, role: master, nics: [{ mac: "52:54:00:00:00:12", networks: [management] }] }\n',
    check: ({ plan }, report) => {
      const { via, servers } = plan.cluster.endpoint;
      if (via === 'direct' && servers.length > 1)
        report(
          ['kubernetes', 'endpoint', 'via'],
          `${servers.length} control planes need an endpoint that outlives each of them`,
          'set via: local-proxy, or via: vip with an address',
        );
    },
  },
  {
    code: 'port-taken',
    severity: 'error',
    title: 'A port belongs to somebody else',
    reason:
      'The proxy starts before the kubelet: on one of its ports, etcd’s or a NodePort’s it would take that place, and no node would ever join. NodePorts are 30000 to 32767.',
    remedy: 'Leave `kubernetes.endpoint.port` at 8443; give `ingress` two NodePorts.',
    example: 'kubernetes: { endpoint: { port: 10250 } }\n',
    check: ({ cluster }, report) => {
      const { port } = cluster.kubernetes.endpoint;
      const owner = PORTS[port] ?? (isNodePort(port) ? 'NodePorts' : undefined);
      if (owner)
        report(
          ['kubernetes', 'endpoint', 'port'],
          `port ${port} belongs to ${owner}`,
          'leave it at 8443, or choose another that is free',
        );
      const { httpNodePort, httpsNodePort } = cluster.ingress;
      for (const key of ['httpNodePort', 'httpsNodePort'] as const) {
        if (!isNodePort(cluster.ingress[key]))
          report(
            ['ingress', key],
            `${cluster.ingress[key]} is no NodePort`,
            'choose one from 30000 to 32767',
          );
      }
      if (httpNodePort === httpsNodePort)
        report(
          ['ingress', 'httpsNodePort'],
          `${httpsNodePort} is the NodePort of http too`,
          'choose another',
        );
    },
  },
  {
    code: 'token-ttl',
    severity: 'warning',
    title: 'Bootstrap tokens never expire',
    reason:
      'Whoever finds one, on the disk of a host that never joined or in a backup of the output, can join a machine of his own, years later too.',
    remedy:
      'Leave `kubernetes.tokenTtl` at 24h. For a host that comes later, `imgbuild secrets token HOST` prints a new term for its token.',
    example: 'kubernetes: { tokenTtl: "0" }\n',
    check: ({ cluster }, report) => {
      if (toSeconds(cluster.kubernetes.tokenTtl) === 0)
        report(
          ['kubernetes', 'tokenTtl'],
          'tokens that hosts join with never expire',
          'leave tokenTtl out: a host that comes later is given a new term by imgbuild secrets token HOST',
        );
    },
  },
  {
    code: 'vip-missing',
    severity: 'error',
    title: 'A virtual address is asked for and not given',
    reason: 'keepalived holds the address that the spec names.',
    remedy: 'Set `kubernetes.endpoint.vip`.',
    example: 'kubernetes: { endpoint: { via: vip } }\n',
    check: ({ cluster, plan }, report) => {
      if (plan.cluster.endpoint.via === 'vip' && !cluster.kubernetes.endpoint.vip)
        report(['kubernetes', 'endpoint', 'via'], 'via: vip needs an address', 'set kubernetes.endpoint.vip');
    },
  },
  {
    code: 'vip-unused',
    severity: 'error',
    title: 'A virtual address is given and not used',
    reason: 'Only `via: vip` holds an address; whoever relies on this one would find nobody there.',
    remedy: 'Set `via: vip`, or remove `vip`.',
    example: 'kubernetes: { endpoint: { via: local-proxy, vip: 10.10.0.9 } }\n',
    check: ({ cluster, plan }, report) => {
      if (cluster.kubernetes.endpoint.vip && plan.cluster.endpoint.via !== 'vip')
        report(
          ['kubernetes', 'endpoint', 'vip'],
          `the endpoint is reached via ${plan.cluster.endpoint.via}, not by this address`,
          'set via: vip, or remove vip',
        );
    },
  },
  {
    code: 'vip-address',
    severity: 'error',
    title: 'A virtual address cannot be one',
    reason: 'It must lie in a subnet of the hosts that hold it, and belong to nobody else.',
    remedy: 'Choose a free address in the control plane’s subnet; for ingress, in one of its hosts’.',
    example: 'kubernetes: { endpoint: { vip: 192.168.0.9 } }\n',
    check: (context, report) => {
      const { endpoint } = context.cluster.kubernetes;
      const wrong = endpoint.vip && problemWithVip(context, endpoint.vip, ['management']);
      if (wrong)
        report(
          ['kubernetes', 'endpoint', 'vip'],
          `the virtual address ${endpoint.vip} ${wrong}`,
          'choose a free address in the control plane’s subnet',
        );
      const { vip } = context.cluster.ingress;
      const ingressWrong = vip && problemWithVip(context, vip, ['container', 'management']);
      if (ingressWrong)
        report(
          ['ingress', 'vip'],
          `the virtual address ${vip} ${ingressWrong}`,
          'choose a free address in a subnet of the ingress hosts',
        );
      if (vip && vip === endpoint.vip)
        report(['ingress', 'vip'], `${vip} is the API’s virtual address`, 'choose another');
    },
  },
  {
    code: 'ingress-vip',
    severity: 'warning',
    title: 'Several ingress hosts without a virtual address',
    reason: 'Each has an address of its own; who uses one of them is cut off when that host is down.',
    remedy: 'Set `ingress.vip`, or put a load balancer of your own in front.',
    example:
      'hosts:\n  - { name: edge-1, role: ingress, nics: [{ mac: "52:54:00:00:00:11", networks: [management] }] }\n  - { name: edge-2, role: ingress, nics: [{ mac: "52:54:00:00:00:12", networks: [management] }] }\n',
    check: ({ cluster, plan }, report) => {
      const hosts = plan.hosts.filter((host) => host.isIngress);
      const second = cluster.hosts.findIndex((host) => host.name === hosts[1]?.name);
      if (hosts.length > 1 && !cluster.ingress.vip)
        report(
          ['hosts', second, 'role'],
          `${hosts.length} ingress hosts share no virtual address`,
          'set ingress.vip to a free address of their subnet',
        );
      if (hosts.length === 0 && cluster.ingress.vip && cluster.hosts.length === plan.hosts.length)
        report(
          ['ingress', 'vip'],
          'no host has the role ingress',
          'add a host of that role, or remove ingress.vip',
        );
    },
  },
];
