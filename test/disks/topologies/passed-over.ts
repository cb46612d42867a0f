/** Disks that are never taken, and the installer's own. */
import { ssd, ssdOnly, ssds, system, three } from './parts.ts';
import type { Topology } from './topology.ts';

export const passedOver: Topology[] = [
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
    name: "the installer's own disk",
    disks: three,
    bears: { text: 'ssd2: a file system labelled INSTALLER', run: 'mkfs.ext4 -q -L INSTALLER $ssd2' },
    append: 'inst.repo=hd:LABEL=INSTALLER:/images',
    select: ssdOnly,
    want: { chosen: { system: ['ssd1', 'ssd3'] } },
  },
  {
    name: "the installer's disk is lost",
    disks: ssds,
    append: 'inst.repo=hd:LABEL=INSTALLER',
    select: ssdOnly,
    want: { refused: /^the installer came from LABEL=INSTALLER, which no device answers to/ },
  },
];
