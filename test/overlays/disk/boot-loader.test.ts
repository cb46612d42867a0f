import { afterEach, describe, expect, test } from 'vitest';
import { Host, type HostOptions, PAIRS } from './host.ts';

let host: Host;
afterEach(() => host.remove());
const make = (options?: HostOptions) => {
  host = new Host(options);
  return host;
};
const install = (...disks: string[]) => host.loader('install', ...disks);
const check = async (...disks: string[]) => {
  const { code, out } = await host.loader('check', ...disks);
  return { code, lines: out.split('\n') };
};
const WELL = { code: 0, lines: ['sda: ok', 'sdb: ok'] };
const DEBIAN = { name: 'Debian GNU/Linux', id: 'debian' };
const entries = () => host.read('entries').split('\n').filter(Boolean);
const order = () => host.read('order').trim();
const guid = (disk: string) => host.guid(disk, 1);
const ownEntry = (number: string, disk: string, label: string, id = 'rocky') =>
  `${number}\t${label}\tHD(1,GPT,${guid(disk)},0x800,0x2000)/File(\\EFI\\${id}\\shimx64.efi)`;
/** Retypes the ESP, as Anaconda leaves it. */
const typeAsRaid = (disk: string) =>
  host.kernel(`sfdisk -q --part-type "$ROOT/dev/${disk}" 1 A19D880F-05FC-4D3B-A006-743F0F84911E >/dev/null`);

describe('BIOS', () => {
  test('EL: GRUB on each disk, where it belongs', async () => {
    make({ firmware: 'bios' });
    expect(await check('sda', 'sdb')).toEqual({
      code: 1,
      lines: ['sda: there is no GRUB in its first sector', 'sdb: there is no GRUB in its first sector'],
    });
    expect(await install('/dev/disk/by-id/ata-INTEL_SSDSC2KB48_SSDA', '/dev/sdb')).toMatchObject({ code: 0 });
    expect(host.calls()).toEqual([
      'grub2-install --target=i386-pc /dev/sda',
      'grub2-install --target=i386-pc /dev/sdb',
    ]);
    expect(await check('sda', 'sdb')).toEqual(WELL);
  });

  test('Debian: its package knows the disks too, all that there are', async () => {
    make({ firmware: 'bios', os: DEBIAN });
    expect(await install('sda')).toMatchObject({ code: 0 });
    expect(host.calls()).toEqual([
      'grub-install --target=i386-pc /dev/sda',
      'debconf-set-selections grub-pc grub-pc/install_devices multiselect /dev/disk/by-id/ata-INTEL_SSDSC2KB48_SSDA, /dev/disk/by-id/ata-INTEL_SSDSC2KB48_SSDB',
      'debconf-set-selections grub-pc grub-pc/install_devices_empty boolean false',
    ]);
  });

  test.each([
    [
      'points elsewhere',
      'printf "\\0\\11" | dd of="$ROOT/dev/sda" bs=1 seek=92 conv=notrunc',
      /sda: its first sector looks for GRUB at sector 2304, and the bios-boot partition begins at 2048/,
    ],
    [
      'points at nothing',
      'dd if=/dev/zero of="$ROOT/dev/sda" bs=512 seek=2048 count=2048 conv=notrunc',
      /sda: its bios-boot partition is empty/,
    ],
    [
      'has no place',
      'sfdisk -q --part-type "$ROOT/dev/sda" 1 A19D880F-05FC-4D3B-A006-743F0F84911E',
      /sda: it has no bios-boot partition/,
    ],
  ])('check: GRUB %s', async (_, script, says) => {
    make({ firmware: 'bios' });
    await install('sda', 'sdb');
    host.kernel(`{ ${script}; } 2>/dev/null >&2`);
    const { code, lines } = await check('sda', 'sdb');
    expect(code).toBe(1);
    expect(lines[0]).toMatch(says);
    expect(lines[1]).toBe('sdb: ok');
  });

  test('a disk without a place for GRUB is refused before another is written', async () => {
    make({ firmware: 'bios' });
    host.kernel('sfdisk -q --part-type "$ROOT/dev/sdb" 1 A19D880F-05FC-4D3B-A006-743F0F84911E');
    const { code, err } = await install('sda', 'sdb');
    expect(code).toBe(3);
    expect(err).toMatch(/sdb has no bios-boot partition/);
    expect(host.calls()).toEqual([]);
  });

  test('GRUB that is missing, or fails', async () => {
    make({ firmware: 'bios', without: ['grub2-install'] });
    expect(await install('sda')).toMatchObject({
      code: 3,
      err: expect.stringMatching(/Install grub2-pc \(EL\)/),
    });
    host.program('grub2-install', 'echo "error: no modinfo.sh" >&2; exit 1');
    expect(await install('sda')).toMatchObject({
      code: 4,
      err: expect.stringMatching(/no modinfo\.sh\n.*failed on the way: GRUB could not be put on sda/),
    });
  });
});

describe('UEFI', () => {
  test('all is there: nothing is done', async () => {
    make();
    expect(await check('sda', 'sdb')).toEqual(WELL);
    expect(await install('sda', 'sdb')).toMatchObject({ code: 0, out: '' });
    expect(host.calls()).toEqual([]);
  });

  test('EL: grub2-install is never run', async () => {
    make();
    host.write('entries', '');
    host.write('order', '\n');
    expect(await install('sda', 'sdb')).toMatchObject({ code: 0 });
    expect(host.calls().filter((call) => call.startsWith('grub'))).toEqual([]);
  });

  test('Debian: onto the mirror, without entries of its own, and so at every update', async () => {
    make({ os: DEBIAN });
    host.kernel('ln -s ../../md120 "$ROOT/dev/disk/by-id/md-uuid-1:2:3:4"');
    expect(await install('sda', 'sdb')).toMatchObject({ code: 0 });
    const answers = [
      'grub2/update_nvram boolean false',
      'grub2/force_efi_extra_removable boolean true',
      'grub2/no_efi_extra_removable boolean false',
      'grub-efi/install_devices multiselect /dev/disk/by-id/md-uuid-1:2:3:4',
    ].map((line) => `debconf-set-selections grub-efi-amd64 ${line}`);
    expect(host.calls()).toEqual([
      'grub-install --help',
      'grub-install --target=x86_64-efi --efi-directory=/boot/efi --no-nvram --force-extra-removable',
      ...answers,
    ]);
  });

  test('Ubuntu: its grub-install lays EFI/BOOT without being told', async () => {
    make({ os: { name: 'Ubuntu', id: 'ubuntu' } });
    host.write('grub-help', '--no-extra-removable\n');
    await install('sda', 'sdb');
    expect(host.calls()[1]).toBe('grub-install --target=x86_64-efi --efi-directory=/boot/efi --no-nvram');
  });

  test.each([['sfdisk'], ['parted']])('a member typed as RAID becomes an ESP, by %s', async (tool) => {
    make();
    typeAsRaid('sdb');
    const before = guid('sdb');
    expect(await check('sda', 'sdb')).toEqual({
      code: 1,
      lines: ['sda: ok', 'sdb: its partition 1 is not typed as an EFI system partition'],
    });
    if (tool === 'parted') host.program('sfdisk', '[ "$1" != --help ]');
    expect(await install('sda', 'sdb')).toMatchObject({ code: 0 });
    expect(host.table('sdb')[0]).toMatch(
      /C12A7328-F81F-11D2-BA4B-00A0C93EC93B imgbuild:prod-3f9a1c:system2p1$/,
    );
    expect(guid('sdb')).toBe(before);
    expect(await check('sda', 'sdb')).toEqual(WELL);
  });

  test('no tool that can type it', async () => {
    make({ without: ['sfdisk', 'parted'] });
    typeAsRaid('sdb');
    const { code, err } = await install('sda', 'sdb');
    expect(code).toBe(4);
    expect(err).toMatch(/partition 1 of sdb keeps its type.*\n.*Install parted/);
  });

  test('EFI/BOOT is laid where it is missing', async () => {
    make();
    host.kernel('rm -r "$ROOT/boot/efi/EFI/BOOT"');
    expect(await check('sda', 'sdb')).toMatchObject({
      code: 1,
      lines: [
        expect.stringMatching(/BOOTX64\.EFI is missing/),
        expect.stringMatching(/BOOTX64\.EFI is missing/),
      ],
    });
    expect(await install('sda', 'sdb')).toMatchObject({ code: 0 });
    expect(host.exists('boot/efi/EFI/BOOT/grubx64.efi')).toBe(true);
    expect(await check('sda', 'sdb')).toEqual(WELL);
  });

  test('a host whose ESP is no mirror', async () => {
    make({
      slots: ['system_1'],
      disks: [{ name: 'nvme0n1', slot: 'system_1' }],
      mounts: () => ['/dev/nvme0n1p1 /boot/efi vfat rw 0 0'],
    });
    expect(await check('nvme0n1')).toEqual({ code: 0, lines: ['nvme0n1: ok'] });
  });

  test.each([
    [
      '/boot/efi is not mounted',
      { mounts: (all: string[]) => all.filter((line) => !line.includes('/efi')) },
      '',
      3,
    ],
    ['there is no boot loader in /boot/efi/EFI', {}, 'rm -r "$ROOT"/boot/efi/EFI/rocky', 4],
  ])('%s', async (says, options, script, code) => {
    make(options);
    if (script) host.kernel(script);
    expect(await check('sda')).toEqual({ code: 1, lines: [`sda: ${says}`] });
    const out = await install('sda');
    expect(out.code).toBe(code);
    expect(out.err).toContain(says);
  });
});

describe("the firmware's entries", () => {
  const PXE = '0000\tUEFI PXE\tPciRoot(0x0)/Pci(0x3,0x0)/MAC(525400123456,0)';

  test('of a system that was just installed come first', async () => {
    make();
    host.write('entries', `${PXE}\n`);
    host.write('order', '0000\n');
    expect(await check('sda', 'sdb')).toEqual({
      code: 1,
      lines: [
        "sda: the firmware's boot order has no entry for it",
        "sdb: the firmware's boot order has no entry for it",
      ],
    });
    expect(await install('sda', 'sdb')).toMatchObject({ code: 0 });
    expect(entries()).toEqual([
      PXE,
      ownEntry('0001', 'sda', 'Rocky Linux system 1'),
      ownEntry('0002', 'sdb', 'Rocky Linux system 2'),
    ]);
    expect(order()).toBe('0001,0002,0000');
    expect(await check('sda', 'sdb')).toEqual(WELL);
  });

  test('follow ours where one is in the order: a machine that asks the network first goes on doing so', async () => {
    make();
    host.write(
      'entries',
      `${PXE}\n0007\tOther\tHD(1,GPT,11111111-2222-3333-4444-555555555555,0x800,0x1)/File(\\EFI\\x)\n${ownEntry('0001', 'sda', 'Rocky Linux')}\n`,
    );
    host.write('order', '0000,0001,0007\n');
    await install('sda', 'sdb');
    expect(order()).toBe('0000,0001,0002,0007');
  });

  test('are not made twice, whoever made them and whatever they are called', async () => {
    make();
    const upper = ownEntry('0002', 'sdb', 'Rocky Linux').replace(guid('sdb'), guid('sdb').toUpperCase());
    host.write(
      'entries',
      `${ownEntry('0001', 'sda', 'Rocky Linux')}\n${upper.replace('shimx64', 'SHIMX64')}\n`,
    );
    host.write('order', '0001,0002\n');
    await install('sda', 'sdb');
    expect(host.calls()).toEqual([]);
    expect(await check('sda', 'sdb')).toEqual(WELL);
  });

  test('of ours are removed where their partition is gone; those of others stay', async () => {
    make();
    const stale = (number: string, label: string) =>
      `${number}\t${label}\tHD(1,GPT,99999999-8888-7777-6666-555555555555,0x800,0x1)/File(\\EFI\\rocky\\shimx64.efi)`;
    const kept = [...entries(), stale('0009', 'Windows Boot Manager')];
    host.write('entries', `${[...kept, stale('000A', 'Rocky Linux system 2')].join('\n')}\n`);
    host.write('order', '000A,0000,0001,0002,0009\n');
    await install('sda', 'sdb');
    expect(entries()).toEqual(kept);
    expect(order()).toBe('0000,0001,0002,0009');
  });

  test('stay where a disk cannot be read: the partition may be on that one', async () => {
    make({ disks: [...PAIRS, { name: 'sde', more: { broken: 'missing' } }] });
    const stale =
      '000A\tRocky Linux system 2\tHD(1,GPT,99999999-8888-7777-6666-555555555555,0x800,0x1)/File(x)';
    host.write('entries', `${[...entries(), stale].join('\n')}\n`);
    await install('sda', 'sdb');
    expect(entries()).toContain(stale);
  });

  test('that firmware does not take: the disk starts by way of EFI/BOOT', async () => {
    make();
    host.write('entries', `${PXE}\n`);
    host.write('order', '0000\n');
    host.write('full', '');
    const { code, err } = await install('sda');
    expect(code).toBe(0);
    expect(err).toContain('The firmware takes no entry for sda, which then starts only by way of EFI/BOOT.');
  });

  test.each([
    ['started otherwise', { script: 'rm -r "$ROOT/sys/firmware"' }],
    ['a chroot without the variables', { script: 'rm "$ROOT"/sys/firmware/efi/efivars/*' }],
    ['without efibootmgr', { without: ['efibootmgr'] }],
    [
      'an efibootmgr that cannot read them',
      { script: 'printf \'#!/bin/sh\\nexit 2\\n\' >"$ROOT/programs/efibootmgr"' },
    ],
  ])(
    '%s: it says so, and that is no error',
    async (_, { script = '', without = [] }: { script?: string; without?: string[] }) => {
      make({ without });
      if (script) host.kernel(script);
      const { code, err } = await install('sda', 'sdb');
      expect(code).toBe(0);
      expect(err).toContain('The firmware cannot be told here');
      expect(await check('sda', 'sdb')).toEqual(WELL);
    },
  );
});

describe('what it is not asked to do', () => {
  test.each([
    [['sdx'], /'sdx' is no whole disk/],
    [['sda1'], /'sda1' is no whole disk/],
    [['sde'], /sde bears no slot of this host's layout/],
  ])('%j is refused', async (disks, says) => {
    make({ disks: [...PAIRS, { name: 'sde' }] });
    const { code, out, err } = await install(...disks);
    expect({ code, out }).toEqual({ code: 3, out: '' });
    expect(err).toMatch(says);
    expect(host.calls()).toEqual([]);
  });

  test.each([[[]], [['install']], [['remove', 'sda']], [['--wat']]])('wrong usage: %j', async (args) => {
    make();
    expect(await host.loader(...args)).toMatchObject({ code: 2, out: '' });
  });
});
