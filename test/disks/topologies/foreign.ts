/** Disks that bear what is not ours, and may not be erased. */
import { always, array, assemble, gpt, mirror, pairs, ssdHdd, ssdOnly, ssds } from './parts.ts';
import type { Topology } from './topology.ts';

export const foreign: Topology[] = [
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
];
