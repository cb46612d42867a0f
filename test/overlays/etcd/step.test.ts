import { afterEach, beforeEach, expect, test } from 'vitest';
import { Host } from '../firstboot/host.ts';

let host: Host;
beforeEach(() => {
  host = new Host(undefined, ['base', 'etcd']);
  for (const name of ['groupadd', 'useradd'])
    host.program(name, `echo "${name} $*" >>"$ROOT/log"; : >"$ROOT/account"`);
  host.program('getent', '[ -e "$ROOT/account" ]');
  host.program(
    'systemctl',
    'case $1 in is-active) [ -e "$ROOT/active" ] ;; *) echo "systemctl $*" >>"$ROOT/log" ;; esac',
  );
  host.program(
    'imgbuild-etcd',
    'case $1 in healthy) [ -e "$ROOT/healthy" ] ;; *) cat "$ROOT/status"; exit 1 ;; esac',
  );
  host.write('status', 'PROBLEMS\n  - there is no quorum; no answer: e2, e3\n      Start them.\n  - more\n');
});
afterEach(() => host.remove());

const part = (name: string) => host.run('part', '70-etcd', name);

test('makes the account, lets etcd start, and says whom it waits for', async () => {
  expect((await part('check')).code).toBe(1);
  // After a while the others come.
  host.write('on-sleep', ': >"$ROOT/active"; : >"$ROOT/healthy"');
  const { code, out } = await part('act');
  expect({ code, out }).toEqual({
    code: 0,
    out: 'etcd: waits for a quorum of etcd: there is no quorum; no answer: e2, e3',
  });
  expect(host.read('log').split('\n').filter(Boolean)).toEqual([
    'groupadd --system etcd',
    'systemctl start --no-block etcd.service',
    'sleep 5',
  ]);
  expect(host.exists('var/lib/imgbuild/etcd-account')).toBe(true);
  expect((await part('check')).code).toBe(0);
});

test('is not done where etcd runs without a quorum', async () => {
  host.write('var/lib/imgbuild/etcd-account', '');
  host.write('active', '');
  expect((await part('check')).code).toBe(1);
  host.write('healthy', '');
  expect((await part('check')).code).toBe(0);
});

test('fails where the account cannot be made', async () => {
  host.program('getent', '[ "$1" = group ]');
  host.program('useradd', 'echo "useradd: no space left" >&2; exit 1');
  const { code, out } = await part('act');
  expect({ code, out }).toEqual({ code: 1, out: 'useradd: no space left' });
  expect(host.read('run/imgbuild/firstboot/reason')).toBe('the account etcd cannot be made\n\n');
  expect(host.exists('var/lib/imgbuild/etcd-account')).toBe(false);
});
