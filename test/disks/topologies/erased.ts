/** Disks that bear what is not ours, and are to be erased. */
import {
  always,
  array,
  assemble,
  gpt,
  hdd,
  pairs,
  ssd,
  ssdHdd,
  ssdOnly,
  ssds,
  standard,
  system,
} from './parts.ts';
import type { Topology } from './topology.ts';

export const erased: Topology[] = [
  {
    name: "one half of a foreign host's mirror, to be erased",
    disks: { ...pairs, hdd3: hdd('HDD3', { absent: true }) },
    bears: { text: 'a mirror on hdd2 and hdd3', run: array('old', 1, '$hdd2', '$hdd3') },
    before: {
      text: 'udev has given hdd2 to an array that waits for hdd3',
      run: 'mdadm --incremental --config=none $hdd2; grep inactive /proc/mdstat',
    },
    select: `${ssdHdd} ${always}`,
    want: { chosen: standard },
  },
  {
    name: "a foreign host's stack, to be erased",
    disks: pairs,
    bears: {
      text: 'a GPT on the HDDs, a mirror on the first partitions, a volume group on it; ext4 on ssd1, swap on ssd2',
      run: `${gpt('hdd1', 'raid')}; ${gpt('hdd2', 'raid')}; ${array('stack', 1, '$hdd1-part1', '$hdd2-part1')}
pvcreate -q /dev/md/stack; vgcreate -q stack /dev/md/stack
lvcreate -q -Zn -n one -L 32M stack; lvcreate -q -Zn -n two -l 100%FREE stack
mkfs.ext4 -q $ssd1; mkswap $ssd2`,
    },
    before: {
      text: 'all of it runs, and the swap is in use',
      run: `${assemble('$hdd1-part1', '$hdd2-part1')}; vgchange -ay stack; swapon $ssd2`,
    },
    select: `${ssdHdd} ${always}`,
    again: true,
    want: { chosen: standard },
  },
  {
    name: 'a degraded RAID-10 of four, to be erased',
    disks: { ...pairs, hdd3: hdd('HDD3'), hdd4: hdd('HDD4') },
    bears: {
      text: 'a RAID-10 on the HDDs that lacks its fourth',
      run: array('ten', 10, '$hdd1', '$hdd2', '$hdd3', 'missing'),
    },
    before: { text: 'it runs', run: assemble('$hdd1', '$hdd2', '$hdd3') },
    select: `${ssdHdd} --count 4 ${always}`,
    want: { chosen: { ...system, data: ['hdd1', 'hdd2', 'hdd3', 'hdd4'] } },
  },
  {
    name: "a mirror of a controller's firmware, to be erased",
    disks: pairs,
    bears: {
      text: 'a DDF container on the HDDs, a mirror in it',
      run: `mdadm --create /dev/md/ddf --run --quiet --metadata=ddf --raid-devices=2 $hdd1 $hdd2
mdadm --create /dev/md/volume --run --quiet --assume-clean --level=1 --raid-devices=2 /dev/md/ddf`,
    },
    before: { text: 'the container is assembled', run: 'mdadm --assemble /dev/md/ddf $hdd1 $hdd2' },
    select: `${ssdHdd} ${always}`,
    want: { chosen: standard },
  },
  {
    name: 'a mirror of whole disks, with partitions of its own, to be erased',
    disks: pairs,
    bears: {
      text: 'a mirror of the HDDs with its superblock at their ends, and a GPT in it',
      run: `${array('whole', 1, '$hdd1', '$hdd2').replace('=1.2', '=1.0')}
${gpt('md', 'one', 'two').replace('$md', '/dev/md/whole')}`,
    },
    before: {
      text: 'it runs, and a device of device-mapper lies on its second partition',
      run: `${assemble('$hdd1', '$hdd2')}; udevadm settle
dmsetup create held --table "0 1024 linear /dev/md127p2 0"`,
    },
    select: `${ssdHdd} ${always}`,
    want: { chosen: standard },
  },
  {
    name: 'logical partitions of an MBR, to be erased',
    disks: ssds,
    bears: {
      text: 'ssd1: an MBR with a primary and two logical partitions, a volume group on the last',
      run: `sfdisk -q $ssd1 <<'END'
label: dos
size=16MiB
type=E
size=16MiB
size=32MiB
END
udevadm settle; mkfs.ext4 -q $ssd1-part5; pvcreate -q $ssd1-part6; vgcreate -q logical $ssd1-part6
lvcreate -q -Zn -n lv -l 100%FREE logical`,
    },
    before: { text: 'the volume is active', run: 'vgchange -ay logical' },
    select: `${ssdOnly} ${always}`,
    want: { chosen: system },
  },
  {
    name: 'mirrors and snapshots of LVM, to be erased',
    disks: pairs,
    bears: {
      text: 'a volume group on the HDDs: a mirrored volume, and another with a snapshot',
      run: `pvcreate -q $hdd1 $hdd2; vgcreate -q many $hdd1 $hdd2
lvcreate -q -Zn --type mirror -m 1 --mirrorlog core --nosync -n mirrored -L 32M many
lvcreate -q -Zn -n origin -L 32M many; lvcreate -q -s -n frozen -L 16M many/origin`,
    },
    before: { text: 'all are active', run: 'vgchange -ay many || [ -b /dev/many/frozen ]' },
    select: `${ssdHdd} ${always}`,
    want: { chosen: standard },
  },
  {
    name: 'half a volume group, to be erased',
    disks: { ...ssds, ssd3: ssd('SSD3', { absent: true }) },
    bears: {
      text: 'a volume group on ssd2 and ssd3, a volume on both',
      run: 'pvcreate -q $ssd2 $ssd3; vgcreate -q half $ssd2 $ssd3; lvcreate -q -Zn -n lv -l 100%FREE half',
    },
    before: {
      text: 'the volume is active, without its half',
      run: 'vgchange -ay --activationmode partial half',
    },
    select: `${ssdOnly} ${always}`,
    want: { chosen: system },
  },
  {
    name: 'an environment that starts what it finds',
    disks: pairs,
    bears: {
      text: 'GPTs on the HDDs, mirrors of both formats on their partitions, a volume group on each',
      run: `${gpt('hdd1', 'a', 'b')}; ${gpt('hdd2', 'a', 'b')}
${array('front', 1, '$hdd1-part1', '$hdd2-part1')}; ${array('back', 1, '$hdd1-part2', '$hdd2-part2').replace('=1.2', '=1.0')}
for md in front back; do
  pvcreate -q /dev/md/$md; vgcreate -q $md /dev/md/$md; lvcreate -q -Zn -n lv -l 100%FREE $md
done`,
    },
    before: {
      text: 'udev has rules that start arrays and volume groups at every event, and wipefs is slow',
      run: `mkdir -p /run/udev/rules.d
cat >/run/udev/rules.d/99-start.rules <<'END'
SUBSYSTEM=="block", ACTION=="add|change", ENV{ID_FS_TYPE}=="linux_raid_member", RUN+="/sbin/mdadm --incremental --config=none $devnode"
SUBSYSTEM=="block", ACTION=="add|change", ENV{ID_FS_TYPE}=="LVM2_member", RUN+="/sbin/lvm vgchange -aay --noudevsync --monitor n"
END
udevadm control --reload; udevadm trigger --action=change --subsystem-match=block; udevadm settle
ls /dev/mapper; cat /proc/mdstat
mv /sbin/wipefs /sbin/wipefs.real
printf '#!/bin/sh\\nsleep 1; exec /sbin/wipefs.real "$@"\\n' >/sbin/wipefs; chmod +x /sbin/wipefs`,
    },
    select: `${ssdHdd} ${always}`,
    again: true,
    want: { chosen: standard },
  },
];
