import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, expect, it } from 'vitest';
import { dash, installer, type Shell, shells } from '../run.ts';
import { layouts, MARK } from './layouts.ts';

let root = '';
afterEach(() => rmSync(root, { recursive: true, force: true }));

const chosen = ['system_1', 'system_2', 'data_1', 'data_2'].map(
  (slot, i) => `${slot}='disk/by-id/ata-DISK_S${i}'`,
);
const args = ['--mark', MARK, '--group', 'system', '--group', 'data'];

interface Options {
  /** The exit code of a program. */
  codes?: Record<string, number>;
  fill?: string;
  layout?: string;
  args?: string[];
  shell?: Shell;
  uefi?: boolean;
}

/** deploy among stubs of what it calls. */
async function deploy({
  codes = {},
  fill = 'echo "filled $TARGET"',
  layout = layouts.uefi,
  shell = dash,
  ...more
}: Options = {}) {
  root = mkdtempSync(join(tmpdir(), 'imgbuild-deploy-'));
  const bin = join(root, 'installer/deploy');
  mkdirSync(bin, { recursive: true });
  for (const name of ['deploy/deploy', 'deploy/common.sh', 'deploy/layout.sh', 'lib.sh'])
    cpSync(join(installer, name), join(root, 'installer', name));
  const log = join(root, 'log');
  const stub = (name: string, body = '') => {
    const file = join(root, 'installer', name);
    writeFileSync(
      file,
      `#!/bin/sh\nprintf '%s\\n' "${name} $*" >>'${log}'\n${body}\nexit ${codes[name] ?? 0}\n`,
    );
    chmodSync(file, 0o755);
  };
  stub('select-disks', `printf '%s\\n' ${chosen.map((line) => `"${line}"`).join(' ')}`);
  stub('clean-disks');
  for (const name of ['lay-disks', 'mount-disks', 'unmount-disks', 'write-tables', 'install-boot'])
    stub(`deploy/${name}`);
  if (more.uefi ?? true) mkdirSync(join(root, 'sys/firmware/efi'), { recursive: true });
  writeFileSync(join(root, 'layout'), layout ?? '');
  const [command = 'sh', ...rest] = shell.command;
  const own = [
    '--sys',
    `${root}/sys`,
    '--disks',
    `${root}/run/disks`,
    '--layout',
    `${root}/layout`,
    '--target',
    `${root}/t`,
  ];
  const out = await execa(
    command,
    [...rest, join(bin, 'deploy'), ...own, '--fill', fill, '--', ...(more.args ?? args)],
    { reject: false, extendEnv: false, env: { PATH: shell.path } },
  );
  const text = existsSync(log) ? readFileSync(log, 'utf8').replaceAll(root, '').trim().split('\n') : [];
  return {
    code: out.exitCode,
    stdout: out.stdout.replaceAll(root, ''),
    stderr: out.stderr.replaceAll(root, ''),
    calls: text,
  };
}

const calls = [
  'deploy/unmount-disks --layout /layout --target /t',
  `select-disks ${args.join(' ')}`,
  `clean-disks ${[0, 1, 2, 3].map((i) => `disk/by-id/ata-DISK_S${i}`).join(' ')}`,
  'deploy/lay-disks --layout /layout --disks /run/disks',
  'deploy/mount-disks --layout /layout --disks /run/disks --target /t',
  'deploy/write-tables --layout /layout --disks /run/disks --target /t',
  'deploy/install-boot --layout /layout --disks /run/disks --target /t',
  'deploy/unmount-disks --layout /layout --target /t',
];
const steps = [
  'take off what an earlier run left mounted',
  'choose the disks',
  'erase them',
  'partitions, arrays, file systems',
  'mount',
  'fill',
  'filled /t',
  'tables',
  'initramfs and boot loader',
  'unmount',
  'done',
].map((step) => (step.startsWith('filled') ? step : `deploy: ${step}`));

it.each(shells)('all of it, under $name', async (shell) => {
  const out = await deploy({ shell });
  expect(out).toMatchObject({ code: 0, stderr: '', calls });
  expect(out.stdout.split('\n')).toEqual(steps);
  expect(readFileSync(join(root, 'run/disks'), 'utf8')).toBe(`${chosen.join('\n')}\n`);
});

it.each([
  ['select-disks', 3, 3, 2],
  ['select-disks', 2, 2, 2],
  ['select-disks', 127, 3, 2],
  ['clean-disks', 3, 3, 3],
])('%s ends with %i: nothing was changed', async (program, code, want, called) => {
  const out = await deploy({ codes: { [program]: code } });
  expect(out.code).toBe(want);
  expect(out.stderr).toMatch(/^deploy: refused at the step '.*'; no disk was changed$/);
  expect(out.calls).toEqual(calls.slice(0, called));
});

it.each([
  ['clean-disks', 4, 'erase them', 3],
  ['clean-disks', 1, 'erase them', 3],
  ['deploy/lay-disks', 3, 'partitions, arrays, file systems', 4],
  ['deploy/lay-disks', 4, 'partitions, arrays, file systems', 4],
  ['deploy/mount-disks', 4, 'mount', 5],
  ['deploy/write-tables', 3, 'tables', 6],
  ['deploy/install-boot', 4, 'initramfs and boot loader', 7],
])('%s ends with %i: disks were changed', async (program, code, step, called) => {
  const out = await deploy({ codes: { [program]: code } });
  expect(out.code).toBe(4);
  expect(out.stderr).toContain(`deploy: failed at the step '${step}'; the chosen disks have been changed`);
  expect(out.calls).toEqual(calls.slice(0, called));
});

it('what fills it fails', async () => {
  const out = await deploy({ fill: 'exit 7' });
  expect(out.code).toBe(4);
  expect(out.stderr).toContain("deploy: failed at the step 'fill'; the chosen disks have been changed");
  expect(out.calls).toEqual(calls.slice(0, 5));
});

it('what an earlier run left mounted is busy: no disk was changed', async () => {
  const out = await deploy({ codes: { 'deploy/unmount-disks': 4 } });
  expect(out.code).toBe(3);
  expect(out.stderr).toContain('no disk was changed');
  expect(out.calls).toEqual(calls.slice(0, 1));
});

it('fewer disks were chosen than the layout has', async () => {
  const layout = `${layouts.uefi}disk spare_1\npart spare_1 1 fs 100 spare\n`;
  const out = await deploy({ layout });
  expect(out.code).toBe(3);
  expect(out.stderr).toMatch(/names too few disks for the layout/);
  expect(out.calls).toEqual(calls.slice(0, 2));
});

it('another firmware', async () => {
  const out = await deploy({ uefi: false });
  expect(out).toMatchObject({ code: 3, calls: [] });
  expect(out.stderr).toMatch(/the layout is for uefi, and this machine was started with bios/);
});

it.each([
  ['a mark that the layout does not have', ['--mark', 'prod-000000', '--group', 'system']],
  ['no mark', ['--group', 'system']],
  ['nothing for select-disks', []],
])('wrong usage: %s', async (_, wrong) => {
  expect(await deploy({ args: wrong })).toMatchObject({ code: 2, calls: [], stdout: '' });
});

it('a layout that is not understood', async () => {
  expect(await deploy({ layout: 'mark x\nwat\n' })).toMatchObject({
    code: 3,
    calls: [],
    stderr: expect.stringMatching(/line 2: 'wat' is no statement/),
  });
});
