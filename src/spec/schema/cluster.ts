import type { Static } from 'typebox';
import { choice, flag, integer, list, mapOf, object, optional, text, withDefault } from './build.ts';
import { breakGlass, host, NETWORKS, ntpServers, roleSettings, settings, user } from './host.ts';
import {
  catalogName,
  cidr,
  DNS_NAME,
  HTTP_URL,
  ipv4,
  mailAddress,
  NAME,
  noProxy,
  url,
  version,
  webhook,
} from './words.ts';

const subnet = object('A part of the network with a gateway of its own.', {
  cidr: cidr('Its range.'),
  gateway: ipv4('Its gateway.'),
  roles: optional(
    list(
      'The roles that live in it. A subnet without roles takes every role not named in another.',
      catalogName('A role.'),
    ),
  ),
  allot: optional(
    object('From where to where addresses are allotted. Default: from the 11th address to the last.', {
      from: ipv4('The first.'),
      to: ipv4('The last.'),
    }),
  ),
});

const network = (description: string) =>
  object(description, {
    cidr: cidr('The whole range; hosts route it through their own subnet’s gateway.'),
    vlan: optional(integer('The VLAN id that hosts tag with. Leave it out on an access port.', 1, 4094)),
    mtu: withDefault(integer('The MTU of the NIC.', 1280, 9216), 1500),
    gateway: optional(ipv4('The gateway, where the whole range is one subnet.')),
    subnets: optional(list('The subnets, where the range is divided.', subnet, { minItems: 1 })),
    allot: subnet.properties.allot,
    dns: withDefault(list('Name servers reached over this network.', ipv4('A name server.')), []),
    shareWith: withDefault(
      list('Networks that may lie on the same NIC as this one.', choice('A network.', NETWORKS)),
      [],
    ),
  });

const cni = object(
  'The pod network.',
  {
    plugin: withDefault(
      choice('calico, flannel, or none (you install your own).', ['calico', 'flannel', 'none']),
      'calico',
    ),
    mode: optional(
      choice('calico: ipip, vxlan or bgp; flannel: vxlan or host-gw.', ['ipip', 'vxlan', 'bgp', 'host-gw']),
    ),
    mtu: optional(
      integer(
        'The pods’ MTU. Default: the NIC’s less what the encapsulation takes (ipip 20, vxlan 50).',
        1230,
        9216,
      ),
    ),
    network: optional(cidr('flannel’s own Network. Default, and the only value that works: the pod subnet.')),
  },
  { default: {} },
);

const endpoint = object(
  'Where hosts find the API. The name enters every kubeconfig, so it must outlive any choice made here.',
  {
    name: optional(
      text('A DNS name that /etc/hosts resolves. Default: api.<cluster>.', DNS_NAME, 'a DNS name'),
    ),
    port: optional(
      integer(
        'The port. Default: the API server’s own, 6443, for direct and external; 8443 else: a proxy on a control plane cannot have 6443.',
        1,
        65535,
      ),
    ),
    via: optional(
      choice(
        'local-proxy: nginx on every host, on 127.0.0.1; vip: keepalived and haproxy on the control plane; external: a load balancer of your own; direct: the one control plane itself. Default: what `vip` or `address` asks for, else local-proxy, or direct with one control plane.',
        ['local-proxy', 'vip', 'external', 'direct'],
      ),
    ),
    vip: optional(ipv4('The virtual address, with via: vip.')),
    address: optional(
      ipv4(
        'The load balancer’s address, with via: external. It hands TCP on to port 6443 of those control planes whose https://…:6443/readyz says 200.',
      ),
    ),
  },
  { default: {} },
);

const kubernetes = object('Kubernetes.', {
  version: version('From 1.28.0 on.'),
  runtime: withDefault(
    choice('docker (with cri-dockerd) or containerd.', ['docker', 'containerd']),
    'docker',
  ),
  podSubnet: withDefault(cidr('Addresses of pods.'), '10.244.0.0/16'),
  serviceSubnet: withDefault(cidr('Addresses of services.'), '10.96.0.0/12'),
  dnsDomain: withDefault(text('The cluster’s DNS domain.', DNS_NAME, 'a DNS name'), 'cluster.local'),
  proxyMode: withDefault(choice('How kube-proxy works.', ['ipvs', 'iptables', 'nftables']), 'ipvs'),
  tokenTtl: withDefault(
    text(
      'How long the tokens that hosts join with are good for, from the beginning of the cluster on. "0": for ever.',
      /^(0|[1-9]\d{0,4}[hm])$/,
      'hours or minutes such as 24h or 90m, or "0" in quotes for tokens that never expire',
    ),
    '24h',
  ),
  cni,
  endpoint,
});

const etcd = object(
  'etcd.',
  {
    topology: optional(
      choice(
        'external: on hosts of role etcd; stacked: on the control plane. Default: external where there are hosts of role etcd.',
        ['external', 'stacked'],
      ),
    ),
    version: optional(version('Default: what suits the Kubernetes version.')),
  },
  { default: {} },
);

const versions = object(
  'Versions to use in place of the catalogue’s.',
  {
    docker: optional(version('docker-ce.')),
    containerd: optional(version('containerd.io.')),
    criDockerd: optional(version('cri-dockerd.')),
    cni: optional(version('The pod network’s: Calico’s or flannel’s.')),
    cniPlugins: optional(version('The CNI plugins, where the repository has no kubernetes-cni.')),
    goss: optional(version('goss.')),
  },
  { default: {} },
);

const imageRepository = (description: string, example: string) =>
  text(description, /^[a-z0-9.-]+(:\d+)?(\/[a-z0-9._-]+)*$/, `a repository such as ${example}`);

const mirrors = object(
  'Where packages and images come from.',
  {
    set: withDefault(
      text('upstream, aliyun or tuna (or a mirror set of your own catalogue).', NAME, 'a name'),
      'upstream',
    ),
    repositories: object(
      'Base URLs of your own, by kind of repository. {major} stands for the release (9), {minor} for Kubernetes’ minor version (1.34), {format} for the packages’ (rpm or deb), {version} for the archive’s.',
      {
        os: optional(
          url(
            'The distribution: below it BaseOS/x86_64/os/ and AppStream/x86_64/os/; EL 7: os/x86_64/, updates/x86_64/ and extras/x86_64/; Debian: debian/ and debian-security/. Where neither this nor the mirror set names one for Debian, a machine keeps its own sources.',
          ),
        ),
        epel: optional(url('Below it 9/Everything/x86_64/ (EL 7: 7/x86_64/) and RPM-GPG-KEY-EPEL-9.')),
        docker: optional(
          url(
            'Below it rhel/9/x86_64/stable/ (EL 7: centos/7/x86_64/stable/) and rhel/gpg; Debian: debian/dists/bookworm/ and debian/gpg.',
          ),
        ),
        kubernetes: optional(
          url(
            'The repository itself: in it repodata/, with repomd.xml.key; Debian: Packages and Release.key.',
          ),
        ),
        elrepo: optional(
          url('Below it kernel/el9/x86_64/, RPM-GPG-KEY-elrepo.org and RPM-GPG-KEY-v2-elrepo.org.'),
        ),
        criDockerd: optional(url('The folder of cri-dockerd-{version}.amd64.tgz.')),
        etcd: optional(url('The folder of etcd-v{version}-linux-amd64.tar.gz.')),
        cni: optional(url('The folder of calico.yaml or kube-flannel.yml, of the version {version}.')),
        cniPlugins: optional(url('The folder of cni-plugins-linux-amd64-v{version}.tgz.')),
        goss: optional(
          url(
            'The folder of goss-linux-amd64, of the version {version} (from 0.4.10 on: goss_{version}_linux_x86_64.tar.gz).',
          ),
        ),
      },
      { default: {} },
    ),
    registries: withDefault(
      mapOf(
        'Registry mirrors: for each registry, the URLs to ask first.',
        list('URLs.', url('A mirror.'), { minItems: 1 }),
        /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:\d+)?$/,
        'a registry such as docker.io or registry.example.com:5000',
      ),
      {},
    ),
    imageRepository: optional(
      imageRepository(
        'Where Kubernetes’ own images come from, in place of registry.k8s.io.',
        'registry.example.com/google_containers',
      ),
    ),
    cniImageRepository: optional(
      imageRepository(
        'Where the pod network’s images come from, in place of the repository in its manifest.',
        'registry.example.com/calico',
      ),
    ),
  },
  { default: {} },
);

const artifacts = object(
  'What hosts fetch beside packages. imgbuild.lock beside the spec has the checksums; "imgbuild lock" writes it.',
  {
    allowUnlocked: withDefault(
      flag('Hosts take what is not locked without checking it. For trying things out.'),
      false,
    ),
  },
  { default: {} },
);

const proxy = object('The way out, where there is none but an HTTP proxy.', {
  http: optional(url('For http:// URLs.')),
  https: optional(url('For https:// URLs.')),
  noProxy: withDefault(
    list(
      'Further names and ranges to reach directly; the cluster’s own are added.',
      noProxy('A name, a domain with a leading dot, an address or a range.'),
    ),
    [],
  ),
});

const ingress = object(
  'What the hosts of role ingress do with traffic from outside: haproxy passes it to NodePorts of the workers.',
  {
    vip: optional(ipv4('The virtual address that keepalived holds on one of them.')),
    httpNodePort: withDefault(integer('The NodePort behind port 80.', 1, 65535), 30080),
    httpsNodePort: withDefault(integer('The NodePort behind port 443.', 1, 65535), 30443),
  },
  { default: {} },
);

const alerts = object('Who is told when a disk fails; the host’s journal always is.', {
  webhook: optional(
    webhook(
      'Gets a POST with a JSON object: host, event, array, component, time, text. A chat service that wants another form needs an adapter in between.',
    ),
  ),
  mail: optional(
    object('Mail, handed to a relay: hosts run no mail server of their own.', {
      to: list('Who gets it.', mailAddress('An address.'), { minItems: 1 }),
      from: mailAddress('Whom it is from.'),
      relay: text(
        'The relay.',
        /^smtps?:\/\/[A-Za-z0-9.-]+(:\d+)?$/,
        'an smtp:// or smtps:// URL such as smtp://mail.example.com:25',
      ),
    }),
  ),
});

/** cluster.yaml, whole. */
export const clusterSchema = object('A cluster: everything that imgbuild renders follows from this.', {
  name: text(
    'The cluster’s name: DNS-1123, at most 20 characters.',
    /^[a-z0-9]([a-z0-9-]{0,18}[a-z0-9])?$/,
    'lower-case letters, digits and "-", at most 20 characters',
  ),
  id: optional(
    text(
      'Six hexadecimal digits that tell this cluster’s disks, output and secrets from those of another of its name. "imgbuild init" makes them up; never change them.',
      /^[0-9a-f]{6}$/,
      'six hexadecimal digits in quotes, such as "5e0a11"',
    ),
  ),
  kubernetes,
  etcd,
  versions,
  networks: object('The networks. Only management must exist.', {
    management: network('Between hosts: API, etcd, kubelets, ssh.'),
    container: optional(network('Pods’ traffic; the default route where it exists.')),
    storage: optional(network('To block, file and object stores and databases.')),
  }),
  hosts: list('The hosts.', host, { minItems: 1 }),
  roles: withDefault(mapOf('Settings for one role.', roleSettings), {}),
  mirrors,
  artifacts,
  proxy: optional(proxy),
  users: withDefault(list('Accounts.', user), []),
  breakGlass,
  timezone: withDefault(
    text('The time zone.', /^[A-Za-z0-9_+-]+(\/[A-Za-z0-9_+-]+)*$/, 'a time zone such as Asia/Shanghai'),
    'Asia/Shanghai',
  ),
  ntp: ntpServers,
  server: optional(
    text(
      'The base URL that hosts fetch from, where inst.ks= does not say it, and that the first boot reports to.',
      HTTP_URL,
      'an http:// or https:// URL',
    ),
  ),
  ingress,
  alerts: optional(alerts),
  ...settings,
});

export type Cluster = Static<typeof clusterSchema>;
export type NetworkSpec = Cluster['networks']['management'];
export type SubnetSpec = NonNullable<NetworkSpec['subnets']>[number];
