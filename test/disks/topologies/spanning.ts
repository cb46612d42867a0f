/** What lies on a chosen disk, and on another that is not chosen. */
import { always, array, assemble, named, system, three } from './parts.ts';
import type { Topology } from './topology.ts';

export const spanning: Topology[] = [
  {
    name: 'a mirror of a chosen disk and another',
    disks: three,
    bears: { text: 'a mirror on ssd2 and ssd3', run: array('over', 1, '$ssd2', '$ssd3') },
    select: `${named} ${always}`,
    want: { chosen: system, cleanRefused: /^the array \S+ also lies on ssd3, which is not to be erased\.$/ },
  },
  {
    name: 'a mirror of a chosen disk and another that runs',
    disks: three,
    bears: { text: 'a mirror on ssd2 and ssd3', run: array('over', 1, '$ssd2', '$ssd3') },
    before: { text: 'it runs', run: assemble('$ssd2', '$ssd3') },
    select: `${named} ${always}`,
    want: { chosen: system, cleanRefused: /^md127 also lies on ssd3, which is not to be erased\.$/ },
  },
  {
    name: 'a volume group on a chosen disk and another',
    disks: three,
    bears: {
      text: 'a volume group on ssd1 and ssd3',
      run: 'pvcreate -q $ssd1 $ssd3; vgcreate -q wide $ssd1 $ssd3',
    },
    select: `${named} ${always}`,
    want: {
      chosen: system,
      cleanRefused: /^the volume group wide also lies on ssd3, which is not to be erased\.$/,
    },
  },
  {
    name: "another system's volume group on a chosen disk and another",
    disks: three,
    bears: {
      text: 'a volume group on ssd1 and ssd3 that belongs to a system named elsewhere',
      run: 'pvcreate -q $ssd1 $ssd3; vgcreate -q --systemid elsewhere foreigner $ssd1 $ssd3',
    },
    select: `${named} ${always}`,
    want: {
      chosen: system,
      cleanRefused: /^the volume group foreigner also lies on ssd3, which is not to be erased\.$/,
    },
  },
  {
    name: 'two volume groups of one name, one of them on a chosen disk',
    disks: three,
    bears: {
      text: 'a volume group named twin on ssd1, another of that name on ssd3',
      run: `for disk in $ssd1 $ssd3; do
  only="--devices $(readlink -f $disk)"
  pvcreate -q $only $disk; vgcreate -q $only twin $disk
  lvcreate -q $only -Zn -n lv -l 100%FREE twin; vgchange -q $only -an twin
done`,
    },
    before: {
      text: "ssd1's is active",
      run: 'vgchange --devices $(readlink -f $ssd1) -ay twin',
    },
    select: `${named} ${always}`,
    want: { chosen: system },
  },
];
