import type { OsRelease, Role } from '../catalog/schema.ts';
import type { Cluster } from '../spec/schema/cluster.ts';
import type { NetworkName } from '../spec/schema/host.ts';

/**
 * The plan: plain data from which everything is rendered. It names secrets and never holds their values.
 * Sizes are bytes unless a name says otherwise.
 */
export interface Plan {
  cluster: ClusterPlan;
  hosts: HostPlan[];
  /** Host-less targets, one for each role in use: what golden images are made from. */
  roles: RolePlan[];
}

/** Facts that every host shares. */
export interface ClusterPlan {
  name: string;
  /** Marks disks, output and secrets as this cluster's: `<name>-<6 hex digits>`. */
  mark: string;
  kubernetes: KubernetesPlan;
  etcd: EtcdPlan;
  endpoint: EndpointPlan;
  ingress: IngressPlan;
  /** Every host’s line of /etc/hosts: its management address and its names. */
  hostsFile: { address: string; names: string[] }[];
  networks: Partial<Record<NetworkName, NetworkPlan>>;
  timezone: string;
  ntp: string[];
  users: Cluster['users'];
  breakGlassUser?: string;
  proxy?: { http?: string; https?: string; noProxy: string[] };
  registryMirrors: Record<string, string[]>;
  alerts: { webhook?: string; mail?: { to: string[]; from: string; relay: string } };
  /** The base URL that hosts fetch from, without a slash at its end. */
  server?: string;
}

export interface KubernetesPlan {
  version: string;
  /** `1.34` */
  minor: string;
  runtime: 'docker' | 'containerd';
  criSocket: string;
  podSubnet: string;
  serviceSubnet: string;
  /** The service network's tenth address. */
  dnsAddress: string;
  dnsDomain: string;
  proxyMode: 'ipvs' | 'iptables' | 'nftables';
  cni: CniPlan;
  imageRepository: string;
  /** The pause image with its repository and tag. */
  pauseImage: string;
  /** How long bootstrap tokens are good for, from the first `kubeadm init` on, as Go writes it: `24h0m0s`; `0s`: for ever. */
  tokenTtl: string;
  /** A node boots with cgroup v1: what the kubelet is told is one for the whole cluster. */
  cgroupV1: boolean;
}

export interface CniPlan {
  plugin: 'calico' | 'flannel' | 'none';
  /** Of the plugin's manifest; empty for none. */
  version: string;
  mode: string;
  mtu: number;
  network: string;
  /** Where its images come from, where it is not what the manifest says. */
  imageRepository?: string;
}

export interface EtcdPlan {
  topology: 'external' | 'stacked';
  version: string;
  /** In spec order. Stacked: the control plane. */
  members: { name: string; address: string }[];
  /** Client URLs, joined by commas where a program wants one string. */
  endpoints: string[];
}

export interface EndpointPlan {
  name: string;
  port: number;
  via: 'local-proxy' | 'vip' | 'external' | 'direct';
  /** What the name resolves to on every host. */
  address: string;
  /** The API servers behind it. */
  servers: { name: string; address: string }[];
}

export interface IngressPlan {
  vip?: string;
  httpNodePort: number;
  httpsNodePort: number;
  /** Hosts that answer NodePorts. */
  backends: { name: string; address: string }[];
}

export interface NetworkPlan {
  name: NetworkName;
  cidr: string;
  vlan?: number;
  mtu: number;
  dns: string[];
}

/** What a host and a role's golden image have in common. */
export interface Target {
  role: Role;
  os: OsRelease;
  kernel: KernelPlan;
  isControlPlane: boolean;
  /** Runs a kubelet: control plane or node. */
  isNode: boolean;
  isEtcd: boolean;
  isIngress: boolean;
  /** Serial console such as `ttyS1,115200n8`. */
  console?: string;
  kernelArgs: string[];
  disks: DisksPlan;
  /** The tree that Anaconda installs from, where it does. */
  installUrl?: string;
  repositories: RepositoryPlan[];
  keys: KeyPlan[];
  packages: PackagesPlan;
  artifacts: ArtifactPlan[];
  services: { enabled: string[]; disabled: string[] };
  modules: string[];
  sysctls: Record<string, string>;
  files: { path: string; content: string; mode: number; owner: string; group: string }[];
  post: { name: string; script: string }[];
  /** Overlay layers in the order in which they are laid. */
  overlays: string[];
}

export interface RolePlan extends Target {
  kind: 'role';
  /** The role's name. */
  name: string;
}

export interface HostPlan extends Target {
  kind: 'host';
  name: string;
  firmware: 'bios' | 'uefi';
  serial?: string;
  links: LinkPlan[];
  addresses: Partial<Record<NetworkName, AddressPlan>>;
  /** The network that carries the default route. */
  defaultNetwork: NetworkName;
  /** What it is given, and where: references, never values. */
  secrets: SecretFile[];
}

export interface KernelPlan {
  flavor: 'lt' | 'ml' | 'stock';
  /** Series or version, e.g. `5.15` or `5.4.278`; what compatibility is judged by. */
  version: string;
  /** What %post installs; empty for the stock kernel. */
  packages: string[];
}

/** One NIC, or a bond of several. */
export interface LinkPlan {
  /** `nic0`, `nic1` … in spec order, or the bond's name. */
  name: string;
  /** Lower case, colons. More than one for a bond. */
  macs: string[];
  bond?: { name: string; mode: 'active-backup' | '802.3ad' | 'balance-xor' };
  mtu: number;
  /** What lies on it; at most one without a VLAN. */
  networks: NetworkName[];
}

export interface AddressPlan {
  network: NetworkName;
  address: string;
  prefix: number;
  /** The subnet's own range. */
  subnet: string;
  gateway?: string;
  /** Given in the spec, or allotted. */
  allotted: boolean;
}

export interface DisksPlan {
  groups: DiskGroupPlan[];
  /** One; a golden image, whose firmware shows only when it is built, has one for each. */
  layouts: DiskLayout[];
  wipe: 'blank' | 'owned' | 'always';
  /** Percent. */
  tolerance: number;
}

/** The disks of one purpose: how they are chosen. */
export interface DiskGroupPlan {
  name: 'system' | 'data';
  /** More than one: mirrored. */
  count: number;
  media: 'ssd' | 'hdd' | 'any';
  /** What the spec asks for. */
  min?: number;
  max?: number;
  /** The smallest disk that holds what is laid on it. */
  least: number;
  model?: string;
  serial: string[];
  wwn: string[];
  path: string[];
  transport?: string;
}

/** What is made on a host's disks, for one firmware. Sizes are MiB. */
export interface DiskLayout {
  firmware: 'bios' | 'uefi';
  /** `system_1`, `system_2`, `data_1` … */
  slots: string[];
  partitions: PartitionPlan[];
  arrays: ArrayPlan[];
  volumeGroups: { name: string; devices: Device[] }[];
  logicalVolumes: LogicalVolumePlan[];
  /** In the order of mounting. */
  filesystems: FilesystemPlan[];
}

/** MiB; or what the smallest disk of the group has, less so many MiB. */
export type Extent = { mib: number } | { allBut: number };

export interface PartitionPlan {
  slot: string;
  /** Its number in the GPT, from 1; also its place on the disk. */
  number: number;
  /** `esp` stays what it is as a member of an array: the firmware looks for it. */
  use: 'biosboot' | 'esp' | 'raid' | 'lvm' | 'fs';
  size: Extent;
  /** The array that it is a member of, or what it holds. */
  name: string;
}

export interface ArrayPlan {
  name: string;
  level: 'raid1' | 'raid10';
  /** Where md's superblock lies: 1.0 at the end, 1.2 at the beginning. */
  metadata: '1.0' | '1.2';
  members: { slot: string; number: number }[];
}

export interface LogicalVolumePlan {
  group: string;
  name: string;
  /** Undefined: the rest of the volume group. */
  size?: number;
}

/** What a file system lies on. */
export type Device = `array:${string}` | `lv:${string}/${string}` | `part:${string}:${number}`;

export interface FilesystemPlan {
  device: Device;
  type: 'xfs' | 'ext4' | 'vfat';
  /** At most 12 characters, what XFS has room for. */
  label: string;
  mount: string;
  /** `nofail`: the host boots without it. */
  options: string[];
}

export interface RepositoryPlan {
  id: string;
  name: string;
  url: string;
  /** Files on the host: keys imported in %post, or ones that the release installs. */
  keyFiles: string[];
  /** In use after the installation too. kernel-lt's and EPEL's are off: they are named when they are wanted. */
  enabled: boolean;
  inInstaller: boolean;
  /** apt's; `/` where the repository is one flat folder. */
  suites?: string[];
  components?: string[];
}

export interface KeyPlan {
  name: string;
  url: string;
  fingerprint: string;
  /** Where it lies on the host. */
  file: string;
}

export interface PackagesPlan {
  /** Installed with the system, from its own repositories: %packages. */
  installer: string[];
  removed: string[];
  /** Installed in %post, in this order: each with the repositories it may come from. */
  post: { title: string; repositories: string[]; packages: string[] }[];
  /** Those of them whose version no update changes; `1.7.27-*` is any build of one. */
  pinned: { name: string; version: string }[];
}

export type ArtifactName =
  | 'calico-manifest'
  | 'cni-plugins'
  | 'cri-dockerd'
  | 'etcd'
  | 'flannel-manifest'
  | 'goss';

/** Something that no repository packages: fetched by hosts, and checked. */
export interface ArtifactPlan {
  /** Its name in imgbuild.lock and in /etc/imgbuild/artifacts. */
  name: ArtifactName;
  version: string;
  /** In the order in which they are tried; the end of each is the file's name. */
  urls: string[];
  /** The catalogue's, else imgbuild.lock's. Without one hosts refuse it. */
  sha256?: string;
  size?: number;
  /** The checksum of this version in imgbuild.lock, and in the catalogue: where both are known they are the same. */
  locked?: string;
  known?: string;
  /** Without a checksum, hosts take it all the same: the spec says so. */
  unchecked?: true;
  /** What hosts install of it, and where: paths in the archive, none for a program by itself. A manifest is kept. */
  programs?: { folder: string; members: string[] };
}

/** A secret that a host gets: which one, and where it lies on the host. */
export interface SecretFile {
  path: string;
  mode: number;
  /** Name in the secret store, e.g. `pki/ca.key` (see src/secrets). */
  ref: string;
}
