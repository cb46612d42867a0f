import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { composeHostFiles } from '../../src/render/compose.ts';
import { addressPattern } from '../../src/render/documents/cni.ts';
import { give, serve, sumOf } from '../artifacts/server.ts';
import { scratch } from '../rigs/scratch.ts';
import { assets, hostOf, production } from './plans.ts';

const CALICO = readFileSync('test/fixtures/cni/calico.yaml', 'utf8');
const FLANNEL = readFileSync('test/fixtures/cni/flannel.yaml', 'utf8');

const MODES = { calico: ['ipip', 'vxlan', 'bgp'], flannel: ['vxlan', 'host-gw'] } as const;
type Plugin = keyof typeof MODES;

/** The program and what it reads beside the manifest, laid as on a host. */
let laid: string;
beforeAll(async () => {
  laid = await scratch();
  const own = 'overlays/control-plane/usr';
  await mkdir(join(laid, 'usr/libexec/imgbuild'), { recursive: true });
  for (const from of ['overlays/base/usr/libexec/imgbuild/fetch.sh', `${own}/libexec/imgbuild/cni-manifest`])
    await cp(from, join(laid, 'usr/libexec/imgbuild', from.split('/').at(-1) ?? ''));
  await cp(`${own}/share`, join(laid, 'usr/share'), { recursive: true });
  await chmod(join(laid, 'usr/libexec/imgbuild/cni-manifest'), 0o755);
});

interface Said {
  code: number;
  out: string;
  err: string;
}

/** What it prints on a control plane of the production example that has something else about its pod network. */
async function adapt(
  plugin: Plugin,
  mode: string,
  manifest: string | undefined,
  { more = {}, list = '', awk = '' }: { more?: object; list?: string; awk?: string } = {},
): Promise<Said> {
  const cni = { plugin, mode, mtu: 1400 };
  const plan = await production({
    kubernetes: { version: '1.34.12', podSubnet: '10.99.0.0/16', cni },
    ...more,
  });
  const files = composeHostFiles(hostOf(plan, 'master-1'), plan.cluster, assets);
  const conf = files.find(({ path }) => path === '/etc/imgbuild/cni.conf')?.content ?? '';
  const root = await scratch({
    'etc/imgbuild/cni.conf': String(conf),
    'etc/imgbuild/artifacts': list,
    'manifest.yaml': manifest ?? '',
  });
  if (awk !== '') {
    await mkdir(join(root, 'bin'));
    await writeFile(join(root, 'bin/awk'), `#!/bin/sh\nexec ${awk} "$@"\n`, { mode: 0o755 });
  }
  const args = manifest === undefined ? [] : [join(root, 'manifest.yaml')];
  const ran = await execa(join(laid, 'usr/libexec/imgbuild/cni-manifest'), ['--root', root, ...args], {
    ...{ reject: false, stripFinalNewline: false },
    env: { PATH: `${join(root, 'bin')}:${process.env.PATH}`, fetch_rounds: '1' },
  });
  return { code: ran.exitCode ?? -1, out: ran.stdout, err: ran.stderr };
}

interface Container {
  image: string;
  args?: string[];
  env?: { name: string; value?: string }[];
  livenessProbe?: { exec: { command: string[] } };
  readinessProbe?: { exec: { command: string[] } };
}
interface Manifest {
  kind: string;
  metadata: { name: string };
  data?: Record<string, string>;
  spec?: { template: { spec: { containers: Container[]; initContainers?: Container[] } } };
}

/** The objects of a manifest, as Kubernetes reads them. */
function objects(text: string): (kind: string, name: string) => Manifest {
  const all = parseAllDocuments(text).flatMap((document) => {
    expect(document.errors).toEqual([]);
    const value = document.toJS() as Manifest | null;
    return value ? [value] : [];
  });
  return (kind, name) => {
    const found = all.filter((one) => one.kind === kind && one.metadata.name === name);
    expect(found, `${kind} ${name}`).toHaveLength(1);
    return found[0] as Manifest;
  };
}

const pod = ({ spec }: Manifest) =>
  spec?.template.spec as { containers: Container[]; initContainers?: Container[] };
const imagesOf = (text: string) => [...text.matchAll(/^ +(?:- )?image: (\S+)$/gm)].map(([, image]) => image);

describe('Calico', () => {
  test.each([
    ['ipip', 'Always', 'Never', 'bird'],
    ['vxlan', 'Never', 'Always', 'vxlan'],
    ['bgp', 'Never', 'Never', 'bird'],
  ])('in mode %s', async (mode, ipip, vxlan, backend) => {
    const { code, out, err } = await adapt('calico', mode, CALICO);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const object = objects(out);
    expect(object('ConfigMap', 'calico-config').data).toMatchObject({
      calico_backend: backend,
      veth_mtu: '1400',
    });
    expect(object('ConfigMap', 'somebody-elses').data).toEqual({ calico_backend: 'bird', veth_mtu: '0' });
    const [node] = pod(object('DaemonSet', 'calico-node')).containers;
    const env = Object.fromEntries((node?.env ?? []).map(({ name, value }) => [name, value]));
    expect(env).toMatchObject({
      IP: 'autodetect',
      IP_AUTODETECTION_METHOD: 'cidr=100.64.16.0/20',
      CALICO_IPV4POOL_CIDR: '10.99.0.0/16',
      CALICO_IPV4POOL_IPIP: ipip,
      CALICO_IPV4POOL_VXLAN: vxlan,
      CALICO_IPV6POOL_VXLAN: 'Never',
    });
    expect(node?.env).toHaveLength(8);
    const probes = [node?.livenessProbe, node?.readinessProbe].map((probe) => probe?.exec.command.slice(1));
    expect(probes).toEqual(
      mode === 'vxlan'
        ? [['-felix-live'], ['-felix-ready']]
        : [
            ['-felix-live', '-bird-live'],
            ['-felix-ready', '-bird-ready'],
          ],
    );
  });

  test('knows the probes by either form of their flags', async () => {
    const { code, out } = await adapt('calico', 'vxlan', CALICO.replaceAll('- -bird', '- --bird'));
    expect(code).toBe(0);
    expect(out).not.toContain('bird-');
  });

  test.each([
    ['no backend', /^ {2}calico_backend: "bird"\n/m, '', /calico_backend: found 0 times/],
    ['another backend', /calico_backend: "bird"/, 'calico_backend: "none"', /calico_backend: found 0 times/],
    ['no MTU', /^ {2}veth_mtu: .*\n/m, '', /veth_mtu: found 0 times/],
    ['no pool', /^ *#? *- name: CALICO_IPV4POOL_CIDR\n.*\n/m, '', /CALICO_IPV4POOL_CIDR: found 0 times/],
    [
      'a pool that is set',
      '# - name: CALICO_IPV4POOL_CIDR\n            #   v',
      '- name: CALICO_IPV4POOL_CIDR\n              v',
      /a second CALICO_IPV4POOL_CIDR: found 1 times instead of 0/,
    ],
    [
      'a way to find the address',
      '- name: SLEEP',
      '- name: IP_AUTODETECTION_METHOD',
      /a second IP_AUTODETECTION_METHOD/,
    ],
    ['IPIP from elsewhere', 'value: "Always"', 'valueFrom: {}', /CALICO_IPV4POOL_IPIP: found 0 times/],
    ['no probe of bird', /^ *- -bird-ready\n/m, '', /the probes of bird: found 1 times instead of 2/],
    ['another name', 'name: calico-node\n  namespace', 'name: node\n  namespace', /IP: found 0 times/],
    ['an image without a version', 'cni:v3.99.1', 'cni', /an image without a version: quay\.io\/calico\/cni/],
    ['nothing in it', /[\s\S]+/, '', /there is no image in it/],
  ])('with %s is refused, and nothing printed', async (_, what, instead, said) => {
    const other = CALICO.replace(what, instead);
    expect(other).not.toBe(CALICO);
    const { code, out, err } = await adapt('calico', 'ipip', other);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(said);
    expect(err).toMatch(/manifest\.yaml is not as it is expected to be: another version of calico/);
  });
});

describe('flannel', () => {
  const config = (text: string, name: string) =>
    parse(objects(text)('ConfigMap', 'kube-flannel-cfg').data?.[name] ?? '');

  test('over VXLAN', async () => {
    const { code, out, err } = await adapt('flannel', 'vxlan', FLANNEL);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(config(out, 'net-conf.json')).toEqual({
      ...{ Network: '10.99.0.0/16', EnableNFTables: false, Backend: { Type: 'vxlan', MTU: 1450 } },
    });
    const { args } = pod(objects(out)('DaemonSet', 'kube-flannel-ds')).containers[0] as Container;
    expect(args).toEqual([
      ...['--ip-masq', '--kube-subnet-mgr'],
      `--iface-regex=${addressPattern('100.64.16.0/20')}`,
    ]);
  });

  test('with routes', async () => {
    const { code, out } = await adapt('flannel', 'host-gw', FLANNEL);
    expect(code).toBe(0);
    expect(config(out, 'net-conf.json').Backend).toEqual({ Type: 'host-gw' });
    expect(config(out, 'cni-conf.json').plugins[0].delegate).toEqual({ mtu: 1400, isDefaultGateway: true });
  });

  test.each([
    ['no network', /^ *"Network".*\n/m, '', /Network: found 0 times/],
    ['another backend', '"Type": "vxlan"', '"Type": "wireguard"', /Type: found 0 times/],
    [
      'more about the backend',
      '"Type": "vxlan"',
      '"Type": "vxlan",\n        "VNI": 7',
      /Type: found 0 times/,
    ],
    ['an MTU of its own', '"isDefaultGateway": true', '"mtu": 9000', /an MTU of its own: found 1 times/],
    ['an interface of its own', '- --ip-masq', '- --iface=eth0', /an --iface of its own: found 1 times/],
    ['no leases from Kubernetes', /^ *- --kube-subnet-mgr\n/m, '', /--kube-subnet-mgr: found 0 times/],
  ])('with %s is refused, and nothing printed', async (_, what, instead, said) => {
    const other = FLANNEL.replace(what, instead);
    expect(other).not.toBe(FLANNEL);
    const { code, out, err } = await adapt('flannel', 'vxlan', other);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(said);
  });
});

test('images come from where the spec or the mirror set says, whatever their repository', async () => {
  const own = { mirrors: { set: 'upstream', cniImageRepository: 'registry.example.com:5000/pods' } };
  expect(imagesOf((await adapt('calico', 'ipip', CALICO, { more: own })).out)).toEqual([
    ...['cni', 'node', 'kube-controllers'].map((name) => `registry.example.com:5000/pods/${name}:v3.99.1`),
  ]);
  const tuna = { mirrors: { set: 'tuna' } };
  expect(imagesOf((await adapt('flannel', 'vxlan', FLANNEL, { more: tuna })).out)).toEqual([
    ...['ghcr.m.daocloud.io/flannel-io/flannel:v0.99.1', 'ghcr.m.daocloud.io/flannel-io/flannel:v0.99.1'],
  ]);
  const upstream = { mirrors: { set: 'upstream' } };
  const { out } = await adapt('flannel', 'vxlan', FLANNEL, { more: upstream });
  expect(imagesOf(out)).toEqual(imagesOf(FLANNEL));
});

describe('the manifest', () => {
  test('is fetched and checked where none is named', async () => {
    const { url } = await serve(give(Buffer.from(FLANNEL)));
    const list = `flannel-manifest ${sumOf(FLANNEL)} ${FLANNEL.length} ${url}/kube-flannel.yml\n`;
    const { code, out } = await adapt('flannel', 'vxlan', undefined, { list });
    expect(code).toBe(0);
    expect(out).toContain('--iface-regex');
  });

  test.each([
    ['is another one', '0'.repeat(64), 1, /has the checksum/],
    ['is not locked', '-', 2, /is not locked/],
  ])('that %s is not looked at', async (_, sum, code, said) => {
    const { url } = await serve(give(Buffer.from(FLANNEL)));
    const ran = await adapt('flannel', 'vxlan', undefined, { list: `flannel-manifest ${sum} - ${url}\n` });
    expect(ran).toMatchObject({ code, out: '' });
    expect(ran.err).toMatch(said);
  });

  test('in a mode that the plugin does not have is refused', async () => {
    expect(await adapt('flannel', 'ipip', FLANNEL)).toMatchObject({ code: 2, out: '' });
  });

  // EL has gawk, Debian mawk; an awk that is neither tells of what only they know.
  test.each(
    ['/usr/bin/busybox awk', '/usr/bin/gawk --posix'].filter((awk) => existsSync(awk.split(' ')[0] ?? '')),
  )('comes out the same with %s', async (awk) => {
    for (const [plugin, text] of [
      ['calico', CALICO],
      ['flannel', FLANNEL],
    ] as const) {
      for (const mode of MODES[plugin]) {
        const other = await adapt(plugin, mode, text, { awk });
        expect(other).toEqual(await adapt(plugin, mode, text));
        expect(other.code).toBe(0);
      }
    }
  });
});

/** Real ones, where somebody has laid some out: calico*.yaml and kube-flannel*.yml. */
const REAL = process.env.IMGBUILD_CNI_MANIFESTS ?? '';

describe.runIf(REAL !== '')('released manifests', () => {
  test('are adapted, in every mode', async () => {
    for (const name of readdirSync(REAL)) {
      const plugin = name.startsWith('calico') ? 'calico' : 'flannel';
      const text = readFileSync(join(REAL, name), 'utf8');
      for (const mode of MODES[plugin]) {
        const { code, out, err } = await adapt(plugin, mode, text);
        expect({ code, err }, `${name} ${mode}`).toEqual({ code: 0, err: '' });
        expect(parseAllDocuments(out).flatMap(({ errors }) => errors)).toEqual([]);
      }
    }
  });
});

test.each([
  [
    '100.64.16.0/20',
    ['100.64.16.1', '100.64.31.254'],
    ['100.64.32.1', '100.64.15.1', '1100.64.16.1', '100.64.16.1.1', '100x64.16.1'],
  ],
  ['10.0.0.0/8', ['10.1.2.3', '10.255.0.9'], ['11.1.2.3', '110.1.2.3']],
  ['192.168.7.64/26', ['192.168.7.64', '192.168.7.127'], ['192.168.7.63', '192.168.7.128', '192.168.7.6']],
  ['10.1.2.0/24', ['10.1.2.0', '10.1.2.255'], ['10.1.20.1', '10.1.3.1']],
])('the pattern of %s is that of its addresses', (range, inside, outside) => {
  const pattern = new RegExp(addressPattern(range));
  expect(inside.filter((address) => !pattern.test(address))).toEqual([]);
  expect(outside.filter((address) => pattern.test(address))).toEqual([]);
});
