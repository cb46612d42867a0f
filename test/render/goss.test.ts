import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { HostPlan, Plan } from '../../src/plan/types.ts';
import { packageRoot } from '../../src/render/assets.ts';
import { composeHostFiles } from '../../src/render/compose.ts';
import { assets, hostOf, planOf, production, RELEASES } from '../overlays/plans.ts';
import { describeWith, run } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';

const K131 = { version: '1.31.14' };
const plan = await production();

interface Fields {
  title?: string;
  exec?: string;
  stdout?: string | { 'match-regexp': string };
  value?: { 'match-regexp': string };
  source?: { 'match-regexp': string };
  meta?: { expected?: string };
  [key: string]: unknown;
}
type Resources = Record<string, Record<string, Fields>>;

function textOf(from: Plan, host: HostPlan, path: string): string {
  const files = composeHostFiles(host, from.cluster, assets);
  return String(files.find((file) => file.path === path)?.content ?? '');
}

/** Both files of a host, as goss joins them. */
function checksOf(from: Plan, who: string | HostPlan): Resources {
  const host = typeof who === 'string' ? hostOf(from, who) : who;
  const read = (name: string) => parse(textOf(from, host, `/etc/imgbuild/${name}`)) as Resources;
  const { gossfile, ...own } = read('goss-host.yaml');
  expect(gossfile).toEqual({ 'goss.yaml': {} });
  const all: Resources = read('goss.yaml');
  for (const [type, entries] of Object.entries(own)) {
    for (const [id, fields] of Object.entries(entries)) {
      // goss would take one of the two, and say nothing.
      expect({ type, id, twice: all[type]?.[id] }).toEqual({ type, id, twice: undefined });
      all[type] = { ...all[type], [id]: fields };
    }
  }
  return all;
}

const get = (checks: Resources, type: string, id: string): Fields => {
  const found = checks[type]?.[id];
  if (!found) throw new Error(`no ${type} ${id}`);
  return found;
};
const matches = (fields: Fields, text: string): boolean => {
  const matcher = fields.stdout ?? fields.value;
  return typeof matcher === 'string'
    ? text === matcher
    : new RegExp(matcher?.['match-regexp'] ?? '').test(text);
};
const namesOf = (checks: Resources): string[] =>
  Object.values(checks).flatMap((entries) => Object.entries(entries).map(([id, { title }]) => title ?? id));

describe('what a host is, decides what is looked at', () => {
  const kubernetes = /kubelet|kubeadm|node|kube-proxy|API|static pod|container runtime/;

  test('an etcd host has etcd and Docker, and no Kubernetes', () => {
    const names = namesOf(checksOf(plan, 'etcd-1'));
    expect(names.filter((name) => kubernetes.test(name))).toEqual([]);
    expect(names).toEqual(
      expect.arrayContaining(['etcd', 'version of etcd', "etcd's data", "Docker's data"]),
    );
  });

  test('a worker has a kubelet and the way to the API, and nothing of the control plane', () => {
    const names = namesOf(checksOf(plan, 'worker-1'));
    expect(names).toEqual(
      expect.arrayContaining(['node is Ready', 'kube-proxy', 'API endpoint', 'version of cri-dockerd']),
    );
    expect(names.filter((name) => /static pod|API server|etcd/.test(name))).toEqual([]);
  });

  test('a control plane has its static pods, and etcd among them where it is stacked', () => {
    const pods = (names: string[]) => names.filter((name) => name.startsWith('static pod')).sort();
    const three = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler'];
    expect(pods(namesOf(checksOf(plan, 'master-1')))).toEqual(three.map((name) => `static pod ${name}`));
    const stacked = {
      ...plan,
      cluster: { ...plan.cluster, etcd: { ...plan.cluster.etcd, topology: 'stacked' as const } },
    };
    expect(pods(namesOf(checksOf(stacked, 'master-1')))).toEqual(
      ['etcd', ...three].map((name) => `static pod ${name}`),
    );
  });

  test('etcd’s versions where its programs are: a control plane has etcdctl alone', () => {
    const versions = (host: string) =>
      Object.keys(checksOf(plan, host).command ?? {}).filter((name) => /^version of etcd/.test(name));
    expect(versions('etcd-1')).toEqual(['version of etcd', 'version of etcdctl']);
    expect(versions('master-1')).toEqual(['version of etcdctl']);
    expect(versions('worker-1')).toEqual([]);
  });

  test('a host outside Kubernetes has Docker, whatever the nodes run', async () => {
    const other = await production({ kubernetes: { ...K131, runtime: 'containerd' } });
    const git = namesOf(checksOf(other, 'git-1'));
    expect(git).toContain("Docker's data");
    expect(git.filter((name) => kubernetes.test(name))).toEqual([]);
    const worker = namesOf(checksOf(other, 'worker-1'));
    expect(worker).toContain("containerd takes systemd's cgroups");
    expect(worker.filter((name) => /Docker|cri-dockerd/.test(name))).toEqual([]);
  });

  test('SELinux is for EL', async () => {
    expect(get(checksOf(plan, 'git-1'), 'command', 'SELinux').meta?.expected).toBe('Permissive');
    const debian = await production({ os: { release: 'debian-12' } });
    expect(namesOf(checksOf(debian, 'git-1'))).not.toContain('SELinux');
    const off = await production({ os: { release: 'rocky-9' }, kernelArgs: ['selinux=0'] });
    expect(get(checksOf(off, 'git-1'), 'command', 'SELinux').meta?.expected).toBe('Disabled');
  });

  test('nobody but the control plane may have the keys of the authorities', () => {
    const absent = (name: string) =>
      Object.entries(checksOf(plan, name).file ?? {}).flatMap(([path, { exists }]) => (exists ? [] : [path]));
    expect(absent('worker-1')).toContain('/etc/kubernetes/pki/ca.key');
    expect(absent('etcd-1')).toContain('/etc/etcd/pki/ca.key');
    expect(absent('master-1')).not.toContain('/etc/kubernetes/pki/ca.key');
  });
});

describe('the same facts as the files of the host', () => {
  test.each([
    [
      'rocky-9',
      '6.1.155-1.el9.elrepo.x86_64',
      ['5.14.0-570.el9.x86_64', '6.12.9-1.el9.elrepo.x86_64', '6.1.155'],
    ],
    ['centos-7.9', '5.4.278-1.el7.elrepo.x86_64', ['3.10.0-1160.el7.x86_64', '5.4.2781-1.el7.elrepo.x86_64']],
    ['rocky-10', '6.12.0-55.el10_0.x86_64', ['7.0.1-1.el10.elrepo.x86_64']],
    ['debian-12', '6.1.0-30-amd64', ['6.12.9-amd64', '5.10.0-9-amd64']],
  ])('%s: the kernel', async (release, good, bad) => {
    const other = await production({ os: { release }, kubernetes: K131 });
    const check = get(checksOf(other, 'git-1'), 'command', 'kernel release');
    expect(matches(check, `${good}\n`)).toBe(true);
    for (const wrong of bad)
      expect({ wrong, matches: matches(check, `${wrong}\n`) }).toEqual({ wrong, matches: false });
  });

  test('every sysctl, with the value that is set', async () => {
    const other = await production({
      sysctls: { 'net.ipv4.tcp_rmem': '4096 87380 6291456', 'vm.swappiness': '1' },
    });
    const host = hostOf(other, 'worker-1');
    const lines = textOf(other, host, '/etc/sysctl.d/90-imgbuild.conf').match(/^[a-z].*$/gm) ?? [];
    const checks = checksOf(other, host)['kernel-param'] ?? {};
    expect(lines.length).toBeGreaterThan(10);
    expect(Object.keys(checks)).toEqual(lines.map((line) => line.split(' = ')[0]));
    for (const line of lines) {
      const [key = '', value = ''] = line.split(' = ');
      const check = checks[key] ?? {};
      // As the kernel writes several.
      expect({ key, matches: matches(check, value.replaceAll(' ', '\t')) }).toEqual({ key, matches: true });
      expect({ key, matches: matches(check, `${value}0`) }).toEqual({ key, matches: false });
    }
  });

  test('keys of sysctl.d that goss cannot read are read by our own program', async () => {
    const other = await production({
      sysctls: { 'net.ipv4.conf.*.rp_filter': '2', 'net/ipv4/conf/eth0.1/rp_filter': '2' },
    });
    const checks = checksOf(other, 'git-1');
    expect(get(checks, 'command', 'sysctl net.ipv4.conf.*.rp_filter').exec).toMatch(
      /look sysctl '?net\.ipv4\.conf\.\*\.rp_filter'? 2$/,
    );
    expect(Object.keys(checks['kernel-param'] ?? {}).join()).not.toMatch(/rp_filter/);
  });

  test.each(RELEASES)('%s: where runtimes keep their data, and which versions', async (release) => {
    for (const runtime of ['docker', 'containerd']) {
      const other = await production({ os: { release }, kubernetes: { ...K131, runtime } });
      const host = hostOf(other, 'worker-1');
      const checks = checksOf(other, host);
      const root = /^root = "(.*)"$/m.exec(textOf(other, host, '/etc/containerd/config.toml'))?.[1];
      expect(get(checks, 'command', "containerd's data").meta?.expected).toBe(root);
      expect(get(checks, 'command', 'container runtime').meta?.expected).toBe(runtime);
      const packages = host.packages.post.flatMap((group) => group.packages).join(' ');
      const containerd = get(checks, 'command', 'version of containerd').meta?.expected;
      // Its release is left open: dnf is asked for name-version-release, apt for name=epoch:version-release.
      expect(packages).toMatch(new RegExp(`containerd\\.io[-=]${containerd}-`));
      if (runtime === 'containerd') continue;
      const daemon = JSON.parse(textOf(other, host, '/etc/docker/daemon.json')) as Record<string, string>;
      expect(get(checks, 'command', "Docker's data").meta?.expected).toBe(daemon['data-root']);
      expect(get(checks, 'command', "Docker's storage driver").meta?.expected).toBe(daemon['storage-driver']);
      const docker = get(checks, 'command', 'version of Docker').meta?.expected;
      expect(packages).toMatch(new RegExp(`docker-ce(-|=\\d+:)${docker}-`));
    }
  });

  test('a version with an epoch, as apt is asked for it', async () => {
    const debian = await production({ os: { release: 'debian-12' } });
    expect(get(checksOf(debian, 'git-1'), 'command', 'version of Docker').meta?.expected).toMatch(
      /^\d+\.\d+\.\d+$/,
    );
  });

  test("etcd's data, outside and on the control plane", () => {
    const etcd = hostOf(plan, 'etcd-1');
    const folder = (parse(textOf(plan, etcd, '/etc/etcd/etcd.conf.yml')) as Record<string, string>)[
      'data-dir'
    ];
    expect(get(checksOf(plan, etcd), 'file', `${folder}/member`)).toMatchObject({
      exists: true,
      owner: 'etcd',
    });
  });

  test('every unit that is switched on or off', () => {
    for (const host of plan.hosts) {
      const units = checksOf(plan, host).service ?? {};
      for (const unit of host.services.enabled)
        expect({ unit, on: units[unit]?.enabled }).toEqual({ unit, on: true });
      for (const unit of host.services.disabled)
        expect(units[unit]).toMatchObject({ enabled: false, running: false });
      expect(Object.keys(units).length).toBe(
        new Set([...host.services.enabled, ...host.services.disabled]).size,
      );
    }
  });

  test('units of ours that run to their end are not asked to be running', () => {
    const running = new Set(
      plan.hosts.flatMap((host) =>
        Object.entries(checksOf(plan, host).service ?? {}).flatMap(([unit, check]) =>
          check.running ? [unit] : [],
        ),
      ),
    );
    expect(running).toContain('imgbuild-data');
    for (const path of assets
      .list('overlays')
      .filter((each) => /\/systemd\/system\/[^/]+\.service$/.test(each))) {
      const text = assets.read(path);
      if (!text.includes('Type=oneshot') || text.includes('RemainAfterExit=yes')) continue;
      expect([...running]).not.toContain(path.slice(path.lastIndexOf('/') + 1, -'.service'.length));
    }
  });

  test('each file system on the kind of device that it lies on', async () => {
    const disks = { data: { lvm: true, volumes: [{ mount: '/data/my-db', size: '20Gi' }] } };
    const checks = checksOf(await production({ disks }), 'worker-1');
    const source = (mount: string, device: string) =>
      new RegExp(get(checks, 'mount', mount).source?.['match-regexp'] ?? '').test(device);
    expect(source('/', '/dev/md127')).toBe(true);
    expect(source('/', '/dev/sda3')).toBe(false);
    expect(source('/data', '/dev/mapper/data-data')).toBe(true);
    expect(source('/data', '/dev/md126')).toBe(false);
    const volume = Object.keys(checks.mount ?? {}).find((mount) => mount.includes('my'));
    expect(source(volume ?? '', '/dev/mapper/data-data_my_db')).toBe(true);
    const single = planOf(await readFile(join(packageRoot(), 'examples/minimal.yaml'), 'utf8'));
    const pattern = get(checksOf(single, 'knode1'), 'mount', '/').source?.['match-regexp'] ?? '';
    expect(
      ['/dev/sda3', '/dev/nvme0n1p3', '/dev/md127'].map((device) => new RegExp(pattern).test(device)),
    ).toEqual([true, true, false]);
  });

  test('no secret of the installation is left, and services keep theirs', () => {
    const reportKey = '/var/lib/imgbuild/report-key';
    for (const host of plan.hosts) {
      const files = checksOf(plan, host).file ?? {};
      for (const { path } of host.secrets) {
        const staged = path.startsWith('/var/lib/imgbuild/') && path !== reportKey;
        expect({ path, gone: files[path]?.exists === false }).toEqual({ path, gone: staged });
      }
      // It is there, and may be.
      expect(host.secrets.map(({ path }) => path)).toContain(reportKey);
      expect(files[reportKey]).toBeUndefined();
    }
  });

  test('every host by its name, and the API where /etc/hosts has it', async () => {
    const dns = (from: Plan, host: string) => checksOf(from, host).dns ?? {};
    expect(Object.keys(dns(plan, 'worker-1'))).toEqual([...plan.hosts.map(({ name }) => name), 'api.prod']);
    expect(dns(plan, 'worker-1')['etcd-2']).toMatchObject({ addrs: { 'consist-of': ['100.64.0.22'] } });
    expect(dns(plan, 'etcd-1')).not.toHaveProperty('api.prod');
    const vip = await production({ kubernetes: { ...K131, endpoint: { via: 'vip', vip: '100.64.0.10' } } });
    expect(dns(vip, 'etcd-1')['api.prod']).toMatchObject({ addrs: { 'consist-of': ['100.64.0.10'] } });
  });

  test('every address on its NIC, by the MAC addresses of the spec', () => {
    const commands = checksOf(plan, 'worker-1').command ?? {};
    const exec = (name: string) => commands[name]?.exec?.split('/look ')[1];
    expect(exec('address of the management network')).toBe('address 100.64.1.11/24 1500 02:00:64:00:07:01');
    expect(exec('address of the storage network')).toBe(
      'address 100.64.33.11/24 1500 02:00:64:00:07:02 02:00:64:00:07:03',
    );
    expect(exec('bond bond0')).toBe('bond bond0 active-backup 02:00:64:00:07:02 02:00:64:00:07:03');
  });
});

describeWith(['goss-0.4.9', 'bash'], 'goss itself', () => {
  /** What goss makes of a host's two files. */
  async function rendered(from: Plan, host: HostPlan): Promise<{ resources: Resources; lines: string[] }> {
    const names = ['goss.yaml', 'goss-host.yaml'];
    const files = names.map((name) => [name, textOf(from, host, `/etc/imgbuild/${name}`)]);
    const folder = await scratch(Object.fromEntries(files));
    const { exitCode, stdout, lines } = await run('goss-0.4.9', [
      '-g',
      join(folder, 'goss-host.yaml'),
      'render',
    ]);
    expect({ host: host.name, exitCode, lines: exitCode === 0 ? [] : lines }).toMatchObject({
      exitCode: 0,
      lines: [],
    });
    return { resources: parse(stdout) as Resources, lines };
  }
  const count = (resources: Resources) =>
    Object.values(resources).flatMap((entries) => Object.keys(entries)).length;

  test.each(['production', 'centos7', 'minimal'])('reads every file of examples/%s.yaml', async (name) => {
    const example = planOf(await readFile(join(packageRoot(), `examples/${name}.yaml`), 'utf8'));
    for (const host of example.hosts) {
      const { resources, lines } = await rendered(example, host);
      expect(lines.filter((line) => /WARN|DEPRECAT/i.test(line))).toEqual([]);
      expect({ host: host.name, count: count(resources) }).toEqual({
        host: host.name,
        count: count(checksOf(example, host)),
      });
    }
  });

  test.each(RELEASES)('reads those of every role on %s', async (release) => {
    for (const over of [
      { kubernetes: { ...K131, runtime: 'containerd' } },
      {
        kubernetes: { ...K131, endpoint: { via: 'vip', vip: '100.64.0.10' } },
        disks: { data: { lvm: true } },
      },
    ]) {
      const other = await production({ os: { release }, ...over });
      const roles = new Map(other.hosts.map((host) => [host.role.name, host]));
      for (const host of roles.values())
        expect(count((await rendered(other, host)).resources)).toBe(count(checksOf(other, host)));
    }
  });

  test('takes nothing of the spec for a template', async () => {
    const value = '{{ .Env.HOME }} {{';
    const other = await production({ sysctls: { 'kernel.core_pattern': value } });
    const { resources } = await rendered(other, hostOf(other, 'git-1'));
    const check = get(resources, 'kernel-param', 'kernel.core_pattern');
    expect(check.meta?.expected).toBe(value);
    expect(matches(check, value)).toBe(true);
  });
});
