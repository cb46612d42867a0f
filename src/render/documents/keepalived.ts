import { createHash } from 'node:crypto';
import type { AddressPlan, ClusterPlan, HostPlan } from '../../plan/types.ts';
import { header } from './header.ts';
import { isIn } from './network.ts';
import type { DocumentFile, HostDocument } from './types.ts';

/** A virtual address and what has to work on the host that holds it. */
interface VirtualRouter {
  name: 'api' | 'ingress';
  vip: string;
  /** The port that haproxy has to answer on. */
  port: number;
  /** Management addresses of the hosts that hold it in turn; unknown where VRRP's multicast has to do. */
  peers: string[];
}

/** keepalived on hosts of the control plane and of ingress that share a virtual address. */
export const keepalived: HostDocument = {
  scope: 'host',
  paths: ['/etc/keepalived/keepalived.conf', '/etc/systemd/system/keepalived.service.d/20-imgbuild.conf'],
  render(cluster, host) {
    const note = `# ${header(cluster, host, host.name)}\n`;
    const router = virtualRouter(cluster, host);
    const own = router && holder(router.vip, host);
    if (router && own) return [config(note, router, own, cluster, host), dropIn(note, own)];
    // The package's own configuration claims addresses of 192.168.200.0/24.
    const isIdle = host.isIngress || host.overlays.includes('api-vip');
    return isIdle
      ? [{ path: '/etc/keepalived/keepalived.conf', content: `${note}# There is no virtual address.\n` }]
      : [];
  },
};

function virtualRouter(cluster: ClusterPlan, host: HostPlan): VirtualRouter | undefined {
  const { endpoint, ingress } = cluster;
  if (host.overlays.includes('api-vip')) {
    const peers = endpoint.servers.map(({ address }) => address);
    return { name: 'api', vip: endpoint.address, port: endpoint.port, peers };
  }
  if (host.isIngress && ingress.vip !== undefined)
    return { name: 'ingress', vip: ingress.vip, port: 80, peers: [] };
  return undefined;
}

/** The host's own address in the virtual address's subnet: its interface is the one that gets it. */
function holder(vip: string, host: HostPlan): AddressPlan | undefined {
  return Object.values(host.addresses).find((own) => isIn(vip, own)) ?? host.addresses.management;
}

function config(
  note: string,
  router: VirtualRouter,
  own: AddressPlan,
  cluster: ClusterPlan,
  host: HostPlan,
): DocumentFile {
  const others =
    own.network === 'management' ? router.peers.filter((address) => address !== own.address) : [];
  const unicast = `  unicast_src_ip ${own.address}
  unicast_peer {
${others.map((address) => `    ${address}\n`).join('')}  }
`;
  const content = `${note}global_defs {
  router_id ${host.name}
  script_user root
  enable_script_security
}

vrrp_script haproxy {
  script "/usr/libexec/imgbuild/check-haproxy ${router.port}"
  interval 2
  timeout 3
  fall 3
  rise 2
}

# All hosts are alike: the one that holds the address keeps it until it fails.
vrrp_instance ${router.name} {
  state BACKUP
  nopreempt
  # One line, "interface …", written before keepalived starts: /usr/libexec/imgbuild/keepalived-interface.
  include /run/imgbuild/keepalived-interface.conf
  virtual_router_id ${routerId(cluster, router)}
  priority 100
  advert_int 1
${others.length > 0 ? unicast : ''}  virtual_ipaddress {
    ${router.vip}/32
  }
  track_script {
    haproxy
  }
}
`;
  return { path: '/etc/keepalived/keepalived.conf', content };
}

/** 1 to 255, and different from what other clusters on the same network are likely to use. */
function routerId(cluster: ClusterPlan, { name, vip }: VirtualRouter): number {
  const id = (use: string, address: string) => {
    const digest = createHash('sha256').update(`${cluster.name}\n${use}\n${address}`).digest();
    return 1 + (digest.readUInt16BE(0) % 255);
  };
  const api = id('api', cluster.endpoint.address);
  if (name === 'api') return api;
  const own = id('ingress', vip);
  return own === api ? 1 + (own % 255) : own;
}

function dropIn(note: string, own: AddressPlan): DocumentFile {
  const content = `${note}[Unit]
Wants=network-online.target
After=network-online.target haproxy.service

[Service]
ExecStartPre=/usr/libexec/imgbuild/keepalived-interface ${own.address}
# The interface may come later than ExecStartPre waits.
Restart=on-failure
RestartSec=5
`;
  return { path: '/etc/systemd/system/keepalived.service.d/20-imgbuild.conf', content };
}
