import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { HostPlan, Plan } from '../../src/plan/types.ts';
import { composeHostFiles } from '../../src/render/compose.ts';
import { toIni } from '../../src/render/documents/ini.ts';
import { toToml } from '../../src/render/documents/toml.ts';
import { assets, hostOf, production } from '../overlays/plans.ts';

const read = (plan: Plan, host: HostPlan | string, path: string): string => {
  const target = typeof host === 'string' ? hostOf(plan, host) : host;
  const file = composeHostFiles(target, plan.cluster, assets).find((candidate) => candidate.path === path);
  if (!file) throw new Error(`no ${path}`);
  return String(file.content);
};
const has = (plan: Plan, host: string, path: string) =>
  composeHostFiles(hostOf(plan, host), plan.cluster, assets).some((file) => file.path === path);

/** By a reader that is not ours. */
const toml = (text: string): unknown =>
  JSON.parse(
    execFileSync(
      'python3',
      ['-c', 'import json, sys, tomllib; print(json.dumps(tomllib.load(sys.stdin.buffer)))'],
      { input: text, encoding: 'utf8' },
    ),
  );

const K131 = { version: '1.31.14' };
const plan = await production();
const el7 = await production({ os: { release: 'centos-7.9' }, kubernetes: K131 });
const containerd = await production({ kubernetes: { ...K131, runtime: 'containerd' } });

describe('sysctl', () => {
  const values = (from: Plan, host: HostPlan | string = 'worker-1') =>
    read(from, host, '/etc/sysctl.d/90-imgbuild.conf')
      .split('\n')
      .filter((line) => /^[^#]/.test(line));

  test('is the guide’s list, mended', () => {
    expect(values(plan)).toEqual([
      'net.bridge.bridge-nf-call-iptables = 1',
      'net.bridge.bridge-nf-call-ip6tables = 1',
      'net.ipv4.ip_forward = 1',
      'net.ipv4.neigh.default.gc_thresh1 = 1024',
      'net.ipv4.neigh.default.gc_thresh2 = 2048',
      'net.ipv4.neigh.default.gc_thresh3 = 4096',
      'net.ipv6.conf.all.disable_ipv6 = 1',
      'net.netfilter.nf_conntrack_max = 2310720',
      'vm.swappiness = 0',
      'vm.overcommit_memory = 1',
      'vm.panic_on_oom = 0',
      'fs.inotify.max_user_instances = 8192',
      'fs.inotify.max_user_watches = 1048576',
      'fs.file-max = 52706963',
      'fs.nr_open = 52706963',
    ]);
  });

  test('has may_detach_mounts on the 3.10 kernel alone', async () => {
    const stock = await production({ os: { release: 'centos-7.9', kernel: 'stock' }, kubernetes: K131 });
    expect(values(stock).at(-1)).toBe('fs.may_detach_mounts = 1');
    expect(values(el7).join()).not.toContain('may_detach_mounts');
  });

  test('has the spec’s values over ours, and no key whose module is not loaded', () => {
    const host = {
      ...hostOf(plan, 'git-1'),
      modules: [],
      sysctls: { 'vm.swappiness': '1', 'kernel.pid_max': '4194304' },
    };
    expect(values(plan, host)).toContain('vm.swappiness = 1');
    expect(values(plan, host).at(-1)).toBe('kernel.pid_max = 4194304');
    expect(values(plan, host).join()).not.toMatch(/bridge|conntrack/);
  });
});

describe('docker', () => {
  test('keeps its data on /data and the cgroup driver of the kubelet', () => {
    expect(JSON.parse(read(plan, 'worker-1', '/etc/docker/daemon.json'))).toMatchObject({
      'data-root': '/data/docker',
      'exec-opts': ['native.cgroupdriver=systemd'],
      'storage-driver': 'overlay2',
      'log-driver': 'json-file',
      'registry-mirrors': ['https://docker.m.daocloud.io'],
    });
  });

  test('is told which mirrors have no TLS', async () => {
    const own = await production({
      mirrors: { registries: { 'docker.io': ['http://mirror.example.com:5000/hub'] } },
    });
    const config: unknown = JSON.parse(read(own, 'worker-1', '/etc/docker/daemon.json'));
    expect(config).toMatchObject({ 'insecure-registries': ['mirror.example.com:5000'] });
  });

  test('is on hosts outside Kubernetes whatever the nodes run', () => {
    expect(has(containerd, 'git-1', '/etc/docker/daemon.json')).toBe(true);
    expect(has(containerd, 'worker-1', '/etc/docker/daemon.json')).toBe(false);
    expect(has(plan, 'git-1', '/etc/systemd/system/cri-docker.service')).toBe(false);
    expect(has(plan, 'worker-1', '/etc/systemd/system/cri-docker.service')).toBe(true);
  });
});

describe('containerd', () => {
  const runc = { runtime_type: 'io.containerd.runc.v2', options: { SystemdCgroup: true } };

  test('2.x is configured in version 3', () => {
    expect(toml(read(containerd, 'worker-1', '/etc/containerd/config.toml'))).toEqual({
      version: 3,
      root: '/data/containerd',
      state: '/run/containerd',
      plugins: {
        'io.containerd.cri.v1.images': {
          pinned_images: { sandbox: containerd.cluster.kubernetes.pauseImage },
          registry: { config_path: '/etc/containerd/certs.d' },
        },
        'io.containerd.cri.v1.runtime': { containerd: { default_runtime_name: 'runc', runtimes: { runc } } },
      },
    });
  });

  test('1.x in version 2', async () => {
    const old = await production({
      os: { release: 'centos-7.9' },
      kubernetes: { ...K131, runtime: 'containerd' },
    });
    expect(toml(read(old, 'worker-1', '/etc/containerd/config.toml'))).toMatchObject({
      version: 2,
      plugins: {
        'io.containerd.grpc.v1.cri': {
          sandbox_image: old.cluster.kubernetes.pauseImage,
          containerd: { runtimes: { runc } },
          registry: { config_path: '/etc/containerd/certs.d' },
        },
      },
    });
  });

  test('beneath Docker keeps to /data and is no runtime of Kubernetes', () => {
    expect(toml(read(el7, 'worker-1', '/etc/containerd/config.toml'))).toMatchObject({
      version: 2,
      root: '/data/containerd',
      disabled_plugins: ['io.containerd.grpc.v1.cri'],
    });
  });

  test('asks mirrors before the registry', async () => {
    const registries = {
      'docker.io': ['https://one.example.com', 'http://two.example.com/v2/hub'],
      'quay.io': ['https://q.example.com'],
    };
    const own = await production({
      kubernetes: { ...K131, runtime: 'containerd' },
      mirrors: { set: 'upstream', registries },
    });
    const capabilities = ['pull', 'resolve'];
    expect(toml(read(own, 'worker-1', '/etc/containerd/certs.d/docker.io/hosts.toml'))).toEqual({
      server: 'https://registry-1.docker.io',
      host: {
        'https://one.example.com': { capabilities },
        'http://two.example.com/v2/hub': { capabilities, override_path: true },
      },
    });
    expect(read(own, 'worker-1', '/etc/containerd/certs.d/quay.io/hosts.toml')).toContain(
      'server = "https://quay.io"',
    );
  });
});

describe('etcd', () => {
  test('is a member with TLS both ways, its data on /data', () => {
    const tls = (use: string) => ({
      'cert-file': `/etc/etcd/pki/${use}.crt`,
      'key-file': `/etc/etcd/pki/${use}.key`,
      'client-cert-auth': true,
      'trusted-ca-file': '/etc/etcd/pki/ca.crt',
    });
    expect(parse(read(plan, 'etcd-2', '/etc/etcd/etcd.conf.yml'))).toEqual({
      name: 'etcd-2',
      'data-dir': '/data/etcd/data',
      'wal-dir': '/data/etcd/wal',
      'listen-client-urls': 'https://100.64.0.22:2379,https://127.0.0.1:2379',
      'advertise-client-urls': 'https://100.64.0.22:2379',
      'listen-peer-urls': 'https://100.64.0.22:2380',
      'initial-advertise-peer-urls': 'https://100.64.0.22:2380',
      'listen-metrics-urls': 'http://127.0.0.1:2381',
      'client-transport-security': tls('server'),
      'peer-transport-security': tls('peer'),
      'initial-cluster':
        'etcd-1=https://100.64.0.21:2380,etcd-2=https://100.64.0.22:2380,etcd-3=https://100.64.0.23:2380',
      'initial-cluster-token': 'etcd-prod',
      'initial-cluster-state': 'new',
      'quota-backend-bytes': 8589934592,
      'auto-compaction-mode': 'periodic',
      'auto-compaction-retention': '8h',
      logger: 'zap',
      'log-outputs': ['stderr'],
    });
  });

  test('is kubeadm’s where it is stacked', () => {
    expect(has(plan, 'master-1', '/etc/etcd/etcd.conf.yml')).toBe(false);
  });
});

describe('repositories', () => {
  const section = (from: Plan, id: string) =>
    read(from, 'worker-1', '/etc/yum.repos.d/imgbuild.repo')
      .split('\n\n')
      .find((part) => part.includes(`[imgbuild-${id}]`)) ?? '';

  test('have signatures checked; those for kernels and extras are off', () => {
    for (const id of ['docker', 'kubernetes', 'epel', 'elrepo-kernel', 'baseos']) {
      expect(section(plan, id)).toMatch(/^gpgcheck=1$/m);
      expect(section(plan, id)).toMatch(/^gpgkey=file:\/\/\/etc\/pki\/rpm-gpg\/\S+( file:\/\/\S+)*$/m);
      expect(section(plan, id)).toMatch(
        ['epel', 'elrepo-kernel'].includes(id) ? /^enabled=0$/m : /^enabled=1$/m,
      );
    }
  });

  test('go through the proxy but for what is reached directly', async () => {
    const proxied = await production({
      proxy: { http: 'http://proxy:3128', noProxy: ['mirrors.aliyun.com'] },
      mirrors: {
        repositories: { docker: 'https://download.docker.com/linux', elrepo: 'http://100.64.0.5/elrepo' },
      },
    });
    expect(section(proxied, 'docker')).toMatch(/^proxy=http:\/\/proxy:3128$/m);
    expect(section(proxied, 'baseos')).not.toContain('proxy=');
    expect(section(proxied, 'elrepo-kernel')).not.toContain('proxy=');
  });
});

describe('keepalived', () => {
  const config = (from: Plan, host: string) => read(from, host, '/etc/keepalived/keepalived.conf');

  test('gives the API’s address to one of the control plane', async () => {
    const vip = await production({
      kubernetes: { version: '1.34.12', endpoint: { via: 'vip', vip: '100.64.0.10' } },
    });
    expect(config(vip, 'master-2')).toContain('unicast_src_ip 100.64.0.12\n');
    expect(config(vip, 'master-2')).toMatch(
      /unicast_peer \{\n {4}100\.64\.0\.11\n {4}100\.64\.0\.13\n {2}\}/,
    );
    expect(config(vip, 'master-2')).toContain('100.64.0.10/32');
    const id = (host: string) => /virtual_router_id (\d+)/.exec(config(vip, host))?.[1];
    expect(id('master-2')).toBe(id('master-1'));
    expect(id('ingress-1')).not.toBe(id('master-1'));
  });

  test('finds its interface by the address in the virtual one’s subnet', () => {
    const dropIn = '/etc/systemd/system/keepalived.service.d/20-imgbuild.conf';
    expect(read(plan, 'ingress-1', dropIn)).toContain('keepalived-interface 100.64.17.17\n');
  });

  test('claims nothing where no virtual address is asked for', () => {
    const { vip: _, ...ingress } = plan.cluster.ingress;
    const none = { ...plan, cluster: { ...plan.cluster, ingress } };
    expect(config(none, 'ingress-1')).not.toContain('vrrp_instance');
  });
});

describe('formats', () => {
  test('TOML: names that need quotes, empty tables, values', () => {
    const table = { a: 'x"\\\n', b: 1, c: true, d: ['p', 'q'], t: { 'k.l': { m: 'n' }, empty: {} } };
    expect(toml(toToml(table))).toEqual(table);
  });

  test('ini: a value cannot begin another key', () => {
    expect(() => toIni({ a: { b: 'c\nd=e' } })).toThrow('b: a value with a line break');
  });
});
