import { execFileSync } from 'node:child_process';
import {
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { dash, type Outcome, run, type Shell, shells } from './run.ts';
import { build, MARK, type Tree } from './topology.ts';

let tree: Tree | undefined;
afterEach(() => tree?.remove());

const which = (name: string) => {
  try {
    return execFileSync('sh', ['-c', `PATH=/usr/sbin:/sbin:$PATH command -v ${name}`], {
      encoding: 'utf8',
    }).trim();
  } catch {
    return '';
  }
};
const missing = ['parted', 'sfdisk', 'sgdisk'].filter((name) => !which(name));
const writers = ['parted', 'sfdisk'];
const title = `on real partition tables${missing.length > 0 ? ` (for want of ${missing.join(', ')})` : ''}`;

const sh = (command: string, ...args: string[]) => execFileSync(which(command), args, { encoding: 'utf8' });

/** Two disks with real partition tables, and only the tools that are named. */
function disks(tools: string[], table = 'gpt') {
  const disk = (name: string, slot: number) => ({
    name,
    bus: 'sata' as const,
    size: 64 << 20,
    serial: `S${slot}`,
    slot,
    partitions: [{}, {}, {}],
  });
  tree = build({ disks: [disk('sda', 0), disk('sdb', 1)] });
  for (const name of ['sda', 'sdb']) {
    const path = join(tree.dev, name);
    truncateSync(path, 0);
    truncateSync(path, 64 << 20);
    const names = table === 'gpt' ? ['BIOS', 'root', 'rest'] : ['primary', 'primary', 'primary'];
    sh(
      'parted',
      '-s',
      path,
      'mklabel',
      table,
      'mkpart',
      names[0] ?? '',
      '1MiB',
      '2MiB',
      'mkpart',
      names[1] ?? '',
      '2MiB',
      '20MiB',
      'mkpart',
      names[2] ?? '',
      '20MiB',
      '60MiB',
    );
  }
  const bin = join(tree.root, 'tools');
  mkdirSync(bin);
  for (const tool of ['dd', 'tr', 'readlink', ...tools]) symlinkSync(which(tool), join(bin, tool));
  return { bin, sda: join(tree.dev, 'sda'), sdb: join(tree.dev, 'sdb') };
}

const mark = (bin: string, args: string[], shell: Shell = dash): Promise<Outcome> => {
  const [first = 'sh', ...rest] = shell.command;
  const command = [first.startsWith('/') ? first : which(first), ...rest];
  return run({ ...shell, command, path: bin }, 'mark-disks', [
    '--sys',
    tree?.sys ?? '',
    '--dev',
    tree?.dev ?? '',
    ...args,
  ]);
};

const table = (path: string) =>
  sh('parted', '-m', '-s', path, 'unit', 's', 'print')
    .trim()
    .split('\n')
    .slice(2)
    .map((line) =>
      line
        .replaceAll('\\:', '\0')
        .split(':')
        .map((f) => f.replaceAll('\0', ':')),
    );
const labels = (path: string) => table(path).map((fields) => fields[5]);
const places = (path: string) => table(path).map((fields) => fields.slice(0, 4).join(' '));

const both = ['--mark', MARK, 'system_1=disk/by-id/ata-DISK_S0', 'data_12=sdb'];
const named = (group: string) => [1, 2, 3].map((n) => `imgbuild:${MARK}:${group}p${n}`);

describe.skipIf(missing.length > 0 && process.env.CI !== 'true')(title, () => {
  it.each(writers)('with %s alone', async (tool) => {
    const { bin, sda, sdb } = disks([tool]);
    const before = [places(sda), places(sdb)];
    const out = await mark(bin, both);
    expect(out.code).toBe(0);
    expect(labels(sda)).toEqual(named('system1'));
    expect(labels(sdb)).toEqual(named('data12'));
    expect([places(sda), places(sdb)]).toEqual(before);
    expect(out.stdout.split('\n')[0]).toBe(`sda:1 imgbuild:${MARK}:system1p1`);
    // Both tables of the disk are whole.
    expect(sh('sgdisk', '-v', sda)).toMatch(/No problems found/);
  });

  it.each(shells)('again, under $name: nothing is written', async (shell) => {
    const { bin, sda } = disks(['parted']);
    expect(await mark(bin, both)).toMatchObject({ code: 0 });
    const before = readFileSync(sda);
    const tools = join(tree?.root ?? '', 'none');
    mkdirSync(tools);
    for (const tool of ['dd', 'tr', 'readlink']) symlinkSync(which(tool), join(tools, tool));
    expect(await mark(tools, both, shell)).toMatchObject({ code: 0 });
    expect(readFileSync(sda).equals(before)).toBe(true);
  });

  it('a rehearsal writes nothing', async () => {
    const { bin, sda } = disks(writers);
    const out = await mark(bin, ['--dry-run', ...both]);
    expect(out.stdout.split('\n')).toHaveLength(6);
    expect(labels(sda)).toEqual(['BIOS', 'root', 'rest']);
  });

  it('a long mark leaves room for a part of the group', async () => {
    const { bin, sda } = disks(writers);
    const long = 'production-frankfurt';
    expect(await mark(bin, ['--mark', long, 'system_1=sda'])).toMatchObject({ code: 0 });
    expect(labels(sda)).toEqual([1, 2, 3].map((n) => `imgbuild:${long}:sys1p${n}`));
    expect(labels(sda).every((l) => (l ?? '').length <= 36)).toBe(true);
  });

  it('no room at all', async () => {
    const { bin, sda } = disks(writers);
    const out = await mark(bin, ['--mark', 'production-frankfurt', 'system_1234=sda']);
    expect(out.code).toBe(3);
    expect(labels(sda)).toEqual(['BIOS', 'root', 'rest']);
  });

  it('no tool, a tool that fails, and a tool that lies', async () => {
    const { bin, sda } = disks([]);
    expect(await mark(bin, both)).toMatchObject({ code: 4 });
    for (const code of [0, 1]) {
      rmSync(join(bin, 'parted'), { force: true });
      writeFileSync(join(bin, 'parted'), `#!${which('sh')}\nexit ${code}\n`, { mode: 0o755 });
      const out = await mark(bin, both);
      expect(out.code).toBe(4);
      expect(out.stderr).toMatch(/partition 1 of sda could not be named/);
    }
    expect(labels(sda)).toEqual(['BIOS', 'root', 'rest']);
  });

  it('falls back from a tool that cannot', async () => {
    const { bin, sda } = disks(['sfdisk']);
    writeFileSync(join(bin, 'parted'), `#!${which('sh')}\nexit 1\n`, { mode: 0o755 });
    expect(await mark(bin, both)).toMatchObject({ code: 0 });
    expect(labels(sda)).toEqual(named('system1'));
  });

  it('MBR tables bear no names, and no disk is written where one cannot be', async () => {
    const { bin, sda, sdb } = disks(writers);
    copyFileSync(sdb, `${sdb}.gpt`);
    sh('parted', '-s', sdb, 'mklabel', 'msdos');
    const out = await mark(bin, both);
    expect(out.code).toBe(3);
    expect(out.stderr).toMatch(/sdb has no GPT; nothing was written/);
    expect(labels(sda)).toEqual(['BIOS', 'root', 'rest']);
  });
});

const usages: string[][] = [
  [],
  ['--mark', MARK],
  ['system_1=sda'],
  ['--mark', 'A', 'system_1=sda'],
  ['--mark', MARK, 'sda'],
  ['--mark', MARK, 'system=sda'],
  ['--mark', MARK, 'system_x=sda'],
  ['--mark', MARK, 'sys tem_1=sda'],
  ['--wat', 'x'],
];
it.each(usages.map((args) => ({ args })))('wrong usage: $args', async ({ args }) => {
  expect(await run(dash, 'mark-disks', args)).toMatchObject({ code: 2, stdout: '' });
});

it.each(['sdz', 'sda1', '../sda', 'disk/by-id/none'])('%s is no disk', async (name) => {
  tree = build({ disks: [{ name: 'sda', bus: 'sata', size: 64 << 20, partitions: [{}] }] });
  const out = await run(dash, 'mark-disks', [
    '--sys',
    tree.sys,
    '--dev',
    tree.dev,
    '--mark',
    MARK,
    `system_1=${name}`,
  ]);
  expect(out).toMatchObject({ code: 3, stdout: '' });
});
