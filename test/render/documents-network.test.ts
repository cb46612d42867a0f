import { describe, expect, test } from 'vitest';
import type { HostPlan, Plan } from '../../src/plan/types.ts';
import { networkIfcfg } from '../../src/render/documents/network-ifcfg.ts';
import { networkKeyfile } from '../../src/render/documents/network-keyfile.ts';
import { networkNetworkd } from '../../src/render/documents/network-networkd.ts';
import { hostOf, planOf, production } from '../overlays/plans.ts';

const EL7 = { os: { release: 'centos-7.9' }, kubernetes: { version: '1.31.14' } };
const plan = await production();
const el7 = await production(EL7);

/** Files by the last part of their path, without the comment at their head. */
function files(from: Plan, host: HostPlan): Record<string, string> {
  const all = [networkKeyfile, networkIfcfg, networkNetworkd];
  const made = all.flatMap((document) => document.render(from.cluster, host));
  return Object.fromEntries(
    made.map(({ path, content }) => [path.split('/').at(-1) ?? '', content.replace(/^#.*\n/, '')]),
  );
}

/** The keys of one section. */
function section(text: string | undefined, name: string): Record<string, string> {
  const body = new RegExp(`^\\[${name}\\]\\n((?:[^[\\n].*\\n)*)`, 'm').exec(text ?? '')?.[1] ?? '';
  return Object.fromEntries(
    body
      .split('\n')
      .filter(Boolean)
      .map((line) => line.split(/=(.*)/s).slice(0, 2)),
  );
}

/** A small cluster whose one host has these networks and NICs. */
function small(networks: object, nics: object[], more: object = {}): { from: Plan; host: HostPlan } {
  const from = planOf({
    ...{ name: 'lab', kubernetes: { version: '1.31.14' }, networks },
    hosts: [{ name: 'one', role: 'master', nics }],
    ...more,
  });
  return { from, host: hostOf(from, 'one') };
}

const NIC = '52:54:00:00:00:01';
const MANAGEMENT = { cidr: '10.1.0.0/16', subnets: [{ cidr: '10.1.2.0/24', gateway: '10.1.2.1' }] };

describe('three NICs', () => {
  const made = files(plan, hostOf(plan, 'master-1'));

  test('are three profiles, found by their MAC addresses', () => {
    expect(Object.keys(made)).toEqual([
      'nic0.nmconnection',
      'nic1.nmconnection',
      'nic2.nmconnection',
      'vlan132.nmconnection',
    ]);
    expect(section(made['nic0.nmconnection'], 'ethernet')['mac-address']).toBe('02:00:64:00:01:01');
    expect(section(made['nic0.nmconnection'], 'connection')).not.toHaveProperty('interface-name');
  });

  test('the default route is on the container network alone', () => {
    expect(section(made['nic1.nmconnection'], 'ipv4')).toEqual({
      method: 'manual',
      address1: '100.64.16.11/24',
      gateway: '100.64.16.1',
      // Asked from the other networks, it answers by this one.
      route1: '100.64.16.0/24',
      route1_options: 'table=102',
      route2: '0.0.0.0/0,100.64.16.1',
      route2_options: 'table=102',
      'routing-rule1': 'priority 4100 from 100.64.16.11/32 to 100.64.0.0/20 table 102',
      'routing-rule2': 'priority 4101 from 100.64.16.11/32 to 100.64.32.0/20 table 102',
    });
    for (const name of ['nic0', 'vlan132']) {
      expect(section(made[`${name}.nmconnection`], 'ipv4')).not.toHaveProperty('gateway');
    }
  });

  test('management has its whole range, its name servers, and replies of its own', () => {
    expect(section(made['nic0.nmconnection'], 'ipv4')).toEqual({
      method: 'manual',
      address1: '100.64.0.11/24',
      dns: '223.5.5.5;119.29.29.29;',
      // Services: the host calls them with this address.
      route1: '10.96.0.0/12',
      route2: '100.64.0.0/20,100.64.0.1',
      route3: '223.5.5.5/32,100.64.0.1',
      route4: '119.29.29.29/32,100.64.0.1',
      route5: '100.64.0.0/24',
      route5_options: 'table=101',
      route6: '0.0.0.0/0,100.64.0.1',
      route6_options: 'table=101',
      'routing-rule1': 'priority 4000 from 100.64.0.11/32 to 100.64.16.0/20 table 101',
      'routing-rule2': 'priority 4001 from 100.64.0.11/32 to 100.64.32.0/20 table 101',
      'routing-rule3': 'priority 5000 from 0.0.0.0/0 table 254 suppress_prefixlength 0',
      'routing-rule4': 'priority 5001 from 100.64.0.11/32 table 101',
    });
  });

  test('a NIC that carries only a tagged network has no address', () => {
    expect(section(made['nic2.nmconnection'], 'ipv4')).toEqual({ method: 'disabled' });
    expect(section(made['vlan132.nmconnection'], 'vlan')).toEqual({
      id: '132',
      parent: section(made['nic2.nmconnection'], 'connection').uuid,
    });
    expect(section(made['vlan132.nmconnection'], 'ipv4').address1).toBe('100.64.32.11/24');
  });

  test('only root reads them', () => {
    for (const { mode } of networkKeyfile.render(plan.cluster, hostOf(plan, 'master-1')))
      expect(mode).toBe(0o600);
  });

  test('UUIDs are a host’s own, and stay', () => {
    const uuid = (host: string) =>
      section(files(plan, hostOf(plan, host))['nic0.nmconnection'], 'connection').uuid;
    expect(uuid('master-1')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(uuid('master-1')).toBe('a8228f97-eb31-5a06-a85f-16400fe44eb9');
    expect(uuid('master-2')).not.toBe(uuid('master-1'));
  });
});

describe('a bond with a tagged network on it', () => {
  const made = files(plan, hostOf(plan, 'worker-1'));
  const bond = made['bond0.nmconnection'];

  test('is one interface with two ports', () => {
    expect(section(bond, 'bond')).toEqual({ mode: 'active-backup', miimon: '100' });
    expect(section(bond, 'connection')['interface-name']).toBe('bond0');
    for (const [index, mac] of ['02:00:64:00:07:02', '02:00:64:00:07:03'].entries()) {
      const port = made[`bond0p${index}.nmconnection`];
      expect(section(port, 'connection')).toMatchObject({
        type: 'ethernet',
        'slave-type': 'bond',
        master: section(bond, 'connection').uuid,
      });
      expect(section(port, 'ethernet')['mac-address']).toBe(mac);
      expect(section(port, 'ipv4')).toEqual({});
    }
  });

  test('carries the untagged network itself, the tagged one on top', () => {
    expect(section(bond, 'ipv4').address1).toBe('100.64.17.11/24');
    expect(section(made['vlan132.nmconnection'], 'vlan').parent).toBe(section(bond, 'connection').uuid);
  });

  test('prefers the NIC that the spec names first', () => {
    expect(made.bonds).toBe('bond0 02:00:64:00:07:02\n');
  });

  test('of LACP has its options, and no preference', () => {
    const macs = ['52:54:00:00:00:01', '52:54:00:00:00:02'];
    const { from, host } = small({ management: MANAGEMENT }, [
      { macs, bond: { mode: '802.3ad' }, networks: ['management'] },
    ]);
    expect(section(files(from, host)['bond0.nmconnection'], 'bond')).toEqual({
      mode: '802.3ad',
      miimon: '100',
      lacp_rate: 'fast',
      xmit_hash_policy: 'layer3+4',
    });
    expect(files(from, host)).not.toHaveProperty('bonds');
  });
});

describe('hosts with one network', () => {
  test('route everything by it', () => {
    const { from, host } = small({ management: { ...MANAGEMENT, mtu: 9000 } }, [
      { mac: NIC, networks: ['management'] },
    ]);
    const made = files(from, host);
    expect(section(made['nic0.nmconnection'], 'ipv4')).toEqual({
      method: 'manual',
      address1: '10.1.2.11/24',
      gateway: '10.1.2.1',
    });
    expect(section(made['nic0.nmconnection'], 'ethernet').mtu).toBe('9000');
  });

  test('etcd has no container NIC: management is its default route', () => {
    const made = files(plan, hostOf(plan, 'etcd-1'));
    expect(Object.keys(made)).toEqual(['nic0.nmconnection']);
    expect(section(made['nic0.nmconnection'], 'ipv4')).toEqual({
      method: 'manual',
      address1: '100.64.0.21/24',
      gateway: '100.64.0.1',
      dns: '223.5.5.5;119.29.29.29;',
    });
  });
});

describe('routes', () => {
  const nics = [
    { mac: NIC, networks: ['management'] },
    { mac: '52:54:00:00:00:02', networks: ['container'] },
  ];

  test('a network that is one subnet needs none to itself', () => {
    const networks = {
      management: { cidr: '10.1.2.0/24', gateway: '10.1.2.1' },
      container: { cidr: '10.2.0.0/24', gateway: '10.2.0.1' },
    };
    const { from, host } = small(networks, nics);
    expect(section(files(from, host)['nic0.nmconnection'], 'ipv4')).toMatchObject({
      route1: '10.96.0.0/12',
      route2: '10.1.2.0/24',
      route2_options: 'table=101',
      route3: '0.0.0.0/0,10.1.2.1',
    });
  });

  test('a network without a gateway has none but to services', () => {
    const { from, host } = small(
      { management: { cidr: '10.1.2.0/24' }, container: { cidr: '10.2.0.0/24', gateway: '10.2.0.1' } },
      nics,
    );
    expect(section(files(from, host)['nic0.nmconnection'], 'ipv4')).toEqual({
      method: 'manual',
      address1: '10.1.2.11/24',
      route1: '10.96.0.0/12',
    });
  });

  test('a host that is no node needs none to services', () => {
    const all = files(plan, hostOf(plan, 'etcd-1'));
    expect(JSON.stringify(all)).not.toContain('10.96.0.0/12');
  });

  test('replies of the virtual address leave by its network too', async () => {
    const vip = await production({
      kubernetes: { version: '1.34.12', endpoint: { via: 'vip', vip: '100.64.0.10' } },
    });
    const rules = (host: string) =>
      Object.values(section(files(vip, hostOf(vip, host))['nic0.nmconnection'], 'ipv4')).filter((value) =>
        value.includes('from 100.64.0.10/32'),
      );
    expect(rules('master-1')).toEqual([
      'priority 4002 from 100.64.0.10/32 to 100.64.16.0/20 table 101',
      'priority 4003 from 100.64.0.10/32 to 100.64.32.0/20 table 101',
      'priority 5002 from 100.64.0.10/32 table 101',
    ]);
    expect(rules('worker-1')).toEqual([]);
  });

  test('a load balancer before the API, outside of the networks, is reached by the management network', async () => {
    const made = await production({
      kubernetes: { version: '1.34.12', endpoint: { address: '172.20.0.9' } },
    });
    const routes = (host: string) =>
      Object.values(section(files(made, hostOf(made, host))['nic0.nmconnection'], 'ipv4')).filter((value) =>
        value.includes('172.20.0.9'),
      );
    const { gateway } = hostOf(made, 'worker-1').addresses.management ?? {};
    expect(routes('worker-1')).toEqual([`172.20.0.9/32,${gateway}`]);
    expect(routes('etcd-1')).toEqual([]);
  });
});

describe('EL 7', () => {
  const made = files(el7, hostOf(el7, 'worker-1'));

  test('names NICs by their MAC addresses', () => {
    expect(made['ifcfg-nic0']).toBe(`TYPE=Ethernet
DEVICE=nic0
HWADDR=02:00:64:00:07:01
ONBOOT=yes
BOOTPROTO=none
NM_CONTROLLED=no
MTU=1500
IPADDR=100.64.1.11
PREFIX=24
DEFROUTE=no
PEERDNS=no
IPV6INIT=no
`);
  });

  test('has routes and rules in files of their own', () => {
    expect(made['route-nic0']).toBe(`10.96.0.0/12 dev nic0
100.64.0.0/20 via 100.64.1.1 dev nic0
223.5.5.5/32 via 100.64.1.1 dev nic0
119.29.29.29/32 via 100.64.1.1 dev nic0
100.64.1.0/24 dev nic0 table 101
default via 100.64.1.1 dev nic0 table 101
`);
    expect(made['rule-nic0']).toBe(`from 100.64.1.11/32 to 100.64.16.0/20 lookup 101 priority 4000
from 100.64.1.11/32 to 100.64.32.0/20 lookup 101 priority 4001
from all lookup 254 suppress_prefixlength 0 priority 5000
from 100.64.1.11/32 lookup 101 priority 5001
`);
    expect(made['route-bond0']).toBe(`100.64.17.0/24 dev bond0 table 102
default via 100.64.17.1 dev bond0 table 102
`);
  });

  test('bonds, and prefers the first NIC by the name it gave it', () => {
    expect(made['ifcfg-bond0']).toContain('BONDING_OPTS="mode=active-backup miimon=100 primary=bond0p0"\n');
    expect(made['ifcfg-bond0']).toContain('DEFROUTE=yes\nGATEWAY=100.64.17.1\n');
    expect(made['ifcfg-bond0p0']).toContain('HWADDR=02:00:64:00:07:02\n');
    expect(made['ifcfg-bond0p0']).toContain('MASTER=bond0\nSLAVE=yes\n');
  });

  test('tags', () => {
    expect(made['ifcfg-vlan132']).toContain('VLAN=yes\nVID=132\nPHYSDEV=bond0\n');
  });

  test('asks the name servers', () => {
    expect(made['resolv.conf']).toBe('nameserver 223.5.5.5\nnameserver 119.29.29.29\n');
  });

  test('has no profiles of NetworkManager, and the others no ifcfg files', () => {
    expect(Object.keys(made).filter((name) => name.endsWith('.nmconnection'))).toEqual([]);
    expect(
      Object.keys(files(plan, hostOf(plan, 'worker-1'))).filter((name) => name.startsWith('ifcfg')),
    ).toEqual([]);
  });
});

/** What systemd-networkd makes of these files is in test/overlays/networkd.test.ts. */
describe('Debian', async () => {
  const debian = await production({ os: { release: 'debian-12' } });
  const made = files(debian, hostOf(debian, 'worker-1'));

  test('has a file for each link, bonds and VLANs before the NICs below them', () => {
    expect(Object.keys(made).toSorted()).toEqual([
      '20-imgbuild-bond0.netdev',
      '20-imgbuild-bond0.network',
      '20-imgbuild-vlan132.netdev',
      '20-imgbuild-vlan132.network',
      '30-imgbuild-bond0p0.network',
      '30-imgbuild-bond0p1.network',
      '30-imgbuild-nic0.network',
      '70-imgbuild-filter.rules',
      'resolv.conf',
    ]);
  });

  test('finds a NIC by its address, and a bond’s port by the one that it was made with', () => {
    expect(section(made['30-imgbuild-nic0.network'], 'Match').MACAddress).toBe('02:00:64:00:07:01');
    expect(section(made['30-imgbuild-bond0p1.network'], 'Match')).toEqual({
      PermanentMACAddress: '02:00:64:00:07:03',
    });
  });

  test('bonds, with the first NIC’s address and preference', () => {
    expect(section(made['20-imgbuild-bond0.netdev'], 'NetDev')).toEqual({
      Name: 'bond0',
      Kind: 'bond',
      MACAddress: '02:00:64:00:07:02',
    });
    expect(section(made['20-imgbuild-bond0.netdev'], 'Bond')).toEqual({
      Mode: 'active-backup',
      MIIMonitorSec: '100ms',
    });
    expect(section(made['30-imgbuild-bond0p0.network'], 'Network')).toMatchObject({
      Bond: 'bond0',
      PrimarySlave: 'yes',
    });
    expect(section(made['30-imgbuild-bond0p1.network'], 'Network')).not.toHaveProperty('PrimarySlave');
  });

  test('tags', () => {
    expect(section(made['20-imgbuild-bond0.network'], 'Network').VLAN).toBe('vlan132');
    expect(section(made['20-imgbuild-vlan132.netdev'], 'VLAN')).toEqual({ Id: '132' });
  });

  test('asks the name servers itself', () => {
    expect(made['resolv.conf']).toBe('nameserver 223.5.5.5\nnameserver 119.29.29.29\n');
    const networks = { management: { cidr: '10.1.2.0/24', gateway: '10.1.2.1' } };
    const { from, host } = small(networks, [{ mac: NIC, networks: ['management'] }], {
      os: { release: 'debian-12' },
    });
    expect(files(from, host)).not.toHaveProperty('resolv.conf');
  });

  test('has nothing of the other families', () => {
    for (const { path } of networkNetworkd.render(plan.cluster, hostOf(plan, 'worker-1')))
      expect(path).toBe('');
    expect(Object.keys(made).filter((name) => /nmconnection|ifcfg/.test(name))).toEqual([]);
  });
});
