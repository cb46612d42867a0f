import { afterEach, describe, expect, test } from 'vitest';
import { Host, type HostDisk, type HostOptions, PAIRS, SPARE } from './host.ts';

let host: Host;
afterEach(() => host.remove());

interface Case {
  name: string;
  options?: HostOptions;
  /** What the fourth disk of PAIRS is beside. */
  spare?: HostDisk;
  before?: (host: Host) => void;
  args: string[];
  /** Part of what is said; without it, the rehearsal passes. */
  says?: RegExp;
}

const gone = (name: string) => (each: Host) => each.unplug(name);
const foreign = (label: string): HostDisk => ({ ...SPARE, more: { partitions: [{ label }, {}] } });
const inUse = (holder: string): HostDisk => ({
  ...SPARE,
  more: { partitions: [{ label: 'x', holders: [holder] }] },
});
const data2 = ['data_2', 'sde'];
const system2 = ['system_2', 'sde'];
const raid10: HostOptions = {
  slots: ['system_1', 'system_2', 'data_1', 'data_2', 'data_3', 'data_4'],
  data: 'raid10',
};
const raid10Disks = [...PAIRS, { name: 'sdf', slot: 'data_3' }, { name: 'sdg', slot: 'data_4' }, SPARE];

const cases: Case[] = [
  // Which disk goes.
  { name: 'a slot', before: gone('sdd'), args: data2 },
  { name: 'a kernel name', before: (each) => each.fail('sdd'), args: ['sdd', 'sde'] },
  { name: 'a serial', before: (each) => each.fail('sdd'), args: ['SSDD', 'SSDE'] },
  {
    name: 'a path',
    before: (each) => each.fail('sdd'),
    args: ['/dev/disk/by-id/ata-INTEL_SSDSC2KB48_SSDD', '/dev/sde'],
  },
  { name: 'no such slot', args: ['data_3', 'sde'], says: /neither a slot nor a disk called 'data_3'/ },
  {
    name: 'the serial of a disk that is gone',
    before: gone('sdd'),
    args: ['SSDD', 'sde'],
    says: /Name a slot of this host: system_1 system_2 data_1 data_2/,
  },
  { name: 'a disk of no slot', args: ['sde', 'sda'], says: /sde bears no slot/ },

  // Whether it may go.
  {
    name: 'a disk that works',
    args: data2,
    says: /sdd, which is data_2, works in all of its arrays.*\n.*--healthy/,
  },
  { name: 'a disk that works, wanted all the same', args: [...data2, '--healthy'] },
  {
    name: 'the twin is missing too',
    before: (each) => {
      each.unplug('sdc');
      each.unplug('sdd');
    },
    args: data2,
    says: /the array data does not run/,
  },
  {
    name: 'the twin has failed',
    before: (each) => each.fail('sdc'),
    args: [...data2, '--healthy'],
    says: /data_1 is not in sync in data/,
  },
  {
    name: 'the twin is being rebuilt',
    before: (each) => each.write('sys/block/md123/md/dev-sdc1/state', 'spare\n'),
    args: [...data2, '--healthy'],
    says: /data_1 is not in sync in data/,
  },
  {
    name: 'the twin lacks one array of three',
    before: (each) => {
      each.fail('sda', 'md121');
      each.fail('sdb', 'md122');
    },
    args: system2,
    says: /system_1 is not in sync in boot/,
  },
  {
    name: 'an array that does not run',
    before: (each) => each.kernel('rm -r "$ROOT"/sys/block/md123'),
    args: data2,
    says: /the array data does not run/,
  },
  {
    name: 'an array that is being brought in sync',
    before: (each) => each.write('sys/block/md123/md/sync_action', 'resync\n'),
    args: [...data2, '--healthy'],
    says: /data is being brought in sync/,
  },
  {
    name: 'one disk alone',
    options: { slots: ['system_1'], disks: [{ name: 'sda', slot: 'system_1' }, SPARE] },
    args: ['system_1', 'sde'],
    says: /partition 1 of system_1 is not mirrored/,
  },
  {
    name: 'RAID-10: one of four',
    options: { ...raid10, disks: raid10Disks },
    before: gone('sdf'),
    args: ['data_3', 'sde'],
  },
  {
    name: 'RAID-10: a working one while another is missing',
    options: { ...raid10, disks: raid10Disks },
    before: gone('sdf'),
    args: ['data_2', 'sde', '--healthy'],
    says: /data has lost another member \[UU_U\]/,
  },

  // Which disk takes its place.
  { name: 'no such disk', before: gone('sdd'), args: ['data_2', 'sdx'], says: /'sdx' is no whole disk/ },
  { name: 'a partition', before: gone('sdd'), args: ['data_2', 'sda1'], says: /'sda1' is no whole disk/ },
  {
    name: 'itself',
    before: (each) => each.fail('sdd'),
    args: ['sdd', 'sdd'],
    says: /sdd is the disk that is to be replaced/,
  },
  {
    name: 'itself, by its slot',
    before: (each) => each.fail('sdd'),
    args: ['data_2', 'sdd'],
    says: /sdd is the disk that failed: sdd1 was thrown out of data/,
  },
  {
    name: 'another slot',
    before: gone('sdd'),
    args: ['data_2', 'sda'],
    says: /sda is system_1 of this host/,
  },
  {
    name: 'one that was replaced and came back',
    before: gone('sdd'),
    spare: { name: 'sde', slot: 'system_2', joined: false },
    args: data2,
    says: /sde is not blank: it bears 3 partitions of this cluster/,
  },
  {
    name: 'one that was replaced and came back, to be erased',
    before: gone('sdd'),
    spare: { name: 'sde', slot: 'system_2', joined: false },
    args: [...data2, '--erase'],
  },
  {
    name: 'one that was replaced and came back is not what is to be replaced',
    options: { disks: [...PAIRS, { name: 'sde', slot: 'system_2', joined: false }, { name: 'sdf' }] },
    args: ['sde', 'sdf'],
    says: /sde bears the names of system_2, but another disk is in its place already/,
  },
  {
    name: 'on USB',
    before: gone('sdd'),
    spare: { ...SPARE, more: { bus: 'usb' } },
    args: data2,
    says: /sde cannot be used: on USB/,
  },
  {
    name: 'removable',
    before: gone('sdd'),
    spare: { ...SPARE, more: { removable: true } },
    args: data2,
    says: /cannot be used: removable/,
  },
  {
    name: 'read-only',
    before: gone('sdd'),
    spare: { ...SPARE, more: { readOnly: true } },
    args: data2,
    says: /cannot be used: read-only/,
  },
  {
    name: 'mounted',
    before: (each) => {
      each.unplug('sdd');
      each.write('proc/mounts', `${each.read('proc/mounts')}/dev/sde /mnt xfs rw 0 0\n`);
    },
    args: [...data2, '--erase'],
    says: /in use: it is mounted at \/mnt/,
  },
  {
    name: 'swap',
    before: (each) => {
      each.unplug('sdd');
      each.write('proc/swaps', 'Filename Type\n/dev/sde partition 1 0 -2\n');
    },
    args: [...data2, '--erase'],
    says: /in use: \/dev\/sde is swap/,
  },
  {
    name: 'in a stray array',
    before: gone('sdd'),
    spare: inUse('md9'),
    args: [...data2, '--erase'],
    says: /sde1 is a member of the array md9.*\n.*mdadm --stop \/dev\/md9/,
  },
  {
    name: 'in a volume group',
    before: gone('sdd'),
    spare: inUse('dm-7'),
    args: [...data2, '--erase'],
    says: /in use by dm-7.*\n.*vgchange/,
  },
  {
    name: 'sectors of 4096',
    before: gone('sdd'),
    spare: { ...SPARE, more: { sector: 4096 } },
    args: data2,
    says: /sde has sectors of 4096 bytes, and data_1 has sectors of 512/,
  },
  {
    name: 'as large as the array needs, and not a sector less',
    before: gone('sdb'),
    spare: { ...SPARE, mib: 16 },
    args: system2,
  },
  {
    name: 'a MiB too small',
    before: gone('sdb'),
    spare: { ...SPARE, mib: 14 },
    args: system2,
    says: /sde is too small: it has 14680064 bytes \(14\.6 MB\), and what system_1 bears needs 15728640: 1 MiB more/,
  },

  // What it bears.
  { name: 'blank', before: gone('sdd'), args: data2 },
  {
    name: 'partitions',
    before: gone('sdd'),
    spare: foreign('something'),
    args: data2,
    says: /sde is not blank: it bears 2 partitions.*\n.*--erase/,
  },
  {
    name: 'partitions, to be erased',
    before: gone('sdd'),
    spare: foreign('something'),
    args: [...data2, '--erase'],
  },
  {
    name: "another cluster's",
    before: gone('sdd'),
    spare: foreign('imgbuild:lab-000001:system1p1'),
    args: data2,
    says: /of another cluster \(imgbuild:lab-000001\)/,
  },
  {
    name: "another host's of this cluster",
    before: gone('sdd'),
    spare: { ...SPARE, more: { partitions: [{ label: 'imgbuild:prod-3f9a1c:data9p1' }] } },
    args: data2,
    says: /of this cluster, perhaps of another of its hosts/,
  },
  {
    name: 'data of an unknown kind',
    before: gone('sdd'),
    spare: { ...SPARE, more: { bytes: { 4096: 'secret' } } },
    args: data2,
    says: /it bears data of an unknown kind/,
  },
  {
    name: 'nothing that can be read',
    before: gone('sdd'),
    spare: { ...SPARE, more: { broken: 'short' } },
    args: [...data2, '--erase'],
    says: /sde cannot be read/,
  },
];

describe('replace judges before it changes anything', () => {
  test.each(cases)('$name', async ({ options, spare = SPARE, before, args, says }) => {
    host = new Host({ disks: [...PAIRS, spare], ...options });
    before?.(host);
    const { code, out, err } = await host.disk('replace', ...args, '--dry-run');
    if (says) {
      expect(err).toMatch(says);
      expect(err).toMatch(/^imgbuild-disk: refused, nothing was changed: .*\.\n {2}\S.*\.$/);
      expect({ code, out }).toEqual({ code: 3, out: '' });
    } else {
      expect({ code, err }).toEqual({ code: 0, err: '' });
      expect(out).toContain('Arrays: ');
    }
    expect(host.calls()).toEqual([]);
  });
});

test('nothing is done that nobody confirmed', async () => {
  host = new Host({ disks: [...PAIRS, SPARE] });
  host.unplug('sdd');
  const { code, err } = await host.disk('replace', ...data2);
  expect(code).toBe(3);
  expect(err).toMatch(/nobody is there to confirm it.*\n.*--yes/);
  expect(host.calls()).toEqual([]);
});

test('one replacement at a time', async () => {
  host = new Host({ disks: [...PAIRS, SPARE] });
  host.program('flock', 'exit 1');
  expect(await host.disk('replace', ...data2, '--yes')).toMatchObject({
    code: 3,
    err: expect.stringContaining('another imgbuild-disk replace is running'),
  });
});

test.each([
  [[]],
  [['destroy']],
  [['status', 'sda']],
  [['status', '--yes']],
  [['replace']],
  [['replace', 'system_2']],
  [['replace', 'system_2', 'sde', 'sdf']],
  [['replace', 'system_2', 'sde', '--force']],
  [['scrub', 'md0']],
])('wrong usage: %j', async (args) => {
  host = new Host();
  const { code, out, err } = await host.disk(...args);
  expect({ code, out }).toEqual({ code: 2, out: '' });
  expect(err).toMatch(/^imgbuild-disk: .*--help/);
});
