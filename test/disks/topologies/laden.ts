/** Machines whose disks bear something. */
import { array, assemble, gpt, hdd, marked, pairs, ssd, ssdHdd, ssds, standard, system } from './parts.ts';
import type { Topology } from './topology.ts';

const three = { ...ssds, ssd3: ssd('SSD3') };
const ssdOnly = '--group system --media ssd';
const named = '--group system --serial SSD1 --serial SSD2';
const always = '--wipe always';
const mirror = array('old', 1, '$hdd1', '$hdd2');
const ours = [
  marked('ssd1', 'system1'),
  marked('ssd2', 'system2'),
  marked('hdd1', 'data1'),
  marked('hdd2', 'data2'),
];

export const laden: Topology[] = [
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
  {
    name: 'a foreign GPT with a file system',
    disks: pairs,
    bears: {
      text: 'hdd2: a GPT, ext4 on its second partition',
      run: `${gpt('hdd2', 'boot', 'home')}\nmkfs.ext4 -q $hdd2-part2`,
    },
    select: ssdHdd,
    want: { refused: /^a chosen disk may not be erased: hdd2: 2 partitions\.$/ },
  },
  {
    name: 'a file system without partitions',
    disks: pairs,
    bears: {
      text: 'hdd1: ext4 with files',
      run: 'mkfs.ext4 -q $hdd1; mkdir /mnt; mount $hdd1 /mnt; echo precious >/mnt/file; umount /mnt; rmdir /mnt',
    },
    select: ssdHdd,
    want: { refused: /^a chosen disk may not be erased: hdd1: ext4\.$/ },
  },
  {
    name: 'a file system that is mounted',
    disks: pairs,
    bears: {
      text: 'ext4 on a logical volume, on a mirror of the HDDs',
      run: `${mirror}; pvcreate -q /dev/md/old; vgcreate -q home /dev/md/old
lvcreate -q -Zn -n home -l 100%FREE home; mkfs.ext4 -q /dev/home/home`,
    },
    before: {
      text: 'it is mounted read-only',
      run: `${assemble('$hdd1', '$hdd2')}; vgchange -ay home; mkdir /mnt; mount -o ro,noload /dev/home/home /mnt`,
    },
    select: `${ssdHdd} ${always}`,
    want: { refused: /^a chosen disk may not be erased: hdd1: mounted at \/mnt; hdd2: mounted at \/mnt\.$/ },
  },
  {
    name: 'data that nothing recognises',
    disks: ssds,
    bears: {
      text: 'ssd2: bytes at its very end',
      run: 'echo precious | dd of=$ssd2 bs=1024 seek=98303 conv=sync',
    },
    select: ssdOnly,
    want: { refused: /^a chosen disk may not be erased: ssd2: data of an unknown kind\.$/ },
  },
  {
    name: "a foreign host's volume group",
    disks: pairs,
    bears: { text: 'hdd1: a physical volume', run: 'pvcreate -q $hdd1; vgcreate -q foreign $hdd1' },
    select: ssdHdd,
    want: { refused: /^a chosen disk may not be erased: hdd1: LVM2_member\.$/ },
  },
  {
    name: "a foreign host's mirror",
    disks: pairs,
    bears: { text: 'a mirror on the HDDs', run: mirror },
    select: ssdHdd,
    want: {
      refused: /^a chosen disk may not be erased: hdd1: linux_raid_member; hdd2: linux_raid_member\.$/,
    },
  },
  {
    name: "a foreign host's mirror that runs",
    disks: pairs,
    bears: { text: 'a mirror on the HDDs', run: mirror },
    before: { text: 'it runs', run: assemble('$hdd1', '$hdd2') },
    select: ssdHdd,
    want: {
      refused:
        /^a chosen disk may not be erased: hdd1: in use by md127, linux_raid_member; hdd2: in use by md127/,
    },
  },
  {
    name: "one half of a foreign host's mirror",
    disks: pairs,
    bears: { text: 'hdd2: a degraded mirror', run: array('old', 1, '$hdd2', 'missing') },
    select: ssdHdd,
    want: { refused: /^a chosen disk may not be erased: hdd2: linux_raid_member\.$/ },
  },
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
  {
    name: 'a disk that a multipath device holds',
    disks: three,
    before: {
      text: 'ssd2 is a path of a multipath device',
      run: 'dmsetup create mpatha --uuid mpath-35000 --table "0 $(blockdev --getsz $ssd2) linear $ssd2 0"',
    },
    select: ssdOnly,
    want: { chosen: { system: ['ssd1', 'ssd3'] } },
  },
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
  {
    name: "the installer's own disk",
    disks: three,
    bears: { text: 'ssd2: a file system labelled INSTALLER', run: 'mkfs.ext4 -q -L INSTALLER $ssd2' },
    append: 'inst.repo=hd:LABEL=INSTALLER:/images',
    select: ssdOnly,
    want: { chosen: { system: ['ssd1', 'ssd3'] } },
  },
];
