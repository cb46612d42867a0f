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
/** The releases differ in what comes first on a disk, and in which names they allow. */
const BLIVETS = [
  { releases: 'el8 and el9', program: 'blivet-3.6.1', handler: 'RHEL9' },
  { releases: 'el10', program: 'blivet-3.13.2', handler: 'RHEL10' },
] as const;

/** A disk of each slot, in bytes. Real ones are no whole number of MiB. */
const DISKS: Record<string, (slot: string) => number> = {
  'disks alike': () => 480_103_981_056,
  'disks of whole MiB': () => 500_000 * MIB,
  // The smallest is neither group's first.
  'disks that differ by 2%': (slot) => (slot.endsWith('2') ? 470_501_901_312 : 480_103_981_056),
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
}

const sizesOf = (layout: DiskLayout, disks: string) =>
  Object.fromEntries(layout.slots.map((slot) => [slot, DISKS[disks]?.(slot) ?? 0]));

/** What select-disks says of a group: the MiB of its smallest disk. */
function smallest(slot: string, sizes: Record<string, number>): number {
  const group = Object.entries(sizes).filter(([other]) => other.split('_')[0] === slot.split('_')[0]);
  return Math.floor(Math.min(...group.map(([, size]) => size)) / MIB);
}

/** The kickstart's lines with the disks in them: %pre has the shell do that. */
const filledIn = (text: string, sizes: Record<string, number>) =>
  text
    .replace(/\$\(\((\w+)_size - (\d+)\)\)/g, (_, group, less) => String(smallest(group, sizes) - Number(less)))
    .replace(/\$(\w+)/g, '$1');

/** The layout file, laid out as installer/deploy does: from the first MiB, one after the other. */
function madeByDeployment(layout: DiskLayout, sizes: Record<string, number>): Made {
  const made: Made = { partitions: [], arrays: [], volumes: [] };
  const next = new Map<string, number>();
  for (const line of fileOf(layout).trim().split('\n')) {
    const [word, ...words] = line.split(' ');
    const [a = '', b = '', c = '', d = ''] = words;
    if (word === 'part') {
      const size = d.startsWith('-') ? smallest(a, sizes) + Number(d) : Number(d);
      const start = next.get(a) ?? 1;
      made.partitions.push({ disk: a, number: Number(b), start, size });
      next.set(a, start + size);
    }
    if (word === 'array') made.arrays.push({ name: a, level: b, members: words.slice(3) });
    if (word === 'lv') made.volumes.push({ group: a, name: b, size: Number(c) });
  }
  return made;
}

const byPlace = (x: Partition, y: Partition) => x.disk.localeCompare(y.disk) || x.number - y.number;
const byName = (x: { name: string }, y: { name: string }) => x.name.localeCompare(y.name);

describeWith(BLIVETS.map(({ program }) => program), 'Anaconda lays disks as the layout file says', () => {
  const answers = new Map<string, Made>();
  const all = cases.flatMap(([shape, firmware]) =>
    Object.keys(DISKS).map((disks) => [shape, firmware, disks] as const),
  );

  beforeAll(async () => {
    for (const { releases, program, handler } of BLIVETS) {
      const input = all.map(([shape, firmware, disks]) => {
        const layout = layoutOf(shape, firmware);
        const sizes = sizesOf(layout, disks);
        return { handler, firmware, disks: sizes, kickstart: filledIn(kickstartOf(layout), sizes) };
      });
      const script = join(import.meta.dirname, '../rigs/blivet-layout.py');
      const result = await run(program, [script], { input: JSON.stringify(input) });
      if (result.exitCode !== 0) throw new Error(result.lines.join('\n'));
      const made = JSON.parse(result.stdout) as Made[];
      for (const [index, key] of all.entries()) answers.set([releases, ...key].join(), made[index] as Made);
    }
  });

  it.each(BLIVETS.flatMap(({ releases }) => all.map((key) => [releases, ...key] as const)))(
    '%s: %s, %s, %s',
    (releases, shape, firmware, disks) => {
      const layout = layoutOf(shape, firmware);
      const expected = madeByDeployment(layout, sizesOf(layout, disks));
      const made = answers.get([releases, shape, firmware, disks].join());
      expect(made).not.toHaveProperty('error');
      if (!made) return;
      expect(made.partitions.sort(byPlace)).toEqual(expected.partitions.sort(byPlace));
      expect(made.arrays.sort(byName)).toEqual(expected.arrays.sort(byName));
    },
  );
});
