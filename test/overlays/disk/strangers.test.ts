/** Disks of another host of the cluster: they bear the same names as this one's. */
import { afterEach, describe, expect, test } from 'vitest';
import { Host, PAIRS, SPARE } from './host.ts';

let host: Host;
afterEach(() => host.remove());

const CONF = ['efi', 'boot', 'root', 'data']
  .map((name, n) => `ARRAY /dev/md/${name} metadata=1.2 name=any:${name} UUID=0000:0000:0000:000${n}\n`)
  .join('');

/** sdx bears its host's system_1; its arrays md130 to md132 have been started, or not. */
function make(started: boolean, without: string[] = []) {
  const stranger = { name: 'nvme0n1', slot: 'system_1', joined: false };
  host = new Host({ disks: [stranger, ...PAIRS.filter(({ name }) => !without.includes(name)), SPARE] });
  host.write('etc/mdadm.conf', CONF);
  for (const [n, part] of ['nvme0n1p1', 'nvme0n1p2', 'nvme0n1p3'].entries()) {
    host.write(`superblocks/${part}`, `MD_UUID=0000:0000:0000:001${n}\n`);
    if (!started) continue;
    host.kernel(`
      from=$ROOT/sys/devices/virtual/block/md12${n} to=$ROOT/sys/devices/virtual/block/md13${n}
      cp -r "$from" "$to"; rm -rf "$to"/md/dev-*; ln -s "$to" "$ROOT/sys/block/md13${n}"; : >"$ROOT/dev/md13${n}"
      join md13${n} ${part} in_sync 0; count md13${n}`);
  }
}
const problems = (text: string) => text.match(/^ {2}- .*$/gm) ?? [];

describe.each([true, false])('another host has a disk here; its arrays run: %s', (started) => {
  test('status tells of it, and takes our own for the slot', async () => {
    make(started);
    const { out } = await host.disk('status');
    expect(problems(out)[0]).toMatch(
      /nvme0n1 bears the names of system_1, and is a disk of another host of this cluster: pull it out/,
    );
    expect(out).toMatch(/^ {2}system_1 {3}sda /m);
    expect(out).toMatch(/^ {2}root {7}md122 +raid1 +\[UU\]/m);
  });

  test('a replacement goes into our arrays, and touches nothing of the other', async () => {
    make(started, ['sdb']);
    const { code } = await host.disk('replace', 'system_2', 'sde', '--yes');
    const calls = host.calls();
    expect(calls.filter((call) => call.includes('--add'))).toEqual([
      'mdadm /dev/md120 --add /dev/sde1',
      'mdadm /dev/md121 --add /dev/sde2',
      'mdadm /dev/md122 --add /dev/sde3',
    ]);
    expect(calls.join('\n')).not.toMatch(/nvme|md13/);
    // The other's disk is still there to be told of.
    expect(code).toBe(1);
  });

  test('our last good disk is not for taking', async () => {
    make(started, ['sdb']);
    const { code, err } = await host.disk('replace', 'sda', 'sde', '--yes', '--healthy');
    expect(err).toMatch(/refused, nothing was changed: no other disk has all that system_1 has/);
    expect(code).toBe(3);
  });
});

test('its disk takes the place of ours only when its data may go', async () => {
  host = new Host({
    disks: [...PAIRS.filter(({ name }) => name !== 'sdb'), { name: 'sde', slot: 'system_2', joined: false }],
  });
  host.write('etc/mdadm.conf', CONF);
  for (const n of [1, 2, 3]) host.write(`superblocks/sde${n}`, `MD_UUID=0000:0000:0000:001${n}\n`);
  const refused = await host.disk('replace', 'system_2', 'sde', '--yes');
  expect(refused.err).toMatch(/sde is not blank: .*perhaps of another of its hosts/);
  expect(refused.code).toBe(3);
  expect(host.calls()).toEqual([]);
  expect(await host.disk('replace', 'system_2', 'sde', '--yes', '--erase')).toMatchObject({ code: 0 });
});
