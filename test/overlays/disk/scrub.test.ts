import { utimesSync } from 'node:fs';
import { afterEach, expect, test } from 'vitest';
import { Host, type HostOptions } from './host.ts';

let host: Host;
afterEach(() => host.remove());
const TIME = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g;
const md = (name: string, attribute: string) => `sys/block/${name}/md/${attribute}`;

function make(options?: HostOptions): Host {
  host = new Host(options);
  host.program('date', 'echo 2026-02-01T01:00:00Z');
  // What the real one would be told.
  host.program('disk-alert', '');
  host.kernel(
    `printf '#!/bin/bash\\n. "$ROOT/programs/kernel.sh"\\nlog "$@"\\n' >"$ROOT/usr/libexec/imgbuild/disk-alert"`,
  );
  return host;
}

test('each array is checked, one after the other, and when is kept', async () => {
  make();
  // An array is never checked while another is.
  host.program(
    'sleep',
    '. "$ROOT/programs/kernel.sh"\ngrep -l check "$ROOT"/sys/block/md*/md/sync_action | wc -l >>"$ROOT/at-once"\ntick',
  );
  const { code, out } = await host.disk('scrub');
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual(
    ['efi (md120)', 'boot (md121)', 'root (md122)', 'data (md123)'].flatMap((name) => [
      `array ${name} is being checked`,
      `array ${name} was checked: no differences`,
    ]),
  );
  expect(host.read('at-once')).toBe('1\n1\n1\n1\n');
  expect(host.read('var/lib/imgbuild/scrub')).toBe(
    ['efi', 'boot', 'root', 'data'].map((name) => `${name} 2026-02-01T01:00:00Z 0\n`).join(''),
  );
  expect(host.calls()).toEqual([]);
  expect((await host.disk('status')).out.match(TIME)).toHaveLength(4);
});

test('differences are told, and the last time is what counts', async () => {
  make();
  host.write('var/lib/imgbuild/scrub', 'root 2026-01-01T01:00:00Z 0\ngone 2025-01-01T01:00:00Z 0\n');
  host.write('differ', '128\n');
  expect(await host.disk('scrub')).toMatchObject({ code: 0 });
  expect(host.calls()).toEqual(
    ['md120', 'md121', 'md122', 'md123'].map(
      (name) => `disk-alert MismatchesFound /dev/${name} 128 sectors differ between the copies`,
    ),
  );
  expect(host.read('var/lib/imgbuild/scrub')).toBe(
    'gone 2025-01-01T01:00:00Z 0\n' +
      ['efi', 'boot', 'root', 'data'].map((name) => `${name} 2026-02-01T01:00:00Z 128\n`).join(''),
  );
  expect(host.read('journal')).toContain(
    '-p daemon.warning -- array data (md123) was checked: 128 sectors differ',
  );
});

test('what is degraded, rebuilt or does not run is left alone', async () => {
  make();
  host.fail('sdb', 'md120');
  host.write(md('md121', 'sync_action'), 'resync\n');
  host.write(md('md122', 'array_state'), 'inactive\n');
  host.write(md('md123', 'level'), 'raid0\n');
  const { out } = await host.disk('scrub');
  expect(out.split('\n')).toEqual([
    'array efi (md120) is not checked: it is degraded, or being rebuilt',
    'array boot (md121) is not checked: it is degraded, or being rebuilt',
    'array root (md122) is not checked: it is degraded, or being rebuilt',
  ]);
  expect(host.read(md('md120', 'sync_action'))).toBe('idle\n');
  expect(host.exists('var/lib/imgbuild/scrub')).toBe(false);
});

test("somebody else's check is waited for", async () => {
  make({
    slots: ['system_1', 'system_2'],
    disks: [
      { name: 'sda', slot: 'system_1' },
      { name: 'sdb', slot: 'system_2' },
    ],
  });
  host.write(md('md120', 'sync_action'), 'check\n');
  const { out } = await host.disk('scrub');
  expect(out.split('\n').slice(0, 2)).toEqual([
    'array efi (md120) is being checked',
    'array efi (md120) was checked: no differences',
  ]);
});

test('a check that ended early does not count', async () => {
  make();
  host.program(
    'sleep',
    'cd "$ROOT"/sys/block/md122/md && echo faulty >dev-sdb3/state && echo 1 >degraded; . "$ROOT/programs/kernel.sh"; tick',
  );
  const { out } = await host.disk('scrub');
  expect(out).toContain('array root (md122) is not checked: it is degraded');
  host.remove();
  make({
    slots: ['data_1', 'data_2'],
    disks: [
      { name: 'sdc', slot: 'data_1' },
      { name: 'sdd', slot: 'data_2' },
    ],
  });
  host.program('sleep', 'cd "$ROOT"/sys/block/md120/md && echo 1 >degraded && echo idle >sync_action');
  expect((await host.disk('scrub')).out).toContain('the check of array data (md120) ended early');
  expect(host.exists('var/lib/imgbuild/scrub')).toBe(false);
});

test('stopped, it stops the kernel too', async () => {
  make();
  host.program('sleep', 'kill -TERM $PPID');
  const { code, err } = await host.disk('scrub');
  expect(code).toBe(4);
  expect(err).toContain('stopped; the array that was being checked counts as not checked');
  expect(host.read(md('md120', 'sync_action'))).toBe('idle\n');
  expect(host.exists('var/lib/imgbuild/scrub')).toBe(false);
});

test('a timer asks every night, and one of 28 is its host’s', async () => {
  const nights: string[] = [];
  make();
  for (let night = 0; night < 28; night++) {
    host.program('date', `[ "$2" = +%s ] && echo ${(20_000 + night) * 86_400} || echo 2026-02-01T01:00:00Z`);
    const { code, out } = await host.disk('scrub', '--due');
    expect(code).toBe(0);
    if (out !== '') nights.push(out);
  }
  expect(nights).toHaveLength(1);
  expect(nights[0]).toContain('array data (md123) was checked');
});

test('a night that was missed is made up for', async () => {
  make();
  host.write('var/lib/imgbuild/scrub', 'root 2026-01-01T01:00:00Z 0\n');
  for (const { age, checked } of [
    { age: 30, checked: 0 },
    { age: 40, checked: 4 },
  ]) {
    utimesSync(`${host.root}/var/lib/imgbuild/scrub`, 0, Date.now() / 1000 - age * 86_400);
    // A night that is not this host's.
    host.program('uname', 'echo a');
    host.program('date', '[ "$2" = +%s ] && echo 0 || echo 2026-02-01T01:00:00Z');
    const { out } = await host.disk('scrub', '--due');
    expect(out.match(/was checked/g) ?? []).toHaveLength(checked);
  }
});
