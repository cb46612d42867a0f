import { createHash } from 'node:crypto';
import type { Catalog, Role } from '../catalog/schema.ts';
import type { Cluster } from '../spec/schema/cluster.ts';
import { type HostSpec, NETWORKS, type NetworkName } from '../spec/schema/host.ts';
import type { Allotted } from './addresses.ts';
import { cniVersion } from './artifacts.ts';
import { cgroupVersion } from './cgroup.ts';
import { toAddress, toRange } from './ipv4.ts';
import { etcdVersion } from './packages.ts';
import { settingsFor } from './settings.ts';
import type { ClusterPlan, EndpointPlan, EtcdPlan, KubernetesPlan, NetworkPlan } from './types.ts';
import { goDuration, minorOf, toSeconds } from './units.ts';

type Addresses = ReadonlyMap<NetworkName, Map<string, Allotted>>;

/** Hosts whose role the catalogue knows, with it: the ones that can be planned. */
export interface KnownHost {
  spec: HostSpec;
  role: Role;
}

/**
 * The mark that our installations leave in GPT partition names, by which a later one knows a disk as this
 * cluster's own: `prod-3f9a1c`. It follows from the cluster's name and id alone (without an id, from its
 * management network), so that no other change of the spec makes a host look foreign.
 */
function clusterMark(cluster: Cluster): string {
  const id =
    cluster.id ??
    createHash('sha256')
      .update(`${cluster.name}\n${cluster.networks.management.cidr}`)
      .digest('hex')
      .slice(0, 6);
  // A GPT name has 36 characters; the mark may take 20 of them.
  return `${cluster.name.slice(0, 13).replace(/-+$/, '')}-${id}`;
}

function etcdTopology(cluster: Cluster, hosts: readonly KnownHost[]): 'external' | 'stacked' {
  return cluster.etcd.topology ?? (hosts.some(({ role }) => role.etcd) ? 'external' : 'stacked');
}

/** The way to the API that a spec asks for, or that its control plane calls for. */
function endpointVia(cluster: Cluster, hosts: readonly KnownHost[]): EndpointPlan['via'] {
  const { via, vip, address } = cluster.kubernetes.endpoint;
  if (via) return via;
  if (vip) return 'vip';
  if (address) return 'external';
  const controlPlanes = hosts.filter(({ role }) => role.kubernetes === 'control-plane').length;
  return controlPlanes > 1 ? 'local-proxy' : 'direct';
}

/** What every host shares. */
export function planCluster(
  cluster: Cluster,
  catalog: Catalog,
  hosts: readonly KnownHost[],
  addresses: Addresses,
): ClusterPlan {
  const management = (host: KnownHost) => addresses.get('management')?.get(host.spec.name)?.address;
  const traffic = (host: KnownHost) =>
    addresses.get('container')?.get(host.spec.name)?.address ?? management(host);
  const named = (list: readonly KnownHost[], addressOf = management) =>
    list.flatMap((host) => {
      const address = addressOf(host);
      return address ? [{ name: host.spec.name, address }] : [];
    });
  const controlPlanes = named(hosts.filter(({ role }) => role.kubernetes === 'control-plane'));
  const endpoint = planEndpoint(cluster, endpointVia(cluster, hosts), controlPlanes);
  const topology = etcdTopology(cluster, hosts);
  const members = topology === 'external' ? named(hosts.filter(({ role }) => role.etcd)) : controlPlanes;
  const etcd: EtcdPlan = {
    topology,
    version: etcdVersion(cluster, catalog),
    members,
    endpoints: members.map(({ address }) => `https://${address}:2379`),
  };
  const backends = named(
    hosts.filter(({ role }) => role.kubernetes === 'node' && !role.ingress),
    traffic,
  );
  return {
    name: cluster.name,
    mark: clusterMark(cluster),
    kubernetes: planKubernetes(cluster, catalog, hosts),
    etcd,
    endpoint,
    ingress: {
      ...(cluster.ingress.vip ? { vip: cluster.ingress.vip } : {}),
      httpNodePort: cluster.ingress.httpNodePort,
      httpsNodePort: cluster.ingress.httpsNodePort,
      backends,
    },
    hostsFile: named(hosts).map(({ name, address }) => ({ address, names: [name] })),
    networks: planNetworks(cluster),
    timezone: cluster.timezone,
    ntp: cluster.ntp,
    users: cluster.users,
    ...(cluster.breakGlass.enabled ? { breakGlassUser: cluster.breakGlass.user } : {}),
    ...(cluster.proxy ? { proxy: planProxy(cluster, cluster.proxy, endpoint.name) } : {}),
    alerts: cluster.alerts ?? {},
    registryMirrors: {
      ...catalog.mirrors.get(cluster.mirrors.set)?.registries,
      ...cluster.mirrors.registries,
    },
    ...(cluster.server ? { server: cluster.server.replace(/\/+$/, '') } : {}),
  };
}

/** The API server's own, which kubeadm gives it. */
export const API_PORT = 6443;
/** A proxy's, on whose host there may be an API server. */
const PROXY_PORT = 8443;

function planEndpoint(
  cluster: Cluster,
  via: EndpointPlan['via'],
  servers: EndpointPlan['servers'],
): EndpointPlan {
  const { endpoint } = cluster.kubernetes;
  const address = {
    'local-proxy': '127.0.0.1',
    vip: endpoint.vip ?? '0.0.0.0',
    external: endpoint.address ?? '0.0.0.0',
    direct: servers[0]?.address ?? '0.0.0.0',
  }[via];
  return {
    name: endpoint.name ?? `api.${cluster.name}`,
    port: via === 'direct' ? API_PORT : (endpoint.port ?? (via === 'external' ? API_PORT : PROXY_PORT)),
    via,
    address,
    servers,
  };
}

/** What the encapsulation of a mode takes from the NIC's MTU, in bytes. */
export const ENCAPSULATION: Record<string, number> = { ipip: 20, vxlan: 50, bgp: 0, 'host-gw': 0, none: 0 };

/** The modes of each plugin; the first is its default. */
export const CNI_MODES: Record<string, readonly string[]> = {
  calico: ['ipip', 'vxlan', 'bgp'],
  flannel: ['vxlan', 'host-gw'],
  none: ['none'],
};

function planKubernetes(cluster: Cluster, catalog: Catalog, hosts: readonly KnownHost[]): KubernetesPlan {
  const k = cluster.kubernetes;
  const minor = minorOf(k.version);
  const mode = k.cni.mode ?? CNI_MODES[k.cni.plugin]?.[0] ?? 'none';
  const set = catalog.mirrors.get(cluster.mirrors.set);
  const imageRepository = cluster.mirrors.imageRepository ?? set?.imageRepository ?? 'registry.k8s.io';
  const cniImages = cluster.mirrors.cniImageRepository ?? set?.cniImages[k.cni.plugin];
  return {
    version: k.version,
    minor,
    runtime: k.runtime,
    criSocket: catalog.runtimes.get(k.runtime)?.socket ?? '',
    podSubnet: k.podSubnet,
    serviceSubnet: k.serviceSubnet,
    dnsAddress: toAddress(toRange(k.serviceSubnet).first + 10),
    dnsDomain: k.dnsDomain,
    proxyMode: k.proxyMode,
    cni: {
      plugin: k.cni.plugin,
      version: cniVersion(cluster, catalog),
      mode,
      mtu: k.cni.mtu ?? podNic(cluster).mtu - (ENCAPSULATION[mode] ?? 0),
      network: k.cni.network ?? k.podSubnet,
      ...(cniImages ? { imageRepository: cniImages } : {}),
    },
    imageRepository,
    pauseImage: `${imageRepository}/pause:${catalog.kubernetes.minors[minor]?.pause ?? ''}`,
    tokenTtl: goDuration(toSeconds(k.tokenTtl)),
    cgroupV1: hosts.some(({ spec, role }) => {
      const { os: wanted, kernelArgs } = settingsFor(cluster, role, spec);
      const os = catalog.os.get(wanted.release);
      return role.kubernetes !== 'none' && os !== undefined && cgroupVersion({ os, kernelArgs }) === 1;
    }),
  };
}

/** The network that pods' traffic leaves by. */
export function podNic(cluster: Cluster): { name: NetworkName; mtu: number } {
  const name: NetworkName = cluster.networks.container ? 'container' : 'management';
  return { name, mtu: cluster.networks[name]?.mtu ?? 1500 };
}

function planNetworks(cluster: Cluster): Partial<Record<NetworkName, NetworkPlan>> {
  const networks: Partial<Record<NetworkName, NetworkPlan>> = {};
  for (const name of NETWORKS) {
    const network = cluster.networks[name];
    if (!network) continue;
    const { cidr, mtu, dns, vlan } = network;
    networks[name] = { name, cidr, mtu, dns, ...(vlan === undefined ? {} : { vlan }) };
  }
  return networks;
}

/** The spec's proxy; what lies inside the cluster never goes through it. */
function planProxy(
  cluster: Cluster,
  proxy: NonNullable<Cluster['proxy']>,
  endpointName: string,
): NonNullable<ClusterPlan['proxy']> {
  const { podSubnet, serviceSubnet, dnsDomain } = cluster.kubernetes;
  const inside = [
    'localhost',
    '127.0.0.1',
    ...NETWORKS.flatMap((name) => cluster.networks[name]?.cidr ?? []),
    podSubnet,
    serviceSubnet,
    endpointName,
    '.svc',
    `.${dnsDomain}`,
  ];
  return {
    ...(proxy.http ? { http: proxy.http } : {}),
    ...(proxy.https ? { https: proxy.https } : {}),
    noProxy: [...new Set([...inside, ...proxy.noProxy])],
  };
}
