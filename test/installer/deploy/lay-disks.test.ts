import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { dash, type Shell, shells } from '../run.ts';
import { MARK } from './layouts.ts';
import { type Deployed, type Kind, MiB, machine, peek, sfdisk } from './machine.ts';

let made: Deployed | undefined;
afterEach(() => made?.tree.remove());
const on = (name: string, kind?: Kind) => {
  made = machine(name, kind);
  return made;
};
const lay = (host: Deployed, args: string[] = [], shell?: Shell) =>
  host.run('lay-disks', ['--layout', host.layout, '--disks', host.chosen, ...args], shell);

const changing = /^(mdadm|lvm|mkfs|sfdisk -q|udevadm control)/;
const create = (md: number, name: string, metadata: string, nodes: string, level = '1') =>
  `mdadm --create /dev/md${md} --run --homehost=any --name=${name} --metadata=${metadata} --bitmap=internal ` +
  `--level=${level} --raid-devices=${nodes.split(' ').length} ${nodes}`;
const held = (...calls: string[]) =>
  calls.flatMap((call) => ['udevadm control --stop-exec-queue', call, 'udevadm control --start-exec-queue']);
const tables = (...disks: string[]) => disks.map((disk) => `sfdisk -q /dev/${disk}`);
const lvm = (command: string, nodes: string, rest: string) => {
  const filter = nodes.split(' ').map((node) => `"a|^${node}$|", `);
  const config = `devices { filter=[${filter.join('')}"r|.*|"] } activation { udev_sync=0 udev_rules=0 }`;
  return `lvm ${command} --config ${config} -y ${rest}`;
};

const uefi = (a: string, b: string, c: string, d: string) => [
  ...held(
    create(127, 'efi', '1.0', `/dev/${a}1 /dev/${b}1`),
    create(126, 'boot', '1.2', `/dev/${a}2 /dev/${b}2`),
    create(125, 'root', '1.2', `/dev/${a}3 /dev/${b}3`),
    create(124, 'data', '1.2', `/dev/${c}1 /dev/${d}1`),
  ),
  'mkfs.xfs -q -f -L root /dev/md125',
  'mkfs.xfs -q -f -L boot /dev/md126',
  'mkfs.vfat -F 32 -n EFI /dev/md127',
  'mkfs.xfs -q -f -L data /dev/md124',
];

/** Every command that changes something, in order. */
const kinds: [string, Kind, string, string[]][] = [
  [
    'UEFI, two pairs',
    {},
    'uefi',
    [...tables('sda', 'sdb', 'sdc', 'sdd'), ...uefi('sda', 'sdb', 'sdc', 'sdd')],
  ],
  [
    'UEFI, two pairs, NVMe',
    { bus: 'nvme' },
    'uefi',
    [
      ...tables('nvme0n1', 'nvme1n1', 'nvme2n1', 'nvme3n1'),
      ...uefi('nvme0n1p', 'nvme1n1p', 'nvme2n1p', 'nvme3n1p'),
    ],
  ],
  [
    'BIOS, two pairs, ext4',
    {},
    'bios',
    [
      ...tables('sda', 'sdb', 'sdc', 'sdd'),
      ...held(
        create(127, 'boot', '1.2', '/dev/sda2 /dev/sdb2'),
        create(126, 'root', '1.2', '/dev/sda3 /dev/sdb3'),
        create(125, 'data', '1.2', '/dev/sdc1 /dev/sdd1'),
      ),
      'mkfs.ext4 -q -F -L root /dev/md126',
      'mkfs.ext4 -q -F -L boot /dev/md127',
      'mkfs.xfs -q -f -L data /dev/md125',
    ],
  ],
  [
    'one disk',
    {},
    'one',
    [
      ...tables('sda'),
      'mkfs.xfs -q -f -L root /dev/sda3',
      'mkfs.xfs -q -f -L boot /dev/sda2',
      'mkfs.vfat -F 32 -n EFI /dev/sda1',
    ],
  ],
  [
    'RAID-10',
    {},
    'raid10',
    [
      ...tables('sda', 'sdb', 'sdc', 'sdd', 'sde'),
      ...held(create(127, 'data', '1.2', '/dev/sdb1 /dev/sdc1 /dev/sdd1 /dev/sde1', '10 --layout=n2')),
      'mkfs.xfs -q -f -L root /dev/sda2',
      'mkfs.xfs -q -f -L data /dev/md127',
    ],
  ],
  [
    'LVM on a partition and on two pairs',
    {},
    'lvm',
    [
      ...tables('sda', 'sdb', 'sdc', 'sdd', 'sde'),
      ...held(
        create(127, 'data', '1.2', '/dev/sdb1 /dev/sdc1'),
        create(126, 'data2', '1.2', '/dev/sdd1 /dev/sde1'),
      ),
      lvm('vgcreate', '/dev/sda2', 'system /dev/sda2'),
      lvm('lvcreate', '/dev/sda2', '-Wy -n log -L 512m system'),
      lvm('lvcreate', '/dev/sda2', '-Wy -n root -l 100%FREE system'),
      lvm('vgcreate', '/dev/md127 /dev/md126', 'data /dev/md127 /dev/md126'),
      lvm('lvcreate', '/dev/md127 /dev/md126', '-Wy -n data -l 100%FREE data'),
      'mkfs.ext4 -q -F -L root /dev/dm-1',
      'mkfs.ext4 -q -F -L log /dev/dm-0',
      'mkfs.xfs -q -f -L data /dev/dm-2',
    ],
  ],
];

const first = ['udevadm control --start-exec-queue'];

describe.skipIf(!sfdisk && process.env.CI !== 'true')('lay-disks', () => {
  it.each(
    kinds.flatMap(([title, kind, name, calls]) =>
      // All shells on two that together take every way through.
      (kind.bus || name === 'lvm' ? shells : [dash]).map((shell) => ({ title, kind, name, calls, shell })),
    ),
  )('$title, under $shell.name', async ({ kind, name, calls, shell }) => {
    const host = on(name, kind);
    const out = await lay(host, [], shell);
    expect(out.stderr).not.toMatch(/refused|failed/);
    expect(out.code).toBe(0);
    // The stubs' words are one: quotes do not count.
    expect(host.calls(changing)).toEqual([...first, ...calls]);
    // What people see is what is run.
    const shown = out.stdout.split('\n').filter((line) => changing.test(line));
    expect(shown).toEqual([...first, ...calls].filter((line) => !line.startsWith('sfdisk')));
  });

  it('partitions bear their names, their places and no gap', async () => {
    const host = on('uefi', { disk: (i) => (i === 0 ? { size: 4200 * MiB } : {}) });
    expect(await lay(host)).toMatchObject({ code: 0 });
    const rows = (kname: string) =>
      peek(host, kname, 1024, 4 * 128)
        .toString('utf16le')
        .match(/imgbuild:[\w:-]+/g);
    expect(rows('sda')).toEqual([1, 2, 3].map((n) => `imgbuild:${MARK}:system1p${n}`));
    expect(rows('sdd')).toEqual([`imgbuild:${MARK}:data2p1`]);
    const out = await lay(host, ['--dry-run']);
    // Sizes are the smallest disk's, and the larger one has the same.
    expect(out.stdout).toBe('laid already, as the layout says; nothing is changed');
  });

  it.each([
    [512, ['2048 204800', '206848 2097152', '2304000 5521408']],
    [4096, ['256 25600', '25856 262144', '288000 690176']],
  ])('sectors of %i bytes', async (sector, places) => {
    const host = on('uefi', { disk: () => ({ sector }) });
    const out = await lay(host, ['--dry-run']);
    expect(out.code).toBe(0);
    const table =
      out.stdout.split(`table of /dev/sdb, in sectors of ${sector} bytes:\n`)[1]?.split('\n') ?? [];
    expect(table.slice(0, 3)).toEqual(
      ['esp', 'raid', 'raid'].map((use, i) => `${places[i]} ${use} imgbuild:${MARK}:system2p${i + 1}`),
    );
  });

  it('a rehearsal shows the commands and runs none', async () => {
    const host = on('lvm');
    const out = await lay(host, ['--dry-run']);
    expect(out.code).toBe(0);
    expect(out.stdout).toContain('mdadm --create /dev/md/data --run');
    expect(out.stdout).toContain('/dev/sdb1 /dev/sdc1\n');
    expect(out.stdout).toContain('vgcreate --config devices { filter=["a|^/dev/sda2$|", "r|.*|"] }');
    expect(out.stdout).toContain('mkfs.xfs -q -f -L data /dev/data/data\n');
    expect(host.calls(/./).filter((line) => !/^(blkid|sfdisk --version)/.test(line))).toEqual([]);
    expect(peek(host, 'sda', 0, MiB)).toEqual(Buffer.alloc(MiB));
  });

  it('what an earlier system left where partitions begin and end is wiped before there are any', async () => {
    const old = {
      [1 * MiB + 4096]: 'old superblock',
      [2048 * MiB - 8192]: 'in the middle',
      [3841 * MiB - 8192]: 'old end',
    };
    const host = on('uefi', { disk: (i) => (i === 2 ? { bytes: old } : {}) });
    const seen = `d='${host.tree.dev}/sdc'; dd if="$d" bs=1 skip=${1 * MiB + 4096} count=3 2>/dev/null >'${host.tree.root}/seen'`;
    const stub = readFileSync(join(host.bin, 'sfdisk'), 'utf8');
    writeFileSync(join(host.bin, 'sfdisk'), stub.replace('\n', `\n[ "$1" != -q ] || { ${seen}; }\n`));
    expect(await lay(host)).toMatchObject({ code: 0 });
    expect(readFileSync(join(host.tree.root, 'seen'))).toEqual(Buffer.alloc(3));
    const at = Object.keys(old).map((offset) => peek(host, 'sdc', Number(offset), 3).toString());
    expect(at).toEqual(['\0\0\0', 'in ', '\0\0\0']);
  });

  it('again: says that all is there, and changes nothing', async () => {
    for (const name of ['uefi', 'lvm']) {
      const host = on(name);
      expect(await lay(host)).toMatchObject({ code: 0 });
      host.forget();
      const out = await lay(host);
      expect(out).toMatchObject({ code: 0, stderr: '' });
      expect(out.stdout).toMatch(/laid already, as the layout says; nothing is changed$/);
      expect(host.calls(/^(mdadm --create|lvm|mkfs|sfdisk -q|dd)/)).toEqual([]);
      host.tree.remove();
    }
  });

  const files = (host: Deployed, name: string) => join(host.tree.root, 'fs', name);
  const spoilt: [string, (host: Deployed) => void, RegExp][] = [
    [
      'another label',
      (host) => writeFileSync(files(host, 'md124'), 'TYPE=xfs\nLABEL=dada\n'),
      /the label of \/dev\/md124 is 'dada', not data/,
    ],
    [
      'no file system yet',
      (host) => writeFileSync(files(host, 'md125'), ''),
      /\/dev\/md125 for \/ bears nothing, not xfs/,
    ],
    [
      'an array of another level',
      (host) => writeFileSync(join(host.tree.sys, 'block/md125/md/level'), 'raid0\n'),
      /root is raid0, not raid1/,
    ],
    [
      "another disk's mark",
      (host) => writeFileSync(host.layout, readFileSync(host.layout, 'utf8').replace(MARK, 'prod-000000')),
      /sda \(system_1\) is not blank and is not laid as the layout says: .*of another cluster/,
    ],
    ['one blank disk', (host) => writeFileSync(host.chosen, readFileSync(host.chosen, 'utf8')), /./],
  ];
  it.each(spoilt.slice(0, -1))('refused, when it is laid but for %s', async (_, spoil, message) => {
    const host = on('uefi');
    expect(await lay(host)).toMatchObject({ code: 0 });
    spoil(host);
    host.forget();
    const out = await lay(host);
    expect(out.code).toBe(3);
    expect(out.stderr).toMatch(/^lay-disks: refused, nothing was changed: /);
    expect(out.stderr).toMatch(message);
    expect(out.stderr).toMatch(/Run clean-disks/);
    expect(host.calls(/^(mdadm --create|lvm|mkfs|sfdisk -q)/)).toEqual([]);
  });

  const refusals: [string, Kind, string, RegExp][] = [
    [
      'a disk that bears something',
      { disk: (i) => (i === 1 ? { bytes: { 0: 'x' } } : {}) },
      '',
      /sdb \(system_2\) is not blank/,
    ],
    [
      'a disk that is too small',
      { size: 1400 },
      '',
      /sda \(system_1\) is too small: partition 3 does not fit into 1400 MiB/,
    ],
    [
      'a pair whose smaller one is too small',
      { disk: (i) => (i === 3 ? { size: 200 * MiB } : {}) },
      '',
      /sdc \(data_1\) is too small: partition 1 does not fit into 200 MiB/,
    ],
    [
      'a disk on USB',
      { disk: (i) => (i === 2 ? { bus: 'usb', byId: ['ata-DISK_S2'] } : {}) },
      '',
      /sdc must never be written to: on USB/,
    ],
    ['a slot without a disk', {}, "data_2='disk/by-id/ata-DISK_S3'\n", /names no disk for data_2/],
    ['a disk that is gone', {}, "disk/by-id/ata-DISK_S3'", /is no whole disk of this machine/],
    ['one disk for two slots', {}, "data_2='disk/by-id/ata-DISK_S3'", /sda stands for two slots/],
    [
      'more disks than the layout has',
      {},
      'system_count=2',
      /chose disk\/by-id\/x as data_3, which the layout does not have/,
    ],
  ];
  const instead: Record<string, string> = {
    "data_2='disk/by-id/ata-DISK_S3'\n": '',
    "disk/by-id/ata-DISK_S3'": "disk/by-id/ata-NONE'",
    "data_2='disk/by-id/ata-DISK_S3'": "data_2='disk/by-id/ata-DISK_S0'",
    'system_count=2': "data_3='disk/by-id/x'",
  };
  it.each(refusals)('refused: %s', async (_, kind, what, message) => {
    const host = on('uefi', kind);
    if (what)
      writeFileSync(host.chosen, readFileSync(host.chosen, 'utf8').replace(what, instead[what] ?? ''));
    const out = await lay(host);
    expect(out.code).toBe(3);
    expect(out.stderr).toMatch(message);
    expect(host.calls(changing)).toEqual([]);
  });

  const breaks: [string, string, RegExp, string[]][] = [
    ['sfdisk', '[ "$1" != -q ] || exit 1', /sda has no partition table/, []],
    ['mdadm', 'exit 1', /the array efi was not made/, held(create(127, 'efi', '1.0', '/dev/sda1 /dev/sdb1'))],
    ['mkfs.xfs', 'exit 1', /the file system for \/ was not made/, []],
  ];
  it.each(breaks)('%s fails', async (program, body, message, calls) => {
    const host = on('uefi');
    const stub = readFileSync(join(host.bin, program), 'utf8');
    writeFileSync(
      join(host.bin, program),
      stub.replace(/log'\n/, (found) => `${found}${body}\n`),
    );
    const out = await lay(host);
    expect(out.code).toBe(4);
    expect(out.stderr).toMatch(/lay-disks: failed on the way: /);
    expect(out.stderr).toMatch(message);
    // udev does not stay held.
    if (calls.length > 0) expect(host.calls(/^(mdadm|udevadm control)/)).toEqual([...first, ...calls]);
  });

  it('a kernel that does not see the partitions', async () => {
    const host = on('one', { bodies: { sfdisk: `exec '${sfdisk}' "$@"` } });
    const out = await lay(host);
    expect(out.code).toBe(4);
    expect(out.stderr).toMatch(/the kernel does not see partition system_1:3/);
    expect(host.calls(/^sleep/)).toHaveLength(9);
  });
});

const usages = [[], ['--layout', '/x'], ['--disks', '/x'], ['--layout', '', '--disks', '/x'], ['--wat', 'x']];
it.each(usages.map((args) => ({ args })))('wrong usage: $args', async ({ args }) => {
  expect(await on('one').run('lay-disks', args)).toMatchObject({ code: 2, stdout: '' });
});
