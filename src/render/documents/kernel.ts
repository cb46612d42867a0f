import { header } from './header.ts';
import type { Kind, SharedDocument } from './types.ts';

interface Setting {
  value: string | number;
  /** The module that brings the key; without it, setting the key would fail at every boot. */
  module?: string;
  /** Only kernels of this series have the key. */
  kernel?: string;
}

/**
 * What a host of containers needs, from the guides of people who run such clusters, mended: `tcp_tw_recycle`
 * left the kernel in 4.12, and `gc_thresh1` stood there three times for 1, 2 and 3.
 */
const SETTINGS: Readonly<Record<string, Setting>> = {
  'net.bridge.bridge-nf-call-iptables': { value: 1, module: 'br_netfilter' },
  'net.bridge.bridge-nf-call-ip6tables': { value: 1, module: 'br_netfilter' },
  'net.ipv4.ip_forward': { value: 1 },
  'net.ipv4.neigh.default.gc_thresh1': { value: 1024 },
  'net.ipv4.neigh.default.gc_thresh2': { value: 2048 },
  'net.ipv4.neigh.default.gc_thresh3': { value: 4096 },
  'net.ipv6.conf.all.disable_ipv6': { value: 1 },
  'net.netfilter.nf_conntrack_max': { value: 2310720, module: 'nf_conntrack' },
  'vm.swappiness': { value: 0 },
  'vm.overcommit_memory': { value: 1 },
  'vm.panic_on_oom': { value: 0 },
  'fs.inotify.max_user_instances': { value: 8192 },
  'fs.inotify.max_user_watches': { value: 1048576 },
  'fs.file-max': { value: 52706963 },
  'fs.nr_open': { value: 52706963 },
  'fs.may_detach_mounts': { value: 1, kernel: '3.10' },
};

/** The kernel settings of a kind of host: ours, with the spec's laid over them. */
export function sysctls(kind: Pick<Kind, 'kernel' | 'modules' | 'sysctls'>): Record<string, string> {
  const settings: Record<string, string> = {};
  for (const [key, { value, module, kernel }] of Object.entries(SETTINGS)) {
    if (module !== undefined && !kind.modules.includes(module)) continue;
    if (kernel !== undefined && !isSeries(kind.kernel.version, kernel)) continue;
    settings[key] = String(value);
  }
  return { ...settings, ...kind.sysctls };
}

function isSeries(version: string, series: string): boolean {
  return version === series || version.startsWith(`${series}.`);
}

export const sysctl: SharedDocument = {
  scope: 'shared',
  // After the release's own files; /etc/sysctl.conf (99-sysctl.conf) still comes last and is empty.
  paths: ['/etc/sysctl.d/90-imgbuild.conf'],
  render(cluster, kind) {
    const lines = Object.entries(sysctls(kind)).map(([key, value]) => `${key} = ${value}\n`);
    return [
      { path: '/etc/sysctl.d/90-imgbuild.conf', content: `# ${header(cluster, kind)}\n${lines.join('')}` },
    ];
  },
};

/** Loaded before the settings are made: those of br_netfilter and nf_conntrack need their modules. */
export const modules: SharedDocument = {
  scope: 'shared',
  paths: ['/etc/modules-load.d/90-imgbuild.conf'],
  render(cluster, kind) {
    const content = [`# ${header(cluster, kind)}`, ...kind.modules].join('\n');
    return [{ path: '/etc/modules-load.d/90-imgbuild.conf', content }];
  },
};
