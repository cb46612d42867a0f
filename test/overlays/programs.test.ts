import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { composeHostFiles } from '../../src/render/compose.ts';
import { describeWith } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';
import {
  haproxy,
  keepalived,
  nginx,
  nmKeyfiles,
  shellcheck,
  sysctlKeys,
  systemdVerify,
  visudo,
} from '../rigs/validators.ts';
import { assets, production, RELEASES } from './plans.ts';
import { tooNew } from './systemd-directives.ts';

/** One distinct file: where it lies in the scratch folder, and one host that has it. */
interface Sample {
  path: string;
  content: string;
  file: string;
  who: string;
  systemd: number;
}

const PROXY = { http: 'http://user:p%40ss@proxy.example.com:3128', noProxy: ['example.com'] };
const VIP = { kubernetes: { version: '1.31.14', endpoint: { via: 'vip', vip: '100.64.0.10' } } };

/** Specs whose hosts between them have every file there is. */
const VARIANTS: [string, object][] = RELEASES.flatMap((release): [string, object][] => [
  [`${release} docker`, { os: { release }, kubernetes: { version: '1.31.14', runtime: 'docker' } }],
  [
    `${release} containerd, HTTP proxy`,
    { os: { release }, kubernetes: { version: '1.31.14', runtime: 'containerd' }, proxy: PROXY },
  ],
  [`${release} vip, HTTP proxy`, { os: { release }, ...VIP, proxy: PROXY }],
]);

const samples: Sample[] = [];
/** A folder for each variant and role, laid out like a host's root. */
const roots: { who: string; root: string; units: string[] }[] = [];

const isUnit = (path: string) => /^\/etc\/systemd\/system\/.*\.(service|socket|timer|mount|conf)$/.test(path);
const isShell = (path: string) => path.endsWith('.sh') || /\/(bin|libexec|dispatcher\.d)\//.test(path);

beforeAll(async () => {
  const folder = await scratch();
  const seen = new Set<string>();
  for (const [variant, over] of VARIANTS) {
    const plan = await production(over);
    const roles = new Set<string>();
    for (const host of plan.hosts) {
      if (roles.has(host.role.name)) continue;
      roles.add(host.role.name);
      const who = `${variant} ${host.name}`;
      const root = join(folder, who.replaceAll(/\W+/g, '-'));
      const units: string[] = [];
      for (const { path, content } of composeHostFiles(host, plan.cluster, assets)) {
        const file = join(root, path);
        await mkdir(dirname(file), { recursive: true });
        // visudo and NetworkManager's reader look at modes too.
        await writeFile(file, content, { mode: 0o600 });
        if (isUnit(path)) units.push(path.slice(1));
        const key = `${host.os.major}${path}\n${content}`;
        if (!seen.has(key))
          samples.push({ path, content: String(content), file, who, systemd: host.os.systemd });
        seen.add(key);
      }
      roots.push({ who, root, units });
    }
  }
});

/** Files of one kind, each just once however many hosts have it. */
function filesOf(matches: (path: string) => boolean): Sample[] {
  const texts = new Set<string>();
  return samples.filter(({ path, content }) => {
    if (!matches(path) || texts.has(content)) return false;
    texts.add(content);
    return true;
  });
}

async function every(
  matches: (path: string) => boolean,
  check: (file: string) => Promise<{ messages: string[] }>,
) {
  const files = filesOf(matches);
  expect(files.length).toBeGreaterThan(0);
  for (const { file, who } of files) {
    const { messages } = await check(file);
    expect({ who, messages }).toEqual({ who, messages: [] });
  }
}

describeWith(['systemd-analyze'], 'units', () => {
  test('systemd reads every unit and drop-in', async () => {
    const seen = new Set<string>();
    for (const { who, root, units } of roots) {
      const { messages } = await systemdVerify(units, root);
      expect({ who, messages }).toEqual({ who, messages: [] });
      for (const unit of units) seen.add(unit);
    }
    for (const name of ['etcd.service', 'api-proxy.service', 'cri-docker.socket', 'var-log-pods.mount']) {
      expect([...seen]).toContain(`etc/systemd/system/${name}`);
    }
  });
});

describe('units of old systemd', () => {
  test('have only directives that the release knows', () => {
    const other = /^\/etc\/systemd\/(network\/|(networkd|system|journald)\.conf\.d\/)/;
    const files = samples.filter(({ path }) => isUnit(path) || other.test(path));
    expect(files.length).toBeGreaterThan(20);
    for (const { content, who, path, systemd } of files) {
      expect({ who, path, said: tooNew(content, systemd) }).toEqual({ who, path, said: [] });
    }
  });

  test('are refused where they are too new', () => {
    expect(tooNew('[Service]\nProtectSystem=strict\n', 252)).toHaveLength(1);
    expect(tooNew('[Service]\nType=oneshot\nRestart=on-failure\n', 239)).toHaveLength(1);
    expect(tooNew('[Service]\nType=oneshot\nRestart=on-failure\n', 252)).toHaveLength(0);
    expect(tooNew('[Service]\nExecStartPre=+/bin/true\n', 219)).toHaveLength(1);
  });
});

describeWith(['shellcheck', 'bash'], 'shell', () => {
  test('shellcheck has nothing to say of any script', async () => {
    const files = filesOf(isShell).map(({ file }) => file);
    expect(files.length).toBeGreaterThan(5);
    expect((await shellcheck(files)).messages).toEqual([]);
  });

  test('uses nothing that bash 4.2 lacks', () => {
    for (const { path, content } of filesOf(isShell)) {
      expect({ path, found: content.match(/local -n|declare -n|\$\{\w+@[A-Za-z]\}|wait -n/g) }).toEqual({
        path,
        found: null,
      });
    }
  });
});

describeWith(['visudo'], 'sudoers', () => {
  test('visudo accepts them', () => every((path) => path.startsWith('/etc/sudoers.d/'), visudo));
});

describeWith(['haproxy'], 'haproxy.cfg', () => {
  test('haproxy accepts them without a warning', () =>
    every((path) => path === '/etc/haproxy/haproxy.cfg', haproxy));
});

describeWith(['keepalived'], 'keepalived.conf', () => {
  test('keepalived accepts them', async () => {
    const include = join(await scratch({ interface: 'interface ens3\n' }), 'interface');
    await every(
      (path) => path === '/etc/keepalived/keepalived.conf',
      async (file) => {
        const text = samples.find((sample) => sample.file === file)?.content ?? '';
        const here = text.replace('/run/imgbuild/keepalived-interface.conf', include);
        return keepalived(join(await scratch({ conf: here }), 'conf'));
      },
    );
  });
});

describeWith(['nginx'], 'nginx.conf', () => {
  test('nginx accepts them', () => every((path) => path === '/etc/imgbuild/api-proxy/nginx.conf', nginx));
});

describeWith(['libnm'], 'NetworkManager profiles', () => {
  test('NetworkManager reads every key', async () => {
    const files = filesOf((path) => path.endsWith('.nmconnection'));
    expect(files.length).toBeGreaterThan(10);
    const verdicts = await nmKeyfiles(files.map(({ file }) => file));
    expect(
      verdicts
        .map(({ messages }, index) => ({ file: files[index]?.who, messages }))
        .filter((v) => v.messages.length > 0),
    ).toEqual([]);
  });
});

describe('sysctl keys', () => {
  test('are in the kernel, but for those of modules and of the 3.10 kernel', () => {
    const keys = filesOf((path) => path.startsWith('/etc/sysctl.d/')).flatMap(({ content }) =>
      content.split('\n').flatMap((line) => /^([a-z][^ ]*) = /.exec(line)?.[1] ?? []),
    );
    expect(keys.length).toBeGreaterThan(10);
    const elsewhere = /^net\.bridge\.|nf_conntrack|may_detach_mounts/;
    expect(sysctlKeys([...new Set(keys)].filter((key) => !elsewhere.test(key)))).toEqual({
      ok: true,
      messages: [],
    });
  });
});
