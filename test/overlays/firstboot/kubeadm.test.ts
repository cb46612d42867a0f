/** The configuration that kubeadm is given on a host: composed by the host's own bash, read by the real kubeadm. */
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Plan } from '../../../src/plan/types.ts';
import { composeHostFiles } from '../../../src/render/compose.ts';
import { ensure } from '../../../src/secrets/ensure.ts';
import { resolve } from '../../../src/secrets/resolve.ts';
import { openStore } from '../../../src/secrets/store.ts';
import { describeWith, run } from '../../rigs/programs.ts';
import { scratch } from '../../rigs/scratch.ts';
import { kubeadm } from '../../rigs/validators.ts';
import { assets, hostOf, planOf, production } from '../plans.ts';

const libexec = join(import.meta.dirname, '../../../overlays/node/usr/libexec/imgbuild');
const base = join(import.meta.dirname, '../../../overlays/base/usr/libexec/imgbuild');
const STAGE = 'var/lib/imgbuild';
const OUT = 'run/imgbuild/kubeadm.yaml';

const TOKENS = 'abcdef.0123456789abcdef master-1\n123456.1234567890123456 worker-1\n';
const GIVEN = {
  [`${STAGE}/bootstrap-tokens`]: TOKENS,
  [`${STAGE}/bootstrap-token`]: 'abcdef.0123456789abcdef\n',
  [`${STAGE}/discovery-hash`]: `sha256:${'0a'.repeat(32)}\n`,
};

/** A host's tree: kubeadm's files of a planned host, and what it was given. */
async function host(plan: Plan, name: string, given: Record<string, string> = GIVEN): Promise<string> {
  const root = await scratch();
  const put = (path: string, content: string | Buffer) => {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), content);
  };
  for (const { path, content } of composeHostFiles(hostOf(plan, name), plan.cluster, assets))
    if (path.startsWith('/etc/imgbuild/kubeadm/')) put(path, content);
  for (const [path, content] of Object.entries(given)) put(path, content);
  mkdirSync(join(root, 'run/imgbuild/firstboot'), { recursive: true });
  return root;
}

/** Calls a function of the library as a step does. */
async function compose(root: string, what: 'init' | 'join', path = process.env.PATH ?? '') {
  const script = `set -u; root=$1 libexec=$2
    . "$3/firstboot/lib.sh"; . "$libexec/firstboot/kubeadm.sh"
    compose_${what} "$root/${OUT}"`;
  const { exitCode, lines } = await run('bash', ['-c', script, '-', root, libexec, base], {
    env: { PATH: path },
  });
  const reason = join(root, 'run/imgbuild/firstboot/reason');
  return {
    exitCode,
    lines,
    reason: existsSync(reason) ? readFileSync(reason, 'utf8') : '',
    text: existsSync(join(root, OUT)) ? readFileSync(join(root, OUT), 'utf8') : undefined,
  };
}

const documents = (text = '') =>
  Object.fromEntries(
    parseAllDocuments(text, { version: '1.1' }).map((d) => {
      const value = d.toJS() as Record<string, unknown>;
      return [value.kind, value];
    }),
  );

const plan = await production();

describe('compose_init', () => {
  test('puts in a token for each host, and the cluster behind it', async () => {
    const { exitCode, lines, text } = await compose(await host(plan, 'master-1'), 'init');
    expect({ exitCode, lines }).toEqual({ exitCode: 0, lines: [] });
    const found = documents(text);
    expect(Object.keys(found)).toEqual([
      'InitConfiguration',
      'ClusterConfiguration',
      'KubeletConfiguration',
      'KubeProxyConfiguration',
    ]);
    const common = {
      ttl: '24h0m0s',
      groups: ['system:bootstrappers:kubeadm:default-node-token'],
      usages: ['signing', 'authentication'],
    };
    expect(found.InitConfiguration?.bootstrapTokens).toEqual([
      { token: 'abcdef.0123456789abcdef', description: 'master-1', ...common },
      // Digits alone, which must not become a number.
      { token: '123456.1234567890123456', description: 'worker-1', ...common },
    ]);
  });

  const awks = ['busybox awk', 'gawk', 'mawk'].filter((awk) => existsSync(`/usr/bin/${awk.split(' ')[0]}`));
  test.each(awks)('is the same with %s', async (awk) => {
    const root = await host(plan, 'master-1');
    const { text } = await compose(root, 'init');
    mkdirSync(join(root, 'bin'));
    writeFileSync(join(root, 'bin/awk'), `#!/bin/sh\nexec ${awk} "$@"\n`, { mode: 0o755 });
    const other = await compose(root, 'init', `${root}/bin:${process.env.PATH}`);
    expect(other.text).toBe(text);
  });

  test('takes a thousand hosts', async () => {
    const tokens = Array.from({ length: 1000 }, (_, index) => {
      const id = String(index).padStart(6, '0');
      return `${id}.0123456789abcdef worker-${index}\n`;
    });
    const root = await host(plan, 'master-1', { ...GIVEN, [`${STAGE}/bootstrap-tokens`]: tokens.join('') });
    const { text } = await compose(root, 'init');
    const list = documents(text).InitConfiguration?.bootstrapTokens as { description: string }[];
    expect(list).toHaveLength(1000);
    expect(list[999]).toMatchObject({ token: '000999.0123456789abcdef', description: 'worker-999' });
  });

  test.each([
    ['nothing', '', /was not given .*bootstrap-tokens, or it is gone/],
    ['a token without a host', 'abcdef.0123456789abcdef\n', /lines of a token and a host/],
    ['half a token', 'abcdef.0123 worker-1\n', /lines of a token and a host/],
    ['YAML', `abcdef.0123456789abcdef ${'"x"'}\n`, /lines of a token and a host/],
  ])('%s is refused, and nothing is left', async (_, tokens, reason) => {
    const root = await host(plan, 'master-1', { ...GIVEN, [`${STAGE}/bootstrap-tokens`]: tokens });
    const ran = await compose(root, 'init');
    expect(ran.exitCode).toBe(1);
    expect(ran.reason).toMatch(reason);
    expect(ran.reason).toMatch(/secrets\.tar\.gz/);
    expect(`${ran.reason}${ran.lines}`).not.toMatch(/0123/);
    expect([ran.text, existsSync(join(root, `${OUT}.part`))]).toEqual([undefined, false]);
  });
});

describe('compose_join', () => {
  test('puts in the host’s token and the CA’s hash', async () => {
    const { exitCode, lines, text } = await compose(await host(plan, 'worker-1'), 'join');
    expect({ exitCode, lines }).toEqual({ exitCode: 0, lines: [] });
    expect(text).not.toContain('@');
    expect(parse(text ?? '').discovery).toEqual({
      bootstrapToken: {
        apiServerEndpoint: 'api.prod:8443',
        token: 'abcdef.0123456789abcdef',
        caCertHashes: [`sha256:${'0a'.repeat(32)}`],
      },
      tlsBootstrapToken: 'abcdef.0123456789abcdef',
    });
  });

  test.each([
    [`${STAGE}/bootstrap-token`, '', /was not given/],
    [`${STAGE}/bootstrap-token`, 'abcdef.0123\n', /no bootstrap token/],
    [`${STAGE}/discovery-hash`, 'sha256:00\n', /no hash of a CA/],
    ['etc/imgbuild/kubeadm/join.yaml', '', /overlay is not laid/],
  ])('%s that holds %j is refused', async (path, content, reason) => {
    const root = await host(plan, 'worker-1', { ...GIVEN, [path]: content });
    const ran = await compose(root, 'join');
    expect([ran.exitCode, ran.text]).toEqual([1, undefined]);
    expect(ran.reason).toMatch(reason);
  });
});

describe('secrets', () => {
  test('the file is root’s alone, whatever lay there', async () => {
    const root = await host(plan, 'worker-1');
    writeFileSync(join(root, OUT), 'an old one');
    chmodSync(join(root, OUT), 0o666);
    await compose(root, 'join');
    expect(statSync(join(root, OUT)).mode & 0o777).toBe(0o600);
  });

  test('are never an argument of a program', async () => {
    const root = await host(plan, 'master-1');
    mkdirSync(join(root, 'bin'));
    for (const program of ['awk', 'cat', 'mkdir', 'mv', 'rm', 'sed', 'tr', 'cut', 'install'])
      writeFileSync(
        join(root, 'bin', program),
        `#!/bin/bash\nprintf '%s\\n' "$@" >>'${root}/arguments'\nPATH=\${PATH#*:}\nexec ${program} "$@"\n`,
        { mode: 0o755 },
      );
    const path = `${root}/bin:${process.env.PATH}`;
    for (const what of ['init', 'join'] as const) {
      const { exitCode, lines } = await compose(root, what, path);
      expect({ what, exitCode, lines }).toEqual({ what, exitCode: 0, lines: [] });
    }
    const said = readFileSync(join(root, 'arguments'), 'utf8');
    expect(said).toContain('bootstrap-tokens');
    expect(said).not.toMatch(/0123456789abcdef|1234567890123456|0a0a0a/);
  });
});

const SINGLE = {
  name: 'lab',
  networks: { management: { cidr: '10.10.0.0/20', gateway: '10.10.0.1', dns: ['10.10.0.1'] } },
  hosts: [
    { name: 'on', role: 'master', nics: [{ mac: '52:54:00:00:00:01', networks: ['management'] }] },
    { name: '0b11', role: 'worker', nics: [{ mac: '52:54:00:00:00:02', networks: ['management'] }] },
  ],
};
const ALONE = { ...SINGLE, kubernetes: { version: '1.34.12' }, hosts: SINGLE.hosts.slice(0, 1) };
const example = (name: string) => readFileSync(`examples/${name}.yaml`, 'utf8');

/** Clusters that between them have every form of the files there is, with the kubeadm that reads them. */
const CLUSTERS: [string, '1.28.2' | '1.34.2', () => Plan][] = [
  ['production', '1.34.2', () => planOf(example('production'))],
  ['minimal', '1.34.2', () => planOf(example('minimal'))],
  ['centos7', '1.28.2', () => planOf(example('centos7'))],
  [
    'production, 1.28',
    '1.28.2',
    () => planOf(example('production'), { kubernetes: { version: '1.28.2', proxyMode: 'iptables' } }),
  ],
  [
    'a virtual address, tokens for ever',
    '1.34.2',
    () =>
      planOf(example('production'), {
        kubernetes: { tokenTtl: '0', proxyMode: 'nftables', endpoint: { via: 'vip', vip: '100.64.0.10' } },
      }),
  ],
  [
    'the newest kubelet on cgroup v1',
    '1.34.2',
    () =>
      planOf(example('production'), {
        os: { release: 'centos-7.9' },
        kubernetes: { version: '1.36.5', runtime: 'docker' },
      }),
  ],
  [
    'one control plane, odd names, 1.34',
    '1.34.2',
    () => planOf(SINGLE, { kubernetes: { version: '1.34.12' } }),
  ],
  [
    'one control plane, odd names, 1.28',
    '1.28.2',
    () => planOf(SINGLE, { kubernetes: { version: '1.28.15' } }),
  ],
  ['a control plane alone', '1.34.2', () => planOf(ALONE)],
  ['a control plane alone, 1.28', '1.28.2', () => planOf(ALONE, { kubernetes: { version: '1.28.15' } })],
];

describeWith(['kubeadm-1.28.2', 'kubeadm-1.34.2'], 'the real kubeadm reads', () => {
  describe.each(CLUSTERS)('%s', (_, version, make) => {
    const made = make();
    let value: (ref: string) => string;
    beforeAll(async () => {
      const store = openStore(join(await scratch(), 'secrets'));
      await ensure(made, store, { now: new Date() });
      value = resolve(made, store);
    });
    const checked = async (file: string) => (await kubeadm(version, file)).messages;

    test.each(made.hosts.filter(({ isNode }) => isNode).map(({ name }) => name))('%s', async (name) => {
      const planned = hostOf(made, name);
      const given = Object.fromEntries(planned.secrets.map(({ path, ref }) => [path.slice(1), value(ref)]));
      const root = await host(made, name, given);
      expect((await compose(root, 'join')).exitCode).toBe(0);
      expect(await checked(join(root, OUT))).toEqual([]);
      if (!planned.isControlPlane) return;
      expect(await checked(join(root, 'etc/imgbuild/kubeadm/cluster.yaml'))).toEqual([]);
      expect((await compose(root, 'init')).exitCode).toBe(0);
      expect(await checked(join(root, OUT))).toEqual([]);
    });
  });

  test.each([
    ['an unknown key', /^clusterName:/m, 'clustername:'],
    ['a token that is none', /token: .*/, 'token: "abc"'],
    ['a key of the kubelet’s', /containerLogMaxSize/, 'containerLogSize'],
  ])('and refuses %s', async (_, from, to) => {
    const root = await host(plan, 'master-1');
    const { text = '' } = await compose(root, 'init');
    writeFileSync(join(root, OUT), text.replace(from, to));
    expect((await kubeadm('1.34.2', join(root, OUT))).ok).toBe(false);
  });
});
