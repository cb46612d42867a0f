import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { DiskLayout } from '../../src/plan/types.ts';
import { describeWith, run } from '../rigs/programs.ts';
import { cases, fileOf, kickstartOf, layoutOf } from './layout-shapes.ts';

/**
 * Anaconda's library, told what a kickstart says, makes what the layout file says: the same numbers, places and
 * sizes. The host's programs read the file, whoever laid the disks.
 */

const MIB = 2 ** 20;
/** The oldest and the newest that are to be had; what lies between, and el7's, lays these disks no other way. */
const BLIVETS = [
  { releases: 'el8 and el9', program: 'blivet-3.6.1', handler: 'RHEL9' },
  { releases: 'el10', program: 'blivet-3.13.2', handler: 'RHEL10' },
] as const;

/** Disks: the size of each slot's, in bytes, and of its sectors. */
const DISKS: Record<string, { size: (slot: string) => number; sector: number }> = {
  // Of whole MiB: nothing is left over.
  'disks alike': { size: () => 457_862 * MIB, sector: 512 },
  // The smallest is neither group's first.
  'disks that differ by 2%': {
    size: (slot) => (slot.endsWith('2') ? 470_501_901_312 : 480_103_981_056),
    sector: 4096,
  },
};

interface Partition {
  disk: string;
  number: number;
  start: number;
  size: number;
}
interface Made {
  partitions: Partition[];
  arrays: { name: string; level: string; members: string[] }[];
  volumes: { group: string; name: string; size: number }[];
  filesystems: { device: string; type: string; label: string; mount: string; options: string }[];
}

/** Whatever a kickstart says: an ESP that is no array. */
const ESP_OPTIONS = 'defaults,uid=0,gid=0,umask=077,shortname=winnt';

const sizesOf = (layout: DiskLayout, disks: string) =>
  Object.fromEntries(layout.slots.map((slot) => [slot, DISKS[disks]?.size(slot) ?? 0]));

/** What select-disks says of a group: the MiB of its smallest disk. */
function smallest(slot: string, sizes: Record<string, number>): number {
  const group = Object.entries(sizes).filter(([other]) => other.split('_')[0] === slot.split('_')[0]);
  return Math.floor(Math.min(...group.map(([, size]) => size)) / MIB);
}

/** The kickstart's lines with the disks in them: %pre has the shell do that. */
const filledIn = (text: string, sizes: Record<string, number>) =>
  text
    .replace(/\$\(\((\w+)_size - (\d+)\)\)/g, (_, group, less) =>
      String(smallest(group, sizes) - Number(less)),
    )
    .replace(/\$(\w+)/g, '$1');

/** The layout file, laid out as installer/deploy does: from the first MiB, one after the other. */
function madeByDeployment(layout: DiskLayout, sizes: Record<string, number>): Made {
  const made: Made = { partitions: [], arrays: [], volumes: [], filesystems: [] };
  const next = new Map<string, number>();
  for (const line of fileOf(layout).trim().split('\n')) {
    const [word, ...words] = line.split(' ');
    const [a = '', b = '', c = '', d = '', e = ''] = words;
    if (word === 'part') {
      const size = d.startsWith('-') ? smallest(a, sizes) + Number(d) : Number(d);
      const start = next.get(a) ?? 1;
      made.partitions.push({ disk: a, number: Number(b), start, size });
      next.set(a, start + size);
    }
    if (word === 'array') made.arrays.push({ name: a, level: b, members: words.slice(3) });
    if (word === 'lv' && c !== '-') made.volumes.push({ group: a, name: b, size: Number(c) });
    if (word === 'fs') {
      const [type, options] = b === 'vfat' ? ['efi', a.startsWith('part:') ? ESP_OPTIONS : e] : [b, e];
      made.filesystems.push({ device: a, type, label: c, mount: d, options });
    }
  }
  return made;
}

/** One order for both; extents are LVM's, and what has the rest has what it leaves. */
function sorted({ partitions, arrays, volumes, filesystems }: Made, fixed: Made['volumes'] = volumes): Made {
  const by =
    <T>(key: (item: T) => string) =>
    (x: T, y: T) =>
      key(x).localeCompare(key(y));
  return {
    partitions: partitions.sort(by((part) => `${part.disk} ${String(part.number).padStart(3)}`)),
    arrays: arrays.sort(by(({ name }) => name)),
    volumes: volumes
      .filter((volume) => fixed.some(({ group, name }) => group === volume.group && name === volume.name))
      .sort(by(({ group, name }) => `${group} ${name}`)),
    filesystems: filesystems.sort(by(({ mount }) => mount)),
  };
}

interface Case {
  shape: string;
  firmware: 'bios' | 'uefi';
  disks: string;
}
const all: Case[] = cases.flatMap(([shape, firmware]) =>
  Object.keys(DISKS).map((disks) => ({ shape, firmware, disks })),
);

const few = all.filter(
  ({ shape, disks }) => disks === 'disks alike' && /^(volumes|LVM on one disk)/.test(shape),
);
/** What parted aligns to where a controller has stripes of three times 512 KiB, in MiB. */
const STRIPE = 1.5;

const isLast = ({ partitions }: DiskLayout, disk: string, number: number) =>
  !partitions.some(({ slot, number: other }) => slot === disk && other > number);

/** What one blivet makes of cases; an error is a case's own. */
async function madeByAnaconda(
  { program, handler }: (typeof BLIVETS)[number],
  list: readonly Case[],
  grain?: number,
): Promise<(Made | { error: string })[]> {
  const input = list.map(({ shape, firmware, disks }) => {
    const layout = layoutOf(shape, firmware);
    const sizes = sizesOf(layout, disks);
    const kickstart = filledIn(kickstartOf(layout), sizes);
    return { handler, firmware, disks: sizes, sector: DISKS[disks]?.sector, grain, kickstart };
  });
  const script = join(import.meta.dirname, '../rigs/blivet-layout.py');
  const { exitCode, stdout, lines } = await run(program, [script], { input: JSON.stringify(input) });
  if (exitCode !== 0) throw new Error(lines.join('\n'));
  return JSON.parse(stdout);
}

for (const blivet of BLIVETS)
  describeWith([blivet.program], `Anaconda of ${blivet.releases}`, () => {
    let answers: (Made | { error: string })[] = [];
    let striped: (Made | { error: string })[] = [];
    beforeAll(async () => {
      answers = await madeByAnaconda(blivet, all);
      striped = await madeByAnaconda(blivet, few, STRIPE * MIB);
    });

    it.each(all.map((each, index) => [each.shape, each.firmware, each.disks, index] as const))(
      '%s, %s, %s: makes what the layout file says',
      (shape, firmware, disks, index) => {
        const layout = layoutOf(shape, firmware);
        const expected = madeByDeployment(layout, sizesOf(layout, disks));
        const made = answers[index];
        if (!made || 'error' in made) throw new Error(made?.error);
        expect(sorted(made, expected.volumes)).toEqual(sorted(expected));
      },
    );

    // A RAID controller may show its stripes. Each partition begins and ends on one then, so that it differs by less
    // than a stripe, either way; what grows has what the others leave.
    it.each(few.map((each, index) => [each.shape, each.firmware, index] as const))(
      '%s, %s, disks of stripes: keeps the order, and sizes but for a stripe each',
      (shape, firmware, index) => {
        const layout = layoutOf(shape, firmware);
        const made = striped[index];
        if (!made || 'error' in made) throw new Error(made?.error);
        const expected = sorted(madeByDeployment(layout, sizesOf(layout, 'disks alike')));
        const { partitions, arrays, filesystems } = sorted(made, expected.volumes);
        expect({ arrays, filesystems }).toEqual({
          arrays: expected.arrays,
          filesystems: expected.filesystems,
        });
        expect(partitions.length).toBe(expected.partitions.length);
        for (const [place, { disk, number, start, size }] of partitions.entries()) {
          const said = expected.partitions[place];
          expect([disk, number]).toEqual([said?.disk, said?.number]);
          expect(Math.abs(start - (said?.start ?? 0))).toBeLessThan(number * STRIPE);
          expect(Math.abs(size - (said?.size ?? 0))).toBeLessThan(
            isLast(layout, disk, number) ? (number + 1) * STRIPE : STRIPE,
          );
        }
      },
    );
  });
