/** Machines whose disks bear nothing. */
import { hdd, hdds, pairs, ssd, ssdHdd, ssds, standard, system } from './parts.ts';
import type { Topology } from './topology.ts';

const ssdOnly = '--group system --media ssd';

export const plain: Topology[] = [
  {
    name: 'SSD pair and HDD pair',
    disks: pairs,
    select: ssdHdd,
    again: true,
    want: { chosen: standard },
  },
  {
    name: 'NVMe pair, and HDD pair on SATA',
    disks: {
      nvme1: { bus: 'nvme', size: 96, serial: 'NV1' },
      nvme2: { bus: 'nvme', size: 96, serial: 'NV2' },
      hdd1: hdd('HDD1', { bus: 'sata' }),
      hdd2: hdd('HDD2', { bus: 'sata' }),
    },
    select: ssdHdd,
    want: { chosen: { system: ['nvme1', 'nvme2'], data: ['hdd1', 'hdd2'] } },
  },
  {
    name: 'four SSDs alike',
    disks: { ...ssds, ssd3: ssd('SSD3'), ssd4: ssd('SSD4') },
    select: '--group system --group data',
    want: { chosen: { system: ['ssd1', 'ssd2'], data: ['ssd3', 'ssd4'] } },
  },
  {
    name: 'four SSDs of two sizes',
    disks: {
      ssd1: ssd('SSD1', { size: 192 }),
      ssd2: ssd('SSD2'),
      ssd3: ssd('SSD3', { size: 192 }),
      ssd4: ssd('SSD4'),
    },
    select: '--group system --group data',
    want: { chosen: { system: ['ssd2', 'ssd4'], data: ['ssd1', 'ssd3'] } },
  },
  {
    name: 'four SSDs of three sizes',
    disks: { ...ssds, ssd3: ssd('SSD3', { size: 128 }), ssd4: ssd('SSD4', { size: 160 }) },
    select: '--group system --group data',
    want: {
      refused:
        /^system and data fit the same disks, whose sizes are neither one nor two classes of 2 and 2\.$/,
    },
  },
  {
    name: 'SSD pair and four HDDs',
    disks: { ...pairs, hdd3: hdd('HDD3'), hdd4: hdd('HDD4') },
    select: `${ssdHdd} --count 4`,
    want: { chosen: { ...system, data: ['hdd1', 'hdd2', 'hdd3', 'hdd4'] } },
  },
  {
    name: 'twelve HDDs',
    disks: Object.fromEntries(
      Array.from({ length: 12 }, (_, n) => [`hdd${n + 1}`, hdd(`HDD${n + 1}`, { size: 16 })]),
    ),
    select: '--group data --count 12',
    want: { chosen: { data: Array.from({ length: 12 }, (_, n) => `hdd${n + 1}`) } },
  },
  {
    name: 'NVMe pair with two ports each',
    disks: {
      nvme1: { bus: 'nvme', size: 96, serial: 'NV1', twoPorts: true },
      nvme2: { bus: 'nvme', size: 96, serial: 'NV2', twoPorts: true },
    },
    select: '--group system --transport nvme',
    want: { chosen: { system: ['nvme1', 'nvme2'] } },
  },
  {
    name: 'three SSDs where two are wanted',
    disks: { ...ssds, ssd3: ssd('SSD3') },
    select: ssdOnly,
    want: {
      refused: /^system wants 2, and 3 of this machine's disks fit it: nothing says which to take\.$/,
    },
  },
  {
    name: 'three SSDs, two of them named by serial',
    disks: { ...ssds, ssd3: ssd('SSD3') },
    select: '--group system --serial SSD3 --serial *1',
    want: { chosen: { system: ['ssd1', 'ssd3'] } },
  },
  {
    name: 'a serial that no disk has',
    disks: ssds,
    select: '--group system --serial SSD1 --serial GONE',
    want: { refused: /^system asks for serial GONE, and no disk that fits system has it\.$/ },
  },
  {
    name: 'one HDD of two is missing',
    disks: { ...ssds, hdd1: hdd('HDD1') },
    select: ssdHdd,
    want: { refused: /^data wants 2, and 1 of this machine's disks can serve it\.$/ },
  },
  {
    name: 'sizes that differ by 3 percent',
    disks: { ssd1: ssd('SSD1'), ssd2: ssd('SSD2', { size: 93 }) },
    select: ssdOnly,
    want: { chosen: system },
  },
  {
    name: 'sizes that differ by 6 percent',
    disks: { ssd1: ssd('SSD1'), ssd2: ssd('SSD2', { size: 90 }) },
    select: ssdOnly,
    want: {
      refused: /^the disks for system differ in size by more than 5 percent: 94\.3 MB and 100\.6 MB\.$/,
    },
  },
  {
    name: 'sectors of 512 and of 4096 bytes',
    disks: { ssd1: ssd('SSD1'), ssd2: ssd('SSD2', { sectorSize: 4096 }) },
    select: ssdOnly,
    want: { refused: /^the disks for system have sectors of 512 and of 4096 bytes, which no mirror/ },
  },
  {
    name: 'a USB stick like the SSDs',
    disks: { stick: ssd('STICK', { bus: 'usb' }), ...ssds },
    select: ssdOnly,
    want: { chosen: system },
  },
  {
    name: "a BMC's virtual CD and virtual hard disk",
    disks: {
      cd: { bus: 'usb', cd: true, size: 32, vendor: 'AMI', model: 'Virtual CDROM0' },
      hd: ssd('HD', { vendor: 'AMI', model: 'Virtual HDisk0' }),
      ...ssds,
    },
    select: ssdOnly,
    want: { chosen: system },
  },
  {
    name: 'a read-only and a removable disk',
    disks: { ...ssds, locked: ssd('LOCKED', { readOnly: true }), tray: ssd('TRAY', { removable: true }) },
    select: ssdOnly,
    want: { chosen: system },
  },
  {
    name: 'one SSD of two is read-only',
    disks: { ssd1: ssd('SSD1'), ssd2: ssd('SSD2', { readOnly: true }) },
    select: ssdOnly,
    want: { refused: /^system wants 2, and 1 of this machine's disks can serve it\.$/ },
  },
  {
    name: 'a disk that cannot be read',
    disks: { ssd1: ssd('SSD1'), ssd2: ssd('SSD2', { failing: true }) },
    select: `${ssdOnly} --wipe always`,
    want: { refused: /^a chosen disk may not be erased: ssd2: cannot be read\.$/ },
  },
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
  {
    name: "the installer's disk is lost",
    disks: ssds,
    append: 'inst.repo=hd:LABEL=INSTALLER',
    select: ssdOnly,
    want: { refused: /^the installer came from LABEL=INSTALLER, which no device answers to/ },
  },
];
