/** What lies on the disks of a fabricated host: partitions and arrays of each group, and real partition tables. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, statSync, writeSync } from 'node:fs';
import { locate } from '../../rigs/programs.ts';

export type Firmware = 'bios' | 'uefi';

/** What lies on each disk of a group: MiB, and how the layout and the GPT call it. */
export const PARTS = {
  uefi: [
    { mib: 4, use: 'esp', name: 'efi', metadata: '1.0' },
    { mib: 4, use: 'raid', name: 'boot', metadata: '1.2' },
    { mib: 16, use: 'raid', name: 'root', metadata: '1.2' },
  ],
  bios: [
    { mib: 1, use: 'biosboot', name: '-', metadata: '' },
    { mib: 4, use: 'raid', name: 'boot', metadata: '1.2' },
    { mib: 16, use: 'raid', name: 'root', metadata: '1.2' },
  ],
  data: [{ mib: 16, use: 'raid', name: 'data', metadata: '1.2' }],
} as const;
export const TYPES = {
  biosboot: '21686148-6449-6E6F-744E-656564454649',
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  raid: 'A19D880F-05FC-4D3B-A006-743F0F84911E',
} as const;

export const groupOf = (slot: string) => slot.replace(/_\d+$/, '');

export function arraysOf(
  slots: string[],
  partsOf: (slot: string) => readonly { use: string; name: string; metadata: string }[],
  data: 'raid1' | 'raid10',
): { name: string; level: string; metadata: string; members: { slot: string; number: number }[] }[] {
  return ['system', 'data'].flatMap((group) => {
    const own = slots.filter((slot) => groupOf(slot) === group);
    if (own.length < 2) return [];
    return partsOf(own[0] ?? '').flatMap(({ use, name, metadata }, index) =>
      use === 'biosboot'
        ? []
        : [
            {
              name,
              level: group === 'data' ? data : 'raid1',
              metadata,
              members: own.map((slot) => ({ slot, number: index + 1 })),
            },
          ],
    );
  });
}

const HEAD = 34 * 512;
const tables = new Map<string, { head: Buffer; tail: Buffer }>();

/** A partition table, as sfdisk made it the first time it was asked for. */
export function writeTable(disk: string, text: string): void {
  const { size } = statSync(disk);
  const key = `${size}\n${text}`;
  let table = tables.get(key);
  if (!table) {
    execFileSync(locate('sfdisk'), ['-q', disk], { input: `label: gpt\n${text}\n` });
    const all = readFileSync(disk);
    table = { head: all.subarray(0, HEAD), tail: all.subarray(-HEAD) };
    tables.set(key, table);
  }
  const fd = openSync(disk, 'r+');
  writeSync(fd, table.head, 0, HEAD, 0);
  writeSync(fd, table.tail, 0, HEAD, size - HEAD);
  closeSync(fd);
}
