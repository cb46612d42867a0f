import { afterEach, describe, expect, it } from 'vitest';
import { cases } from './machines.ts';
import { dash, type Outcome, run, shells } from './run.ts';
import { build, GB, MARK, type Machine, type Tree } from './topology.ts';

let tree: Tree | undefined;
afterEach(() => tree?.remove());

const standard = ['--group', 'system', '--media', 'ssd', '--group', 'data', '--media', 'hdd'];

function choice(stdout: string): Record<string, string[]> {
  const found: Record<string, string[]> = {};
  for (const line of stdout.split('\n')) {
    const match = /^([a-z]+)_\d+_kname='(\w+)'$/.exec(line);
    const [, group, name] = match ?? [];
    if (group && name) found[group] = [...(found[group] ?? []), name];
  }
  return found;
}

const names = (stdout: string) => [...stdout.matchAll(/^[a-z]+_\d+='(.*)'$/gm)].map((m) => m[1]);

const select = (shell = dash, machine: Machine, args: string[]): Promise<Outcome> => {
  tree = build(machine);
  return run(shell, 'select-disks', [...tree.args, '--mark', MARK, ...args]);
};

describe('every machine, under every shell', () => {
  it.concurrent.each(cases)('$name', async ({ machine, groups, want, needs, names: wanted }) => {
    const tree = build(machine);
    try {
      for (const shell of needs ? [dash] : shells) {
        const out = await run(shell, 'select-disks', [...tree.args, '--mark', MARK, ...(groups ?? standard)]);
        if ('refused' in want) {
          expect(out.stdout, shell.name).toBe('');
          for (const text of want.refused as RegExp[]) expect(out.stderr, shell.name).toMatch(text);
          expect(out.stderr, shell.name).toMatch(/^select-disks: nothing chosen, nothing erased: /);
          expect(out.stderr, shell.name).toMatch(/^What to do:\n {2}\S/m);
          expect(out.code, shell.name).toBe(3);
          // Nothing that a terminal would obey.
          expect(out.stderr, shell.name).toMatch(/^[\n -~]*$/);
        } else {
          expect(out.stderr, shell.name).toBe('');
          expect(out.code, shell.name).toBe(0);
          expect(choice(out.stdout), shell.name).toEqual(want);
          if (wanted) expect(names(out.stdout), shell.name).toEqual(wanted);
          for (const line of out.stdout.split('\n')) {
            expect(line).toMatch(
              /^[a-z]+_(count=\d+|size=\d+|\d+='disk\/by-(id|path)\/[\w.:+=@,%-]+'|\d+_kname='\w+')$/,
            );
          }
        }
      }
    } finally {
      tree.remove();
    }
  });
});

describe('a rehearsal', () => {
  const disks = [0, 1].map((n) => ({
    name: `vd${'ab'[n]}`,
    bus: 'virtio' as const,
    size: 40 * GB,
    serial: `d${n}`,
  }));

  it('chooses the same and shows every disk', async () => {
    const out = await select(dash, { disks: [...disks, { name: 'sdx', bus: 'usb', size: GB }] }, [
      '--group',
      'system',
      '--dry-run',
    ]);
    expect(out.code).toBe(0);
    expect(out.stdout).toMatch(/sdx.*\n.*never: on USB/);
    expect(out.stdout).toMatch(/vda.*\n.*taken for system/);
    expect(out.stdout).toMatch(/system 2: disk\/by-id\/virtio-d1 \(vdb\), which bears: blank/);
    expect(choice(out.stdout)).toEqual({});
  });

  it('refuses the same', async () => {
    const out = await select(dash, { disks }, ['--group', 'system', '--count', '3', '--dry-run']);
    expect(out).toMatchObject({ code: 3, stdout: '' });
  });
});

describe('wrong usage', () => {
  const usages: [string, string[]][] = [
    ['no group', []],
    ['a selector before a group', ['--media', 'ssd']],
    ['an unknown argument', ['--group', 'system', '--colour', 'red']],
    ['a missing value', ['--group', 'system', '--count']],
    ['a count of none', ['--group', 'system', '--count', '0']],
    ['a count in words', ['--group', 'system', '--count', 'two']],
    ['an octal size', ['--group', 'system', '--min', '0100']],
    ['a size that sh cannot hold', ['--group', 'system', '--max', '9999999999999999999']],
    ['a medium', ['--group', 'system', '--media', 'tape']],
    ['a transport', ['--group', 'system', '--transport', 'usb']],
    ['an empty serial', ['--group', 'system', '--serial', '']],
    ['a line break', ['--group', 'system', '--serial', 'A\nB']],
    ['a wipe policy', ['--wipe', 'yes', '--group', 'system']],
    ['a tolerance', ['--tolerance', '101', '--group', 'system']],
    ['a group twice', ['--group', 'system', '--group', 'system']],
    ['three groups', ['--group', 'a', '--group', 'b', '--group', 'c']],
    ['a group that is no word', ['--group', 'x; reboot']],
    ['a mark', ['--mark', 'Prod', '--group', 'system']],
    ['a mark that is too long', ['--mark', 'a'.repeat(21), '--group', 'system']],
  ];
  it.each(usages)('%s', async (_, args) => {
    expect(await select(dash, { disks: [] }, args)).toMatchObject({ code: 2, stdout: '' });
  });

  it('no mark', async () => {
    expect(await run(dash, 'select-disks', ['--group', 'system'])).toMatchObject({ code: 2, stdout: '' });
  });
});

it('a device whose signature lies beyond the first MiB is not blank', async () => {
  const vmfs = Buffer.from([0x0d, 0xd0, 0x01, 0xc0, 3, 0, 0, 0]);
  const disk = (n: number) => ({
    name: `vd${'ab'[n]}`,
    bus: 'virtio' as const,
    size: 40 * GB,
    serial: `d${n}`,
  });
  const out = await select(dash, { disks: [disk(0), { ...disk(1), bytes: { [1 << 20]: vmfs } }] }, [
    '--group',
    'system',
  ]);
  expect(out.stderr).toMatch(/vdb: VMFS_volume_member/);
  expect(out.code).toBe(3);
});

it('without /proc/mounts it does not guess', async () => {
  tree = build({ disks: [] });
  const out = await run(dash, 'select-disks', [
    ...tree.args,
    '--mounts',
    '/nowhere',
    '--mark',
    MARK,
    '--group',
    'system',
  ]);
  expect(out).toMatchObject({ code: 3, stdout: '' });
});

it('a serial is never run, under any name it comes by', async () => {
  const disks = [0, 1, 2].map((n) => ({
    name: `sd${'abc'[n]}`,
    bus: 'sas' as const,
    size: 40 * GB,
    serial: '$(touch /tmp/imgbuild-pwned)`touch /tmp/imgbuild-pwned`\';"',
    model: '$(touch /tmp/p)',
    vendor: '`id`',
    wwn: `5000c500a00000${n}0`,
    partitions: [{ label: '$(touch /tmp/imgbuild-pwned)' }],
  }));
  for (const shell of shells) {
    const out = await select(shell, { disks }, [
      '--group',
      'system',
      '--serial',
      '$(touch /tmp/imgbuild-pwned)*',
    ]);
    tree?.remove();
    expect(out.code).toBe(3);
    expect(out.stderr).toContain('serial $(touch /tmp/imgbuild-pwned)`');
  }
  const { existsSync } = await import('node:fs');
  expect(existsSync('/tmp/imgbuild-pwned')).toBe(false);
});
