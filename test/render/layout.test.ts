import { describe, expect, it } from 'vitest';
import { imageDisks } from '../../src/plan/disks.ts';
import { kickstartLayout } from '../../src/render/layout.ts';
import { commands } from '../rigs/kickstart-rules.ts';
import { cases, fileOf, kickstartOf, layoutOf } from './layout-shapes.ts';

/** What either output makes of the disks, in one form; sizes as each says them. */
interface Made {
  /** `system_1 1024 boot`: what a partition is part of, wherever it lies on the disk. */
  partitions: string[];
  arrays: string[];
  volumes: string[];
  mounts: string[];
}
const sorted = ({ partitions, arrays, volumes, mounts }: Made): Made => ({
  partitions: partitions.sort(),
  arrays: arrays.sort(),
  volumes: volumes.sort(),
  mounts: mounts.sort(),
});

/** The layout file, read as installer/deploy does. */
function madeByDeployment(file: string): Made {
  const made: Made = { partitions: [], arrays: [], volumes: [], mounts: [] };
  const member = new Map<string, string>();
  const statements = file.split('\n').map((line) => line.split(' '));
  for (const [word, name = '', level, , ...members] of statements) {
    if (word !== 'array') continue;
    made.arrays.push(`${name} ${level} ${members.map((each) => each.replace(/:\d+$/, '')).join(' ')}`);
    for (const each of members) member.set(each, `array:${name}`);
  }
  const used = new Map<string, string>();
  for (const [word, ...rest] of statements) {
    if (word === 'vg') for (const device of rest.slice(1)) used.set(device, `vg ${rest[0]}`);
    if (word === 'fs') used.set(rest[0] ?? '', `mount ${rest[3]}`);
  }
  for (const [word, a = '', b = '', c = '', d = '', e = ''] of statements) {
    if (word === 'part') {
      const device = member.get(`${a}:${b}`) ?? `part:${a}:${b}`;
      made.partitions.push(`${a} ${d} ${c === 'biosboot' ? c : (used.get(device) ?? '?')}`);
    }
    if (word === 'lv') made.volumes.push(`${a}/${b} ${c}`);
    if (word === 'fs') made.mounts.push(`${d} ${b} ${c} ${e}`);
  }
  return sorted(made);
}

/** The kickstart's lines, read as Anaconda does. */
function madeByKickstart(ks: string): Made {
  const made: Made = { partitions: [], arrays: [], volumes: [], mounts: [] };
  const parts = new Map<string, string>();
  const use = new Map<string, string>();
  const pending: { what: string; slot: string; size: string }[] = [];
  const sizeOf = (text: string) => text.replace(/^\$\(\(\w+_size - (\d+)\)\)$/, '-$1');
  // The expansion is one word to the shell.
  for (const { name, args, options } of commands(ks.replace(/\$\(\((\w+) - (\d+)\)\)/g, '"$$(($1 - $2))"'))) {
    const [what = '', ...rest] = args;
    const size = sizeOf(options.get('maxsize') ?? options.get('size') ?? '');
    if (name === 'part') {
      const slot = (options.get('ondisk') ?? '').slice(1);
      parts.set(what, slot);
      pending.push({ what, slot, size });
    }
    if (name === 'raid') {
      const device = options.get('device') ?? '';
      made.arrays.push(
        `${device} ${options.get('level')?.toLowerCase()} ${rest.map((m) => parts.get(m)).join(' ')}`,
      );
      for (const each of rest) use.set(each, what);
    }
    if (name === 'volgroup') for (const each of rest) use.set(each, `vg ${what}`);
    if (name === 'logvol')
      made.volumes.push(
        `${options.get('vgname')}/${options.get('name')} ${options.has('grow') ? '-' : size}`,
      );
    if (what.startsWith('/')) {
      const type = options.get('fstype') === 'efi' ? 'vfat' : options.get('fstype');
      made.mounts.push(`${what} ${type} ${options.get('label')} ${options.get('fsoptions') ?? 'defaults'}`);
    }
  }
  const end = (what: string): string => {
    const next = use.get(what);
    return next === undefined ? (what.startsWith('/') ? `mount ${what}` : what) : end(next);
  };
  made.partitions = pending.map(({ what, slot, size }) => `${slot} ${size} ${end(what)}`);
  return sorted(made);
}

describe('one layout, two installers', () => {
  it.each(cases)('%s, %s: kickstart and deployment make the same', (shape, firmware) => {
    const layout = layoutOf(shape, firmware);
    const deployment = madeByDeployment(fileOf(layout));
    expect(madeByKickstart(kickstartOf(layout))).toEqual(deployment);
    expect(deployment.partitions.join('\n')).not.toContain('?');
    expect(deployment.mounts.length).toBeGreaterThan(1);
  });

  it.each(cases)(
    '%s, %s: each disk of a group is laid out alike, and filled to its reserve',
    (shape, firmware) => {
      const layout = layoutOf(shape, firmware);
      const reserve = shape === 'volumes without LVM' ? 2048 : 1024;
      for (const slot of layout.slots) {
        const own = layout.partitions.filter((part) => part.slot === slot);
        expect(own.map(({ number }) => number)).toEqual(own.map((_, index) => index + 1));
        const rest = own.flatMap(({ size }) => ('allBut' in size ? [size.allBut] : []));
        const fixed = own.reduce((sum, { size }) => sum + ('mib' in size ? size.mib : 0), 0);
        const mirrored =
          layout.slots.filter((other) => other.split('_')[0] === slot.split('_')[0]).length > 1;
        // One MiB before the first partition, one for the table at the end.
        expect(rest).toEqual([fixed + 2 + (mirrored ? reserve : 0)]);
      }
    },
  );
});

it('prints the pairs of an etcd host', () => {
  const layout = layoutOf('two pairs', 'uefi');
  expect(fileOf(layout)).toMatchSnapshot('layout file');
  expect(kickstartOf(layout)).toMatchSnapshot('kickstart');
});

it('prints LVM on mirrors', () => {
  const layout = layoutOf('LVM on both pairs, with volumes', 'bios');
  expect(fileOf(layout)).toMatchSnapshot('layout file');
  expect(kickstartOf(layout)).toMatchSnapshot('kickstart');
});

it('lets a host start without its data disks and its ESP, and not without the rest', () => {
  const { filesystems } = layoutOf('two data pairs', 'uefi');
  const optional = filesystems.filter(({ options }) => options.includes('nofail'));
  expect(optional.map(({ mount }) => mount).sort()).toEqual(['/boot/efi', '/data', '/data2']);
});

it('mounts what lies deeper later', () => {
  const { filesystems } = layoutOf('LVM on both pairs, with volumes', 'uefi');
  const mounts = filesystems.map(({ mount }) => mount);
  for (const [index, mount] of mounts.entries())
    expect(mounts.slice(0, index).some((earlier) => earlier.startsWith(`${mount}/`))).toBe(false);
  expect(mounts[0]).toBe('/');
});

it('gives a golden image a layout for each firmware, on one disk without a mirror', () => {
  const { layouts } = imageDisks();
  expect(layouts.map(({ firmware }) => firmware)).toEqual(['uefi', 'bios']);
  expect(layouts.every(({ arrays, slots }) => arrays.length === 0 && slots.length === 1)).toBe(true);
});

it.each([
  [undefined, 'quiet'],
  ['ttyS1,115200n8', 'console=tty0 console=ttyS1,115200n8 quiet'],
  ['tty1', 'console=tty1 quiet'],
])('makes the kernel line for console %s', (console, line) => {
  const target = { kernelArgs: ['quiet'], ...(console === undefined ? {} : { console }) };
  expect(kickstartLayout(layoutOf('two pairs', 'uefi'), target).append).toBe(line);
});
