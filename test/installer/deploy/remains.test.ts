/** What is on a disk when the power goes while its table is written or erased, and that the next install takes it. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { dash, run, type Shell, shells } from '../run.ts';
import { build, MARK, type Tree } from '../topology.ts';
import { MiB, sfdisk } from './machine.ts';

let tree: Tree | undefined;
afterEach(() => tree?.remove());

const SIZE = 64 * MiB;

/** A disk whose partitions the kernel does not see, as after a start with half a table. */
function disk(sector: 512 | 4096 = 512, mark = MARK) {
  tree = build({ disks: [{ name: 'sda', bus: 'sata', size: SIZE, serial: 'S0', sector }] });
  const file = join(tree.dev, 'sda');
  const input = `label: gpt\n${[1, 2, 3].map((n) => `start=${n * 4096}, size=4096, name="imgbuild:${mark}:system1p${n}"\n`).join('')}`;
  execFileSync(sfdisk, ['-q', file], { input });
  if (sector === 512) return file;
  // The same entries where they are on a disk with larger sectors.
  const bytes = readFileSync(file);
  const moved = Buffer.alloc(SIZE);
  bytes.copy(moved, 0, 0, 512);
  bytes.copy(moved, sector, 512, 1024);
  bytes.copy(moved, 2 * sector, 1024, 1024 + 16384);
  bytes.copy(moved, SIZE - sector - 16384, 1024, 1024 + 16384);
  bytes.copy(moved, SIZE - sector, SIZE - 512, SIZE);
  writeFileSync(file, moved);
  return file;
}

function write(file: string, at: number, bytes: string | Buffer) {
  const fd = openSync(file, 'r+');
  const buffer = Buffer.from(bytes as string);
  writeSync(fd, buffer, 0, buffer.length, at < 0 ? SIZE + at : at);
  closeSync(fd);
}
const wipe = (file: string, at: number, length: number) => write(file, at, Buffer.alloc(length));

const choose = async (shell: Shell = dash, how = 'owned') =>
  await run(shell, 'select-disks', [
    ...(tree?.args ?? []),
    '--mark',
    MARK,
    '--wipe',
    how,
    '--group',
    'system',
    '--count',
    '1',
  ]);

const states: [string, (file: string) => void][] = [
  ['whole, and the kernel has not read it', () => {}],
  ['the copy alone: sfdisk writes it first, clean-disks leaves it to the last', (file) => wipe(file, 0, MiB)],
  ['the first one alone', (file) => wipe(file, -MiB, MiB)],
  ['without its header', (file) => wipe(file, 512, 512)],
  ['without the protective MBR', (file) => wipe(file, 0, 512)],
  [
    'without what wipefs takes off',
    (file) => {
      wipe(file, 512, 8);
      wipe(file, -512, 8);
      wipe(file, 510, 2);
    },
  ],
  ['with GRUB in its first sector', (file) => write(file, 0, 'GRUB')],
];

describe.skipIf(!sfdisk && process.env.CI !== 'true')('what is left of our table', () => {
  it.each(states)('%s', async (_, spoil) => {
    spoil(disk());
    expect(await choose()).toMatchObject({ code: 0, stdout: expect.stringMatching(/system_1_kname='sda'/) });
    // To whom nothing may be erased, it is not blank.
    expect(await choose(dash, 'blank')).toMatchObject({ code: 3 });
  });

  it.each(shells)('under $name, with sectors of 4096 bytes', async (shell) => {
    const file = disk(4096);
    expect(await choose(shell)).toMatchObject({ code: 0 });
    wipe(file, 0, MiB);
    expect(await choose(shell)).toMatchObject({ code: 0 });
    wipe(file, -MiB, MiB);
    write(file, 4096 * 3, 'x');
    expect(await choose(shell)).toMatchObject({ code: 3 });
  });

  const foreign: [string, (file: string) => void][] = [
    [
      'one entry is not ours',
      (file) => write(file, 1024 + 128 + 56, Buffer.from('root'.padEnd(36, '\0'), 'utf16le')),
    ],
    [
      'an entry of the copy is not ours',
      (file) => write(file, -33 * 512 + 56, Buffer.from('root'.padEnd(36, '\0'), 'utf16le')),
    ],
    ['something lies behind the entries', (file) => write(file, 1024 + 5 * 128, 'x')],
    ['something lies behind the table', (file) => write(file, 40 * 512, 'x')],
    ['something lies before the copy', (file) => write(file, -MiB, 'x')],
    [
      'there are no entries at all',
      (file) => {
        wipe(file, 1024, 16384);
        wipe(file, -33 * 512, 16384);
      },
    ],
    ['there is a file system as well', (file) => write(file, 64 * 1024 + 64, '_BHRfS_M')],
  ];
  it.each(foreign)('is not ours when %s', async (_, spoil) => {
    spoil(disk());
    const out = await choose();
    expect(out.code).toBe(3);
    expect(out.stderr).toMatch(/a chosen disk may not be erased/);
  });

  it("is not ours when it is another cluster's", async () => {
    disk(512, 'other-000000');
    expect(await choose()).toMatchObject({ code: 3 });
  });
});
