import { header } from './header.ts';
import { keyValues, type Section } from './ini.ts';
import { type Connection, connections, nameServers, type Route, type Rule } from './network.ts';
import type { DocumentFile, HostDocument } from './types.ts';

const FOLDER = '/etc/sysconfig/network-scripts';
/** Put in its place at the end of the installation, which still needs the network it booted with. */
const RESOLV_CONF = '/etc/imgbuild/resolv.conf';

/**
 * Files of the classic network service: EL 7. An ifcfg file with both DEVICE and HWADDR makes udev give the
 * NIC with that address that name at boot (rename_device), so names here are ours and hold for every kernel.
 */
export const networkIfcfg: HostDocument = {
  scope: 'host',
  paths: [`${FOLDER}/ifcfg-*`, `${FOLDER}/route-*`, `${FOLDER}/rule-*`, RESOLV_CONF],
  render(cluster, host) {
    if (host.os.network !== 'ifcfg') return [];
    const note = `# ${header(cluster, host, host.name)}\n`;
    const all = connections(cluster, host);
    const files: DocumentFile[] = [];
    const lay = (path: string, content: string) => {
      if (content !== '') files.push({ path, content: note + content });
    };
    for (const connection of all) {
      const { name, ip } = connection;
      lay(`${FOLDER}/ifcfg-${name}`, keyValues(ifcfg(connection)));
      lay(`${FOLDER}/route-${name}`, (ip?.routes ?? []).map((route) => routeLine(route, name)).join(''));
      lay(`${FOLDER}/rule-${name}`, (ip?.rules ?? []).map(ruleLine).join(''));
    }
    // In the file itself, or each interface's DNS1 would take the others' place.
    lay(
      RESOLV_CONF,
      nameServers(all)
        .map((server) => `nameserver ${server}\n`)
        .join(''),
    );
    return files;
  },
};

const TYPES: Record<Connection['kind'], string> = {
  ethernet: 'Ethernet',
  port: 'Ethernet',
  bond: 'Bond',
  vlan: 'Vlan',
};

function ifcfg({ kind, name, mac, bond, parent, vlan, mtu, ip }: Connection): Section {
  return {
    TYPE: TYPES[kind],
    DEVICE: name,
    ...(mac === undefined ? {} : { HWADDR: mac.toUpperCase() }),
    ONBOOT: 'yes',
    BOOTPROTO: 'none',
    NM_CONTROLLED: 'no',
    ...(kind === 'port' && parent !== undefined ? { MASTER: parent, SLAVE: 'yes' } : {}),
    ...(bond ? { BONDING_MASTER: 'yes', BONDING_OPTS: `"${bondOptions(bond)}"` } : {}),
    ...(vlan !== undefined && parent !== undefined ? { VLAN: 'yes', VID: vlan, PHYSDEV: parent } : {}),
    MTU: mtu,
    ...(ip ? { IPADDR: ip.address, PREFIX: ip.prefix } : {}),
    ...(ip?.gateway === undefined ? { DEFROUTE: 'no' } : { DEFROUTE: 'yes', GATEWAY: ip.gateway }),
    PEERDNS: 'no',
    IPV6INIT: 'no',
  };
}

function bondOptions({ mode, primary }: NonNullable<Connection['bond']>): string {
  const options = [`mode=${mode}`, 'miimon=100'];
  if (mode === '802.3ad') options.push('lacp_rate=fast');
  options.push(mode === 'active-backup' ? `primary=${primary}` : 'xmit_hash_policy=layer3+4');
  return options.join(' ');
}

/** As `ip route add` takes it. */
function routeLine({ to, via, table }: Route, device: string): string {
  const target = to === '0.0.0.0/0' ? 'default' : to;
  return `${target}${via === undefined ? '' : ` via ${via}`} dev ${device}${table === undefined ? '' : ` table ${table}`}\n`;
}

/** As `ip rule add` takes it. */
function ruleLine({ priority, from = 'all', to, table, suppressDefault }: Rule): string {
  return `from ${from}${to === undefined ? '' : ` to ${to}`} lookup ${table}${suppressDefault ? ' suppress_prefixlength 0' : ''} priority ${priority}\n`;
}
