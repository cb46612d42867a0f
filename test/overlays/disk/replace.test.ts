import { afterEach, describe, expect, test } from 'vitest';
import { Host, type HostOptions, PAIRS, SPARE } from './host.ts';

let host: Host;
afterEach(() => host.remove());
const make = (options: HostOptions = {}) => {
  host = new Host({ disks: [...PAIRS, SPARE], ...options });
  return host;
};
const pattern = async () =>
  JSON.parse((await host.disk('status', '--json')).out).arrays.map(
    ({ name, pattern: text }: { name: string; pattern: string }) => `${name} ${text}`,
  );
const ALL_UP = ['efi UU', 'boot UU', 'root UU', 'data UU'];
const onlyTables = (calls: string[]) => calls.filter((call) => call.startsWith('sfdisk -q'));

const ADD_SYSTEM = [
  'mdadm /dev/md120 --add /dev/sde1',
  'mdadm /dev/md121 --add /dev/sde2',
  'mdadm /dev/md122 --add /dev/sde3',
];
const ENTRIES = [
  'efibootmgr -q -B -b 0002',
  'efibootmgr -q -C -d /dev/sde -p 1 -L Rocky Linux system 2 -l \\EFI\\rocky\\shimx64.efi',
  'efibootmgr -q -o 0000,0001,0002',
];
const take = (md: string, part: string) => [
  `mdadm /dev/${md} --fail /dev/${part}`,
  `mdadm /dev/${md} --remove /dev/${part}`,
];

describe('a disk that is gone', () => {
  test('UEFI: every command, and what is there afterwards', async () => {
    make();
    host.unplug('sdb');
    const { code, out } = await host.disk('replace', 'system_2', 'sde', '--yes');
    expect(host.calls()).toEqual([
      'mdadm /dev/md120 --fail detached --remove detached',
      'mdadm /dev/md121 --fail detached --remove detached',
      'mdadm /dev/md122 --fail detached --remove detached',
      'sfdisk -q sde',
      ...ADD_SYSTEM,
      ...ENTRIES,
    ]);
    expect(code).toBe(0);
    expect(out).toContain('sde is in sync in every array.\n\nAll well.');
    expect(host.table('sde')).toEqual(host.table('sda').map((line) => line.replace('system1', 'system2')));
    expect(host.guid('sde', 1)).not.toBe(host.guid('sda', 1));
    expect(host.read('journal')).toContain('-p daemon.info -- mdadm /dev/md122 --add /dev/sde3');
    expect(host.read('journal')).toContain('-p daemon.notice -- sde is system_2');
  });

  test('BIOS: GRUB goes onto both disks', async () => {
    make({ firmware: 'bios' });
    host.unplug('sda');
    expect(await host.disk('replace', 'system_1', 'sde', '--yes')).toMatchObject({ code: 0 });
    expect(host.calls()).toEqual([
      'mdadm /dev/md120 --fail detached --remove detached',
      'mdadm /dev/md121 --fail detached --remove detached',
      'sfdisk -q sde',
      'mdadm /dev/md120 --add /dev/sde2',
      'mdadm /dev/md121 --add /dev/sde3',
      'grub2-install --target=i386-pc /dev/sde',
      'grub2-install --target=i386-pc /dev/sdb',
    ]);
    expect(host.table('sde')[0]).toBe(
      '2048 2048 21686148-6449-6E6F-744E-656564454649 imgbuild:prod-3f9a1c:system1p1',
    );
  });

  test('a data disk: no boot loader; md has let go of it already', async () => {
    make();
    host.unplug('sdc');
    host.kernel('for md in "$ROOT"/sys/block/md123; do rm -rf "$md/md/dev-sdc1"; count md123; done');
    expect(await host.disk('replace', 'data_1', 'SSDE', '--yes')).toMatchObject({ code: 0 });
    expect(host.calls()).toEqual(['sfdisk -q sde', 'mdadm /dev/md123 --add /dev/sde1']);
    expect(await pattern()).toEqual(ALL_UP);
  });

  test('the disk that was put in has its name', async () => {
    make({ disks: [...PAIRS.slice(0, 3), { name: 'sdd' }] });
    // md still holds a member of that name, whose disk is gone.
    host.kernel(`
      join md123 sdd1 faulty none
      count md123`);
    const { code } = await host.disk('replace', 'data_2', 'sdd', '--yes');
    expect(host.calls()).toEqual([
      'mdadm /dev/md123 --fail detached --remove detached',
      'sfdisk -q sdd',
      'mdadm /dev/md123 --add /dev/sdd1',
    ]);
    expect(code).toBe(0);
    expect(await pattern()).toEqual(ALL_UP);
  });

  test('partitions may end a little earlier where NEW does', async () => {
    make({ disks: [...PAIRS, { name: 'sde', mib: 24 }] });
    host.unplug('sdb');
    expect(await host.disk('replace', 'system_2', 'sde', '--yes')).toMatchObject({ code: 0 });
    expect(host.table('sde').map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
      '2048 8192',
      '10240 8192',
      // 16 MiB on its twin, of which the array needs 4 MiB and the MiB before its data.
      '18432 28672',
    ]);
  });

  test('EL 7, whose sfdisk knows no GPT: parted does it', async () => {
    make({ without: ['sfdisk'] });
    host.unplug('sdb');
    expect(await host.disk('replace', 'system_2', 'sde', '--yes')).toMatchObject({ code: 0 });
    expect(host.table('sde')).toEqual(host.table('sda').map((line) => line.replace('system1', 'system2')));
    expect(await pattern()).toEqual(ALL_UP);
  });

  test('RAID-10', async () => {
    const slots = ['system_1', 'system_2', 'data_1', 'data_2', 'data_3', 'data_4'];
    const more = [
      { name: 'sdf', slot: 'data_3' },
      { name: 'sdg', slot: 'data_4' },
    ];
    make({ slots, disks: [...PAIRS, ...more, SPARE], data: 'raid10' });
    host.unplug('sdf');
    expect(await host.disk('replace', 'data_3', 'sde', '--yes')).toMatchObject({ code: 0 });
    expect(host.table('sde')).toEqual([expect.stringContaining('data3p1')]);
    expect(await pattern()).toEqual(['efi UU', 'boot UU', 'root UU', 'data UUUU']);
  });
});

describe('a disk that failed and is still there', () => {
  test('its members leave, and its traces are erased', async () => {
    make();
    host.fail('sdb', 'md122');
    const { code, out } = await host.disk(
      'replace',
      'sdb',
      '/dev/disk/by-id/ata-INTEL_SSDSC2KB48_SSDE',
      '--yes',
    );
    expect(code).toBe(0);
    expect(out).toContain('sdb is taken out of the arrays.\n');
    expect(host.calls()).toEqual([
      'sfdisk -q sde',
      ...take('md120', 'sdb1'),
      ...take('md121', 'sdb2'),
      'mdadm /dev/md122 --remove /dev/sdb3',
      ...ADD_SYSTEM,
      'wipefs -a /dev/sdb1',
      'wipefs -a /dev/sdb2',
      'wipefs -a /dev/sdb3',
      'wipefs -a /dev/sdb',
      ...ENTRIES,
    ]);
    expect(await pattern()).toEqual(ALL_UP);
  });

  test('one that cannot be written any more is left behind', async () => {
    make();
    host.program('wipefs', 'exit 1');
    host.fail('sdd');
    const { err } = await host.disk('replace', 'data_2', 'sde', '--yes');
    expect(err).toContain(
      'The traces on /dev/sdd could not be erased: pull that disk out before the next start.',
    );
    expect(await pattern()).toEqual(ALL_UP);
  });
});

describe('a disk that works', () => {
  test('is copied first, and taken out then', async () => {
    make();
    const { code, out } = await host.disk('replace', 'sdb', 'sde', '--healthy', '--yes');
    expect(out).toContain('sdb still works: it is copied first, and then taken out.\n');
    expect(host.calls()).toEqual([
      'sfdisk -q sde',
      'mdadm /dev/md120 --add /dev/sde1',
      'mdadm /dev/md120 --replace /dev/sdb1 --with /dev/sde1',
      'mdadm /dev/md121 --add /dev/sde2',
      'mdadm /dev/md121 --replace /dev/sdb2 --with /dev/sde2',
      'mdadm /dev/md122 --add /dev/sde3',
      'mdadm /dev/md122 --replace /dev/sdb3 --with /dev/sde3',
      'mdadm /dev/md120 --remove /dev/sdb1',
      'mdadm /dev/md121 --remove /dev/sdb2',
      'mdadm /dev/md122 --remove /dev/sdb3',
      'wipefs -a /dev/sdb1',
      'wipefs -a /dev/sdb2',
      'wipefs -a /dev/sdb3',
      'wipefs -a /dev/sdb',
      ...ENTRIES,
    ]);
    expect(code).toBe(0);
    expect(await pattern()).toEqual(ALL_UP);
  });

  test('without waiting, in two runs', async () => {
    make();
    const first = await host.disk('replace', 'data_2', 'sde', '--healthy', '--yes', '--no-wait');
    expect(first.out).toContain(
      'When it is done, this takes the old disk out, and puts the boot loader on this one:\n  imgbuild-disk replace data_2 sde --healthy',
    );
    expect(await pattern()).toEqual(ALL_UP);
    host.kernel('tick; tick');
    host.calls();
    const second = await host.disk('replace', 'data_2', 'sde', '--yes');
    expect(second.code).toBe(0);
    expect(host.calls()).toEqual([
      'mdadm /dev/md123 --remove /dev/sdd1',
      'wipefs -a /dev/sdd1',
      'wipefs -a /dev/sdd',
    ]);
  });
});

describe('a run that was cut off', () => {
  test.each([
    ['at the first member that leaves', '/dev/md121 --fail /dev/sdb2'],
    ['between a failure and a removal', '/dev/md121 --remove /dev/sdb2'],
    ['at the first member that joins', '/dev/md120 --add /dev/sde1'],
    ['at the last member that joins', '/dev/md122 --add /dev/sde3'],
  ])('%s', async (_, call) => {
    make();
    host.fail('sdb', 'md120');
    host.write('cut', `${call}\n`);
    const cut = await host.disk('replace', 'system_2', 'sde', '--yes');
    expect(cut.code).toBe(4);
    expect(cut.err).toMatch(/imgbuild-disk: failed on the way: .*\n.*run the same command again/);
    host.kernel('rm "$ROOT/cut"');
    expect(await host.disk('replace', 'system_2', 'sde', '--yes')).toMatchObject({ code: 0 });
    expect(onlyTables(host.calls())).toEqual(['sfdisk -q sde']);
    expect(await pattern()).toEqual(ALL_UP);
    expect(host.table('sde')).toHaveLength(3);
  });

  test('when all was done but the boot loader', async () => {
    make({ firmware: 'bios', without: ['grub2-install'] });
    host.unplug('sdb');
    expect(await host.disk('replace', 'system_2', 'sde', '--yes')).toMatchObject({ code: 4 });
    host.calls();
    host.kernel(`cp ${import.meta.dirname}/programs/grub2-install "$ROOT/programs"`);
    expect(await host.disk('replace', 'system_2', 'sde', '--yes')).toMatchObject({ code: 0 });
    expect(host.calls()).toEqual([
      'grub2-install --target=i386-pc /dev/sda',
      'grub2-install --target=i386-pc /dev/sde',
    ]);
  });

  test('a GRUB that does not find an array while it is rebuilt', async () => {
    make({ firmware: 'bios' });
    host.unplug('sdb');
    const grub =
      '. "$ROOT/programs/kernel.sh"; grep -q recover "$ROOT"/sys/block/md*/md/sync_action && exit 1';
    host.program('grub2-install', `${grub}; exec bash ${import.meta.dirname}/programs/grub2-install "$@"`);
    const early = await host.disk('replace', 'system_2', 'sde', '--yes', '--no-wait');
    expect(early.code).toBe(0);
    expect(early.out).toContain(
      'When it is done, this puts the boot loader on the disks:\n  imgbuild-disk replace system_2 sde',
    );
    const { code, err } = await host.disk('replace', 'system_2', 'sde', '--yes');
    expect(err).toContain('The boot loader is put on the disks when they are in sync.');
    expect(code).toBe(0);
    expect((await host.loader('check', 'sde')).code).toBe(0);
  });

  test('and one that was not', async () => {
    make();
    host.unplug('sdb');
    await host.disk('replace', 'system_2', 'sde', '--yes');
    host.calls();
    const again = await host.disk('replace', 'system_2', 'sde', '--yes');
    expect(again.err).toContain('sde is system_2 already, and whole.');
    expect(again.code).toBe(0);
    expect(host.calls()).toEqual([]);
  });
});

describe('what may go wrong on the way', () => {
  test('a disk that is dead on arrival costs no copy', async () => {
    make();
    host.fail('sdb', 'md122');
    const write = `case " $* " in *" -q "*) exit 1 ;; esac`;
    host.program('sfdisk', `${write}; exec bash ${import.meta.dirname}/programs/sfdisk "$@"`);
    expect(await host.disk('replace', 'system_2', 'sde', '--yes')).toMatchObject({ code: 4 });
    expect(await pattern()).toEqual(['efi UU', 'boot UU', 'root U_', 'data UU']);
  });

  test('while it is copied, another disk gets the name of the old one', async () => {
    make();
    host.program(
      'sleep',
      `. "$ROOT/programs/kernel.sh"
       if [ ! -e "$ROOT/swapped" ]; then
         : >"$ROOT/swapped"
         leave md123 sdd1
         rm -rf "$ROOT"/sys/block/sdd/sdd1 "$ROOT"/dev/sdd1
         echo 99 >"$ROOT/sys/block/sdd/diskseq"
         printf 'precious%.0s' {1..1024} >"$ROOT/dev/sdd"
       fi
       tick`,
    );
    const { code, err } = await host.disk('replace', 'sdd', 'sde', '--healthy', '--yes');
    expect(err).toContain('sdd is another disk by now: it is left alone.');
    expect(host.read('dev/sdd')).toMatch(/^precious/);
    expect(code).toBe(0);
  });

  test('the disk is not as it was when the question was asked', async () => {
    make();
    host.unplug('sdd');
    const shown = await host.onTerminal(['replace', 'data_2', 'sde'], () => {
      host.write('dev/sde', Buffer.alloc(32 << 20, 'in use by now'));
      return 'yes\n';
    });
    expect(shown).toMatch(/refused, nothing was changed: sde is not blank/);
    expect(onlyTables(host.calls())).toEqual([]);
  });

  test('a copy that is left has holes: the old disk is not erased', async () => {
    make();
    host.write('sys/devices/virtual/block/md122/md/dev-sda3/bad_blocks', '123456 8\n');
    expect((await host.disk('status')).out).toContain(
      'array root (md122) cannot read all of sda3 of system_1: that disk is to be replaced',
    );
    host.fail('sdb', 'md122');
    const { out } = await host.disk('replace', 'system_2', 'sde', '--yes');
    expect(out).toContain('SOME BLOCKS OF root ON system_1 CANNOT BE READ');
    expect(host.calls().filter((call) => call.startsWith('wipefs'))).toEqual([]);
    expect(host.table('sdb')).toHaveLength(3);
  });

  test('a half that comes back is copied as a whole', async () => {
    make({ disks: PAIRS.map((disk) => (disk.name === 'sdd' ? { ...disk, joined: false } : disk)) });
    expect(await host.disk('replace', 'data_2', 'sdd', '--yes')).toMatchObject({ code: 0 });
    expect(host.calls()).toEqual(['mdadm --zero-superblock /dev/sdd1', 'mdadm /dev/md123 --add /dev/sdd1']);
  });

  test('the old disk was erased already: its name leads on', async () => {
    make({ firmware: 'bios' });
    host.fail('sdb');
    await host.disk('replace', 'sdb', 'sde', '--yes', '--no-wait');
    const { code, err } = await host.disk('replace', 'sdb', 'sde', '--yes');
    expect(err).toContain(
      'Where sde has taken its place already: imgbuild-disk replace system_2 sde finishes it.',
    );
    expect(code).toBe(3);
  });
});

describe('the rebuild', () => {
  test('that md gives up', async () => {
    make();
    host.unplug('sdd');
    host.program(
      'sleep',
      'cd "$ROOT"/sys/block/md123/md && echo spare >dev-sde1/state && echo none >dev-sde1/slot && echo idle >sync_action',
    );
    const { code, err } = await host.disk('replace', 'data_2', 'sde', '--yes');
    expect(err).toContain('md has given up rebuilding data on sde');
    expect(code).toBe(4);
  });

  test('is shown by tens of percent where there is no terminal', async () => {
    make();
    host.unplug('sdd');
    const { out } = await host.disk('replace', 'data_2', 'sde', '--yes');
    expect(out).toContain('\ndata: 50.0 %, 1 min left\nsde is in sync in every array.\n');
  });

  test('goes on where nobody waits for it', async () => {
    make();
    host.unplug('sdd');
    const { code, out } = await host.disk('replace', 'data_2', 'sde', '--yes', '--no-wait');
    expect(code).toBe(0);
    expect(out).toContain('The rebuild goes on by itself; imgbuild-disk status shows how far it is.');
    expect(out).not.toContain('All well');
  });

  test('goes on after Ctrl-C', async () => {
    make();
    host.unplug('sdd');
    host.program('sleep', 'kill -INT $PPID');
    const { code, out } = await host.disk('replace', 'data_2', 'sde', '--yes');
    expect(code).toBe(0);
    expect(out).toContain('The rebuild goes on by itself');
    expect(host.read('sys/block/md123/md/sync_action')).toBe('recover\n');
  });

  test('a member that is thrown out while it is rebuilt', async () => {
    make();
    host.unplug('sdd');
    host.program('sleep', 'echo faulty >"$ROOT"/sys/block/md123/md/dev-sde1/state');
    const { code, err } = await host.disk('replace', 'data_2', 'sde', '--yes');
    expect(code).toBe(4);
    expect(err).toMatch(/sde1 was thrown out of data while it was being rebuilt/);
  });
});

describe('on a terminal', () => {
  const typed = (answer: string) => host.onTerminal(['replace', 'data_2', 'sde'], answer);

  test('somebody must type yes', async () => {
    make();
    host.unplug('sdd');
    expect(await typed('y\n')).toMatch(/Type yes to go on: .*it was not confirmed/s);
    expect(host.calls()).toEqual([]);
    // One line that changes, and nothing in the end.
    expect(await typed('yes\n')).toMatch(
      /\rdata: 50\.0 %, 1 min left +\r +\rsde is in sync in every array\./,
    );
    expect(await pattern()).toEqual(ALL_UP);
  });
});

test('a rehearsal changes nothing and says all', async () => {
  make();
  host.fail('sdb');
  const before = host.table('sdb');
  const { code, out } = await host.disk('replace', 'system_2', 'sde', '--dry-run');
  expect(code).toBe(0);
  expect(out.split('\n')).toEqual([
    'system_2 is to be on sde, laid out as sda (system_1) is.',
    '  33.5 MB, INTEL SSDSC2KB48, serial SSDE',
    '  It is blank.',
    'sdb is taken out of the arrays.',
    '  33.5 MB, INTEL SSDSC2KB48, serial SSDB',
    '  Its RAID superblocks and its partition table are erased, lest it come back as system_2.',
    'Arrays: efi, boot, root.',
    '',
    '  zeros at both ends of /dev/sde, sectors 2048 to 10239',
    '  zeros at both ends of /dev/sde, sectors 10240 to 18431',
    '  zeros at both ends of /dev/sde, sectors 18432 to 51199',
    '  zeros at both ends of /dev/sde, sectors 0 to 65535',
    '  write_table /dev/sde',
    '    2048 8192 esp imgbuild:prod-3f9a1c:system2p1',
    '    10240 8192 raid imgbuild:prod-3f9a1c:system2p2',
    '    18432 32768 raid imgbuild:prod-3f9a1c:system2p3',
    '  mdadm /dev/md120 --remove /dev/sdb1',
    '  mdadm /dev/md121 --remove /dev/sdb2',
    '  mdadm /dev/md122 --remove /dev/sdb3',
    '  mdadm /dev/md120 --add /dev/sde1',
    '  mdadm /dev/md121 --add /dev/sde2',
    '  mdadm /dev/md122 --add /dev/sde3',
    '  wipefs -a /dev/sdb1',
    '  wipefs -a /dev/sdb2',
    '  wipefs -a /dev/sdb3',
    '  wipefs -a /dev/sdb',
    '  zeros at both ends of /dev/sdb, sectors 0 to 65535',
    expect.stringMatching(/boot-loader --root {2}install sda sde$/),
  ]);
  expect(host.calls()).toEqual([]);
  expect(host.table('sdb')).toEqual(before);
});

test('an array that mdadm.conf does not name is named there', async () => {
  make();
  host.write('etc/mdadm.conf', 'MAILADDR root\nARRAY /dev/md/efi UUID=0000:0000:0000:0000\n');
  host.unplug('sdb');
  expect(await host.disk('replace', 'system_2', 'sde', '--yes')).toMatchObject({ code: 0 });
  expect(host.read('etc/mdadm.conf')).toBe(
    'MAILADDR root\nARRAY /dev/md/efi UUID=0000:0000:0000:0000\n' +
      'ARRAY /dev/md/boot UUID=0000:0000:0000:0001\nARRAY /dev/md/root UUID=0000:0000:0000:0002\n',
  );
});
