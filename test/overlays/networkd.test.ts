import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { HostPlan, Plan } from '../../src/plan/types.ts';
import { composeHostFiles } from '../../src/render/compose.ts';
import { describeWith } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';
import { allowed, complaints, inside, networkd, PREFIX, sh, udev } from './networkd-rig.ts';
import { assets, hostOf, planOf, production } from './plans.ts';

const DEBIAN = { os: { release: 'debian-12' }, kubernetes: { version: '1.31.14' } };

function filesOf(plan: Plan, target: HostPlan | Plan['roles'][number]) {
  return composeHostFiles(target, plan.cluster, assets).map(({ path, content }) => ({
    path,
    content: String(content),
  }));
}

const ns = (name: string) => `${PREFIX}${name}`;

async function all(commands: readonly string[]): Promise<void> {
  for (const command of commands) {
    const { exitCode, lines } = await sh(command);
    expect({ command, exitCode, lines }).toEqual({ command, exitCode: 0, lines: [] });
  }
}

afterAll(async () => {
  for (const name of ['K', 'H', 'E', 'R', 'W', 'X', 'U', 'I', 'D']) await sh(`ip netns del ${ns(name)}`);
});

describe.runIf(allowed)('systemd-networkd reads', () => {
  const macs = ['52:54:00:00:00:01', '52:54:00:00:00:02'];
  const lacp = planOf({
    name: 'lab',
    ...DEBIAN,
    networks: {
      management: { cidr: '10.1.0.0/16', gateway: '10.1.0.1', mtu: 9000 },
      storage: { cidr: '10.3.0.0/16', vlan: 132, gateway: '10.3.0.1', shareWith: ['management'] },
    },
    hosts: [
      {
        name: 'one',
        role: 'master',
        nics: [{ macs, bond: { mode: '802.3ad' }, networks: ['management', 'storage'] }],
      },
    ],
  });

  test.each([
    ['three NICs and a VLAN', 'master-1'],
    ['a bond with a VLAN', 'worker-1'],
    ['one NIC', 'etcd-1'],
    ['LACP', 'one'],
  ])('every key of a host with %s', async (_, name) => {
    await all([`ip netns add ${ns('K')}`]);
    const plan = name === 'one' ? lacp : await production(DEBIAN);
    const { log } = await networkd(ns('K'), filesOf(plan, hostOf(plan, name)).filter(isNetwork), {
      seconds: 1,
    });
    await all([`ip netns del ${ns('K')}`]);
    expect(log.join('\n')).toMatch(/Enumeration completed/);
    expect(complaints(log)).toEqual([]);
  });

  test('and tells of one that it does not know', async () => {
    await all([`ip netns add ${ns('K')}`]);
    const content = '[Match]\nName=eth0\n\n[Network]\nAddress=10.0.0.300/24\nAdress=10.0.0.3/24\n';
    const { log } = await networkd(ns('K'), [{ path: '/etc/systemd/network/x.network', content }], {
      seconds: 1,
    });
    await all([`ip netns del ${ns('K')}`]);
    expect(complaints(log)).toHaveLength(2);
  });
});

const isNetwork = ({ path }: { path: string }) => path.startsWith('/etc/systemd/network');

/** Routes and rules as `ip` tells them, whoever made them, with the spec's names for NICs. */
async function tables(name: string, names: Record<string, string>): Promise<string[]> {
  const lines = [
    ...(await inside(ns(name), 'ip -4 route show table all')).lines,
    ...(await inside(ns(name), 'ip rule')).lines,
  ];
  return lines
    .map((line) =>
      line
        .replace(/ proto static\b/, '')
        .replace(/\bdev (\S+)/, (_, device: string) => `dev ${names[device] ?? device}`)
        .replace(/\s+/g, ' ')
        .trim(),
    )
    .sort();
}

/**
 * worker-1 of the production example. The kernel of a test machine may have neither bonds nor VLANs: what networkd would
 * make of its .netdev files is there already. Of its one NIC the kernel has a name of its own.
 */
describe.runIf(allowed)('systemd-networkd, a host of three networks', () => {
  const DEVICES = {
    ens5f0np0: '02:00:64:00:07:01',
    bond0: '02:00:64:00:07:02',
    vlan132: '02:00:64:00:07:02',
  };
  const NAMES = { ens5f0np0: 'nic0' };
  let plan: Plan;
  let online = false;

  beforeAll(async () => {
    plan = await production(DEBIAN);
    for (const name of ['H', 'E', 'R']) await all([`ip netns add ${ns(name)}`]);
    for (const [index, [device, mac]] of Object.entries(DEVICES).entries()) {
      const other = Object.entries(NAMES).find(([own]) => own === device)?.[1] ?? device;
      await all([
        `ip -n ${ns('R')} link add h${index} type veth peer name ${device} netns ${ns('H')} address ${mac}`,
        `ip -n ${ns('R')} link add e${index} type veth peer name ${other} netns ${ns('E')}`,
        ...['h', 'e'].map((side) => `ip -n ${ns('R')} link set ${side}${index} up`),
      ]);
    }
    // What is none of networkd's: a pod's interface, and a NIC that the spec does not name.
    await all([
      `ip -n ${ns('R')} link add dev p0 type veth peer name cali0 netns ${ns('H')}`,
      `ip -n ${ns('R')} link add dev u0 type veth peer name ens9 netns ${ns('H')} address 02:00:64:00:ff:01`,
    ]);
    const files = filesOf(plan, hostOf(plan, 'worker-1'));
    ({ online } = await networkd(
      ns('H'),
      files.filter((file) => isNetwork(file) && !file.path.endsWith('.netdev')),
    ));

    // The same host of EL 7, whose files are lines for `ip`.
    const el7 = await production({ os: { release: 'centos-7.9' }, kubernetes: { version: '1.31.14' } });
    const classic = new Map(
      filesOf(el7, hostOf(el7, 'worker-1')).map(({ path, content }) => [path.split('/').at(-1), content]),
    );
    for (const device of ['nic0', 'bond0', 'vlan132']) {
      const lines = (kind: string) =>
        (classic.get(`${kind}-${device}`) ?? '').split('\n').filter((line) => /^[^#]/.test(line));
      const setting = (key: string) =>
        lines('ifcfg')
          .find((line) => line.startsWith(`${key}=`))
          ?.slice(key.length + 1);
      await all([
        `ip -n ${ns('E')} addr add ${setting('IPADDR')}/${setting('PREFIX')} brd + dev ${device}`,
        `ip -n ${ns('E')} link set ${device} up`,
        ...(setting('GATEWAY') ? [`ip -n ${ns('E')} route add default via ${setting('GATEWAY')}`] : []),
        ...lines('route').map((line) => `ip -n ${ns('E')} route add ${line}`),
        ...lines('rule').map((line) => `ip -n ${ns('E')} rule add ${line}`),
      ]);
    }
  });

  test('is online once its addresses are there', () => {
    expect(online).toBe(true);
  });

  test('has the very routes and rules of the other families', async () => {
    expect(await tables('H', NAMES)).toEqual(await tables('E', {}));
  });

  test.each([
    ['100.64.0.13', 'ens5f0np0'],
    ['223.5.5.5', 'ens5f0np0'],
    ['100.64.32.13', 'vlan132'],
    ['100.64.16.13', 'bond0'],
    ['192.0.2.9', 'bond0'],
    ['192.0.2.9 from 100.64.1.11', 'ens5f0np0'],
    ['192.0.2.9 from 100.64.17.11', 'bond0'],
  ])('the way to %s is %s', async (what, device) => {
    expect((await inside(ns('H'), `ip route get ${what}`)).stdout).toMatch(new RegExp(`dev ${device}\\b`));
  });

  test('leaves others’ interfaces alone', async () => {
    for (const device of ['cali0', 'ens9'])
      expect((await inside(ns('H'), `ip -o link show ${device}`)).stdout).toMatch(/state DOWN/);
  });

  test('has no IPv6 addresses', async () => {
    expect((await inside(ns('H'), 'ip -6 -o addr show scope link dev bond0')).lines).toEqual([]);
  });

  describeWith(['dbus-daemon'], 'with what others have added', () => {
    const added = [
      'ip addr add 100.64.17.10/32 dev bond0',
      'ip route add 10.244.2.0/24 via 100.64.17.12 dev bond0 proto bird',
      'ip rule add from 10.244.0.0/16 lookup 250 priority 900',
    ];
    const dark = [
      `ip -n ${ns('R')} link set h1 down`,
      'wait_online -i bond0:no-carrier:no-carrier --timeout=5',
    ];
    const light = [`ip -n ${ns('R')} link set h1 up`, 'wait_online -i bond0:routable --timeout=5'];

    test.each([
      ['while a switch restarts', [dark, light]],
      [
        'when it configures the interface anew',
        [['networkctl reconfigure bond0', 'wait_online --timeout=5']],
      ],
    ])('keeps it, and its own, %s', async (_, course) => {
      const files = filesOf(plan, hostOf(plan, 'worker-1')).filter(
        (file) => isNetwork(file) && !file.path.endsWith('.netdev'),
      );
      const show = (step: number) =>
        ['ip -4 -o addr show dev bond0', 'ip -4 route show table all', 'ip rule'].map(
          (command) => `${command} | sed 's/^/step ${step}: /'`,
        );
      const after = [...added, ...show(0), ...course.flatMap((step, index) => [...step, ...show(index + 1)])];
      const { log } = await networkd(ns('H'), files, { after });
      // From among networkd's own words.
      const shown = (step: number) =>
        log
          .filter((line) => line.startsWith(`step ${step}: `))
          .map((line) => line.replace(/^step \d: /, '').replaceAll(' linkdown', ''))
          .sort();
      await all(added.map((command) => `ip netns exec ${ns('H')} ${command.replace(' add ', ' del ')}`));
      expect(shown(0).join('\n')).toContain('100.64.17.10/32');
      for (const step of course.keys()) expect(shown(step + 1)).toEqual(shown(0));
    });
  });
});

describe.runIf(allowed)('a NIC that has no cable', () => {
  const NETWORKS = ['management', 'container', 'storage'];

  test.each([
    ['storage', true],
    ['container', false],
  ])('of the %s network: the host is online: %s', async (dark, expected) => {
    const mac = (index: number) => `52:54:00:00:00:0${index + 1}`;
    const plan = planOf({
      name: 'lab',
      ...DEBIAN,
      networks: Object.fromEntries(
        NETWORKS.map((name, index) => [name, { cidr: `10.${index}.0.0/16`, gateway: `10.${index}.0.1` }]),
      ),
      hosts: [
        {
          name: 'one',
          role: 'master',
          nics: NETWORKS.map((name, index) => ({ mac: mac(index), networks: [name] })),
        },
      ],
    });
    await all(['W', 'X'].map((name) => `ip netns add ${ns(name)}`));
    for (const [index, name] of NETWORKS.entries())
      await all([
        `ip -n ${ns('X')} link add w${index} type veth peer name ens${index} netns ${ns('W')} address ${mac(index)}`,
        `ip -n ${ns('X')} link set w${index} ${name === dark ? 'down' : 'up'}`,
      ]);
    const { online } = await networkd(ns('W'), filesOf(plan, hostOf(plan, 'one')).filter(isNetwork), {
      seconds: 3,
    });
    await all(['W', 'X'].map((name) => `ip netns del ${ns(name)}`));
    expect(online).toBe(expected);
  });
});

describe.runIf(allowed)('udev', () => {
  describeWith(['udevadm'], 'where an interface appears', () => {
    let files: { path: string; content: string }[] = [];
    const filter = async (device: string) =>
      (await inside(ns('U'), `cat /proc/sys/net/ipv4/conf/${device}/rp_filter`)).stdout.trim();

    beforeAll(async () => {
      const plan = await production(DEBIAN);
      files = filesOf(plan, hostOf(plan, 'worker-1'));
      await all([
        `ip netns add ${ns('U')}`,
        `ip -n ${ns('U')} link add dev ens5 address 02:00:64:00:07:01 type veth peer name bond0`,
        `ip -n ${ns('U')} link add dev cali0 type veth peer name ens9`,
        // As hardening has it.
        ...['ens5', 'bond0', 'cali0', 'ens9'].map(
          (device) => `ip netns exec ${ns('U')} sysctl -qw net.ipv4.conf.${device}.rp_filter=1`,
        ),
      ]);
    });

    test.each(['ens5', 'bond0'])('loosens the filter of the spec’s %s', async (device) => {
      await udev(ns('U'), files, device);
      expect(await filter(device)).toBe('2');
    });

    test.each(['cali0', 'ens9'])('leaves the filter of %s', async (device) => {
      await udev(ns('U'), files, device);
      expect(await filter(device)).toBe('1');
    });

    test('gives a pod’s interface no address of its own making', async () => {
      expect((await udev(ns('U'), files, 'cali0')).join('\n')).toMatch(
        /\/etc\/systemd\/network\/10-imgbuild-unmanaged\.link is applied/,
      );
      expect((await udev(ns('U'), files, 'ens5')).join('\n')).toMatch(/99-default\.link is applied/);
    });
  });

  test('has nothing to loosen on a host of one network', async () => {
    const plan = await production(DEBIAN);
    expect(filesOf(plan, hostOf(plan, 'etcd-1')).map(({ path }) => path)).not.toContain(
      '/etc/udev/rules.d/70-imgbuild-filter.rules',
    );
  });
});

describe.runIf(allowed)('a golden image of Debian', () => {
  describeWith(['dnsmasq'], 'on a network with DHCP', () => {
    test('asks for an address', async () => {
      const plan = await production(DEBIAN);
      const role = plan.roles.find(({ name }) => name === 'worker');
      if (!role) throw new Error('no role');
      const files = filesOf(plan, role).filter(isNetwork);
      // The test machine's only kind of NIC.
      const image = files.map((file) => ({ ...file, content: file.content.replace('Kind=!*', 'Kind=veth') }));
      await all([
        ...['I', 'D'].map((name) => `ip netns add ${ns(name)}`),
        `ip -n ${ns('I')} link add dev ens1 type veth peer name server netns ${ns('D')}`,
        `ip -n ${ns('D')} addr add 10.9.0.1/24 dev server`,
        `ip -n ${ns('D')} link set server up`,
      ]);
      const leases = join(await scratch(), 'leases');
      // -d: as root, in the foreground, and without a file of its process id.
      const options = `-d -C /dev/null -p0 --no-ping --dhcp-range=10.9.0.9,10.9.0.9 -l ${leases}`;
      const served = inside(ns('D'), `timeout 60 dnsmasq ${options}`);
      const { online } = await networkd(ns('I'), image);
      await sh(`ip netns pids ${ns('D')} | xargs -r kill`);
      await served;
      expect(online).toBe(true);
    });
  });
});
