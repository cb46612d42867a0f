/** What disks are called, and those that bear one name. */
import { hdds, ssd, ssdHdd, ssdOnly, standard, system } from './parts.ts';
import type { Topology } from './topology.ts';

export const names: Topology[] = [
  {
    name: 'disks without serial or WWN',
    disks: {
      ssd1: { bus: 'scsi', media: 'ssd', size: 96 },
      ssd2: { bus: 'scsi', media: 'ssd', size: 96 },
    },
    select: ssdOnly,
    want: { chosen: system, by: /^disk\/by-path\// },
  },
  {
    name: 'virtio disks without serial',
    disks: { vd1: { bus: 'virtio', size: 96 }, vd2: { bus: 'virtio', size: 96 } },
    select: '--group system',
    want: { chosen: { system: ['vd1', 'vd2'] }, by: /^disk\/by-path\// },
  },
  {
    name: 'virtio disks with odd serials',
    disks: {
      vd1: { bus: 'virtio', size: 96, serial: 'DISK ONE' },
      vd2: { bus: 'virtio', size: 96, serial: 'B/2$x' },
    },
    select: '--group system',
    want: { chosen: { system: ['vd1', 'vd2'] }, by: /^disk\/by-(id\/virtio-DISK_ONE|path\/.*)$/ },
  },
  {
    name: 'one disk by two paths',
    disks: {
      path1: ssd('SSD1', { wwn: '5000c500b0000001' }),
      path2: ssd('SSD1', { wwn: '5000c500b0000001' }),
    },
    select: ssdOnly,
    want: { refused: /^path1 and path2 are one disk, seen twice\.$/ },
  },
  {
    name: 'one serial and no WWN on two disks',
    disks: {
      ssd1: { bus: 'scsi', media: 'ssd', size: 96, serial: 'SSD1' },
      ssd2: { bus: 'scsi', media: 'ssd', size: 96, serial: 'SSD1' },
    },
    select: ssdOnly,
    want: { refused: /^ssd1 and ssd2 are one disk, seen twice\.$/ },
  },
  {
    name: 'two volumes of a controller that gives all its volumes one serial',
    disks: { ssd1: ssd('CTRL'), ssd2: ssd('CTRL'), ...hdds },
    select: ssdHdd,
    want: { chosen: standard },
  },
];
