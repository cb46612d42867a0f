import { readlinkSync, rmSync, symlinkSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { dash, run } from './run.ts';
import { type Bus, build, type Disk, GB, MARK, type Partition } from './topology.ts';

type Content = 'blank' | 'own' | 'foreign' | 'mixed' | 'other' | 'junk' | 'held';

interface Drawn {
  bus: Bus;
  size: number;
  media: 'ssd' | 'hdd';
  content: Content;
  removable: boolean;
  readOnly: boolean;
  bmc: boolean;
  twin: boolean;
}

const own: Partition = { label: `imgbuild:${MARK}:data1p1` };
const foreign: Partition = { label: 'EFI System Partition' };
const partitions: Record<Content, Partition[]> = {
  blank: [],
  junk: [],
  held: [],
  own: [own, own],
  foreign: [foreign],
  mixed: [own, foreign],
  other: [{ label: 'imgbuild:stage:data1p1' }],
};

const rarely = fc.integer({ min: 0, max: 19 }).map((n) => n === 0);
const drawn: fc.Arbitrary<Drawn> = fc.record({
  bus: fc.constantFrom<Bus>(
    'nvme',
    'nvme',
    'sata',
    'sata',
    'sata',
    'sas',
    'virtio',
    'megaraid',
    'usb',
    'iscsi',
    'mmc',
  ),
  size: fc.constantFrom(...Array<number>(12).fill(480), 0, 500, 960, 960).map((n) => n * GB),
  media: fc.constantFrom('ssd', 'hdd'),
  content: fc.constantFrom<Content>(
    ...Array<Content>(12).fill('blank'),
    'own',
    'own',
    'foreign',
    'mixed',
    'other',
    'junk',
    'held',
  ),
  removable: rarely,
  readOnly: rarely,
  bmc: rarely,
  twin: rarely,
});

/** A twin is the disk before it, seen by another path: the same object in both places. */
function withTwins(list: Drawn[]): Drawn[] {
  const seen: Drawn[] = [];
  for (const d of list) seen.push(d.twin ? (seen.at(-1) ?? d) : d);
  return seen;
}

function disksOf(list: Drawn[]): Disk[] {
  return list.map((d, i) => {
    const letter = String.fromCharCode(97 + i);
    const name =
      d.bus === 'nvme'
        ? `nvme${i}n1`
        : d.bus === 'virtio'
          ? `vd${letter}`
          : d.bus === 'mmc'
            ? `mmcblk${i}`
            : `sd${letter}`;
    const id = list.indexOf(d);
    return {
      name,
      bus: d.bus,
      size: d.size,
      media: d.media,
      slot: i + 1,
      model: d.bmc ? 'Virtual Floppy' : 'MODEL',
      serial: `SER${id}`,
      wwn: d.bus === 'virtio' ? null : `5000c500a000000${id}`,
      removable: d.removable,
      readOnly: d.readOnly,
      partitions: d.size ? partitions[d.content] : [],
      holders: d.content === 'held' ? ['md9'] : [],
      bytes: d.content === 'junk' && d.size ? { 4096: 'junk' } : {},
    };
  });
}

interface Group {
  name: string;
  /** 'all': as many as fit it; of two groups, the second leaves the first one disk of those that fit both. */
  count: number | 'all';
  media: 'ssd' | 'hdd' | 'any';
  max: number | undefined;
}
const group = (name: string): fc.Arbitrary<Group> =>
  fc.record({
    name: fc.constant(name),
    count: fc.constantFrom<number | 'all'>('all', 'all', 'all', 1, 2),
    media: fc.constantFrom('ssd', 'hdd', 'any', 'any'),
    max: fc.constantFrom(undefined, undefined, 600 * GB),
  });

const never = (d: Drawn) =>
  d.bus === 'usb' ||
  d.bus === 'iscsi' ||
  d.bus === 'mmc' ||
  d.size === 0 ||
  d.removable ||
  d.readOnly ||
  // virtio tells neither vendor nor model, so it cannot pretend to be a floppy.
  (d.bmc && d.bus !== 'virtio');

const fits = (d: Drawn, g: Group) =>
  !never(d) &&
  (g.media === 'any' || g.media === (d.bus === 'nvme' ? 'ssd' : d.media)) &&
  (g.max === undefined || d.size <= g.max);

function counted(list: Drawn[], groups: readonly Group[]): (Group & { count: number })[] {
  const [first, second] = groups;
  return groups.map((g) => {
    if (g.count !== 'all') return { ...g, count: g.count };
    const mine = list.filter((d) => fits(d, g));
    const both = mine.filter((d) => first && second && fits(d, first) && fits(d, second)).length;
    const count = mine.length - (both === 0 ? 0 : g === first ? both - 1 : 1);
    return { ...g, count: Math.max(1, count) };
  });
}

const mayErase = { blank: ['blank'], owned: ['blank', 'own'], always: Object.keys(partitions) };

it('whatever the machine, what is chosen is allowed, complete and disjoint', {
  timeout: 120_000,
}, async () => {
  let chose = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.array(drawn, { maxLength: 7 }),
      fc.tuple(group('system'), group('data')).chain(([a, b]) => fc.constantFrom([a], [a, b])),
      fc.constantFrom<'blank' | 'owned' | 'always'>('blank', 'owned', 'owned', 'always'),
      async (drawnList, drawnGroups, wipe) => {
        const list = withTwins(drawnList);
        const groups = counted(list, drawnGroups);
        const disks = disksOf(list);
        const stacks = [{ name: 'md9', slaves: [], md: {} }];
        const tree = build({ disks, stacks });
        const args = [...tree.args, '--mark', MARK, '--wipe', wipe];
        for (const g of groups) {
          args.push('--group', g.name, '--count', `${g.count}`, '--media', g.media);
          if (g.max !== undefined) args.push('--max', `${g.max}`);
        }
        try {
          const out = await run(dash, 'select-disks', args);
          if (out.code !== 0) {
            expect(out).toMatchObject({ code: 3, stdout: '' });
            // A refusal is never about a machine where each group fits exactly its own blank disks.
            const clear = groups.every((g) => {
              const mine = list.filter((d) => fits(d, g));
              return (
                mine.length === g.count &&
                mine.every((d) => d.content === 'blank' && d.size === mine[0]?.size) &&
                mine.every((d) => groups.every((other) => other === g || !fits(d, other)))
              );
            });
            const twins = new Set(list).size < list.length;
            expect(clear && !twins, out.stderr).toBe(false);
            return;
          }
          chose += 1;
          const taken = new Set<number>();
          for (const g of groups) {
            const names = [...out.stdout.matchAll(new RegExp(`^${g.name}_\\d+_kname='(\\w+)'$`, 'gm'))].map(
              (m) => m[1],
            );
            const links = [...out.stdout.matchAll(new RegExp(`^${g.name}_\\d+='(.*)'$`, 'gm'))].map(
              (m) => m[1] ?? '',
            );
            expect(links.map((l) => basename(readlinkSync(join(tree.dev, l))))).toEqual(names);
            expect(names).toHaveLength(g.count);
            const members = names.map((n) => disks.findIndex((d) => d.name === n));
            for (const index of members) {
              const d = list[index];
              expect(d && fits(d, g), out.stdout).toBe(true);
              expect(mayErase[wipe]).toContain(d?.content);
              expect(taken).not.toContain(index);
              taken.add(index);
            }
            const sizes = members.map((i) => list[i]?.size ?? 0);
            expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(Math.max(...sizes) * 0.05);
          }
          const serials = [...taken].map((i) => disks[i]?.serial);
          expect(new Set(serials).size).toBe(serials.length);

          // What may never be chosen does not change the choice either, whatever it is called.
          const more = build({
            disks: [
              ...disks,
              { name: 'sdz', bus: 'usb', size: 480 * GB, media: 'ssd', slot: 9, serial: 'USB' },
            ],
            stacks,
          });
          const again = await run(
            dash,
            'select-disks',
            args.map((a) => a.replace(tree.root, more.root)),
          );
          more.remove();
          expect(again.stdout).toBe(out.stdout);
        } finally {
          tree.remove();
        }
      },
    ),
    { numRuns: Number(process.env.IMGBUILD_RUNS ?? 60) },
  );
  // Or else this proves nothing.
  expect(chose).toBeGreaterThan(0);
});

it('by-id links that lead elsewhere are not used', async () => {
  const tree = build({
    disks: [0, 1].map((n) => ({
      name: `vd${'ab'[n]}`,
      bus: 'virtio',
      size: 40 * GB,
      serial: `d${n}`,
      slot: n,
    })),
  });
  const link = join(tree.dev, 'disk/by-id/virtio-d0');
  const other = join(dirname(tree.dev), 'elsewhere/vda');
  rmSync(link);
  symlinkSync(other, link);
  const out = await run(dash, 'select-disks', [...tree.args, '--mark', MARK, '--group', 'system']);
  tree.remove();
  expect(out.stdout).toContain("system_1='disk/by-path/pci-0000:00:01.0'");
});
