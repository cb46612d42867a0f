import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import type { ArtifactLock } from '../../src/plan/artifact-lock.ts';
import { artifactsOf } from '../../src/plan/artifacts.ts';
import type { ArtifactPlan, Plan } from '../../src/plan/types.ts';
import { composeHostFiles } from '../../src/render/compose.ts';
import { assets, hostOf, planOf } from '../overlays/plans.ts';
import { problemsOf, soundPlan } from '../project.ts';

const production = readFileSync('examples/production.yaml', 'utf8');

/** What the hosts of the production example fetch, with something laid over it. */
const needed = (over: object = {}) => artifactsOf(planOf(production, over));
const named = (list: readonly ArtifactPlan[], name: string) => {
  const found = list.find((artifact) => artifact.name === name);
  if (!found) throw new Error(`no ${name}: ${list.map((artifact) => artifact.name).join(' ')}`);
  return found;
};

describe('what is needed', () => {
  test('follows from roles, runtime and pod network, each once', () => {
    const docker = { runtime: 'docker', version: '1.34.12', cni: { plugin: 'calico' } };
    expect(needed({ kubernetes: docker }).map(({ name }) => name)).toEqual([
      ...['calico-manifest', 'cri-dockerd', 'etcd', 'goss'],
    ]);
    const none = { runtime: 'containerd', version: '1.34.12', cni: { plugin: 'none' } };
    expect(needed({ kubernetes: none }).map(({ name }) => name)).toEqual(['etcd', 'goss']);
  });

  test('of a host is no more than it needs', () => {
    const plan = planOf(production, { kubernetes: { runtime: 'docker', cni: { plugin: 'flannel' } } });
    const of = (host: string) => hostOf(plan, host).artifacts.map(({ name }) => name);
    expect(of('master-1')).toEqual(['cri-dockerd', 'etcd', 'flannel-manifest', 'goss']);
    expect(of('worker-1')).toEqual(['cri-dockerd', 'goss']);
    expect(of('etcd-1')).toEqual(['etcd', 'goss']);
    expect(of('git-1')).toEqual(['goss']);
  });

  test('etcd’s archive: all of it for members, etcdctl alone for a control plane of either topology', () => {
    const programs = (plan: Plan, host: string) => {
      const { version, programs } = named(hostOf(plan, host).artifacts, 'etcd');
      const folder = `etcd-v${version}-linux-amd64/`;
      return programs?.members.map((member) => member.replace(folder, ''));
    };
    const external = planOf(production);
    expect(programs(external, 'etcd-1')).toEqual(['etcd', 'etcdctl', 'etcdutl']);
    expect(programs(external, 'master-1')).toEqual(['etcdctl']);
    const stacked = planOf(readFileSync('examples/minimal.yaml', 'utf8'));
    expect(stacked.cluster.etcd.topology).toBe('stacked');
    expect(programs(stacked, 'kmaster')).toEqual(['etcdctl']);
    expect(named(hostOf(stacked, 'kmaster').artifacts, 'etcd').version).toBe(stacked.cluster.etcd.version);
    for (const { role, artifacts } of stacked.hosts)
      expect(artifacts.some(({ name }) => name === 'etcd')).toBe(role.kubernetes === 'control-plane');
  });

  test.each([
    ['1.28.15', '3.28.5'],
    ['1.31.14', '3.29.7'],
    ['1.34.12', '3.31.7'],
    ['1.36.5', '3.32.1'],
  ])('Kubernetes %s goes with Calico %s', (version, calico) => {
    const kubernetes = { version, cni: { plugin: 'calico' } };
    expect(named(needed({ kubernetes }), 'calico-manifest').version).toBe(calico);
  });

  test('every version that the catalogue chooses has a checksum there', async () => {
    for (const runtime of ['docker', 'containerd'])
      for (const plugin of ['calico', 'flannel'])
        for (const minor of ['28.15', '29.15', '30.14', '31.14', '32.13', '33.13', '34.12', '35.9', '36.5']) {
          const kubernetes = { version: `1.${minor}`, runtime, cni: { plugin } };
          for (const { name, version, known, sha256 } of needed({ kubernetes })) {
            expect(known, `${name} ${version}`).toMatch(/^[0-9a-f]{64}$/);
            expect(sha256).toBe(known);
          }
        }
  });

  test('versions of the spec’s own are taken', () => {
    const list = needed({ etcd: { version: '3.6.99' }, versions: { cni: '3.99.0', goss: '0.4.10' } });
    expect(list.map(({ name, version }) => `${name} ${version}`)).toContain('calico-manifest 3.99.0');
    expect(named(list, 'etcd').urls[0]).toMatch(/\/v3\.6\.99\/etcd-v3\.6\.99-linux-amd64\.tar\.gz$/);
    // It was a program by itself up to 0.4.9.
    expect(named(list, 'goss')).toMatchObject({ programs: { members: ['goss'] } });
    expect(named(list, 'goss').urls[0]).toMatch(/\/goss_0\.4\.10_linux_x86_64\.tar\.gz$/);
    expect(named(needed(), 'goss')).toMatchObject({ programs: { members: [] } });
    expect(named(needed(), 'goss').urls[0]).toMatch(/\/goss-linux-amd64$/);
  });
});

describe('where it is had', () => {
  test('a mirror set’s server first, and behind it the project’s own', () => {
    const { urls } = named(needed({ mirrors: { set: 'tuna' } }), 'goss');
    expect(urls.map((url) => new URL(url).host)).toEqual(['files.m.daocloud.io', 'github.com']);
    expect(named(needed({ mirrors: { set: 'upstream' } }), 'goss').urls).toHaveLength(1);
  });

  test('the spec’s own server alone, with the version where it says', () => {
    const repositories = {
      goss: 'http://files/goss/{version}',
      etcd: 'http://files/etcd',
      cni: 'http://files/cni-{version}/',
      criDockerd: 'http://files',
    };
    const kubernetes = { version: '1.34.12', runtime: 'docker', cni: { plugin: 'calico' } };
    const list = needed({ mirrors: { repositories }, kubernetes, versions: { goss: '0.4.9' } });
    expect(named(list, 'goss').urls).toEqual(['http://files/goss/0.4.9/goss-linux-amd64']);
    expect(named(list, 'calico-manifest').urls).toEqual(['http://files/cni-3.31.7/calico.yaml']);
    for (const { urls } of list) expect(urls).toHaveLength(1);
  });
});

describe('the lock', () => {
  const spec = (over: object) => `${production}\n${stringify(over)}`;
  const etcd = (sha256: string, version = '3.6.99') => ({ version, url: 'http://m/x', size: 77, sha256 });
  const own = { versions: { goss: '0.4.8' } };

  const planned = async (artifacts: ArtifactLock) =>
    named(artifactsOf((await soundPlan(spec(own), { artifacts })).plan), 'goss');

  test('gives what the catalogue does not have', async () => {
    expect(await planned({})).not.toHaveProperty('sha256');
    const sha256 = 'a'.repeat(64);
    expect(await planned({ goss: etcd(sha256, '0.4.8') })).toMatchObject({ sha256, size: 77 });
  });

  test('of another version says nothing of this one', async () => {
    expect(await planned({ goss: etcd('a'.repeat(64), '0.4.7') })).not.toHaveProperty('sha256');
  });

  test('that contradicts the catalogue is an error, and does not win', async () => {
    const artifacts = { goss: etcd('a'.repeat(64), '0.4.9') };
    const problems = await problemsOf([{ file: 'cluster.yaml', text: production }], { artifacts });
    expect(problems.filter(({ severity }) => severity === 'error')).toMatchObject([
      { code: 'artifact-checksum', path: ['imgbuild.lock', 'goss', 'sha256'] },
    ]);
  });
});

describe('/etc/imgbuild/artifacts', () => {
  const listed = (over: object, host = 'etcd-1') => {
    const plan = planOf(production, over);
    const files = composeHostFiles(hostOf(plan, host), plan.cluster, assets);
    const read = (path: string) => files.find((file) => file.path === path);
    const lines = String(read('/etc/imgbuild/artifacts')?.content).split('\n');
    return { lines: lines.filter((line) => !line.startsWith('#')), proxy: read('/etc/imgbuild/proxy') };
  };

  test('has a line for each: name, checksum, size, where', () => {
    const { lines, proxy } = listed({ mirrors: { set: 'upstream' }, versions: { goss: '0.4.9' } });
    expect(lines).toEqual([
      expect.stringMatching(/^etcd [0-9a-f]{64} - https:\/\/github\.com\/etcd-io\/\S+\.tar\.gz$/),
      expect.stringMatching(/^goss 87dd36cf[0-9a-f]{56} - https:\/\/github\.com\/goss-org\/\S+$/),
      '',
    ]);
    expect(proxy).toBeUndefined();
  });

  test('what is not locked has none, and is allowed only where the spec says so', () => {
    const over = { mirrors: { repositories: { goss: 'http://files' } }, versions: { goss: '0.4.8' } };
    expect(listed(over).lines).toContain('goss - - http://files/goss-linux-amd64');
    const allowed = { ...over, artifacts: { allowUnlocked: true } };
    expect(listed(allowed).lines).toContain('goss - - allowed http://files/goss-linux-amd64');
    // One with a checksum is checked all the same.
    expect(listed(allowed).lines[0]).toMatch(/^etcd [0-9a-f]{64} - http/);
  });

  test('the way out lies beside it, for root alone: it may hold a password', () => {
    const { proxy } = listed({ proxy: { http: 'http://ops:pass@proxy.example.com:3128' } });
    expect(proxy?.mode).toBe(0o600);
    expect(String(proxy?.content)).toMatch(
      /^export https_proxy=http:\/\/ops:pass@proxy\.example\.com:3128$/m,
    );
  });
});
