/** The machines that are deployed: their disks, and what the spec says of them. */
import { layOut } from '../../../src/plan/layout.ts';
import { layoutFile } from '../../../src/render/layout-file.ts';
import type { DisksSpec } from '../../../src/spec/schema/host.ts';
import type { Disk } from '../rig/machine.ts';

const MARK = 'test-5e0a11';
export type Firmware = 'bios' | 'uefi';

export interface Shape {
  spec: DisksSpec;
  /** Each slot's disk, and how large it is. */
  disks: Record<string, Omit<Disk, 'file'> & { mib: number }>;
  /** What select-disks is told of each group beside its name and count. */
  select: Record<string, string[]>;
}

/** A root with its initramfs has 0.6 GiB; nothing is kept for a smaller replacement. */
const SYSTEM = 4096;
const DATA = 1024;

const disk = (bus: Disk['bus'], media: 'ssd' | 'hdd', mib: number, serial: string) => ({
  bus,
  media,
  mib,
  serial,
});
const ssds = (bus: Disk['bus'] = 'scsi') => ({
  system_1: disk(bus, 'ssd', SYSTEM, 'SYSTEM1'),
  system_2: disk(bus, 'ssd', SYSTEM, 'SYSTEM2'),
});
const hdds = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, i) => [`data_${i + 1}`, disk('scsi', 'hdd', DATA, `DATA${i + 1}`)]),
  );

export const shapes = {
  /** System on SSDs, data on hard disks. */
  pairs: {
    spec: { reserve: '1Mi', data: {} },
    disks: { ...ssds(), ...hdds(2) },
    select: { system: ['--media', 'ssd'], data: ['--media', 'hdd'] },
  },
  /** Both on SSDs: system on NVMe, data on SATA. */
  nvme: {
    spec: { reserve: '1Mi', data: { filesystem: 'ext4' }, system: { filesystem: 'ext4' } },
    disks: {
      ...ssds('nvme'),
      data_1: disk('sata', 'ssd', DATA, 'DATA1'),
      data_2: disk('sata', 'ssd', DATA, 'DATA2'),
    },
    select: { system: ['--transport', 'nvme'], data: ['--transport', 'sata'] },
  },
  /** /data is a directory of /. */
  pair: { spec: { reserve: '1Mi' }, disks: ssds(), select: { system: [] } },
  one: {
    spec: { reserve: '1Mi', system: { count: 1 } },
    disks: { system_1: disk('virtio', 'ssd', SYSTEM, 'SYSTEM1') },
    select: { system: [] },
  },
  raid10: {
    spec: { reserve: '1Mi', data: { count: 4 } },
    disks: { ...ssds(), ...hdds(4) },
    select: { system: ['--media', 'ssd'], data: ['--media', 'hdd'] },
  },
  /** Two pairs in one volume group. */
  lvm: {
    spec: {
      reserve: '1Mi',
      data: { count: 4, raid: 'mirrors', lvm: true, volumes: [{ mount: '/var/lib/more', size: '512Mi' }] },
    },
    disks: { ...ssds(), ...hdds(4) },
    select: { system: ['--media', 'ssd'], data: ['--media', 'hdd'] },
  },
} satisfies Record<string, Shape>;

export const layoutOf = (shape: Shape, firmware: Firmware): string =>
  layoutFile(layOut(shape.spec, firmware), MARK);

/** The arguments of select-disks. */
export function selectArguments(shape: Shape, wipe = 'owned'): string[] {
  const groups = Object.entries(shape.select).map(([group, words]) => {
    const count = Object.keys(shape.disks).filter((slot) => slot.startsWith(`${group}_`)).length;
    return ['--group', group, '--count', String(count), ...words];
  });
  return ['--mark', MARK, '--wipe', wipe, ...groups.flat()];
}
