import type { SubnetSpec } from '../../spec/schema/cluster.ts';
import { subnetsOf } from '../addresses.ts';
import { API_PORT } from '../cluster.ts';
import { contains, toNumber, toRange } from '../ipv4.ts';
import type { EndpointPlan, Plan } from '../types.ts';
import { setApart } from './ranges.ts';
import type { Rule, RuleContext } from './rule.ts';

/** The host that has an address. */
function hostWith(plan: Plan, address: string): string | undefined {
  return plan.hosts.find((host) => Object.values(host.addresses).some((own) => own.address === address))
    ?.name;
}

/** A subnet's first address is its own, its last one everybody's. */
function isEdge({ cidr }: SubnetSpec, address: string): boolean {
  const { first, last } = toRange(cidr);
  return [first, last].includes(toNumber(address));
}

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
  if (vip === home.gateway) return 'is the gateway';
  if (isEdge(home, vip)) return 'is no address for a host';
  const holder = hostWith(plan, vip);
  return holder && `is the address of ${holder}`;
}

function problemWithExternal({ cluster, plan }: RuleContext, address: string): string | undefined {
  const holder = hostWith(plan, address);
  if (holder) return `is the address of ${holder}`;
  const lies = (cidr: string) => contains(toRange(cidr), toNumber(address));
  if (lies(cluster.kubernetes.podSubnet)) return 'is a pod’s';
  if (lies(cluster.kubernetes.serviceSubnet)) return 'is a service’s';
  const special = setApart(plan.hosts).find(({ range }) => contains(range, toNumber(address)));
  if (special) return `is one of ${special.text}, ${special.what}`;
  if (address === cluster.ingress.vip) return 'is ingress’s virtual address';
  // Their gateways may have it: a router can be the load balancer.
  const subnets = Object.values(cluster.networks).flatMap(subnetsOf);
  return subnets.some((subnet) => isEdge(subnet, address)) ? 'is no address for a host' : undefined;
}

/** What names the address, by the way there. */
const ADDRESS_KEYS: Partial<Record<EndpointPlan['via'], 'vip' | 'address'>> = {
  vip: 'vip',
  external: 'address',
};

/** Ports of a host that something else listens on: https://kubernetes.io/docs/reference/networking/ports-and-protocols/ */
const PORTS: Record<number, string> = {
  [API_PORT]: 'the API server',
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

function ownerOf(port: number): string | undefined {
  if (port < 1024) return 'the system’s services';
  return PORTS[port] ?? (isNodePort(port) ? 'NodePorts' : undefined);
}

/** The ways into the cluster: to the API, and to ingress. */
export const endpointRules: Rule[] = [
  {
    code: 'endpoint-direct',
    severity: 'error',
    title: 'Several control planes without an endpoint',
    reason:
      'With `via: direct` every kubeconfig names one control plane; when that one is down, the others cannot be reached.',
    remedy: 'Use `via: local-proxy`, or `via: vip` or `via: external` with an address.',
    example:
      'kubernetes: { endpoint: { via: direct } }\nhosts:\n  - { name: kmaster2, role: master, nics: [{ mac: "52:54:00:00:00:11", networks: [management] }] }\n  - { name: kmaster3, role: master, nics: [{ mac: "52:54:00:00:00:12", networks: [management] }] }\n',
    check: ({ plan }, report) => {
      const { via, servers } = plan.cluster.endpoint;
      if (via === 'direct' && servers.length > 1)
        report(
          ['kubernetes', 'endpoint', 'via'],
          `${servers.length} control planes need an endpoint that outlives each of them`,
          'set via: local-proxy, or via: vip or external with an address',
        );
    },
  },
  {
    code: 'endpoint-port',
    severity: 'error',
    title: 'The endpoint cannot have this port',
    reason:
      'A proxy shares its host with the API server, the kubelet, etcd, NodePorts and the system’s services: on a port of theirs it would take their place, and no node would ever join. With `via: direct` the port is the API server’s own, which is 6443.',
    remedy: 'Leave `kubernetes.endpoint.port` out. A load balancer of your own may have any.',
    example: 'kubernetes: { endpoint: { via: local-proxy, port: 10250 } }\n',
    check: ({ cluster, plan }, report) => {
      const { port } = cluster.kubernetes.endpoint;
      const { via } = plan.cluster.endpoint;
      if (port === undefined || via === 'external') return;
      const path = ['kubernetes', 'endpoint', 'port'];
      if (via === 'direct') {
        if (port !== API_PORT)
          report(
            path,
            `via: direct, the port is the API server’s own, ${API_PORT}, not ${port}`,
            'remove port, or say via: local-proxy',
          );
        return;
      }
      const owner = ownerOf(port);
      if (owner)
        report(
          path,
          `port ${port} belongs to ${owner}`,
          'leave it out (it is 8443 then), or choose another that is free',
        );
    },
  },
  {
    code: 'ingress-node-port',
    severity: 'error',
    title: 'A port of ingress is no NodePort, or is used twice',
    reason: 'haproxy on the ingress hosts hands requests to NodePorts, which are 30000 to 32767.',
    remedy: 'Give `ingress` two NodePorts.',
    example: 'ingress: { httpNodePort: 8080 }\n',
    check: ({ cluster }, report) => {
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
    code: 'endpoint-address-missing',
    severity: 'error',
    title: 'The endpoint’s address is not given',
    reason: 'keepalived holds the address that the spec names, and hosts find a load balancer by it.',
    remedy:
      'Set `kubernetes.endpoint.vip` with `via: vip`, and `kubernetes.endpoint.address` with `via: external`.',
    example: 'kubernetes: { endpoint: { via: vip } }\n',
    check: ({ cluster, plan }, report) => {
      const { via } = plan.cluster.endpoint;
      const key = ADDRESS_KEYS[via];
      const { endpoint } = cluster.kubernetes;
      if (!key || endpoint[key]) return;
      const [other, given] = Object.entries(ADDRESS_KEYS).find(([, name]) => endpoint[name]) ?? [];
      report(
        ['kubernetes', 'endpoint', 'via'],
        `via: ${via} needs ${key === 'vip' ? 'a virtual address' : 'the load balancer’s address'}`,
        given ? `write ${key} in place of ${given}, or via: ${other}` : `set kubernetes.endpoint.${key}`,
      );
    },
  },
  {
    code: 'endpoint-address-unused',
    severity: 'error',
    title: 'An address of the endpoint is given and not used',
    reason: 'Whoever relies on an address that nothing holds finds nobody there.',
    remedy: 'Set `via: vip` for `vip` and `via: external` for `address`, or remove what is too much.',
    example: 'kubernetes: { endpoint: { via: local-proxy, vip: 10.10.0.9 } }\n',
    check: ({ cluster, plan }, report) => {
      const { via } = plan.cluster.endpoint;
      const { endpoint } = cluster.kubernetes;
      const own = ADDRESS_KEYS[via];
      // Said already, with what to write instead.
      if (own && !endpoint[own]) return;
      for (const [way, key] of Object.entries(ADDRESS_KEYS)) {
        if (via === way || !endpoint[key]) continue;
        const path = ['kubernetes', 'endpoint', key];
        if (endpoint.via) {
          const message = `the endpoint is reached via ${via}, not by this address`;
          report(path, message, `set via: ${way}${own ? ` and remove ${own}` : ''}, or remove ${key}`);
        } else report(path, `${own} and ${key} are both given`, 'keep the one by which the API is reached');
      }
    },
  },
  {
    code: 'endpoint-external',
    severity: 'error',
    title: 'The endpoint’s external address is not outside',
    reason:
      'The load balancer stands outside of the hosts: on an address of one of them, of a pod or of a service, or on one that leads nowhere, it is never asked.',
    remedy: 'Give the load balancer’s own address; for the one control plane itself say `via: direct`.',
    example: 'kubernetes: { endpoint: { via: external, address: 10.96.0.9 } }\n',
    check: (context, report) => {
      const { address } = context.cluster.kubernetes.endpoint;
      const wrong = address && problemWithExternal(context, address);
      if (wrong)
        report(
          ['kubernetes', 'endpoint', 'address'],
          `the load balancer’s address ${address} ${wrong}`,
          'give the address that the load balancer has itself',
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
