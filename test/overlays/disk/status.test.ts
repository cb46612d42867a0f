import { afterEach, describe, expect, test } from 'vitest';
import { run } from '../../rigs/programs.ts';
import { Host, type HostOptions, PAIRS } from './host.ts';

let host: Host;
afterEach(() => host.remove());
const make = (options?: HostOptions) => {
  host = new Host(options);
  return host;
};
const lines = (text: string) => text.split('\n').map((line) => line.trimEnd());
/** The sentences below PROBLEMS. */
const problems = (text: string) =>
  lines(text).flatMap((line) => (line.startsWith('  - ') ? [line.slice(4)] : []));

describe('a host that is well', () => {
  test('in words', async () => {
    const { code, out, err } = await make().disk('status');
    expect(err).toBe('');
    expect(lines(out)).toEqual([
      'All well. Disks: 4, arrays: 4.',
      '',
      'Disks',
      '  system_1   sda         33.5 MB  INTEL SSDSC2KB48, serial SSDA',
      '             /dev/disk/by-id/ata-INTEL_SSDSC2KB48_SSDA',
      '  system_2   sdb         33.5 MB  INTEL SSDSC2KB48, serial SSDB',
      '             /dev/disk/by-id/ata-INTEL_SSDSC2KB48_SSDB',
      '  data_1     sdc         33.5 MB  INTEL SSDSC2KB48, serial SSDC',
      '             /dev/disk/by-id/ata-INTEL_SSDSC2KB48_SSDC',
      '  data_2     sdd         33.5 MB  INTEL SSDSC2KB48, serial SSDD',
      '             /dev/disk/by-id/ata-INTEL_SSDSC2KB48_SSDD',
      '',
      'Arrays',
      '  efi        md120    raid1   [UU]  sda1 active, sdb1 active',
      '             never checked yet',
      '  boot       md121    raid1   [UU]  sda2 active, sdb2 active',
      '             never checked yet',
      '  root       md122    raid1   [UU]  sda3 active, sdb3 active',
      '             never checked yet',
      '  data       md123    raid1   [UU]  sdc1 active, sdd1 active',
      '             never checked yet',
      '',
      'File systems',
      '  /                array:root             xfs   mounted',
      '  /boot            array:boot             xfs   mounted',
      '  /boot/efi        array:efi              vfat  mounted',
      '  /data            array:data             xfs   mounted',
      '',
      'Boot loader',
      '  system_1   ok',
      '  system_2   ok',
    ]);
    expect(code).toBe(0);
  });

  test('in JSON', async () => {
    const name = (await run({ path: '/bin/uname' }, ['-n'])).stdout;
    const { code, out } = await make({ disks: PAIRS, firmware: 'uefi' }).disk('status', '--json');
    expect(code).toBe(0);
    const member = (slot: string, partition: number, device: string) => ({
      slot,
      partition,
      device,
      state: 'active',
    });
    const array = (array: string, device: string, members: unknown[]) => ({
      name: array,
      device,
      level: 'raid1',
      pattern: 'UU',
      members,
      action: 'idle',
      percent: null,
      secondsLeft: null,
      mismatches: null,
      checked: null,
    });
    const slot = (slot: string, device: string) => ({
      slot,
      state: 'present',
      device,
      model: 'INTEL SSDSC2KB48',
      serial: `S${device.toUpperCase()}`,
      bytes: 32 << 20,
      path: `/dev/disk/by-id/ata-INTEL_SSDSC2KB48_S${device.toUpperCase()}`,
    });
    expect(JSON.parse(out)).toEqual({
      version: 1,
      host: name,
      mark: 'prod-3f9a1c',
      firmware: 'uefi',
      healthy: true,
      problems: [],
      slots: [slot('system_1', 'sda'), slot('system_2', 'sdb'), slot('data_1', 'sdc'), slot('data_2', 'sdd')],
      arrays: [
        array('efi', 'md120', [member('system_1', 1, 'sda1'), member('system_2', 1, 'sdb1')]),
        array('boot', 'md121', [member('system_1', 2, 'sda2'), member('system_2', 2, 'sdb2')]),
        array('root', 'md122', [member('system_1', 3, 'sda3'), member('system_2', 3, 'sdb3')]),
        array('data', 'md123', [member('data_1', 1, 'sdc1'), member('data_2', 1, 'sdd1')]),
      ],
      filesystems: [
        { mount: '/', device: 'array:root', type: 'xfs', mounted: true },
        { mount: '/boot', device: 'array:boot', type: 'xfs', mounted: true },
        { mount: '/boot/efi', device: 'array:efi', type: 'vfat', mounted: true },
        { mount: '/data', device: 'array:data', type: 'xfs', mounted: true },
      ],
      bootLoaders: [
        { slot: 'system_1', ok: true, text: 'ok' },
        { slot: 'system_2', ok: true, text: 'ok' },
      ],
    });
  });

  test('with one disk, on BIOS, and a mark that leaves no room for the group', async () => {
    const options: HostOptions = {
      firmware: 'bios',
      slots: ['system_1'],
      disks: [{ name: 'nvme0n1', slot: 'system_1' }],
      mark: 'production-frankfurt',
      layout: (text) => `${text.replace(/^fs .*\n/gm, '')}fs part:system_1:3 xfs root / defaults\n`,
    };
    make(options);
    await host.loader('install', 'nvme0n1');
    const { code, out } = await host.disk('status');
    expect(out).toContain('All well. Disks: 1, arrays: 0.');
    expect(out).not.toContain('Arrays');
    expect(code).toBe(0);
  });
});

describe('what is wrong comes first', () => {
  test('a disk that is gone, whether md has noticed or not', async () => {
    for (const noticed of [true, false]) {
      make();
      host.unplug('sdb', noticed);
      const { code, out } = await host.disk('status');
      expect(code).toBe(1);
      expect(lines(out)[0]).toBe('PROBLEMS');
      expect(problems(out)).toEqual([
        'system_2 is missing. Put a blank disk in and run: imgbuild-disk replace system_2 DISK',
        'array efi (md120) is degraded: 1 of 2 members work [U_]',
        'array boot (md121) is degraded: 1 of 2 members work [U_]',
        'array root (md122) is degraded: 1 of 2 members work [U_]',
      ]);
      expect(out).toContain('  system_2   MISSING\n');
      expect(out).toContain('sda3 active, sdb3 gone\n');
      if (noticed) host.remove();
    }
  });

  test('in JSON', async () => {
    make();
    host.unplug('sdd');
    const status = JSON.parse((await host.disk('status', '--json')).out);
    expect(status.healthy).toBe(false);
    expect(status.problems.map(({ kind, name }: { kind: string; name: string }) => [kind, name])).toEqual([
      ['slot', 'data_2'],
      ['array', 'data'],
    ]);
    expect(status.slots[3]).toEqual({ slot: 'data_2', state: 'missing' });
    expect(status.arrays[3]).toMatchObject({
      pattern: 'U_',
      members: [{ state: 'active' }, { slot: 'data_2', partition: 1, device: null, state: 'missing' }],
    });
  });

  test('a member that was thrown out', async () => {
    make();
    host.fail('sdb', 'md122');
    expect(problems((await host.disk('status')).out)).toEqual([
      'array root (md122) is degraded: 1 of 2 members work [U_]',
      'array root (md122) has thrown out sdb3 of system_2: that disk is to be replaced',
    ]);
  });

  test('a disk that was seen before is told of by what stands on it', async () => {
    make();
    await host.disk('status');
    host.unplug('sdb');
    for (const _ of [1, 2])
      expect(problems((await host.disk('status')).out)[0]).toMatch(
        /^system_2 is missing \(it was INTEL SSDSC2KB48, serial SSDB, at pci-\S+\)\. Put a blank disk in/,
      );
  });

  test('what is lost with the last disk', async () => {
    make();
    host.unplug('sdd');
    host.unplug('sdc');
    host.kernel('echo inactive >"$ROOT/sys/block/md123/md/array_state"');
    expect(problems((await host.disk('status')).out).slice(0, 2)).toEqual([
      'data_1 is missing, and no other disk has what it bore (data): put that disk back, or install the host anew',
      'data_2 is missing, and no other disk has what it bore (data): put that disk back, or install the host anew',
    ]);
  });

  test('a disk that is there and in no array', async () => {
    make({ disks: PAIRS.map((disk) => (disk.name === 'sdd' ? { ...disk, joined: false } : disk)) });
    expect(problems((await host.disk('status')).out)).toEqual([
      'array data (md123) is degraded: 1 of 2 members work [U_]',
      'array data (md123) lacks sdd1 of data_2: if that disk is good, put it back: imgbuild-disk replace data_2 sdd',
    ]);
  });

  test('a rebuild, how far it is and how long it takes', async () => {
    make();
    const md = 'sys/block/md122/md';
    host.write(`${md}/dev-sdb3/state`, 'spare\n');
    host.write(`${md}/degraded`, '1\n');
    host.write(`${md}/sync_action`, 'recover\n');
    host.write(`${md}/sync_completed`, '328200 / 1000000\n');
    host.write(`${md}/sync_speed`, '31\n');
    const { code, out } = await host.disk('status');
    expect(code).toBe(1);
    expect(problems(out)).toEqual([
      'array root (md122) is degraded: 1 of 2 members work [U_]; being rebuilt, 32.8 %, 3 h 1 min left',
    ]);
    expect(out).toContain(
      'sda3 active, sdb3 rebuilding\n             being rebuilt, 32.8 %, 3 h 1 min left\n',
    );
    const status = JSON.parse((await host.disk('status', '--json')).out);
    expect(status.arrays[2]).toMatchObject({ action: 'recover', percent: 32.8, secondsLeft: 10835 });
  });

  test('a check that runs is no problem; differences that it found are', async () => {
    make();
    host.write('sys/block/md123/md/sync_action', 'check\n');
    host.write('sys/block/md123/md/sync_completed', '500000 / 1000000\n');
    host.write('var/lib/imgbuild/scrub', 'root 2026-01-02T03:04:05Z 128\ndata 2026-01-02T03:04:05Z 0\n');
    const { code, out } = await host.disk('status');
    expect(code).toBe(1);
    expect(problems(out)).toEqual([
      expect.stringMatching(/^the copies in array root \(md122\) differ: 128 sectors at the last check\./),
    ]);
    expect(out).toContain('being checked, 50.0 %, 42 min left');
    expect(out).toContain('last checked 2026-01-02T03:04:05Z: no differences');
    expect(out).toContain('last checked 2026-01-02T03:04:05Z: 128 sectors differ');
  });

  test('an array that does not run, and what is not mounted', async () => {
    make({ mounts: (all) => all.filter((line) => !line.includes(' /data ')) });
    host.kernel('rm -rf "$ROOT"/sys/block/md123 "$ROOT"/sys/devices/virtual/block/md123');
    const { code, out } = await host.disk('status');
    expect(code).toBe(1);
    expect(problems(out)).toEqual([
      'array data does not run: none of its members is there, or it could not be assembled',
      "/data (array:data) is not mounted. See: systemctl status '/data'",
    ]);
    expect(out).toContain('/data            array:data             xfs   NOT MOUNTED\n');
    const { arrays } = JSON.parse((await host.disk('status', '--json')).out);
    expect(arrays[3]).toMatchObject({
      name: 'data',
      device: null,
      level: 'raid1',
      pattern: null,
      action: null,
    });
  });

  test('two disks of one slot: the one that works counts', async () => {
    make({ disks: [{ name: 'sde', slot: 'system_2', joined: false }, ...PAIRS] });
    const { code, out } = await host.disk('status');
    expect(code).toBe(1);
    expect(problems(out)).toEqual([
      'sdb and sde both bear the names of system_2: finish the replacement (run it again), or pull out the disk that was replaced',
    ]);
    expect(out).toContain('  system_2   sdb ');
  });

  test('a disk that the machine cannot start from', async () => {
    make({ firmware: 'bios' });
    await host.loader('install', 'sda', 'sdb');
    expect((await host.disk('status')).code).toBe(0);
    host.kernel('dd if=/dev/zero of="$ROOT/dev/sdb" bs=440 count=1 conv=notrunc status=none');
    const { code, out } = await host.disk('status');
    expect(code).toBe(1);
    expect(problems(out)).toEqual([
      'the machine may not start from system_2: there is no GRUB in its first sector. Run: /usr/libexec/imgbuild/boot-loader install sda sdb',
    ]);
    expect(out).toContain('  system_2   there is no GRUB in its first sector');
  });
});

test('an array that the layout does not know is shown', async () => {
  make({ layout: (text) => text.replace(/^(array |fs array:)data .*\n/gm, '') });
  const { code, out } = await host.disk('status');
  expect(code).toBe(0);
  expect(out).toContain('  data       md123    raid1   [UU]  -\n');
  expect(JSON.parse((await host.disk('status', '--json')).out).arrays[3]).toMatchObject({
    name: 'data',
    device: 'md123',
    level: 'raid1',
    members: [],
  });
});

test('colour is for a terminal, without NO_COLOR', async () => {
  make();
  host.unplug('sdd');
  expect(await host.onTerminal(['status'])).toContain('\u001b[31mPROBLEMS\u001b[0m');
  const plain = await host.onTerminal(['status'], '', { NO_COLOR: '1' });
  expect(plain).toContain('PROBLEMS');
  expect(plain).not.toContain('\u001b');
  expect((await host.disk('status')).out).not.toContain('\u001b');
});

test('a host without a layout', async () => {
  make();
  host.kernel('rm "$ROOT/etc/imgbuild/layout"');
  const { code, out, err } = await host.disk('status');
  expect({ code, out }).toEqual({ code: 3, out: '' });
  expect(err).toMatch(/refused, nothing was changed: there is no \/etc\/imgbuild\/layout/);
});
