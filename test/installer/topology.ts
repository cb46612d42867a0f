/** Fabricated machines: a /sys, a /dev and two /proc files from a short description of the disks. */
import {
  closeSync,
  ftruncateSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

export const GB = 1_000_000_000;
export const MARK = 'prod-3f9a1c';

/** How a disk is plugged in: decides its place in /sys and the names udev would give it. */
export type Bus =
  | 'nvme' // PCIe, no native multipath
  | 'nvme-subsystem' // PCIe below a virtual subsystem, as with native multipath
  | 'nvme-tcp'
  | 'sata'
  | 'sata-sas' // a SATA disk behind a SAS controller
  | 'sas'
  | 'megaraid' // a RAID controller's virtual disk
  | 'smartarray'
  | 'virtio'
  | 'virtio-scsi'
  | 'xen'
  | 'mmc'
  | 'usb'
  | 'fc'
  | 'iscsi'
  | 'optical'
  | 'floppy'
  | 'pseudo' // scsi_debug
  | 'virtual'; // a driver without hardware

export interface Partition {
  /** GPT name; none is a partition of an MBR table. */
  label?: string;
  holders?: string[];
  size?: number;
}

export interface Disk {
  name: string;
  bus: Bus;
  size: number;
  media?: 'ssd' | 'hdd';
  vendor?: string;
  model?: string;
  /** null: the drive tells none. */
  serial?: string | Buffer | null;
  wwn?: string | null;
  sector?: number;
  slot?: number;
  removable?: boolean;
  readOnly?: boolean;
  hidden?: boolean;
  type?: number;
  partitions?: Partition[];
  holders?: string[];
  /** Bytes on the disk: offset (negative: from the end) → what lies there. */
  bytes?: Record<number, string | Buffer>;
  /** The device cannot be read at all, or is shorter than /sys tells. */
  broken?: 'missing' | 'short';
  /** An older kernel: no wwid, no VPD pages, no NVMe transport in /sys. */
  oldKernel?: boolean;
  /** false: udev made no such links; a list: these instead. */
  byId?: false | string[];
  byPath?: false | string[];
}

export interface Stack {
  name: string;
  slaves: string[];
  dm?: { name: string; uuid: string };
  md?: { version?: string };
}

export interface Machine {
  disks: Disk[];
  stacks?: Stack[];
  mounts?: string;
  swaps?: string;
  cmdline?: string;
  /** by-label → kernel name */
  labels?: Record<string, string>;
  /** Names in /sys/block that are no disks. */
  extras?: string[];
}

export interface Tree {
  root: string;
  sys: string;
  dev: string;
  args: string[];
  remove(): void;
}

const put = (path: string, text: string | Buffer) => {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
};

const link = (path: string, target: string) => {
  mkdirSync(dirname(path), { recursive: true });
  symlinkSync(relative(dirname(path), target), path);
};

const udev = (text: string) =>
  text
    .trim()
    .replace(/\s+/g, '_')
    .replace(/[^A-Za-z0-9#+\-.:=@_/]/g, (c) => `\\x${c.charCodeAt(0).toString(16)}`);

interface Place {
  /** Below /sys/devices. */
  dir: string;
  byPath: string;
  byId: string[];
  /** Where the controller of a disk below a virtual subsystem is. */
  pci?: string;
  /** The driver of its SCSI host. */
  host?: string;
}

/** What each bus looks like: directory in /sys/devices, by-path name, by-id names, proc_name of its host. */
function place(disk: Disk, index: number): Place {
  const slot = disk.slot ?? index;
  const serial = typeof disk.serial === 'string' ? disk.serial : '';
  const model = disk.model ?? 'DISK';
  const wwn = disk.wwn ?? '';
  const scsi = `host${slot}/target${slot}:0:0/${slot}:0:0:0`;
  const hex = (40 + slot).toString(16);
  const wwnNames = wwn ? [`wwn-0x${wwn}`, `scsi-3${wwn}`] : [];
  const text = serial ? [`scsi-S${udev(disk.vendor ?? 'VENDOR')}_${udev(model)}_${udev(serial)}`] : [];
  const nvme = {
    byPath: `pci-0000:${hex}:00.0-nvme-1`,
    byId: serial ? [`nvme-${udev(model)}_${udev(serial)}`] : [],
  };
  if (wwn && disk.bus.startsWith('nvme')) nvme.byId.push(`nvme-eui.${wwn}`);
  const controller = disk.name.replace(/c?\d*n\d+$/, '');
  switch (disk.bus) {
    case 'nvme':
      return { ...nvme, dir: `pci0000:00/0000:${hex}:00.0/nvme/${controller}` };
    case 'nvme-subsystem':
      return {
        ...nvme,
        dir: `virtual/nvme-subsystem/nvme-subsys${slot}`,
        pci: `pci0000:00/0000:${hex}:00.0/nvme/${controller}`,
      };
    case 'nvme-tcp':
      return { byId: nvme.byId, byPath: '', dir: `virtual/nvme-fabrics/ctl/${controller}` };
    case 'sata':
      return {
        dir: `pci0000:00/0000:00:17.0/ata${slot + 1}/${scsi}`,
        byPath: `pci-0000:00:17.0-ata-${slot + 1}`,
        byId: [...(serial ? [`ata-${udev(model)}_${udev(serial)}`] : []), ...wwnNames.slice(0, 1)],
        host: 'ahci',
      };
    case 'sata-sas':
    case 'sas':
      return {
        dir: `pci0000:00/0000:02:00.0/host0/port-0:${slot}/end_device-0:${slot}/target0:0:${slot}/0:0:${slot}:0`,
        byPath: `pci-0000:02:00.0-sas-phy${slot}-lun-0`,
        byId: [
          ...(disk.bus === 'sas' ? text : serial ? [`ata-${udev(model)}_${udev(serial)}`] : []),
          ...wwnNames,
        ],
        host: 'mpt3sas',
      };
    case 'megaraid':
    case 'smartarray':
      return {
        dir: `pci0000:00/0000:03:00.0/host0/target0:2:${slot}/0:2:${slot}:0`,
        byPath: `pci-0000:03:00.0-scsi-0:2:${slot}:0`,
        byId: [...text, ...wwnNames],
        host: disk.bus === 'megaraid' ? 'megaraid_sas' : 'smartpqi',
      };
    case 'virtio':
      return {
        dir: `pci0000:00/0000:00:0${slot + 1}.0/virtio${slot}`,
        byPath: `pci-0000:00:0${slot + 1}.0`,
        byId: serial ? [`virtio-${udev(serial)}`] : [],
      };
    case 'virtio-scsi':
      return {
        dir: `pci0000:00/0000:00:05.0/virtio3/${scsi}`,
        byPath: `pci-0000:00:05.0-scsi-0:0:${slot}:0`,
        byId: text,
        host: 'virtio_scsi',
      };
    case 'xen':
      return { dir: `vbd-${51712 + slot}`, byPath: `xen-vbd-${51712 + slot}`, byId: [] };
    case 'mmc':
      return {
        dir: `pci0000:00/0000:00:1a.0/mmc_host/mmc0/mmc0:0001`,
        byPath: 'pci-0000:00:1a.0',
        byId: [`mmc-${udev(model)}_${udev(serial)}`],
      };
    case 'usb':
      return {
        dir: `pci0000:00/0000:00:14.0/usb1/1-${slot}/1-${slot}:1.0/${scsi}`,
        byPath: `pci-0000:00:14.0-usb-0:${slot}:1.0-scsi-0:0:0:0`,
        byId: [`usb-${udev(model)}_${udev(serial)}-0:0`],
        host: 'usb-storage',
      };
    case 'fc':
      return {
        dir: `pci0000:00/0000:04:00.0/host1/rport-1:0-${slot}/target1:0:0/1:0:0:${slot}`,
        byPath: `pci-0000:04:00.0-fc-0x50-lun-${slot}`,
        byId: [...text, ...wwnNames],
        host: 'qla2xxx',
      };
    case 'iscsi':
      return {
        dir: `platform/host9/session1/target9:0:0/9:0:0:${slot}`,
        byPath: `ip-10.0.0.9:3260-iscsi-iqn-lun-${slot}`,
        byId: [...text, ...wwnNames],
        host: 'iscsi_tcp',
      };
    case 'optical':
      return {
        dir: `pci0000:00/0000:00:17.0/ata9/${scsi}`,
        byPath: 'pci-0000:00:17.0-ata-9',
        byId: [`ata-${udev(model)}_${udev(serial)}`],
        host: 'ahci',
      };
    case 'floppy':
      return { dir: 'platform/floppy.0', byPath: '', byId: [] };
    case 'virtual':
      return { dir: 'virtual/thing', byPath: '', byId: text };
    case 'pseudo':
      return {
        dir: `pseudo_0/adapter0/${scsi}`,
        byPath: '',
        byId: [...text, ...wwnNames],
        host: 'scsi_debug',
      };
  }
}

function writeDisk(tree: { sys: string; dev: string }, disk: Disk, index: number) {
  const { sys, dev } = tree;
  const at = place(disk, index);
  const device = join(sys, 'devices', at.dir);
  const isNvme = disk.bus.startsWith('nvme');
  const block = isNvme ? join(device, disk.name) : join(device, 'block', disk.name);
  const sectors = Math.floor(disk.size / 512);
  put(join(block, 'size'), `${sectors}\n`);
  put(join(block, 'removable'), disk.removable ? '1\n' : '0\n');
  put(join(block, 'ro'), disk.readOnly ? '1\n' : '0\n');
  put(join(block, 'hidden'), disk.hidden ? '1\n' : '0\n');
  put(join(block, 'queue/rotational'), (disk.media ?? (isNvme ? 'ssd' : 'hdd')) === 'ssd' ? '0\n' : '1\n');
  put(join(block, 'queue/logical_block_size'), `${disk.sector ?? 512}\n`);
  mkdirSync(join(block, 'holders'));
  link(join(sys, 'block', disk.name), block);
  link(join(block, 'device'), device);

  const serial = disk.serial ?? '';
  const model = disk.model ?? 'DISK';
  if (isNvme) {
    put(join(device, 'model'), `${model.padEnd(40)}\n`);
    put(join(device, 'serial'), Buffer.concat([Buffer.from(serial), Buffer.from('    \n')]));
    if (disk.wwn) put(join(block, 'wwid'), `eui.${disk.wwn}\n`);
    if (disk.bus === 'nvme') put(join(device, 'transport'), 'pcie\n');
    if (disk.bus === 'nvme-tcp' && !disk.oldKernel) put(join(device, 'transport'), 'tcp\n');
    if (at.pci) {
      put(join(sys, 'devices', at.pci, 'transport'), 'pcie\n');
      link(join(device, disk.name.replace(/n\d+$/, '')), join(sys, 'devices', at.pci));
    }
  } else if (disk.bus === 'virtio') {
    put(join(device, 'vendor'), '0x1af4\n');
    put(join(block, 'serial'), serial);
  } else if (disk.bus === 'mmc') {
    put(join(device, 'name'), `${model}\n`);
    put(join(device, 'serial'), serial);
    put(join(device, 'type'), 'SD\n');
  } else if (disk.bus !== 'floppy' && disk.bus !== 'xen') {
    const vendor = disk.vendor ?? (disk.bus.startsWith('sata') ? 'ATA' : 'VENDOR');
    put(join(device, 'vendor'), `${vendor.padEnd(8)}\n`);
    // The INQUIRY field has room for 16 characters.
    put(join(device, 'model'), `${model.slice(0, 16).padEnd(16)}\n`);
    put(join(device, 'type'), `${disk.type ?? (disk.bus === 'optical' ? 5 : 0)}\n`);
    if (!disk.oldKernel) {
      if (disk.wwn) put(join(device, 'wwid'), `naa.${disk.wwn}\n`);
      if (disk.serial) {
        const body = Buffer.concat([Buffer.from(disk.serial), Buffer.from('  ')]);
        put(join(device, 'vpd_pg80'), Buffer.concat([Buffer.from([0, 0x80, 0, body.length]), body]));
      }
    }
    if (disk.bus === 'smartarray') put(join(device, 'raid_level'), 'RAID 1(+0)\n');
  }
  const host = /host\d+/.exec(at.dir)?.[0];
  if (at.host && host) put(join(sys, 'class/scsi_host', host, 'proc_name'), `${at.host}\n`);

  for (const holder of disk.holders ?? [])
    link(join(block, 'holders', holder), join(sys, 'devices/virtual/block', holder));
  const letterP = /\d$/.test(disk.name) ? 'p' : '';
  (disk.partitions ?? []).forEach((part, i) => {
    const name = `${disk.name}${letterP}${i + 1}`;
    const dir = join(block, name);
    const label = part.label === undefined ? '' : `PARTNAME=${part.label}\n`;
    put(join(dir, 'partition'), `${i + 1}\n`);
    put(join(dir, 'size'), `${Math.floor((part.size ?? 64 * 2 ** 20) / 512)}\n`);
    put(
      join(dir, 'uevent'),
      `MAJOR=8\nMINOR=${i + 1}\nDEVNAME=${name}\nDEVTYPE=partition\nPARTN=${i + 1}\n${label}`,
    );
    mkdirSync(join(dir, 'holders'));
    for (const holder of part.holders ?? [])
      link(join(dir, 'holders', holder), join(sys, 'devices/virtual/block', holder));
  });

  if (disk.broken !== 'missing') {
    const fd = openSync(join(dev, disk.name), 'w');
    ftruncateSync(fd, disk.broken === 'short' ? 1 << 20 : sectors * 512);
    const bytes = { ...(disk.partitions?.length ? { 512: 'EFI PART' } : {}), ...disk.bytes };
    for (const [offset, what] of Object.entries(bytes)) {
      const n = Number(offset);
      writeSync(
        fd,
        Buffer.from(what as string),
        0,
        Buffer.byteLength(what as string),
        n < 0 ? sectors * 512 + n : n,
      );
    }
    closeSync(fd);
  }
  const names = [
    ...(disk.byId === false ? [] : (disk.byId ?? at.byId)).map((n) => join('by-id', n)),
    ...(disk.byPath === false ? [] : (disk.byPath ?? [at.byPath].filter(Boolean))).map((n) =>
      join('by-path', n),
    ),
  ];
  for (const name of names) {
    const path = join(dev, 'disk', name);
    // As with udev: of two disks that claim one name, the later gets it.
    rmSync(path, { force: true });
    link(path, join(dev, disk.name));
    (disk.partitions ?? []).forEach((_, i) => {
      rmSync(`${path}-part${i + 1}`, { force: true });
      link(`${path}-part${i + 1}`, join(dev, `${disk.name}${letterP}${i + 1}`));
    });
  }
}

function writeStack(sys: string, machine: Machine, stack: Stack) {
  const dir = join(sys, 'devices/virtual/block', stack.name);
  put(join(dir, 'size'), '1000000\n');
  mkdirSync(join(dir, 'holders'));
  mkdirSync(join(dir, 'slaves'));
  for (const above of machine.stacks ?? []) {
    if (above.slaves.includes(stack.name))
      link(join(dir, 'holders', above.name), join(sys, 'devices/virtual/block', above.name));
  }
  for (const slave of stack.slaves) link(join(dir, 'slaves', slave), join(sys, 'block', slave));
  if (stack.dm) {
    put(join(dir, 'dm/name'), `${stack.dm.name}\n`);
    put(join(dir, 'dm/uuid'), `${stack.dm.uuid}\n`);
  }
  if (stack.md) put(join(dir, 'md/metadata_version'), `${stack.md.version ?? '1.2'}\n`);
  link(join(sys, 'block', stack.name), dir);
}

export function build(machine: Machine): Tree {
  const root = mkdtempSync(join(tmpdir(), 'imgbuild-disks-'));
  const sys = join(root, 'sys');
  const dev = join(root, 'dev');
  mkdirSync(join(sys, 'block'), { recursive: true });
  mkdirSync(join(dev, 'disk'), { recursive: true });
  machine.disks.forEach((disk, i) => {
    writeDisk({ sys, dev }, disk, i);
  });
  for (const stack of machine.stacks ?? []) writeStack(sys, machine, stack);
  for (const name of machine.extras ?? []) {
    put(join(sys, 'devices/virtual/block', name, 'size'), '2048\n');
    link(join(sys, 'block', name), join(sys, 'devices/virtual/block', name));
  }
  for (const [label, name] of Object.entries(machine.labels ?? {}))
    link(join(dev, 'disk/by-label', label), join(dev, name));
  put(join(root, 'mounts'), machine.mounts ?? 'proc /proc proc rw 0 0\n');
  put(join(root, 'swaps'), machine.swaps ?? 'Filename Type Size Used Priority\n');
  put(join(root, 'cmdline'), `${machine.cmdline ?? 'BOOT_IMAGE=vmlinuz inst.ks=http://10.0.0.1/ks quiet'}\n`);
  const args = [
    '--sys',
    sys,
    '--dev',
    dev,
    '--mounts',
    join(root, 'mounts'),
    '--cmdline',
    join(root, 'cmdline'),
  ];
  return { root, sys, dev, args, remove: () => rmSync(root, { recursive: true, force: true }) };
}
