import { createHash } from 'node:crypto';
import { header } from './header.ts';
import { type Section, toIni } from './ini.ts';
import { type Connection, connections, type IpConfig, type Rule } from './network.ts';
import type { HostDocument } from './types.ts';

const FOLDER = '/etc/NetworkManager/system-connections';
/** Bonds and their preferred NICs, for the dispatcher script 50-imgbuild-bonds. */
const BONDS = '/etc/imgbuild/bonds';

/** NetworkManager's profiles: EL 8 and later. It ignores those that others than root can read. */
export const networkKeyfile: HostDocument = {
  scope: 'host',
  paths: [`${FOLDER}/*.nmconnection`, BONDS],
  render(cluster, host) {
    if (host.os.network !== 'keyfile') return [];
    const all = connections(cluster, host);
    const note = `# ${header(cluster, host, host.name)}\n`;
    const uuid = (name: string) => uuidOf(`${cluster.name}/${host.name}/${name}`);
    const profiles = all.map((connection) => ({
      path: `${FOLDER}/${connection.name}.nmconnection`,
      mode: 0o600,
      content: note + toIni(profile(connection, uuid)),
    }));
    const preferred = bondsFile(all);
    return preferred === '' ? profiles : [...profiles, { path: BONDS, content: note + preferred }];
  },
};

function profile(connection: Connection, uuid: (name: string) => string): Record<string, Section> {
  const { kind, name, mac, bond, parent, vlan, mtu, ip } = connection;
  const isPort = kind === 'port';
  return {
    connection: {
      id: name,
      uuid: uuid(name),
      type: isPort ? 'ethernet' : kind,
      // NICs and ports are found by their MAC address; another kernel may name them differently.
      ...(kind === 'bond' || kind === 'vlan' ? { 'interface-name': name } : {}),
      ...(isPort && parent !== undefined ? { master: uuid(parent), 'slave-type': 'bond' } : {}),
      ...(kind === 'bond' ? { 'autoconnect-slaves': 1 } : {}),
      // Before any profile that the installer has left behind.
      'autoconnect-priority': 100,
    },
    ethernet: { ...(mac === undefined ? {} : { 'mac-address': mac.toUpperCase() }), mtu },
    ...(bond ? { bond: bondOptions(bond) } : {}),
    ...(vlan !== undefined && parent !== undefined ? { vlan: { id: vlan, parent: uuid(parent) } } : {}),
    ...(isPort ? {} : { ipv4: ip ? ipv4(ip) : { method: 'disabled' }, ipv6: { method: 'disabled' } }),
  };
}

function bondOptions({ mode }: NonNullable<Connection['bond']>): Section {
  return {
    mode,
    miimon: 100,
    ...(mode === '802.3ad' ? { lacp_rate: 'fast' } : {}),
    ...(mode === 'active-backup' ? {} : { xmit_hash_policy: 'layer3+4' }),
  };
}

function ipv4({ address, prefix, gateway, dns, routes, rules }: IpConfig): Section {
  const section: Record<string, string> = { method: 'manual', address1: `${address}/${prefix}` };
  if (gateway !== undefined) section.gateway = gateway;
  if (dns.length > 0) section.dns = `${dns.join(';')};`;
  for (const [index, { to, via, table }] of routes.entries()) {
    section[`route${index + 1}`] = via === undefined ? to : `${to},${via}`;
    if (table !== undefined) section[`route${index + 1}_options`] = `table=${table}`;
  }
  for (const [index, rule] of rules.entries()) section[`routing-rule${index + 1}`] = ruleText(rule);
  return section;
}

function ruleText({ priority, from = '0.0.0.0/0', to, table, suppressDefault }: Rule): string {
  return `priority ${priority} from ${from}${to === undefined ? '' : ` to ${to}`} table ${table}${suppressDefault ? ' suppress_prefixlength 0' : ''}`;
}

/** The option `primary` wants an interface's name, which is not known here: it is set once the ports are up. */
function bondsFile(all: readonly Connection[]): string {
  return all
    .filter(({ bond }) => bond?.mode === 'active-backup')
    .map(({ name, bond }) => `${name} ${all.find((port) => port.name === bond?.primary)?.mac}\n`)
    .join('');
}

/** Namespace of the UUIDs, itself random once. */
const NAMESPACE = Buffer.from('0d1b6f0e5b9e4f0e9a53c1a7d2f4b860', 'hex');

/** A UUID (version 5) of a name: the same for the same host and connection, at every rendering. */
function uuidOf(name: string): string {
  const digest = createHash('sha1').update(NAMESPACE).update(name).digest();
  digest.writeUInt8((digest.readUInt8(6) & 0x0f) | 0x50, 6);
  digest.writeUInt8((digest.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = digest.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join(
    '-',
  );
}
