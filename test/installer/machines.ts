/** The machines that select-disks is shown, and what it must make of each. */
import { type Disk, GB, MARK, type Machine } from './topology.ts';

export interface Case {
  name: string;
  machine: Machine;
  /** Arguments after --mark; without it, a pair of SSDs and a pair of HDDs. */
  groups?: string[];
  /** Kernel names by group, or the text of a refusal. */
  want: Record<string, string[]> | { refused: RegExp[] };
  /** A program that busybox lacks, without which the answer is another. */
  needs?: 'blkid';
  /** Names that must be printed for the chosen disks, in order. */
  names?: string[];
}

const ours = (part: string) => `imgbuild:${MARK}:${part}`;
const hex = (n: number) => n.toString(16).padStart(2, '0');

const ssd = (n: number, more: Partial<Disk> = {}): Disk => ({
  name: `nvme${n}n1`,
  bus: 'nvme',
  size: 480 * GB,
  model: 'SAMSUNG MZQL2480HCJR-00A07',
  serial: `S64GNA0${n}`,
  wwn: `36344730${hex(n)}000001`,
  ...more,
});
const sata = (n: number, more: Partial<Disk> = {}): Disk => ({
  name: `sd${String.fromCharCode(97 + n)}`,
  bus: 'sata',
  size: 4000 * GB,
  media: 'hdd',
  model: 'ST4000NM0035-1V4107',
  serial: `ZC1${n}ABCD`,
  wwn: `5000c500a00000${hex(n)}`,
  slot: n,
  ...more,
});
const flash = (n: number, more: Partial<Disk> = {}): Disk =>
  sata(n, { size: 480 * GB, media: 'ssd', model: 'INTEL SSDSC2KB480G8', serial: `PHYF${n}480`, ...more });
const vd = (n: number, more: Partial<Disk> = {}): Disk => ({
  name: `vd${String.fromCharCode(97 + n)}`,
  bus: 'virtio',
  size: 40 * GB,
  serial: `disk${n}`,
  slot: n,
  ...more,
});
const raid = (n: number, more: Partial<Disk> = {}): Disk =>
  sata(n, {
    bus: 'megaraid',
    vendor: 'DELL',
    model: 'PERC H730P Mini',
    serial: `00a1b2c3d${n}`,
    wwn: `6d09466000000${hex(n)}0`.padEnd(32, '0'),
    ...more,
  });
const stick: Disk = {
  name: 'sdy',
  bus: 'usb',
  size: 480 * GB,
  media: 'ssd',
  vendor: 'Kingston',
  model: 'DataTraveler',
  serial: 'U1',
  slot: 5,
};
const four = [ssd(0), ssd(1), sata(0), sata(1)];
const standard = { system: ['nvme0n1', 'nvme1n1'], data: ['sda', 'sdb'] };

const ssdHdd = ['--group', 'system', '--media', 'ssd', '--group', 'data', '--media', 'hdd'];
const ssdOnly = ['--group', 'system', '--media', 'ssd'];
const anyAny = ['--group', 'system', '--group', 'data'];
const owned = (group: string, n: number) => [
  { label: ours(`${group}${n}p1`) },
  { label: ours(`${group}${n}p2`) },
];

export const cases: Case[] = [
  // Plain machines.
  {
    name: 'NVMe pair and HDD pair',
    machine: { disks: four },
    want: standard,
    names: [
      'disk/by-id/nvme-SAMSUNG_MZQL2480HCJR-00A07_S64GNA00',
      'disk/by-id/nvme-SAMSUNG_MZQL2480HCJR-00A07_S64GNA01',
      'disk/by-id/ata-ST4000NM0035-1V4107_ZC10ABCD',
      'disk/by-id/ata-ST4000NM0035-1V4107_ZC11ABCD',
    ],
  },
  {
    name: 'NVMe pair alone',
    machine: { disks: [ssd(0), ssd(1)] },
    groups: ssdOnly,
    want: { system: ['nvme0n1', 'nvme1n1'] },
  },
  {
    name: 'SATA SSDs and SAS HDDs',
    machine: {
      disks: [
        flash(0),
        flash(1),
        sata(2, { bus: 'sas', vendor: 'SEAGATE' }),
        sata(3, { bus: 'sas', vendor: 'SEAGATE' }),
      ],
    },
    want: { system: ['sda', 'sdb'], data: ['sdc', 'sdd'] },
  },
  {
    name: 'one disk a group',
    machine: { disks: [ssd(0), sata(0)] },
    groups: [
      '--group',
      'system',
      '--count',
      '1',
      '--media',
      'ssd',
      '--group',
      'data',
      '--count',
      '1',
      '--media',
      'hdd',
    ],
    want: { system: ['nvme0n1'], data: ['sda'] },
  },
  {
    name: 'order by place, not by name',
    machine: { disks: [sata(0, { slot: 11 }), sata(1, { slot: 2 })] },
    groups: ['--group', 'data'],
    want: { data: ['sdb', 'sda'] },
  },
  {
    name: 'order by sysfs where udev has no by-path',
    machine: { disks: [sata(0, { slot: 11, byPath: false }), sata(1, { slot: 2, byPath: false })] },
    groups: ['--group', 'data'],
    want: { data: ['sdb', 'sda'] },
  },
  {
    name: "the kernel's own devices do not matter",
    machine: {
      disks: four,
      extras: ['loop0', 'loop7', 'ram0', 'zram0', 'nbd0', 'rbd0', 'zd0', 'pmem0', 'drbd0', 'cciss!c0d0'],
    },
    want: standard,
  },

  // What is never chosen.
  { name: 'a USB stick of the right size', machine: { disks: [...four, stick] }, want: standard },
  {
    name: 'a USB stick instead of the second SSD',
    machine: { disks: [flash(0), stick] },
    groups: ssdOnly,
    want: { refused: [/system wants 2, and 1 /, /sdy[\s\S]*never: on USB/] },
  },
  {
    name: 'a USB stick asked for by serial',
    machine: { disks: [flash(0), stick] },
    groups: ['--group', 'system', '--serial', 'PHYF*', '--serial', 'U1'],
    want: { refused: [/asks for serial U1/, /never: on USB/] },
  },
  {
    name: 'a USB-NVMe bridge',
    machine: { disks: [flash(0), sata(1, { bus: 'usb', media: 'ssd', size: 480 * GB })] },
    groups: ssdOnly,
    want: { refused: [/never: on USB/] },
  },
  {
    name: 'BMC media that are not on USB',
    machine: {
      disks: [
        ...four,
        sata(4, { bus: 'sas', vendor: 'AMI', model: 'Virtual HDisk0' }),
        sata(5, { bus: 'sas', vendor: 'iDRAC', model: 'LCDRIVE' }),
        sata(6, { bus: 'sas', vendor: 'HP iLO', model: 'Internal SD-CARD' }),
      ],
    },
    want: standard,
  },
  {
    name: 'BMC floppy and CD',
    machine: {
      disks: [
        ...four,
        sata(4, { bus: 'usb', vendor: 'ATEN', model: 'Virtual Floppy', size: 1474560 }),
        sata(5, { bus: 'sas', vendor: 'ATEN', model: 'Virtual CDROM' }),
      ],
    },
    want: standard,
  },
  {
    name: "a hypervisor's Virtual disk is a disk",
    machine: {
      disks: [0, 1].map((n) => sata(n, { bus: 'virtio-scsi', vendor: 'VMware', model: 'Virtual disk' })),
    },
    groups: ['--group', 'data'],
    want: { data: ['sda', 'sdb'] },
  },
  {
    name: 'empty card reader',
    machine: { disks: [...four, sata(4, { size: 0, removable: true })] },
    want: standard,
  },
  {
    name: 'a drive without medium that says it is fixed',
    machine: { disks: [sata(0), sata(1, { size: 0 })] },
    groups: ['--group', 'data'],
    want: { refused: [/data wants 2, and 1/, /empty: no medium/] },
  },
  {
    name: 'a removable disk',
    machine: { disks: [sata(0), sata(1, { removable: true })] },
    groups: ['--group', 'data'],
    want: { refused: [/never: removable/] },
  },
  {
    name: 'a read-only disk',
    machine: { disks: [sata(0), sata(1, { readOnly: true })] },
    groups: ['--group', 'data'],
    want: { refused: [/never: read-only/] },
  },
  {
    name: 'an optical drive, sr and sd',
    machine: {
      disks: [sata(0), { name: 'sr0', bus: 'optical', size: 4 * GB, slot: 8 }, sata(1, { type: 5 })],
    },
    groups: ['--group', 'data'],
    want: { refused: [/sr0[\s\S]*never: an optical drive/, /SCSI type 5/] },
  },
  {
    name: 'a floppy drive',
    machine: { disks: [...four, { name: 'fd0', bus: 'floppy', size: 1474560 }] },
    want: standard,
  },
  {
    name: 'scsi_debug',
    machine: { disks: [sata(0), sata(1, { bus: 'pseudo' })] },
    groups: ['--group', 'data'],
    want: { refused: [/never: virtual, no hardware/] },
  },
  {
    name: 'hidden paths of an NVMe disk',
    machine: {
      disks: [
        ssd(0, { bus: 'nvme-subsystem', slot: 0 }),
        ssd(1, { bus: 'nvme-subsystem', slot: 1 }),
        ssd(2, { name: 'nvme0c0n1', hidden: true, byId: false, byPath: false }),
      ],
    },
    groups: ssdOnly,
    want: { system: ['nvme0n1', 'nvme1n1'] },
  },
  {
    name: 'a hidden NVMe path by its name alone',
    machine: { disks: [ssd(0), ssd(1, { name: 'nvme0c1n1' })] },
    groups: ssdOnly,
    want: { refused: [/one path of an NVMe disk/] },
  },
  {
    name: 'hidden by the kernel',
    machine: { disks: [ssd(0), ssd(1, { hidden: true })] },
    groups: ssdOnly,
    want: { refused: [/hidden by the kernel/] },
  },
  {
    name: 'eMMC boot areas',
    machine: { disks: [...four, { name: 'mmcblk0boot0', bus: 'mmc', size: 480 * GB, media: 'ssd' }] },
    groups: [...ssdOnly, '--transport', 'mmc', '--transport', 'nvme'],
    want: { system: ['nvme0n1', 'nvme1n1'] },
  },
  {
    name: 'an SD card',
    machine: {
      disks: [...four, { name: 'mmcblk0', bus: 'mmc', size: 32 * GB, media: 'ssd', serial: '0x1' }],
    },
    want: standard,
  },
  {
    name: 'an SD card asked for',
    machine: {
      disks: [{ name: 'mmcblk0', bus: 'mmc', size: 32 * GB, media: 'ssd', model: 'SD32G', serial: '0x1' }],
    },
    groups: ['--group', 'system', '--count', '1', '--transport', 'mmc'],
    want: { system: ['mmcblk0'] },
    names: ['disk/by-id/mmc-SD32G_0x1'],
  },
  { name: 'an iSCSI LUN', machine: { disks: [...four, sata(4, { bus: 'iscsi' })] }, want: standard },
  {
    name: 'an iSCSI LUN asked for by serial only',
    machine: { disks: [sata(4, { bus: 'iscsi' })] },
    groups: ['--group', 'data', '--count', '1', '--serial', 'ZC1*'],
    want: { refused: [/remote \(iscsi\), needs transport: iscsi/] },
  },
  {
    name: 'an iSCSI LUN asked for',
    machine: { disks: [sata(4, { bus: 'iscsi', slot: 1 })] },
    groups: ['--group', 'data', '--count', '1', '--transport', 'iscsi'],
    want: { data: ['sde'] },
  },
  {
    name: 'FC LUNs',
    machine: { disks: [...four, sata(4, { bus: 'fc' }), sata(5, { bus: 'fc' })] },
    want: standard,
  },
  {
    name: 'NVMe over TCP',
    machine: { disks: [ssd(0), ssd(1, { bus: 'nvme-tcp' })] },
    groups: ssdOnly,
    want: { refused: [/remote \(nvmeof\)/] },
  },

  {
    name: 'NVMe over TCP, by its place alone',
    machine: { disks: [ssd(0), ssd(1, { bus: 'nvme-tcp', oldKernel: true })] },
    groups: [...ssdOnly, '--transport', 'nvme'],
    want: { refused: [/system wants 2, and 1/, /is nvmeof/] },
  },
  {
    name: 'a disk without hardware',
    machine: { disks: [sata(0), sata(1, { bus: 'virtual' })] },
    groups: ['--group', 'data'],
    want: { refused: [/never: virtual, no hardware/] },
  },

  // The installer's own disk.
  {
    name: "installer's disk among the wanted",
    machine: {
      disks: [flash(0), flash(1), flash(2)],
      labels: { 'CentOS\\x207': 'sdc' },
      cmdline: 'quiet inst.stage2=hd:LABEL=CentOS\\x207:/images',
    },
    groups: ssdOnly,
    want: { system: ['sda', 'sdb'] },
  },
  {
    name: 'inst.repo=hd: by partition',
    machine: {
      disks: [flash(0), flash(1), flash(2, { partitions: [{ label: 'x' }] })],
      cmdline: 'inst.repo=hd:sdc1:/repo',
    },
    groups: ssdOnly,
    want: { system: ['sda', 'sdb'] },
  },
  {
    name: "el7's repo=hd: by device",
    machine: { disks: [flash(0), flash(1), flash(2)], cmdline: 'repo=hd:/dev/sdc:/' },
    groups: ssdOnly,
    want: { system: ['sda', 'sdb'] },
  },
  {
    name: 'root=live: by label',
    machine: {
      disks: [flash(0), flash(1), flash(2)],
      labels: { LIVE: 'sdc' },
      cmdline: 'root=live:CDLABEL=LIVE',
    },
    groups: ssdOnly,
    want: { system: ['sda', 'sdb'] },
  },
  {
    name: 'installer by a label that is gone',
    machine: { disks: four, cmdline: 'inst.stage2=hd:LABEL=GONE' },
    want: { refused: [/installer came from LABEL=GONE/] },
  },
  {
    name: 'installer mounted from a disk',
    machine: {
      disks: [flash(0), flash(1), flash(2, { partitions: [{ label: 'x' }] })],
      mounts: '/dev/sdc1 /run/install/repo xfs ro 0 0\n',
    },
    groups: ssdOnly,
    want: { system: ['sda', 'sdb'] },
  },
  {
    name: 'installer mounted from device-mapper on a disk',
    machine: {
      disks: [flash(0), flash(1), flash(2, { holders: ['dm-0'] })],
      stacks: [{ name: 'dm-0', slaves: ['sdc'], dm: { name: 'ventoy', uuid: '' } }],
      mounts: '/dev/mapper/ventoy /run/initramfs/live vfat ro 0 0\n',
    },
    groups: ssdOnly,
    want: { system: ['sda', 'sdb'] },
  },
  {
    name: 'a volume called OEMDRV',
    machine: { disks: [flash(0), flash(1), flash(2)], labels: { OEMDRV: 'sdc' } },
    groups: ssdOnly,
    want: { system: ['sda', 'sdb'] },
  },

  // One disk seen twice.
  {
    name: 'two SAS paths to each disk',
    machine: {
      disks: [sata(0, { bus: 'sas' }), sata(1, { bus: 'sas', wwn: '5000c500a0000000', serial: 'ZC10ABCD' })],
    },
    groups: ['--group', 'data'],
    want: { refused: [/sda and sdb are one disk, seen twice/] },
  },
  {
    name: 'one serial twice, no WWN',
    machine: { disks: [vd(0, { serial: 'same' }), vd(1, { serial: 'same' })] },
    groups: ['--group', 'data'],
    want: { refused: [/vda and vdb are one disk/] },
  },
  {
    name: 'two namespaces of one NVMe drive',
    machine: { disks: [ssd(0), ssd(0, { name: 'nvme0n2', wwn: '3634473000000002' })] },
    groups: ssdOnly,
    want: { refused: [/are one disk/] },
  },
  {
    name: 'paths of a multipath device',
    machine: {
      disks: [
        ...four,
        sata(4, { bus: 'sas', holders: ['dm-0'] }),
        sata(5, { bus: 'sas', holders: ['dm-0'], wwn: '5000c500a0000004' }),
      ],
      stacks: [
        { name: 'dm-0', slaves: ['sde', 'sdf'], dm: { name: 'mpatha', uuid: 'mpath-35000c500a0000004' } },
      ],
    },
    want: standard,
  },
  {
    name: 'the installer’s own disk by another path',
    machine: {
      disks: [
        flash(0, { bus: 'sas' }),
        { ...flash(0, { bus: 'sas', slot: 1 }), name: 'sdb' },
        flash(2),
        flash(3),
      ],
      mounts: '/dev/sda /run/install/repo iso9660 ro 0 0\n',
    },
    groups: ssdOnly,
    want: { system: ['sdc', 'sdd'] },
  },
  {
    name: 'a second path that multipath has not claimed yet',
    machine: {
      disks: [
        flash(0, { bus: 'sas', holders: ['dm-0'] }),
        { ...flash(0, { bus: 'sas', slot: 1 }), name: 'sdb' },
        flash(2),
      ],
      stacks: [{ name: 'dm-0', slaves: ['sda'], dm: { name: 'mpatha', uuid: 'mpath-35000c500a0000000' } }],
    },
    groups: ssdOnly,
    want: { refused: [/system wants 2, and 1 of/] },
  },
  {
    name: 'one WWN on two disks, as some makers have it',
    machine: { disks: [flash(0, { wwn: '5000000000000000' }), flash(1, { wwn: '5000000000000000' })] },
    groups: ssdOnly,
    want: { system: ['sda', 'sdb'] },
  },
  {
    name: 'the installer’s repository as a second address, in quotes',
    machine: {
      disks: [flash(0), flash(1), flash(2)],
      labels: { MEDIA: 'sdc' },
      cmdline:
        'inst.repo=http://10.0.0.1/el9 inst.addrepo=extra,hd:LABEL=MEDIA:/x inst.ks="hd:LABEL=MEDIA:/ks.cfg"',
    },
    groups: ssdOnly,
    want: { system: ['sda', 'sdb'] },
  },
  {
    name: 'two sizes, and a tolerance that would mix them',
    machine: { disks: [flash(0), flash(1, { size: 960 * GB }), flash(2), flash(3, { size: 960 * GB })] },
    groups: ['--tolerance', '50', '--group', 'system', '--media', 'ssd', '--group', 'data', '--media', 'ssd'],
    want: { system: ['sda', 'sdc'], data: ['sdb', 'sdd'] },
  },
  {
    name: 'volumes of one controller with one serial',
    machine: { disks: [raid(0, { serial: 'PACC' }), raid(1, { serial: 'PACC' })] },
    groups: ['--group', 'data'],
    want: { data: ['sda', 'sdb'] },
    names: [
      'disk/by-id/wwn-0x6d094660000000000000000000000000',
      'disk/by-id/wwn-0x6d094660000000100000000000000000',
    ],
  },

  // Counts.
  {
    name: 'a dead SSD',
    machine: { disks: [ssd(0), sata(0), sata(1)] },
    want: { refused: [/system wants 2, and 1 of/] },
  },
  {
    name: 'a disk too many',
    machine: { disks: [...four, sata(2)] },
    want: { refused: [/data wants 2, and 3 of/, /data: \{ serial: \[ZC10ABCD, ZC11ABCD\] \}/] },
  },
  {
    name: 'a disk too many, named by serial',
    machine: { disks: [...four, sata(2)] },
    groups: [...ssdHdd, '--serial', 'ZC10*', '--serial', 'ZC12ABCD'],
    want: { system: ['nvme0n1', 'nvme1n1'], data: ['sda', 'sdc'] },
  },
  {
    name: 'named by WWN',
    machine: { disks: [...four, sata(2)] },
    groups: [...ssdHdd, '--wwn', 'wwn-0x5000C500A0000001', '--wwn', '0x5000c500a0000002'],
    want: { system: ['nvme0n1', 'nvme1n1'], data: ['sdb', 'sdc'] },
  },
  {
    name: 'named by path',
    machine: { disks: [...four, sata(2)] },
    groups: [...ssdHdd, '--path', '/dev/disk/by-path/pci-0000:00:17.0-ata-[23]'],
    want: { system: ['nvme0n1', 'nvme1n1'], data: ['sdb', 'sdc'] },
  },
  {
    name: 'two globs for two disks, one of which finds both',
    machine: { disks: four },
    groups: [...ssdHdd, '--serial', 'ZC1*', '--serial', 'GONE'],
    want: { refused: [/data asks for serial GONE/] },
  },
  { name: 'no disks at all', machine: { disks: [] }, want: { refused: [/none/, /system wants 2, and 0/] } },
  {
    name: 'the wrong media',
    machine: { disks: [sata(0), sata(1)] },
    groups: ssdOnly,
    want: { refused: [/is hdd, not ssd/] },
  },
  {
    name: 'by size',
    machine: { disks: [flash(0), flash(1), flash(2, { size: 960 * GB }), flash(3, { size: 960 * GB })] },
    groups: ['--group', 'system', '--max', `${500 * GB}`, '--group', 'data', '--min', `${900 * GB}`],
    want: { system: ['sda', 'sdb'], data: ['sdc', 'sdd'] },
  },
  {
    name: 'not larger than',
    machine: { disks: [flash(0), flash(1), flash(2, { size: 481 * GB })] },
    groups: [...ssdOnly, '--max', `${480 * GB}`],
    want: { system: ['sda', 'sdb'] },
  },
  {
    name: 'by model, as udev has it whole',
    machine: { disks: [flash(0), flash(1), flash(2, { model: 'INTEL SSDSC2KB960G8' })] },
    groups: [...ssdOnly, '--model', 'INTEL SSDSC2KB480G8'],
    want: { system: ['sda', 'sdb'] },
  },
  {
    name: 'by transport',
    machine: { disks: [flash(0), flash(1), ssd(0), ssd(1)] },
    groups: ['--group', 'system', '--transport', 'sata', '--group', 'data', '--transport', 'nvme'],
    want: { system: ['sda', 'sdb'], data: ['nvme0n1', 'nvme1n1'] },
  },
  {
    name: 'SATA behind SAS is sata',
    machine: {
      disks: [
        flash(0, { bus: 'sata-sas' }),
        flash(1, { bus: 'sata-sas' }),
        flash(2, { bus: 'sas', vendor: 'HGST' }),
      ],
    },
    groups: [...ssdOnly, '--transport', 'sata'],
    want: { system: ['sda', 'sdb'] },
  },

  // RAID controllers.
  {
    name: 'virtual disks by model and size',
    machine: { disks: [raid(0, { size: 480 * GB }), raid(1, { size: 8000 * GB })] },
    groups: [
      '--group',
      'system',
      '--count',
      '1',
      '--model',
      'PERC*',
      '--max',
      `${GB * 1000}`,
      '--group',
      'data',
      '--count',
      '1',
      '--transport',
      'raid',
      '--min',
      `${GB * 1000}`,
    ],
    want: { system: ['sda'], data: ['sdb'] },
  },
  {
    name: 'virtual disks say they rotate',
    machine: { disks: [raid(0, { size: 480 * GB })] },
    groups: ['--group', 'system', '--count', '1', '--media', 'ssd'],
    want: { refused: [/is hdd, not ssd/] },
  },
  {
    name: 'Smart Array volumes',
    machine: { disks: [raid(0, { bus: 'smartarray', vendor: 'HPE' })] },
    groups: ['--group', 'data', '--count', '1', '--transport', 'raid'],
    want: { data: ['sda'] },
  },

  // Groups that fit the same disks.
  {
    name: 'SSDs of two sizes',
    machine: { disks: [flash(0, { size: 960 * GB }), flash(1), flash(2, { size: 960 * GB }), flash(3)] },
    groups: anyAny,
    want: { system: ['sdb', 'sdd'], data: ['sda', 'sdc'] },
  },
  {
    name: 'SSDs of one size',
    machine: { disks: [flash(0), flash(1), flash(2), flash(3)] },
    groups: anyAny,
    want: { system: ['sda', 'sdb'], data: ['sdc', 'sdd'] },
  },
  {
    name: 'SSDs of nearly one size',
    machine: { disks: [flash(0, { size: 500 * GB }), flash(1), flash(2, { size: 500 * GB }), flash(3)] },
    groups: anyAny,
    want: { system: ['sda', 'sdb'], data: ['sdc', 'sdd'] },
  },
  {
    name: 'SSDs of three sizes',
    machine: {
      disks: [
        flash(0, { size: 240 * GB }),
        flash(1),
        flash(2, { size: 960 * GB }),
        flash(3, { size: 960 * GB }),
      ],
    },
    groups: anyAny,
    want: {
      refused: [
        /neither one nor two classes of 2 and 2/,
        /system: \{ serial: \[PHYF0480, PHYF1480\] \}/,
        /data: \{ serial: \[PHYF2480, PHYF3480\] \}/,
      ],
    },
  },
  {
    name: 'sizes that run into each other',
    machine: { disks: [400, 416, 432, 448].map((size, n) => flash(n, { size: size * GB })) },
    groups: anyAny,
    want: { refused: [/neither one nor two classes/] },
  },
  {
    name: 'larger ones that are unlike',
    machine: { disks: [480, 480, 960, 1920].map((size, n) => flash(n, { size: size * GB })) },
    groups: anyAny,
    want: { refused: [/neither one nor two classes/] },
  },
  {
    name: 'classes that do not fit the counts',
    machine: {
      disks: [
        flash(0),
        flash(1, { size: 960 * GB }),
        flash(2, { size: 960 * GB }),
        flash(3, { size: 960 * GB }),
      ],
    },
    groups: anyAny,
    want: { refused: [/neither one nor two classes/] },
  },
  {
    name: 'classes of one and three',
    machine: {
      disks: [
        flash(0),
        flash(1, { size: 960 * GB }),
        flash(2, { size: 960 * GB }),
        flash(3, { size: 960 * GB }),
      ],
    },
    groups: ['--group', 'system', '--count', '1', '--group', 'data', '--count', '3'],
    want: { system: ['sda'], data: ['sdb', 'sdc', 'sdd'] },
  },
  {
    name: 'five disks for two pairs',
    machine: { disks: [0, 1, 2, 3, 4].map((n) => flash(n)) },
    groups: anyAny,
    want: { refused: [/system and data together want 4 of the disks that fit both, and there are 5/] },
  },
  {
    name: 'three disks for two pairs',
    machine: { disks: [0, 1, 2].map((n) => flash(n)) },
    groups: anyAny,
    want: { refused: [/together want 4 .* there are 3/] },
  },
  {
    name: 'a disk that fits one group only goes there',
    machine: { disks: [flash(0), flash(1), sata(2, { size: 480 * GB }), sata(3, { size: 480 * GB })] },
    groups: ['--group', 'system', '--media', 'ssd', '--group', 'data', '--media', 'any'],
    want: { system: ['sda', 'sdb'], data: ['sdc', 'sdd'] },
  },
  {
    name: 'the system by serial, data from the rest',
    machine: { disks: [flash(0), flash(1), flash(2), flash(3)] },
    groups: ['--group', 'system', '--serial', 'PHYF2480', '--serial', 'PHYF1480', '--group', 'data'],
    want: { system: ['sdb', 'sdc'], data: ['sda', 'sdd'] },
  },
  {
    name: 'the named one is dead: data does not take its partner',
    machine: { disks: [flash(0), flash(1), flash(3)] },
    groups: ['--group', 'system', '--serial', 'PHYF2480', '--serial', 'PHYF1480', '--group', 'data'],
    want: { refused: [/system asks for serial PHYF2480|system wants 2, and 1/] },
  },
  {
    name: 'marks say which is which',
    machine: {
      disks: [
        flash(0, { partitions: owned('data', 1) }),
        flash(1, { partitions: owned('system', 1) }),
        flash(2, { partitions: owned('data', 2) }),
        flash(3, { partitions: owned('system', 2) }),
      ],
    },
    groups: anyAny,
    want: { system: ['sdb', 'sdd'], data: ['sda', 'sdc'] },
  },
  {
    name: 'marks and one new disk',
    machine: {
      disks: [
        flash(0),
        flash(1, { partitions: owned('system', 1) }),
        flash(2, { partitions: owned('data', 2) }),
        flash(3, { partitions: owned('system', 2) }),
      ],
    },
    groups: anyAny,
    want: { system: ['sdb', 'sdd'], data: ['sda', 'sdc'] },
  },
  {
    name: 'marks cut short by a long name',
    machine: {
      disks: [
        flash(0, { partitions: [{ label: ours('d1p1') }] }),
        flash(1, { partitions: [{ label: ours('s1p1') }] }),
      ],
    },
    groups: ['--group', 'system', '--count', '1', '--group', 'data', '--count', '1'],
    want: { system: ['sdb'], data: ['sda'] },
  },
  {
    name: 'marks that contradict each other',
    machine: { disks: [flash(0, { partitions: [...owned('data', 1), ...owned('system', 1)] }), flash(1)] },
    groups: ['--group', 'system', '--count', '1', '--group', 'data', '--count', '1'],
    want: { refused: [/marks on sda name both system and data/] },
  },
  {
    name: 'marks of one group on too many',
    machine: { disks: [0, 1, 2, 3].map((n) => flash(n, { partitions: owned('system', n) })) },
    groups: anyAny,
    want: { refused: [/more disks bear the marks of one/] },
  },
  {
    name: "another cluster's marks decide nothing",
    machine: {
      disks: [
        flash(0, { partitions: [{ label: 'imgbuild:other:data1p1' }] }),
        flash(1, { partitions: [{ label: 'imgbuild:other:system1p1' }] }),
      ],
    },
    groups: ['--group', 'system', '--count', '1', '--group', 'data', '--count', '1', '--wipe', 'always'],
    want: { system: ['sda'], data: ['sdb'] },
  },
  {
    name: 'partly overlapping groups',
    machine: {
      disks: [
        flash(0),
        flash(1, { size: 960 * GB }),
        flash(2, { size: 960 * GB }),
        flash(3, { size: 1920 * GB }),
      ],
    },
    groups: ['--group', 'system', '--max', `${GB * 1000}`, '--group', 'data', '--min', `${900 * GB}`],
    want: { refused: [/nothing says which goes where/] },
  },

  // Members of a pair.
  {
    name: 'unequal members',
    machine: { disks: [ssd(0), ssd(1, { size: 400 * GB })] },
    groups: ssdOnly,
    want: { refused: [/differ in size by more than 5 percent: 400.0 GB and 480.0 GB/] },
  },
  {
    name: 'unequal within the tolerance',
    machine: { disks: [ssd(0), ssd(1, { size: 470 * GB })] },
    groups: ssdOnly,
    want: { system: ['nvme0n1', 'nvme1n1'] },
  },
  {
    name: 'unequal, no tolerance',
    machine: { disks: [ssd(0), ssd(1, { size: 480 * GB - 512 })] },
    groups: ['--tolerance', '0', ...ssdOnly],
    want: { refused: [/differ in size/] },
  },
  {
    name: '4Kn: sizes count in 512 bytes all the same',
    machine: { disks: [sata(0, { sector: 4096 }), sata(1, { sector: 4096 })] },
    groups: ['--group', 'data', '--min', `${3990 * GB}`, '--max', `${4010 * GB}`],
    want: { data: ['sda', 'sdb'] },
  },
  {
    name: '512e beside 4Kn',
    machine: { disks: [sata(0), sata(1, { sector: 4096 })] },
    groups: ['--group', 'data'],
    want: { refused: [/sectors of 512 and of 4096/] },
  },

  // What they bear.
  {
    name: 'own leftovers',
    machine: {
      disks: [
        ssd(0, { partitions: owned('system', 1) }),
        ssd(1, { partitions: owned('system', 2) }),
        sata(0),
        sata(1),
      ],
    },
    want: standard,
  },
  {
    name: 'own leftovers, only blank allowed',
    machine: { disks: [ssd(0, { partitions: owned('system', 1) }), ssd(1)] },
    groups: ['--wipe', 'blank', ...ssdOnly],
    want: { refused: [/nvme0n1: 2 partitions of this cluster/] },
  },
  {
    name: 'own leftovers with running arrays',
    machine: {
      disks: [
        ssd(0, { partitions: [{ label: ours('system1p1'), holders: ['md127'] }] }),
        ssd(1, { partitions: [{ label: ours('system2p1'), holders: ['md127'] }] }),
      ],
      stacks: [{ name: 'md127', slaves: [], md: {} }],
    },
    groups: ssdOnly,
    want: { system: ['nvme0n1', 'nvme1n1'] },
  },
  {
    name: 'foreign partitions',
    machine: { disks: [ssd(0), ssd(1, { partitions: [{ label: 'Linux RAID' }] })] },
    groups: ssdOnly,
    want: { refused: [/nvme1n1: 1 partition\b/, /wipe: always/] },
  },
  {
    name: 'MBR partitions',
    machine: { disks: [ssd(0), ssd(1, { partitions: [{}] })] },
    groups: ssdOnly,
    want: { refused: [/nvme1n1: 1 partition/] },
  },
  {
    name: 'half-owned disk',
    machine: { disks: [ssd(0), ssd(1, { partitions: [...owned('system', 2), { label: 'home' }] })] },
    groups: ssdOnly,
    want: { refused: [/nvme1n1: 3 partitions, 2 of this cluster, not nvme1n1p3/] },
  },
  {
    name: "another cluster's disk",
    machine: { disks: [ssd(0), ssd(1, { partitions: [{ label: 'imgbuild:stage-01:system1p1' }] })] },
    groups: ssdOnly,
    want: { refused: [/of another cluster \(imgbuild:stage-01\)/] },
  },
  {
    name: 'a mark that begins with ours',
    machine: { disks: [ssd(0), ssd(1, { partitions: [{ label: `imgbuild:${MARK}0:system1p1` }] })] },
    groups: ssdOnly,
    want: { refused: [/of another cluster/] },
  },
  {
    name: 'a mark without a part',
    machine: { disks: [ssd(0), ssd(1, { partitions: [{ label: `imgbuild:${MARK}:` }] })] },
    groups: ssdOnly,
    want: { refused: [/nvme1n1: 1 partition/] },
  },
  {
    name: 'foreign md over whole disks',
    machine: {
      disks: [ssd(0, { holders: ['md0'] }), ssd(1, { holders: ['md0'] })],
      stacks: [{ name: 'md0', slaves: ['nvme0n1', 'nvme1n1'], md: {} }],
    },
    groups: ssdOnly,
    want: { refused: [/nvme0n1: in use by md0; nvme1n1: in use by md0/] },
  },
  {
    name: 'foreign LVM over a whole disk',
    machine: {
      disks: [ssd(0), ssd(1, { holders: ['dm-3'] })],
      stacks: [{ name: 'dm-3', slaves: ['nvme1n1'], dm: { name: 'vg-lv', uuid: 'LVM-x' } }],
    },
    groups: ssdOnly,
    want: { refused: [/in use by dm-3/] },
  },
  {
    name: 'own partitions, but also a foreign volume on the whole disk',
    machine: {
      disks: [ssd(0), ssd(1, { partitions: owned('system', 2), holders: ['dm-3'] })],
      stacks: [{ name: 'dm-3', slaves: ['nvme1n1'], dm: { name: 'x', uuid: 'LVM-x' } }],
    },
    groups: ssdOnly,
    want: { refused: [/in use by dm-3/] },
  },
  {
    name: 'own partitions beside a file system on the whole disk',
    machine: {
      disks: [
        ssd(0),
        ssd(1, {
          partitions: owned('system', 2),
          bytes: { 1048576: Buffer.from([0x0d, 0xd0, 0x01, 0xc0, 3, 0, 0, 0]) },
        }),
      ],
    },
    groups: ssdOnly,
    want: { refused: [/nvme1n1: 2 partitions of this cluster, VMFS_volume_member/] },
    needs: 'blkid',
  },
  {
    name: 'leftover md superblock at the end',
    machine: { disks: [ssd(0), ssd(1, { bytes: { [-65536]: Buffer.from([0xfc, 0x4e, 0x2b, 0xa9]) } })] },
    groups: ssdOnly,
    want: { refused: [/nvme1n1: data of an unknown kind/] },
  },
  {
    name: 'one byte in the first MiB',
    machine: { disks: [ssd(0), ssd(1, { bytes: { 1048575: 'x' } })] },
    groups: ssdOnly,
    want: { refused: [/nvme1n1: data/] },
  },
  {
    name: 'one byte in the last MiB',
    machine: { disks: [ssd(0), ssd(1, { bytes: { [-1]: 'x' } })] },
    groups: ssdOnly,
    want: { refused: [/nvme1n1: data/] },
  },
  {
    name: 'one byte in the last MiB of an odd size',
    machine: {
      disks: [
        ssd(0, { size: 480 * GB + 512 * 3 }),
        ssd(1, { size: 480 * GB + 512 * 3, bytes: { [-1048576]: 'x' } }),
      ],
    },
    groups: ssdOnly,
    want: { refused: [/nvme1n1: data/] },
  },
  {
    name: 'a disk that says what dd says',
    machine: {
      disks: [ssd(0), ssd(1, { bytes: { 0: '256+0 records in\n' } })],
    },
    groups: ssdOnly,
    want: { refused: [/nvme1n1: data/] },
  },
  {
    name: 'data on a third disk does not matter',
    machine: {
      disks: [
        ...four,
        { ...stick, partitions: [{ label: 'x' }] },
        sata(5, { size: 100 * GB, partitions: [{ label: 'x' }] }),
      ],
    },
    groups: [...ssdHdd, '--min', `${GB * 1000}`],
    want: standard,
  },
  {
    name: 'data never steers the choice: the blank one is not preferred',
    machine: { disks: [...four, sata(2, { partitions: [{ label: 'x' }] })] },
    want: { refused: [/data wants 2, and 3/] },
  },
  {
    name: 'wipe always takes what it finds',
    machine: { disks: [ssd(0, { partitions: [{ label: 'x' }] }), ssd(1, { bytes: { 0: 'junk' } })] },
    groups: ['--wipe', 'always', ...ssdOnly],
    want: { system: ['nvme0n1', 'nvme1n1'] },
  },
  {
    name: 'wipe always spares what is mounted',
    machine: {
      disks: [ssd(0, { partitions: [{ label: 'x' }] }), ssd(1)],
      mounts: '/dev/nvme0n1p1 /mnt/x xfs rw 0 0\n',
    },
    groups: ['--wipe', 'always', ...ssdOnly],
    want: { refused: [/nvme0n1: mounted at \/mnt\/x/] },
  },
  {
    name: 'mounted through LVM on md',
    machine: {
      disks: [ssd(0, { partitions: [{ label: ours('system1p1'), holders: ['md0'] }] }), ssd(1)],
      stacks: [
        { name: 'md0', slaves: ['nvme0n1/nvme0n1p1'], md: {} },
        { name: 'dm-0', slaves: ['md0'], dm: { name: 'vg-root', uuid: 'LVM-a' } },
      ],
      mounts: '/dev/mapper/vg-root /mnt/sysimage xfs rw 0 0\n',
    },
    groups: ['--wipe', 'always', ...ssdOnly],
    want: { refused: [/nvme0n1: mounted at \/mnt\/sysimage/] },
  },
  {
    name: 'a disk that cannot be read',
    machine: { disks: [ssd(0), ssd(1, { broken: 'missing' })] },
    groups: ['--wipe', 'always', ...ssdOnly],
    want: { refused: [/nvme1n1: cannot be read/] },
  },
  {
    name: 'a disk that ends before its size',
    machine: { disks: [ssd(0), ssd(1, { broken: 'short' })] },
    groups: ['--wipe', 'always', ...ssdOnly],
    want: { refused: [/nvme1n1: cannot be read/] },
  },

  // Names.
  {
    name: 'virtio with serials',
    machine: { disks: [vd(0), vd(1)] },
    groups: ['--group', 'system'],
    want: { system: ['vda', 'vdb'] },
    names: ['disk/by-id/virtio-disk0', 'disk/by-id/virtio-disk1'],
  },
  {
    name: 'virtio without serials',
    machine: { disks: [vd(0, { serial: null }), vd(1, { serial: null })] },
    groups: ['--group', 'system'],
    want: { system: ['vda', 'vdb'] },
    names: ['disk/by-path/pci-0000:00:01.0', 'disk/by-path/pci-0000:00:02.0'],
  },
  {
    name: 'a disk without any name',
    machine: { disks: [vd(0, { serial: null, byPath: false }), vd(1)] },
    groups: ['--group', 'system'],
    want: { refused: [/vda has no name in \/dev\/disk/] },
  },
  {
    name: 'Xen disks',
    machine: {
      disks: [
        { name: 'xvda', bus: 'xen', size: 40 * GB, slot: 0 },
        { name: 'xvdb', bus: 'xen', size: 40 * GB, slot: 16 },
      ],
    },
    groups: ['--group', 'system', '--transport', 'xen'],
    want: { system: ['xvda', 'xvdb'] },
  },
  {
    name: 'by-id in odd letters gives way to the WWN',
    machine: { disks: [flash(0, { byId: ['ata-ODD\\x20"x"_1', 'wwn-0x5000c500a0000000'] }), flash(1)] },
    groups: ssdOnly,
    want: { system: ['sda', 'sdb'] },
    names: ['disk/by-id/wwn-0x5000c500a0000000', 'disk/by-id/ata-INTEL_SSDSC2KB480G8_PHYF1480'],
  },
  {
    name: "LVM's and USB's names do not count",
    machine: { disks: [flash(0, { byId: ['lvm-pv-uuid-abc', 'usb-x', 'dm-name-x'] }), flash(1)] },
    groups: ssdOnly,
    want: { system: ['sda', 'sdb'] },
    names: ['disk/by-path/pci-0000:00:17.0-ata-1', 'disk/by-id/ata-INTEL_SSDSC2KB480G8_PHYF1480'],
  },
  {
    name: 'SAS disks by their number',
    machine: {
      disks: [
        sata(0, { bus: 'sas', byId: ['scsi-35000c500a0000000', 'wwn-0x5000c500a0000000'] }),
        sata(1, { bus: 'sas' }),
      ],
    },
    groups: ['--group', 'data'],
    want: { data: ['sda', 'sdb'] },
    names: ['disk/by-id/scsi-35000c500a0000000', 'disk/by-id/scsi-SVENDOR_ST4000NM0035-1V4107_ZC11ABCD'],
  },
  {
    name: "an old kernel: serial from udev's name",
    machine: {
      disks: [flash(0, { oldKernel: true }), flash(1, { oldKernel: true }), flash(2, { oldKernel: true })],
    },
    groups: [...ssdOnly, '--serial', 'PHYF0480', '--serial', 'PHYF2480'],
    want: { system: ['sda', 'sdc'] },
  },
  {
    name: 'an old kernel: two paths by their WWN link',
    machine: {
      disks: [
        sata(0, { oldKernel: true, byId: ['wwn-0x5000c500a0000009'] }),
        sata(1, { oldKernel: true, byId: ['wwn-0x5000c500a0000008'] }),
      ],
    },
    groups: ['--group', 'data'],
    want: { data: ['sda', 'sdb'] },
  },
  {
    name: 'serials with blanks, quotes and commands',
    machine: { disks: [ssd(0, { serial: 'a b\'c"$(reboot)`x`;*' }), ssd(1, { serial: '  S 1  ' })] },
    groups: ssdOnly,
    want: { system: ['nvme0n1', 'nvme1n1'] },
  },
  {
    name: 'a serial with blanks, as udev writes it',
    machine: { disks: [ssd(0, { serial: 'S 1' }), ssd(1, { serial: 'S 2' }), ssd(2)] },
    groups: [...ssdOnly, '--serial', 'S_1', '--serial', 'S 2'],
    want: { system: ['nvme0n1', 'nvme1n1'] },
  },
  {
    name: 'serials with line breaks and bytes of no text',
    machine: {
      disks: [flash(0, { serial: Buffer.from('A\nsystem_1=evil\x1b[2J\xff', 'latin1') }), flash(1), flash(2)],
    },
    groups: ssdOnly,
    want: { refused: [/system wants 2, and 3/, /serial A\?system_1=evil\?\[2J/] },
  },
];
