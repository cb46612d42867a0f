import { header } from './header.ts';
import { type Section, toSections } from './ini.ts';
import {
  type Connection,
  connections,
  type IpConfig,
  nameServers,
  type Route,
  type Rule,
} from './network.ts';
import type { DocumentFile, HostDocument } from './types.ts';

const FOLDER = '/etc/systemd/network';
/** Bonds and VLANs come first: the first file that fits an interface is the one that configures it. */
const FILES: Record<Connection['kind'], string> = {
  bond: `${FOLDER}/20-imgbuild-`,
  vlan: `${FOLDER}/20-imgbuild-`,
  ethernet: `${FOLDER}/30-imgbuild-`,
  port: `${FOLDER}/30-imgbuild-`,
};
/**
 * Laid as it is, and not left to systemd-resolved: a minimal Debian has none, and its stub would be an address of the
 * host's own in every pod that inherits this file.
 */
const RESOLV_CONF = '/etc/resolv.conf';
const FILTER = '/etc/udev/rules.d/70-imgbuild-filter.rules';

/** systemd-networkd's files: Debian. */
export const networkNetworkd: HostDocument = {
  scope: 'host',
  paths: [`${FOLDER}/20-imgbuild-*`, `${FOLDER}/30-imgbuild-*`, RESOLV_CONF, FILTER],
  render(cluster, host) {
    if (host.os.network !== 'networkd') return [];
    const note = `# ${header(cluster, host, host.name)}\n`;
    const all = connections(cluster, host);
    const files: DocumentFile[] = [];
    const lay = (path: string, content: string) => {
      if (content !== '') files.push({ path, content: note + content });
    };
    for (const connection of all) {
      const path = `${FILES[connection.kind]}${connection.name}`;
      lay(`${path}.netdev`, toSections(device(connection, all)));
      lay(`${path}.network`, toSections(network(connection, all)));
    }
    lay(
      RESOLV_CONF,
      nameServers(all)
        .map((server) => `nameserver ${server}\n`)
        .join(''),
    );
    lay(FILTER, looseFilter(all));
    return files;
  },
};

type Sections = [name: string, section: Section][];

/** What networkd has to make; NICs are there. */
function device({ kind, name, bond, vlan }: Connection, all: readonly Connection[]): Sections {
  if (bond) {
    const first = all.find((port) => port.name === bond.primary)?.mac;
    return [
      // Otherwise networkd makes an address up. The first NIC's is what the switch and the spec know.
      ['NetDev', { Name: name, Kind: kind, ...(first === undefined ? {} : { MACAddress: first }) }],
      ['Bond', bondOptions(bond)],
    ];
  }
  if (vlan === undefined) return [];
  return [
    ['NetDev', { Name: name, Kind: kind }],
    ['VLAN', { Id: vlan }],
  ];
}

function bondOptions({ mode }: NonNullable<Connection['bond']>): Section {
  return {
    Mode: mode,
    MIIMonitorSec: '100ms',
    ...(mode === '802.3ad' ? { LACPTransmitRate: 'fast' } : {}),
    ...(mode === 'active-backup' ? {} : { TransmitHashPolicy: 'layer3+4' }),
  };
}

function network(connection: Connection, all: readonly Connection[]): Sections {
  const { name, mtu, ip } = connection;
  const tagged = all.filter(({ kind, parent }) => kind === 'vlan' && parent === name);
  return [
    ['Match', match(connection)],
    // The cluster starts without its stores: what waits for the network waits for the other two alone.
    ['Link', { MTUBytes: mtu, ...(ip && ip.network !== 'storage' ? {} : { RequiredForOnline: 'no' }) }],
    [
      'Network',
      {
        LinkLocalAddressing: 'no',
        IPv6AcceptRA: 'no',
        ...(connection.kind === 'port' ? port(connection, all) : KEPT),
        ...(tagged.length > 0 ? { VLAN: tagged.map((vlan) => vlan.name) } : {}),
        ...(ip ? address(ip) : {}),
      },
    ],
    ...(ip?.routes ?? []).map((each): Sections[number] => ['Route', route(each)]),
    ...(ip?.rules ?? []).map((each): Sections[number] => ['RoutingPolicyRule', rule(each)]),
  ];
}

/** Addresses stay while a switch restarts, and so do others' (keepalived's, the pod network's) when networkd does. */
const KEPT: Section = { IgnoreCarrierLoss: 'yes', KeepConfiguration: 'static' };

/**
 * A NIC by its address, whatever the kernel calls it. What lies upon it may have the same address; a port's becomes its
 * bond's, and only the one that it was made with tells it from the others.
 */
function match({ kind, name, mac }: Connection): Section {
  if (mac === undefined) return { Name: name };
  return kind === 'port'
    ? { PermanentMACAddress: mac }
    : { MACAddress: mac, Kind: '!bond bridge ipvlan macvlan vlan' };
}

function port({ name, parent }: Connection, all: readonly Connection[]): Section {
  const bond = all.find((each) => each.name === parent)?.bond;
  return {
    ...(parent === undefined ? {} : { Bond: parent }),
    ...(bond?.mode === 'active-backup' && bond.primary === name ? { PrimarySlave: 'yes' } : {}),
  };
}

function address({ address: own, prefix, gateway }: IpConfig): Section {
  return { Address: `${own}/${prefix}`, ...(gateway === undefined ? {} : { Gateway: gateway }) };
}

function route({ to, via, table }: Route): Section {
  return {
    Destination: to,
    ...(via === undefined ? {} : { Gateway: via }),
    ...(table === undefined ? {} : { Table: table }),
  };
}

function rule({ priority, from, to, table, suppressDefault }: Rule): Section {
  return {
    Priority: priority,
    ...(from === undefined ? {} : { From: from }),
    ...(to === undefined ? {} : { To: to }),
    Table: table,
    ...(suppressDefault ? { SuppressPrefixLength: 0 } : {}),
  };
}

/**
 * On hosts of several networks what comes in by one may go out by another, and what is forwarded to a pod no rule by
 * source can know: a strict reverse-path filter, which Debian has not but hardening brings, is loosened. udev does it
 * for each interface that appears; networkd 252 cannot. Not for all at once: calico does not start where
 * net.ipv4.conf.all.rp_filter is 2.
 */
function looseFilter(all: readonly Connection[]): string {
  const addressed = all.filter(({ ip }) => ip);
  if (addressed.every(({ ip }) => ip?.rules.length === 0)) return '';
  return addressed
    .map(({ name, mac }) =>
      [
        'ACTION=="add"',
        'SUBSYSTEM=="net"',
        mac === undefined ? `KERNEL=="${name}"` : `ATTR{address}=="${mac}"`,
        // Before the interface gets the name that udev has for it.
        'SYSCTL{net/ipv4/conf/%k/rp_filter}="2"\n',
      ].join(', '),
    )
    .join('');
}
