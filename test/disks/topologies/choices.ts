/** Which disks are taken, by what they are. */
import { hdd, pairs, ssd, ssdHdd, ssdOnly, ssds, standard, system } from './parts.ts';
import type { Topology } from './topology.ts';

export const choices: Topology[] = [
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
    name: 'NVMe pair with two ports each',
    disks: {
      nvme1: { bus: 'nvme', size: 96, serial: 'NV1', twoPorts: true },
      nvme2: { bus: 'nvme', size: 96, serial: 'NV2', twoPorts: true },
    },
    select: '--group system --transport nvme',
    want: { chosen: { system: ['nvme1', 'nvme2'] } },
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
];
