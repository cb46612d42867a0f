import { execFileSync, spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { dash, installer, type Shell, shells } from '../run.ts';

let root = '';
let loops: string[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'imgbuild-partition-'));
  loops = [];
});
afterEach(() => {
  for (const loop of loops) spawnSync('losetup', ['-d', loop], { env: { PATH: path } });
  rmSync(root, { recursive: true, force: true });
});

const path = `/usr/sbin:/sbin:${process.env.PATH}`;
const which = (name: string) =>
  spawnSync('sh', ['-c', `command -v ${name}`], { encoding: 'utf8', env: { PATH: path } }).stdout.trim();
const missing = ['parted', 'sfdisk', 'sgdisk'].filter((name) => !which(name));
const title = `on real files${missing.length > 0 ? ` (for want of ${missing.join(', ')})` : ''}`;

const MiB = 1 << 20;
const SIZE = 64 * MiB;
/** One of each type, as a layout would have them; in MiB. */
const wanted: [number, number, string][] = [
  [1, 1, 'biosboot'],
  [2, 8, 'esp'],
  [10, 8, 'raid'],
  [18, 8, 'lvm'],
  [26, 37, 'fs'],
];
const lines = (sector = 512) =>
  wanted.map(([start, size, type], i) => {
    const unit = MiB / sector;
    return `${start * unit} ${size * unit} ${type} imgbuild:prod-5e0a11:system1p${i + 1}`;
  });

/** Runs functions of partition.sh with only the tools that are named. */
function call(script: string, tools: string[], options: { shell?: Shell; input?: string } = {}) {
  const bin = join(root, 'bin');
  rmSync(bin, { recursive: true, force: true });
  mkdirSync(bin);
  for (const tool of ['cat', 'dd', 'wc', 'rm', 'readlink', ...tools]) {
    if (tool === 'sfdisk-2.23') continue;
    symlinkSync(which(tool), join(bin, tool));
  }
  if (tools.includes('sfdisk-2.23')) {
    const old = `#!${which('sh')}\n[ "$1" = --version ] && echo 'sfdisk from util-linux 2.23.2' && exit\nexit 9\n`;
    writeFileSync(join(bin, 'sfdisk'), old, { mode: 0o755 });
  }
  const program = join(root, 'program');
  writeFileSync(program, `set -u\n. '${installer}lib.sh'\n. '${installer}partition.sh'\n${script}\n`);
  const [command = 'sh', ...rest] = (options.shell ?? dash).command;
  const file = command.startsWith('/') ? command : which(command);
  const result = spawnSync(file, [...rest, program], {
    encoding: 'utf8',
    input: options.input ?? '',
    env: { PATH: bin, TMPDIR: root },
  });
  return { code: result.status, stdout: result.stdout, stderr: result.stderr };
}

function image(name = 'disk'): string {
  const file = join(root, name);
  writeFileSync(file, '');
  truncateSync(file, SIZE);
  return file;
}

const sh = (command: string, ...args: string[]) =>
  execFileSync(which(command), args, { encoding: 'utf8', env: { PATH: path, LC_ALL: 'C' } });

const isZero = (bytes: Buffer) => bytes.equals(Buffer.alloc(bytes.length));

interface Row {
  start: number;
  size: number;
  type: string;
  name: string;
}
const rows = (node: string): Row[] =>
  JSON.parse(sh('sfdisk', '-J', node)).partitiontable.partitions.map(({ start, size, type, name }: Row) => ({
    start,
    size,
    type,
    name,
  }));

const GUIDS: Record<string, string> = {
  biosboot: '21686148-6449-6E6F-744E-656564454649',
  esp: 'C12A7328-F81F-11D2-BA4B-00A0C93EC93B',
  raid: 'A19D880F-05FC-4D3B-A006-743F0F84911E',
  lvm: 'E6D6D379-F507-44C2-A23C-238F2A3DF928',
  fs: '0FC63DAF-8483-4772-8E79-3D69D8477DE4',
};
const expected = (sector = 512): Row[] =>
  wanted.map(([start, size, type], i) => ({
    start: (start * MiB) / sector,
    size: (size * MiB) / sector,
    type: GUIDS[type] ?? '',
    name: `imgbuild:prod-5e0a11:system1p${i + 1}`,
  }));

const writers: [string, string[]][] = [
  ['sfdisk', ['sfdisk']],
  ['parted', ['parted']],
  ['parted beside an sfdisk that knows no GPT', ['parted', 'sfdisk-2.23']],
];

describe.skipIf(missing.length > 0 && process.env.CI !== 'true')(title, () => {
  it.each(writers)('with %s', (_, tools) => {
    const disk = image();
    const input = `${lines().join('\n')}\n`;
    const out = call(`write_table '${disk}' 512`, tools, { input });
    expect(out).toMatchObject({ code: 0, stdout: '' });
    expect(rows(disk)).toEqual(expected());
    // Both copies are whole, and nothing else was written.
    expect(sh('sgdisk', '-v', disk)).toMatch(/No problems found/);
    const bytes = readFileSync(disk);
    expect(isZero(bytes.subarray(34 * 512, SIZE - 33 * 512))).toBe(true);
    expect(call(`read_table '${disk}'`, tools).stdout).toBe(input);
  });

  it.each(shells)('$name reads what it wrote, with either tool', (shell) => {
    for (const tool of ['sfdisk', 'parted']) {
      const disk = image(tool);
      const input = `${lines().join('\n')}\n`;
      expect(call(`write_table '${disk}' 512`, [tool], { shell, input })).toMatchObject({ code: 0 });
      for (const other of ['sfdisk', 'parted'])
        expect(call(`read_table '${disk}'`, [other], { shell }).stdout).toBe(input);
    }
  });

  it('a disk without a table has no lines', () => {
    for (const tool of ['sfdisk', 'parted'])
      expect(call(`read_table '${image()}'`, [tool])).toMatchObject({ code: 0, stdout: '' });
  });

  it('no program that can, one that fails, and one that does something else', () => {
    const disk = image();
    const input = `${lines().join('\n')}\n`;
    expect(call(`write_table '${disk}' 512`, ['sfdisk-2.23'], { input })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/no program can write a GPT/),
    });
    const over = `${lines()[0]}\n2048 ${(SIZE / 512) * 2} fs imgbuild:x:data1p2\n`;
    for (const tool of ['sfdisk', 'parted'])
      expect(call(`write_table '${disk}' 512`, [tool], { input: over }).code).toBe(1);
    expect(isZero(readFileSync(disk))).toBe(true);
    // It says that it wrote, and did not.
    const lie = `sfdisk() { case $1 in --version) echo 'sfdisk from util-linux 2.40' ;; esac; }`;
    expect(call(`${lie}\nwrite_table '${disk}' 512`, [], { input })).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/is not the one that was written; there is now:\nnothing/),
    });
  });

  const losetup = (sector: number, file: string) => {
    const args = ['--find', '--show', '--sector-size', `${sector}`, file];
    const { status, stdout } = spawnSync('losetup', args, { encoding: 'utf8', env: { PATH: path } });
    if (status === 0) loops.push(stdout.trim());
    return status === 0 ? stdout.trim() : undefined;
  };

  it.for([
    ['sfdisk', 512],
    ['sfdisk', 4096],
    ['parted', 512],
    ['parted', 4096],
  ] as const)('%s on a device with sectors of %i bytes', ([tool, sector], { skip }) => {
    const loop = losetup(sector, image());
    if (loop === undefined) return skip('it takes root, and a kernel with loop devices');
    const input = `${lines(sector).join('\n')}\n`;
    const out = call(`write_table '${loop}' ${sector}`, [tool], { input });
    expect(out).toMatchObject({ code: 0, stdout: '' });
    expect(rows(loop)).toEqual(expected(sector));
    expect(sh('sgdisk', '-v', loop)).toMatch(/No problems found/);
  });
});

describe('names', () => {
  const label = (...args: (string | number)[]) =>
    call(`partition_label ${args.join(' ')}; printf '%s' "$REPLY"`, []).stdout;

  it('fit into the 36 characters of a GPT name, or are none', () => {
    expect(label('prod-5e0a11', 'system', 2, 3)).toBe('imgbuild:prod-5e0a11:system2p3');
    expect(label('production-frankfurt', 'system', 1, 3)).toBe('imgbuild:production-frankfurt:sys1p3');
    expect(label('production-frankfurt', 'system', 1234, 3)).toBe('');
  });
});
