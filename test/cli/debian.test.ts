import { existsSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesOf, folder, put, specOf } from './folders.ts';
import { cli } from './run.ts';

/** A control plane of the EL family, and workers of Debian. */
const MIXED = 'roles: { worker: { os: { release: debian-12 } } }\n';
const mixed = (extra = '') => folder({ 'cluster.yaml': specOf(undefined, MIXED + extra) });

describe('hosts that no kickstart installs', () => {
  test('are rendered: their overlay and secrets, and a role’s overlay', async () => {
    const dir = mixed();
    const { code, err } = await cli(dir, ['render']);
    expect(code).toBe(0);
    expect(err).toMatch(/warning: no kickstart installs debian-12: knode1 and knode2 .*\[os-kickstart\]/);
    const files = filesOf(path.join(dir, 'out'));
    const below = (prefix: string) => files.filter((name) => name.startsWith(prefix));
    expect(below('hosts/knode1/')).toEqual(['hosts/knode1/overlay.tar.gz', 'hosts/knode1/secrets.tar.gz']);
    expect(below('roles/worker/')).toEqual(['roles/worker/overlay.tar.gz']);
    expect(below('packer/worker/')).toEqual([]);
    expect(below('hosts/kmaster/')).toContain('hosts/kmaster/ks.cfg');
  });

  test('have both archives where a kickstart would carry them', async () => {
    const dir = mixed();
    expect((await cli(dir, ['render', '--self-contained'])).code).toBe(0);
    for (const name of ['overlay.tar.gz', 'secrets.tar.gz'])
      expect(existsSync(path.join(dir, 'out/hosts/knode1', name))).toBe(true);
    expect(filesOf(path.join(dir, 'out')).filter((name) => name.startsWith('hosts/kmaster/'))).toEqual([
      'hosts/kmaster/ks.cfg',
    ]);
  });

  test('lose the kickstart that they had as another release', async () => {
    const dir = folder({ 'cluster.yaml': specOf() });
    await cli(dir, ['render']);
    expect(existsSync(path.join(dir, 'out/hosts/knode1/ks.cfg'))).toBe(true);
    put(dir, { 'cluster.yaml': specOf(undefined, MIXED) });
    await cli(dir, ['render']);
    expect(existsSync(path.join(dir, 'out/hosts/knode1/ks.cfg'))).toBe(false);
    expect(existsSync(path.join(dir, 'out/packer/worker'))).toBe(false);
  });

  test('are planned, with what is left to do in place of a kernel’s line', async () => {
    const { code, out } = await cli(mixed(), ['plan', 'knode1']);
    expect(code).toBe(0);
    expect(out).toMatch(/^knode1: worker, Debian 12, kernel stock 6\.1/);
    expect(out).toContain('kubelet=1.34.12-1.1');
    expect(out).toContain('no kickstart installs Debian 12');
    expect(out).not.toContain('inst.ks=');
    expect((await cli(mixed(), ['plan', 'kmaster'])).out).toContain('inst.ks=');
  });

  test('are asked for their repositories’ own indexes', async () => {
    const kinds = [
      'docker',
      'kubernetes/{format}',
      'os',
      'criDockerd',
      'etcd',
      'cni',
      'goss',
      'epel',
      'elrepo',
    ];
    const urls = kinds.map((kind) => `${kind.split('/')[0]}: "http://127.0.0.1:1/${kind}"`);
    const { out } = await cli(mixed(`mirrors: { repositories: { ${urls.join(', ')} } }\n`), ['doctor']);
    for (const url of [
      'docker/debian/dists/bookworm/Release',
      'docker/debian/gpg',
      'kubernetes/deb/Release',
      'kubernetes/rpm/repodata/repomd.xml',
      'os/debian-security/dists/bookworm-security/Release',
      'os/BaseOS/x86_64/os/.treeinfo',
    ])
      expect(out).toContain(`http://127.0.0.1:1/${url}: ECONNREFUSED`);
  });
});
