import { expect, it } from 'vitest';
import { imageDisks, planDisks } from '../../src/plan/disks.ts';
import { diskNames, layoutFor } from '../../src/render/layout.ts';

const pairs = planDisks({ system: { count: 2 }, data: { count: 2 } }, true);

it('names disks as select-disks does', () => {
  expect(diskNames(pairs.groups)).toEqual(['system_1', 'system_2', 'data_1', 'data_2']);
  expect(diskNames(imageDisks().groups)).toEqual(['system_1']);
});

it('gives each volume of a pair two members and a mirror', () => {
  const { volumes, disks, bootDisk } = layoutFor({ disks: pairs, kernelArgs: [] }, 'uefi');
  expect(disks).toBe('$system_1,$system_2,$data_1,$data_2');
  expect(bootDisk).toBe('$system_1');
  expect(volumes.map(({ title }) => title)).toEqual([
    '/boot/efi, mirrored',
    '/boot, mirrored',
    '/, mirrored',
    '/data, mirrored',
  ]);
  expect(volumes[2]).toEqual({
    title: '/, mirrored',
    parts: [
      { what: 'raid.root1', size: 10240, grow: true, disk: '$system_1' },
      { what: 'raid.root2', size: 10240, grow: true, disk: '$system_2' },
    ],
    raid: { mount: '/', device: 'root', filesystem: 'xfs', members: ['raid.root1', 'raid.root2'] },
  });
});

it('puts GRUB on both system disks where the firmware is BIOS, and no EFI partition', () => {
  const { volumes } = layoutFor({ disks: pairs, kernelArgs: [] }, 'bios');
  expect(volumes[0]?.parts.map(({ what, disk }) => [what, disk])).toEqual([
    ['biosboot', '$system_1'],
    ['biosboot', '$system_2'],
  ]);
  expect(JSON.stringify(volumes)).not.toContain('efi');
});

it('gives a golden image an EFI partition that its plan, made for either firmware, does not have', () => {
  const { volumes } = layoutFor({ disks: imageDisks(), kernelArgs: [] }, 'uefi');
  expect(volumes[0]?.parts).toEqual([
    { what: '/boot/efi', filesystem: 'efi', size: 600, grow: false, disk: '$system_1' },
  ]);
  expect(volumes.every(({ raid }) => raid === undefined)).toBe(true);
});

it.each([
  [undefined, 'quiet'],
  ['ttyS1,115200n8', 'console=tty0 console=ttyS1,115200n8 quiet'],
  ['tty1', 'console=tty1 quiet'],
])('makes the kernel line for console %s', (console, line) => {
  const target = { disks: pairs, kernelArgs: ['quiet'], ...(console === undefined ? {} : { console }) };
  expect(layoutFor(target, 'uefi').append).toBe(line);
});
