import { describe, expect, test } from 'vitest';
import type { HostPlan, Plan } from '../../src/plan/types.ts';
import { composeHostFiles, composeParts } from '../../src/render/compose.ts';
import { documents } from '../../src/render/documents/index.ts';
import { overlayNames } from '../../src/render/overlay.ts';
import { assets, hostOf, production, RELEASES } from '../overlays/plans.ts';

const plan = await production();
const worker = hostOf(plan, 'worker-1');
const files = (target: Parameters<typeof composeHostFiles>[0], from: Plan = plan) =>
  composeHostFiles(target, from.cluster, assets);
const text = (host: HostPlan, path: string) =>
  String(files(host).find((file) => file.path === path)?.content);
const spec = (path: string, content: string) => ({ path, content, mode: 0o600, owner: 'git', group: 'git' });

describe('files of a host', () => {
  test.each(RELEASES)('%s: sorted, each path once, each with a newline at its end', async (release) => {
    const other = await production({ os: { release }, kubernetes: { version: '1.31.14' } });
    for (const target of [...other.hosts, ...other.roles]) {
      const made = files(target, other);
      const paths = made.map(({ path }) => path);
      expect(paths).toEqual([...new Set(paths)].sort());
      for (const { path, content } of made) {
        expect({ path, end: String(content).at(-1) }).toEqual({ path, end: '\n' });
        expect({ path, found: /undefined|\[object|NaN/.exec(String(content)) }).toEqual({
          path,
          found: null,
        });
      }
    }
  });

  test('say who wrote them, where the format has comments', () => {
    for (const { path, content } of files(worker)) {
      if (['/etc/docker/daemon.json', '/etc/hostname'].includes(path)) continue;
      // Libraries of our own programs.
      if (/^\/usr\/libexec\/imgbuild\/.*\.sh$/.test(path)) continue;
      expect({ path, said: /(Written|Laid) by imgbuild/.test(String(content)) }).toEqual({
        path,
        said: true,
      });
    }
  });

  test('name their layer or document', () => {
    const names = new Set([
      ...overlayNames(assets).map((name) => `overlays/${name}`),
      ...Object.keys(documents).map((name) => `documents/${name}`),
    ]);
    for (const { origin } of files(worker)) expect(names).toContain(origin);
  });

  test('are the same bytes each time, from another load of the same plan too', async () => {
    const again = await production();
    expect(files(hostOf(again, 'worker-1'), again)).toEqual(files(worker));
  });

  test('hold a host’s own name and address only where they are its own', () => {
    const { shared, own } = composeParts(worker, plan.cluster, assets);
    for (const { path, content } of shared) {
      // What names every host.
      if (['/etc/hosts', '/etc/imgbuild/goss.yaml', '/opt/k8s/bin/environment.sh'].includes(path)) continue;
      expect({ path, own: String(content).includes('worker-1') }).toEqual({ path, own: false });
    }
    expect(own.map(({ path }) => path)).toContain('/etc/hostname');
  });
});

describe('shared files', () => {
  test('are the same array for hosts of one kind', () => {
    const parts = (name: string) => composeParts(hostOf(plan, name), plan.cluster, assets).shared;
    expect(parts('worker-2')).toBe(parts('worker-1'));
    expect(parts('ingress-1')).not.toBe(parts('worker-1'));
  });

  test('are what a golden image has, and nothing more', () => {
    const role = plan.roles.find(({ name }) => name === 'worker');
    if (!role) throw new Error('no role');
    expect(composeParts(role, plan.cluster, assets)).toEqual({
      shared: composeParts(worker, plan.cluster, assets).shared,
      own: [],
    });
  });

  test('are rendered apart where a setting differs', () => {
    const other = { ...worker, sysctls: { 'vm.swappiness': '10' } };
    expect(composeParts(other, plan.cluster, assets).shared).not.toBe(
      composeParts(worker, plan.cluster, assets).shared,
    );
    expect(text(other, '/etc/sysctl.d/90-imgbuild.conf')).toContain('vm.swappiness = 10\n');
  });
});

describe('files of the spec', () => {
  test('are laid byte for byte', () => {
    const made = files({ ...worker, files: [spec('/etc/motd', 'hello')] }).find(
      ({ path }) => path === '/etc/motd',
    );
    expect(made).toMatchObject({ mode: 0o600, owner: 'git', group: 'git', origin: 'spec' });
    expect(String(made?.content)).toBe('hello');
  });

  test.each(['/etc/chrony.conf', '/etc/hostname'])('take the place of %s', (path) => {
    const host = { ...worker, files: [spec(path, 'mine')] };
    expect(
      files(host)
        .filter((file) => file.path === path)
        .map(({ origin }) => origin),
    ).toEqual(['spec']);
    expect(files(worker).find((file) => file.path === path)?.origin).not.toBe('spec');
    // Two such hosts still share the rest.
    const parts = () => composeParts(host, plan.cluster, assets);
    expect(parts().shared).toBe(parts().shared);
  });
});

test('every document makes only the paths that it announces', async () => {
  const pattern = (path: string) => new RegExp(`^${path.replaceAll('.', '\\.').replaceAll('*', '[^/]+')}$`);
  for (const release of RELEASES) {
    const other = await production({ os: { release }, kubernetes: { version: '1.31.14' } });
    for (const { path, origin } of other.hosts.flatMap((host) => files(host, other))) {
      const name = /^documents\/(.*)/.exec(origin)?.[1];
      if (name === undefined) continue;
      expect(
        documents[name]?.paths.some((announced) => pattern(announced).test(path)),
        path,
      ).toBe(true);
    }
  }
});
