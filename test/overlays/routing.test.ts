import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packageRoot } from '../../src/render/assets.ts';
import { composeHostFiles } from '../../src/render/compose.ts';
import { routeChecks } from '../../src/render/documents/goss-network.ts';
import { run } from '../rigs/programs.ts';
import { assets, hostOf, production } from './plans.ts';

/**
 * The routes and rules of a host of three networks in network namespaces: the host H, a router R with a foot
 * in each of its subnets, a client C outside, and a pod P on the host. The files of EL 7 are lines for `ip`;
 * NetworkManager is given the same routes and rules.
 */
const ip = (...args: string[]) =>
  run({ path: '/bin/sh' }, ['-c', `PATH=$PATH:/usr/sbin:/sbin; ip ${args.join(' ')}`]);
const inside = (ns: string, command: string) => ip('netns', 'exec', `${PREFIX}${ns}`, command);

const LOOK = join(packageRoot(), 'overlays/base/usr/libexec');
const PREFIX = `imgbuild${process.pid}-`;
const NAMES = ['H', 'R', 'C', 'P'];
const allowed =
  process.getuid?.() === 0 &&
  (await run({ path: '/bin/sh' }, ['-c', 'command -v busybox'])).exitCode === 0 &&
  (await ip('netns', 'add', `${PREFIX}H`)).exitCode === 0;

const HOST = { management: '100.64.1.11', container: '100.64.17.11' };

async function sh(ns: string, ...commands: string[]): Promise<void> {
  for (const command of commands) {
    const { exitCode, lines } = await inside(ns, command);
    expect({ command, exitCode, lines }).toEqual({ command, exitCode: 0, lines: [] });
  }
}

const reaches = async (ns: string, address: string, from = '') =>
  (await inside(ns, `busybox ping -c1 -W1 ${from} ${address}`)).exitCode === 0;

describe.runIf(allowed)('routing of a host with three networks', () => {
  beforeAll(async () => {
    for (const name of NAMES.slice(1)) await ip('netns', 'add', `${PREFIX}${name}`);
    await sh(
      'R',
      `ip link add dev mgmt type veth peer name nic0 netns ${PREFIX}H`,
      `ip link add dev cont type veth peer name bond0 netns ${PREFIX}H`,
      `ip link add dev stor type veth peer name vlan132 netns ${PREFIX}H`,
      `ip link add dev out type veth peer name e0 netns ${PREFIX}C`,
      ...[
        '100.64.1.1/24 dev mgmt',
        '100.64.17.1/24 dev cont',
        '100.64.33.1/24 dev stor',
        '192.0.2.1/24 dev out',
      ].map((address) => `ip addr add ${address}`),
      ...['lo', 'mgmt', 'cont', 'stor', 'out'].map((link) => `ip link set dev ${link} up`),
      'sysctl -qw net.ipv4.ip_forward=1',
    );
    await sh(
      'C',
      'ip addr add 192.0.2.9/24 dev e0',
      'ip link set dev e0 up',
      'ip route add default via 192.0.2.1',
    );
    await sh(
      'H',
      `ip link add dev cali0 type veth peer name eth0 netns ${PREFIX}P`,
      ...['lo', 'nic0', 'bond0', 'vlan132', 'cali0'].map((link) => `ip link set dev ${link} up`),
      // As strict as EL 7 and 8 are.
      ...['all', 'nic0', 'bond0', 'vlan132'].map((link) => `sysctl -qw net.ipv4.conf.${link}.rp_filter=1`),
      'sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.cali0.proxy_arp=1',
    );
    await sh(
      'P',
      'ip link set dev eth0 up',
      'ip addr add 10.244.1.5/32 dev eth0',
      'ip route add 169.254.1.1 dev eth0',
      'ip route add default via 169.254.1.1',
    );

    const plan = await production({ os: { release: 'centos-7.9' }, kubernetes: { version: '1.31.14' } });
    const files = new Map(
      composeHostFiles(hostOf(plan, 'worker-1'), plan.cluster, assets).map(({ path, content }) => [
        path,
        String(content),
      ]),
    );
    for (const device of ['nic0', 'bond0', 'vlan132']) {
      const lines = (kind: string) =>
        (files.get(`/etc/sysconfig/network-scripts/${kind}-${device}`) ?? '')
          .split('\n')
          .filter((line) => /^[^#]/.test(line));
      const setting = (key: string) =>
        lines('ifcfg')
          .find((line) => line.startsWith(`${key}=`))
          ?.slice(key.length + 1);
      await sh('H', `ip addr add ${setting('IPADDR')}/${setting('PREFIX')} dev ${device}`);
      const gateway = setting('GATEWAY');
      if (gateway !== undefined) await sh('H', `ip route add default via ${gateway}`);
      await sh(
        'H',
        ...lines('route').map((line) => `ip route add ${line}`),
        ...lines('rule').map((line) => `ip rule add ${line}`),
      );
    }
    await sh('H', 'ip route add 10.244.1.5 dev cali0');
  });

  test.each(['100.64.1.11', '100.64.17.11', '100.64.33.11'])(
    '%s answers a client outside',
    async (address) => {
      expect(await reaches('C', address)).toBe(true);
    },
  );

  test.each([
    ['100.64.0.13', 'nic0'],
    ['223.5.5.5', 'nic0'],
    ['100.64.32.13', 'vlan132'],
    ['100.64.16.13', 'bond0'],
    ['192.0.2.9', 'bond0'],
    [`192.0.2.9 from ${HOST.management}`, 'nic0'],
    [`192.0.2.9 from ${HOST.container}`, 'bond0'],
    // A pod on this very host is never looked for beyond a gateway.
    [`10.244.1.5 from ${HOST.management}`, 'cali0'],
  ])('the way to %s is %s', async (what, device) => {
    expect((await inside('H', `ip route get ${what}`)).stdout).toMatch(new RegExp(`dev ${device}\\b`));
  });

  /** What imgbuild-verify finds wrong with the routes of this host. */
  async function found(): Promise<string[]> {
    const plan = await production();
    const commands = routeChecks(plan.cluster, hostOf(plan, 'worker-1')).map(({ fields }) =>
      String(fields.exec).replace('/usr/libexec', `bash ${LOOK}`),
    );
    expect(commands.length).toBeGreaterThan(10);
    return (await inside('H', `sh -c "${commands.join('; ')}"`)).lines;
  }

  test('imgbuild-verify finds nothing wrong with them, and finds a rule that is missing', async () => {
    expect(await found()).toEqual([]);
    const [rule] =
      (await inside('H', 'ip rule show')).stdout.match(/from 100\.64\.17\.11 to .* lookup 102/) ?? [];
    await sh('H', `ip rule del ${rule}`);
    expect(await found()).toEqual([
      'to 100.64.15.254 from 100.64.17.11: by nic0, where bond0 has 100.64.17.11',
    ]);
    await sh('H', `ip rule add ${rule} priority 4100`);
    expect(await found()).toEqual([]);
  });

  test('a host that has only management reaches the container address', async () => {
    await sh('R', 'ip addr add 100.64.0.1/24 dev out');
    await sh('C', 'ip addr add 100.64.0.99/24 dev e0', 'ip route add 100.64.0.0/10 via 100.64.0.1');
    expect(await reaches('C', HOST.container, '-I 100.64.0.99')).toBe(true);
    expect(await reaches('C', HOST.management, '-I 100.64.0.99')).toBe(true);
  });

  test('a pod answers the management address', async () => {
    expect(await reaches('H', '10.244.1.5', `-I ${HOST.management}`)).toBe(true);
  });
});

afterAll(async () => {
  for (const name of NAMES) await ip('netns', 'del', `${PREFIX}${name}`);
});
