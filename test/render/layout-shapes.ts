import { planDisks } from '../../src/plan/disks.ts';
import type { DiskLayout } from '../../src/plan/types.ts';
import { kickstartLayout } from '../../src/render/layout.ts';
import { layoutFile } from '../../src/render/layout-file.ts';
import type { DisksSpec } from '../../src/spec/schema/host.ts';

/** Layouts of every shape. */
const SHAPES: Record<string, DisksSpec> = {
  'two pairs': { system: { count: 2 }, data: { count: 2 } },
  'one pair': { system: { count: 2 }, data: { count: 0 } },
  'one disk': { system: { count: 1 } },
  'a disk each': { system: { count: 1 }, data: { count: 1 } },
  'RAID-10': { system: { count: 2 }, data: { count: 4 } },
  'two data pairs': { system: { count: 2 }, data: { count: 4, raid: 'mirrors' } },
  'two data pairs in one volume group': {
    system: { count: 2 },
    data: { count: 4, raid: 'mirrors', lvm: true },
  },
  'LVM on both pairs, with volumes': {
    system: { count: 2, lvm: true, volumes: [{ mount: '/var/log', size: '20G' }] },
    data: { count: 2, lvm: true, filesystem: 'ext4', volumes: [{ mount: '/data/etcd', size: '10Gi' }] },
  },
  'LVM on one disk': { system: { count: 1, lvm: true } },
  'LVM on RAID-10': { system: { count: 2 }, data: { count: 6, lvm: true } },
  'volumes without LVM': {
    system: { count: 2, filesystem: 'ext4', volumes: [{ mount: '/var/log', size: '20G' }] },
    data: { count: 4, volumes: [{ mount: '/srv', size: '100G' }] },
    reserve: '2Gi',
  },
  'volumes on a disk each': {
    system: { count: 1, volumes: [{ mount: '/var/log', size: '20G' }] },
    data: { count: 1, volumes: [{ mount: '/srv', size: '500M' }] },
  },
  // What is of one size must have an order too, also that of /boot and of what grows: it starts at 1 GiB.
  'volumes of one size': {
    system: {
      count: 2,
      volumes: ['/var/log', '/opt', '/var-x', '/var/lib'].map((mount) => ({ mount, size: '1Gi' })),
    },
    data: {
      count: 4,
      raid: 'mirrors',
      volumes: ['/srv/b', '/srv/a'].map((mount) => ({ mount, size: '50G' })),
    },
  },
  'volumes of one size on a disk each': {
    system: {
      count: 1,
      volumes: ['/var/log', '/opt', '/var-x', '/var/lib'].map((mount) => ({ mount, size: '1Gi' })),
    },
    data: { count: 1, volumes: ['/srv/b', '/srv/a'].map((mount) => ({ mount, size: '50G' })) },
  },
};
const FIRMWARE = ['bios', 'uefi'] as const;

export const cases = Object.keys(SHAPES).flatMap((shape) =>
  FIRMWARE.map((firmware) => [shape, firmware] as const),
);

export function layoutOf(shape: string, firmware: 'bios' | 'uefi'): DiskLayout {
  const [layout] = planDisks(SHAPES[shape] ?? {}, [firmware]).layouts;
  if (!layout) throw new Error('no layout');
  return layout;
}

/** What installer/deploy reads, without its comments. */
export const fileOf = (layout: DiskLayout) => layoutFile(layout, 'lab-5e0a11').replace(/^#.*\n/gm, '');

/** What Anaconda reads. */
export const kickstartOf = (layout: DiskLayout) =>
  kickstartLayout(layout, { kernelArgs: [] })
    .blocks.map(({ title, commands: lines }) => [`# ${title}`, ...lines, ''].join('\n'))
    .join('\n');
