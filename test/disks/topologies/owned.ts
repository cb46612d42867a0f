/** Disks that bear a cluster's mark. */
import {
  array,
  assemble,
  gpt,
  marked,
  pairs,
  ssd,
  ssdHdd,
  ssdOnly,
  ssds,
  standard,
  system,
} from './parts.ts';
import type { Topology } from './topology.ts';

const ours = [
  marked('ssd1', 'system1'),
  marked('ssd2', 'system2'),
  marked('hdd1', 'data1'),
  marked('hdd2', 'data2'),
];

export const owned: Topology[] = [
  {
    name: "this cluster's own disks",
    disks: pairs,
    bears: {
      text: "this cluster's partitions on all, a mirror on the second ones",
      run: `${ours.join('\n')}
${array('data', 1, '$hdd1-part2', '$hdd2-part2')}`,
    },
    select: ssdHdd,
    want: { chosen: standard },
  },
  {
    name: "this cluster's own disks, in use",
    disks: pairs,
    bears: {
      text: "this cluster's partitions, a mirror on the HDDs' second ones, and a volume group on it",
      run: `${ours.join('\n')}
${array('data', 1, '$hdd1-part2', '$hdd2-part2')}
pvcreate -q /dev/md/data; vgcreate -q data /dev/md/data; lvcreate -q -Zn -n data -l 100%FREE data`,
    },
    before: {
      text: 'the mirror and the volume run',
      run: `${assemble('$hdd1-part2', '$hdd2-part2')}; vgchange -ay data`,
    },
    select: ssdHdd,
    want: { chosen: standard },
  },
  {
    name: "this cluster's own disks with sectors of 4096 bytes",
    disks: { ssd1: ssd('SSD1', { sectorSize: 4096 }), ssd2: ssd('SSD2', { sectorSize: 4096 }) },
    bears: {
      text: "this cluster's partitions, a mirror on the second ones",
      run: `${marked('ssd1', 'system1')}\n${marked('ssd2', 'system2')}\n${array('root', 1, '$ssd1-part2', '$ssd2-part2')}`,
    },
    select: ssdOnly,
    again: true,
    want: { chosen: system },
  },
  {
    name: "this cluster's own disks where only blank ones are wanted",
    disks: ssds,
    bears: {
      text: "this cluster's partitions",
      run: `${marked('ssd1', 'system1')}\n${marked('ssd2', 'system2')}`,
    },
    select: `${ssdOnly} --wipe blank`,
    want: {
      refused: /^a chosen disk may not be erased: ssd1: 2 partitions of this cluster; ssd2: 2 partitions/,
    },
  },
  {
    name: 'four SSDs alike, moved since this cluster laid them out',
    disks: { ...ssds, ssd3: ssd('SSD3'), ssd4: ssd('SSD4') },
    bears: {
      text: "this cluster's partitions: the system's on ssd2 and ssd4, the data's on ssd1 and ssd3",
      run: [
        ['ssd2', 'system1'],
        ['ssd4', 'system2'],
        ['ssd1', 'data1'],
        ['ssd3', 'data2'],
      ]
        .map(([disk = '', slot = '']) => marked(disk, slot))
        .join('\n'),
    },
    select: '--group system --group data',
    want: { chosen: { system: ['ssd2', 'ssd4'], data: ['ssd1', 'ssd3'] } },
  },
  {
    name: "another cluster's disks",
    disks: ssds,
    bears: {
      text: "ssd2: another cluster's partitions",
      run: marked('ssd2', 'system2', 'prod-0b1e55'),
    },
    select: ssdOnly,
    want: {
      refused:
        /^a chosen disk may not be erased: ssd2: 2 partitions, of another cluster \(imgbuild:prod-0b1e55\)\.$/,
    },
  },
  {
    name: "a foreign partition beside this cluster's",
    disks: ssds,
    bears: {
      text: "ssd2: one partition of this cluster's and one named home",
      run: gpt('ssd2', 'imgbuild:prod-3f9a1c:system2p1', 'home'),
    },
    select: ssdOnly,
    want: {
      refused: /^a chosen disk may not be erased: ssd2: 2 partitions, 1 of this cluster, not ssd2p2\.$/,
    },
  },
];
