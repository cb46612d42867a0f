import { closeSync, existsSync, openSync, readFileSync, readSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { dash, run, type Shell, shells, stubs } from './run.ts';
import { build, type Disk, MARK, type Machine, type Tree } from './topology.ts';

let tree: Tree | undefined;
afterEach(() => tree?.remove());

const MiB = 1 << 20;
const SIZE = 64 * MiB;
const ours = (part: string) => ({ label: `imgbuild:${MARK}:${part}`, size: 16 * MiB });
const disk = (letter: string, more: Partial<Disk> = {}): Disk => ({
  name: `sd${letter}`,
  bus: 'sata',
  size: SIZE,
  serial: `S${letter}`,
  slot: letter.charCodeAt(0) - 97,
  bytes: { 0: 'head', 2000000: 'middle', [-4]: 'tail' },
  ...more,
});

const lv = { name: 'vg-root', uuid: 'LVM-abc' };
const lvmOnMd = (): Machine => ({
  disks: [
    disk('a', { partitions: [{ ...ours('system1p1'), holders: ['md127'] }, ours('system1p2')] }),
    disk('b', { partitions: [{ ...ours('system2p1'), holders: ['md127'] }, ours('system2p2')] }),
    disk('c', { partitions: [{ label: 'precious' }] }),
  ],
  stacks: [
    { name: 'md127', slaves: ['sda/sda1', 'sdb/sdb1'], md: {} },
    { name: 'dm-0', slaves: ['md127'], dm: lv },
  ],
});

interface Options {
  shell?: Shell;
  pvs?: string;
  arrays?: string;
  bodies?: Record<string, string>;
}

/** Stubs that change the fabricated /sys as the kernel would, and refuse what the kernel would refuse. */
function clean(machine: Machine, args: string[], options: Options = {}) {
  tree = build(machine);
  const { root, sys } = tree;
  const take = `
    k=$1
    [ -z "$(ls '${sys}/block/'"$k"/holders)" ] || { echo "$k is busy" >&2; exit 1; }
    rm -rf '${sys}/block/'"$k" '${sys}/devices/virtual/block/'"$k"
    find '${sys}' -path "*/holders/$k" -exec rm -f {} +`;
  const forget = `for p in '${sys}'/block/$k/$k*; do
      [ ! -d "$p/holders" ] || [ -z "$(ls "$p/holders")" ] || exit 1
      rm -rf "$p"
    done`;
  // A busybox sh has a blockdev and a partprobe of its own, which fail on a file; there, udev forgets.
  const byUdev = options.shell?.name.startsWith('busybox') ? `k='sd[ab]'; ${forget}` : 'exit 0';
  writeFileSync(join(root, 'pvs'), options.pvs ?? '');
  writeFileSync(join(root, 'arrays'), options.arrays ?? '');
  const { bin, log } = stubs(root, {
    mdadm: `case $1 in
      --examine) cat '${root}/arrays' ;;
      --stop) set -- "\${2##*/}"; ${take} ;;
      --zero-superblock) exit 0 ;;
      esac`,
    dmsetup: `for d in '${sys}'/block/dm-*; do
        [ "$(cat "$d/dm/name")" = "$2" ] || continue
        set -- "\${d##*/}"; ${take}
        exit 0
      done
      exit 1`,
    pvs: `cat '${root}/pvs'`,
    vgchange: 'exit 0',
    swapoff: 'exit 0',
    udevadm: byUdev,
    sync: 'exit 0',
    sleep: 'exit 0',
    blockdev: `k="\${2##*/}"; ${forget}`,
    partprobe: 'exit 1',
    ...options.bodies,
  });
  const all = [...tree.args, '--swaps', join(root, 'swaps'), ...args];
  const result = run(options.shell ?? dash, 'clean-disks', all, { first: bin });
  return { result, calls: () => (existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n') : []) };
}

function bytes(name: string, offset: number, length: number): string {
  const path = join(tree?.dev ?? '', name);
  const fd = openSync(path, 'r');
  const buffer = Buffer.alloc(length);
  readSync(fd, buffer, 0, length, offset < 0 ? statSync(path).size + offset : offset);
  closeSync(fd);
  return buffer.toString('latin1');
}
const zeros = '\0\0\0\0';
const isUntouched = (name: string) =>
  bytes(name, 0, 4) === 'head' && bytes(name, -4, 4) === 'tail' && existsSync(join(tree?.dev ?? '', name));
const isClean = (name: string) =>
  bytes(name, 0, 4) === zeros &&
  bytes(name, -4, 4) === zeros &&
  statSync(join(tree?.dev ?? '', name)).size === SIZE;

const changing = /^(mdadm --(stop|zero)|vgchange|dmsetup|swapoff|blockdev)/;

describe.each(shells)('$name', (shell) => {
  it('LVM on md on partitions, from the top down', async () => {
    const { result, calls } = clean(lvmOnMd(), ['sda', 'disk/by-id/ata-DISK_Sb'], {
      shell,
      pvs: '  U1|vg|/dev/md127\n',
    });
    const out = await result;
    expect(out.stderr).not.toMatch(/refused|failed/);
    expect(out.code).toBe(0);
    const order = calls().filter((c) => changing.test(c));
    expect(order.slice(0, 3)).toEqual([
      'vgchange -an vg',
      'dmsetup remove vg-root',
      'mdadm --stop /dev/md127',
    ]);
    expect(order.slice(3).some((c) => /stop|remove/.test(c))).toBe(false);
    expect(['sda', 'sdb'].map(isClean)).toEqual([true, true]);
    expect(isUntouched('sdc')).toBe(true);
    expect(calls().join('\n')).not.toMatch(/sdc/);
    // And that is what the selector calls blank.
    const args = [
      ...(tree?.args ?? []),
      '--mark',
      MARK,
      '--wipe',
      'blank',
      '--group',
      'system',
      '--serial',
      'S[ab]',
    ];
    expect(await run(shell, 'select-disks', args)).toMatchObject({ code: 0 });
  });

  it('md over whole disks', async () => {
    const machine: Machine = {
      disks: [disk('a', { holders: ['md0'] }), disk('b', { holders: ['md0'] })],
      stacks: [{ name: 'md0', slaves: ['sda', 'sdb'], md: {} }],
    };
    const { result } = clean(machine, ['sda', 'sdb'], { shell });
    expect(await result).toMatchObject({ code: 0 });
    expect(['sda', 'sdb'].map(isClean)).toEqual([true, true]);
  });

  it('a disk whose array spans another disk', async () => {
    const { result, calls } = clean(lvmOnMd(), ['sda'], { shell });
    const out = await result;
    expect(out.code).toBe(3);
    expect(out.stderr).toMatch(/refused, nothing was changed: md127 also lies on sdb/);
    expect(calls().filter((c) => changing.test(c))).toEqual([]);
    expect(['sda', 'sdb', 'sdc'].map(isUntouched)).toEqual([true, true, true]);
  });
});

const refusals: [string, Machine, string[], Options, RegExp][] = [
  [
    'a running volume group that spans another disk',
    {
      disks: [disk('a', { holders: ['dm-0'] }), disk('b', { holders: ['dm-0'] })],
      stacks: [{ name: 'dm-0', slaves: ['sda', 'sdb'], dm: lv }],
    },
    ['sdb'],
    {},
    /dm-0 also lies on sda/,
  ],
  [
    'a sleeping volume group that spans another disk',
    { disks: [disk('a'), disk('b')] },
    ['sda'],
    { pvs: '  U1|vg|/dev/sda\n  U1|vg|/dev/sdb\n' },
    /the volume group vg also lies on sdb/,
  ],
  [
    'a sleeping volume group, by tools that do not know other systems',
    { disks: [disk('a'), disk('b')] },
    ['sda'],
    {
      bodies: {
        pvs: `case $* in *--foreign*) exit 3 ;; esac; printf '  U1|vg|/dev/sda\n  U1|vg|/dev/sdb\n'`,
      },
    },
    /the volume group vg also lies on sdb/,
  ],
  [
    'a sleeping volume group on a sleeping partition of another disk',
    { disks: [disk('a'), disk('b', { partitions: [{}] })] },
    ['sda'],
    { pvs: '  U1|vg|/dev/sdb1\n  U1|vg|/dev/sda\n' },
    /the volume group vg also lies on sdb/,
  ],
  [
    'a sleeping array that spans another disk',
    { disks: [disk('a', { partitions: [{}] }), disk('b')] },
    ['sda'],
    {
      arrays:
        'ARRAY /dev/md/0 level=raid1 metadata=1.2 num-devices=2 UUID=x\n   devices=/dev/sdb,/dev/sda1\n',
    },
    /the array \/dev\/md\/0 also lies on sdb/,
  ],
  [
    'a stack whose middle spans another disk',
    {
      disks: [disk('a', { partitions: [{ holders: ['md0'] }] }), disk('b', { holders: ['md1'] })],
      stacks: [
        { name: 'md0', slaves: ['sda/sda1'], md: {} },
        { name: 'md1', slaves: ['sdb'], md: {} },
        { name: 'dm-0', slaves: ['md0', 'md1'], dm: lv },
      ],
    },
    ['sda'],
    {},
    /dm-0 also lies on sdb/,
  ],
  [
    'mounted',
    { disks: [disk('a', { partitions: [{}] })], mounts: '/dev/sda1 /mnt xfs rw 0 0\n' },
    ['sda'],
    {},
    /sda is mounted at \/mnt/,
  ],
  [
    'mounted by way of LVM on md',
    { ...lvmOnMd(), mounts: '/dev/mapper/vg-root /mnt/x xfs rw 0 0\n' },
    ['sda', 'sdb'],
    {},
    /mounted at \/mnt\/x/,
  ],
  [
    'bcache',
    { disks: [disk('a', { holders: ['bcache0'] })], stacks: [{ name: 'bcache0', slaves: ['sda'] }] },
    ['sda'],
    {},
    /in use by bcache0/,
  ],
  [
    'drbd on LVM',
    {
      disks: [disk('a', { holders: ['dm-0'] })],
      stacks: [
        { name: 'dm-0', slaves: ['sda'], dm: lv },
        { name: 'drbd0', slaves: ['dm-0'] },
      ],
    },
    ['sda'],
    {},
    /dm-0 is in use by drbd0/,
  ],
  ['USB', { disks: [disk('a', { bus: 'usb' })] }, ['sda'], {}, /sda must never be erased: on USB/],
  [
    "the installer's own disk",
    { disks: [disk('a')], labels: { OEMDRV: 'sda' } },
    ['sda'],
    {},
    /the installer's own disk/,
  ],
  [
    'a path of a multipath device',
    {
      disks: [disk('a', { holders: ['dm-0'] })],
      stacks: [{ name: 'dm-0', slaves: ['sda'], dm: { name: 'm', uuid: 'mpath-3' } }],
    },
    ['sda'],
    {},
    /multipath/,
  ],
  ['a partition', { disks: [disk('a', { partitions: [{}] })] }, ['sda1'], {}, /no whole disk/],
  ['a disk that is not there', { disks: [disk('a')] }, ['sda', 'sdb'], {}, /'sdb' is no whole disk/],
  ['a name that is a path', { disks: [disk('a')] }, ['../../etc/passwd'], {}, /no whole disk/],
  [
    'swap on LVM that spans another disk',
    {
      disks: [disk('a'), disk('b')],
      stacks: [{ name: 'dm-5', slaves: ['sda', 'sdb'], dm: lv }],
      swaps: 'Filename\n/dev/dm-5 partition 1 0 -2\n',
    },
    ['sda'],
    {},
    /the swap on \/dev\/dm-5 also lies on sdb/,
  ],
];

describe('refused before anything is changed', () => {
  it.each(refusals)('%s', async (_, machine, args, options, text) => {
    const { result, calls } = clean(machine, args, options);
    const out = await result;
    expect(out.stderr).toMatch(text);
    expect(out.stderr.split('\n')[1]).toMatch(/^ {2}\S/);
    expect(out.code).toBe(3);
    expect(out.stdout).toBe('');
    expect(calls().filter((c) => changing.test(c))).toEqual([]);
    for (const d of machine.disks) expect(isUntouched(d.name)).toBe(true);
  });
});

it('LUKS between LVM and a partition', async () => {
  const machine: Machine = {
    disks: [disk('a', { partitions: [{ holders: ['dm-1'] }] })],
    stacks: [
      { name: 'dm-1', slaves: ['sda/sda1'], dm: { name: 'luks-1', uuid: 'CRYPT-LUKS2-1' } },
      { name: 'dm-0', slaves: ['dm-1'], dm: lv },
    ],
  };
  const { result, calls } = clean(machine, ['sda']);
  expect(await result).toMatchObject({ code: 0 });
  expect(calls().filter((c) => c.startsWith('dmsetup'))).toEqual([
    'dmsetup remove vg-root',
    'dmsetup remove luks-1',
  ]);
});

it('an IMSM container goes after its volume', async () => {
  const held = { holders: ['md127', 'md126'] };
  const machine: Machine = {
    disks: [disk('a', held), disk('b', held)],
    stacks: [
      { name: 'md126', slaves: ['sda', 'sdb'], md: { version: 'external:imsm' } },
      { name: 'md127', slaves: ['sda', 'sdb'], md: { version: 'external:/md126/0' } },
    ],
  };
  const { result, calls } = clean(machine, ['sda', 'sdb']);
  expect(await result).toMatchObject({ code: 0 });
  expect(calls().filter((c) => c.startsWith('mdadm --stop'))).toEqual([
    'mdadm --stop /dev/md127',
    'mdadm --stop /dev/md126',
  ]);
});

it('an array that udev puts together again is stopped again', async () => {
  const machine: Machine = {
    disks: [disk('a', { holders: ['md0'] })],
    stacks: [{ name: 'md0', slaves: ['sda'], md: {} }],
  };
  const back = `[ -e "$0.once" ] || [ ! -s "$0.log" ] || {
      : >"$0.once"
      S=$(dirname "$0")/../sys
      mkdir -p "$S/devices/virtual/block/md9/holders" "$S/devices/virtual/block/md9/slaves"
      ln -s ../devices/virtual/block/md9 "$S/block/md9"
      ln -s ../../sda "$S/devices/virtual/block/md9/slaves/sda"
      ln -s x "$S/block/sda/holders/md9"
    }
    echo x >>"$0.log"`;
  const { result, calls } = clean(machine, ['sda'], { bodies: { udevadm: `echo x >>"$0.log"; ${back}` } });
  expect(await result).toMatchObject({ code: 0 });
  expect(calls().filter((c) => c.startsWith('mdadm --stop'))).toEqual([
    'mdadm --stop /dev/md0',
    'mdadm --stop /dev/md9',
  ]);
});

it('only swap on these disks is switched off', async () => {
  const machine: Machine = {
    disks: [disk('a', { partitions: [{}] }), disk('b', { partitions: [{}] })],
    swaps: 'Filename Type\n/dev/sda1 partition 1 0 -2\n/dev/sdb1 partition 1 0 -3\n/swapfile file 1 0 -4\n',
  };
  const { result, calls } = clean(machine, ['sda']);
  expect(await result).toMatchObject({ code: 0 });
  expect(calls().filter((c) => c.startsWith('swapoff'))).toEqual(['swapoff /dev/sda1']);
});

it('a mirror whose other half is gone, and a volume group that lacks a disk', async () => {
  const { result } = clean({ disks: [disk('a', { partitions: [{}] }), disk('b')] }, ['sda'], {
    arrays: 'ARRAY /dev/md/0 level=raid1 num-devices=2 UUID=x\n   devices=/dev/sda1\n',
    pvs: '  U1|vg|/dev/sda\n  U1|vg|[unknown]\n',
  });
  expect(await result).toMatchObject({ code: 0 });
  expect(isUntouched('sdb')).toBe(true);
});

it('partitions lose their first and last MiB as well', async () => {
  const at = { start: 4 * MiB, size: 16 * MiB };
  const machine = {
    disks: [
      disk('a', {
        partitions: [{ size: at.size }],
        bytes: { [at.start]: 'first', [at.start + at.size - 4]: 'last' },
      }),
    ],
  };
  const { result } = clean(machine, ['sda']);
  // The tree is there before the program has read it: give the partition its place.
  writeFileSync(join(tree?.sys ?? '', 'block/sda/sda1/start'), `${at.start / 512}\n`);
  expect(await result).toMatchObject({ code: 0 });
  expect(bytes('sda', at.start, 4)).toBe(zeros);
  expect(bytes('sda', at.start + at.size - 4, 4)).toBe(zeros);
});

it('and by their own device files, where there are any', async () => {
  const size = 16 * MiB;
  const { result } = clean({ disks: [disk('a', { partitions: [{ size }] })] }, ['sda']);
  const part = Buffer.alloc(size);
  part.write('head');
  part.write('tail', size - 4);
  writeFileSync(join(tree?.dev ?? '', 'sda1'), part);
  expect(await result).toMatchObject({ code: 0 });
  expect([bytes('sda1', 0, 4), bytes('sda1', -4, 4)]).toEqual([zeros, zeros]);
});

it('a rehearsal prints the commands and runs none', async () => {
  const { result, calls } = clean(lvmOnMd(), ['--dry-run', 'sda', 'sdb'], { pvs: '  U1|vg|/dev/md127\n' });
  const out = await result;
  expect(out.code).toBe(0);
  expect(out.stdout).toMatch(/^vgchange -an vg\ndmsetup remove vg-root\nmdadm --stop \/dev\/md127\n/);
  expect(out.stdout).toMatch(/^dd if=\/dev\/zero of=\S+\/sda bs=512 seek=0 count=2048/m);
  expect(calls().filter((c) => changing.test(c))).toEqual([]);
  expect(['sda', 'sdb', 'sdc'].map(isUntouched)).toEqual([true, true, true]);
});

it('is safe to run again', async () => {
  const { result } = clean({ disks: [disk('a', { bytes: {} })] }, ['sda', 'sda', '/dev/sda']);
  expect(await result).toMatchObject({ code: 0 });
});

describe('failed on the way', () => {
  it.each([
    ['a volume that does not go away', { dmsetup: 'exit 1' }, /vg-root \(dm-0\) does not go away/],
    ['an array that does not stop', { mdadm: '[ "$1" != --stop ]' }, /md127 does not stop/],
    [
      'partitions that the kernel keeps',
      { blockdev: 'exit 1', partprobe: 'exit 1' },
      /sda is still not blank: 2 partitions/,
    ],
    [
      'zeros that do not arrive',
      { dd: 'case "$*" in *of=*) exit 0 ;; *) PATH=/usr/bin:/bin exec dd "$@" ;; esac', wipefs: 'exit 1' },
      /sda is still not blank: data/,
    ],
    ['a disk that cannot be written', { dd: 'exit 1' }, /cannot write to \S*sda/],
  ])('%s', async (_, bodies, text) => {
    const { result } = clean(lvmOnMd(), ['sda', 'sdb'], { bodies });
    const out = await result;
    expect(out.code).toBe(4);
    expect(out.stderr).toMatch(text);
    expect(isUntouched('sdc')).toBe(true);
  });
});

it.each([[[]], [['--wat', 'sda']], [['--sys']]])('wrong usage: %j', async (args: string[]) => {
  expect(await run(dash, 'clean-disks', args)).toMatchObject({ code: 2 });
});
