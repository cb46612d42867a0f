/** A machine as QEMU's arguments. */
import { locate } from '../../rigs/programs.ts';
import { BARE, EMULATED } from '../../rigs/qemu.ts';

export interface Disk {
  /** A raw image, see images.ts; for a CD any file whose size is a multiple of 2048. */
  file: string;
  /** `usb` is a stick, or with `cd` the virtual media of a BMC. NVMe and virtio are never rotating. */
  bus: 'scsi' | 'sata' | 'virtio' | 'nvme' | 'usb';
  cd?: boolean;
  media?: 'ssd' | 'hdd';
  serial?: string;
  /** 16 hex digits; on scsi, sata and usb. */
  wwn?: string;
  /** At most 8 and 16 characters; on scsi and usb (sata: model only). */
  vendor?: string;
  model?: string;
  readOnly?: boolean;
  removable?: boolean;
  sectorSize?: 512 | 4096;
  /** Reads of its first sectors fail. */
  failing?: boolean;
  /** NVMe with two controllers, which the kernel joins to one disk. */
  twoPorts?: boolean;
}

export interface Machine {
  /** In the order of their places: the first one is what a BIOS boots from. */
  disks: Disk[];
  firmware?: 'bios' | 'uefi';
  /** With uefi: the file of its NVRAM. Made where it is missing, kept from boot to boot. */
  nvram?: string;
  /** MiB. */
  memory?: number;
  cpus?: number;
  /** A network with nothing behind it but QEMU's own router, and on it what `forward` names. */
  network?: { forward?: Record<string, string> };
}

export const firmwareVariables = '/usr/share/OVMF/OVMF_VARS_4M.fd';

/** Where controllers are in PCI slots; disks that are their own controller follow. */
const SCSI = 2;
const USB = 3;
const slot = (n: number) => 4 + n;

/** udev's name of the n-th disk of a machine, from 0. */
export function linkOf(disk: Disk, n: number): string {
  const pci = (at: number) => `by-path/pci-0000:00:${at.toString(16).padStart(2, '0')}.0`;
  switch (disk.bus) {
    case 'scsi':
      return `${pci(SCSI)}-scsi-0:0:${n}:0`;
    case 'usb':
      return `${pci(USB)}-usb-0:${n + 1}:1.0-scsi-0:0:0:0`;
    case 'sata':
      return `by-path/pci-0000:00:1f.2-ata-${n + 1}`;
    case 'virtio':
      return pci(slot(n));
    case 'nvme':
      // With two ports it is in no single place.
      return disk.twoPorts ? `by-id/nvme-QEMU_NVMe_Ctrl_${disk.serial}` : `${pci(slot(n))}-nvme-1`;
  }
}

/** Without what nothing is plugged into, a boot is two seconds shorter. */
export function machineArguments(machine: Machine): string[] {
  const bios = machine.firmware !== 'uefi';
  const has = (bus: Disk['bus']) => machine.disks.some((disk) => disk.bus === bus);
  return [
    ...['-machine', `q35,sata=${has('sata') ? 'on' : 'off'},smbus=off,i8042=off,vmport=off`],
    ...[...EMULATED, '-cpu', 'qemu64'],
    ...['-smp', String(machine.cpus ?? 1), '-m', String(machine.memory ?? 768)],
    ...BARE,
    ...(bios ? [] : uefi(machine)),
    ...['-device', `virtio-scsi-pci,id=scsi,addr=${SCSI}`],
    ...(has('usb') ? ['-device', `qemu-xhci,id=usb,addr=${USB},p2=15,p3=15`] : []),
    ...machine.disks.flatMap((disk, n) => diskArguments(disk, n, bios)),
    ...(machine.network ? network(machine.network.forward ?? {}) : []),
    ...['-device', 'virtio-rng-pci'],
  ];
}

function uefi(machine: Machine): string[] {
  if (machine.nvram === undefined) throw new Error('a machine with UEFI needs a file for its NVRAM');
  return [
    ...['-drive', `if=pflash,unit=0,format=raw,readonly=on,file=${locate('ovmf')}`],
    ...['-drive', `if=pflash,unit=1,format=raw,file=${machine.nvram}`],
  ];
}

function network(forward: Record<string, string>): string[] {
  const ports = Object.entries(forward).map(
    ([address, command]) => `,guestfwd=tcp:${address}-cmd:${command}`,
  );
  return [
    ...['-netdev', `user,id=net,restrict=on,ipv6=off${ports.join('')}`],
    ...['-device', 'virtio-net-pci,netdev=net'],
  ];
}

function diskArguments(disk: Disk, n: number, bios: boolean): string[] {
  const id = `disk${n}`;
  // What the guest wrote is in the image at once, even when QEMU is killed; and images stay sparse.
  const image = disk.failing ? `file.driver=blkdebug,${failure},file.image.filename` : 'file';
  const drive = `if=none,id=${id},format=raw,cache=unsafe,discard=unmap,detect-zeroes=unmap,${image}=${disk.file}`;
  const readOnly = disk.readOnly || disk.cd ? ',readonly=on' : '';
  const device = deviceOf(disk, n, id);
  // A BIOS tries them one by one. UEFI has its own list, which QEMU's would replace.
  if (bios && !disk.cd) device[device.length - 1] += `,bootindex=${n + 1}`;
  return ['-drive', drive + readOnly, ...device.flatMap((text) => ['-device', text])];
}

const failure = 'file.inject-error.0.event=read_aio,file.inject-error.0.errno=5,file.inject-error.0.sector=0';

function deviceOf(disk: Disk, n: number, id: string): string[] {
  const serial = disk.serial === undefined ? '' : `,serial=${disk.serial}`;
  const sectors = disk.sectorSize ? `,logical_block_size=${disk.sectorSize},physical_block_size=4096` : '';
  const common = `drive=${id}${sectors}`;
  // Left alone, QEMU makes an identifier up.
  const unnamed = disk.serial === undefined && disk.wwn === undefined ? ',device_id=' : '';
  const wwn = disk.wwn === undefined ? '' : `,wwn=0x${disk.wwn}`;
  const vendor = disk.vendor === undefined ? '' : `,vendor=${disk.vendor}`;
  const rotation = disk.cd ? '' : `,rotation_rate=${disk.media === 'ssd' ? 1 : 7200}`;
  const product = disk.model === undefined ? '' : `,product=${disk.model}`;
  const removable = disk.removable ? ',removable=on' : '';
  const kind = disk.cd ? 'cd' : 'hd';
  const scsi = `scsi-${kind},${common}${serial}${wwn}${vendor}${product}${rotation}${removable}${unnamed}`;
  const model = disk.model === undefined ? '' : `,model=${disk.model}`;
  switch (disk.bus) {
    case 'scsi':
      return [`${scsi},bus=scsi.0,scsi-id=${n}`];
    case 'usb':
      return [`usb-bot,id=usb${n},bus=usb.0,port=${n + 1}${serial}`, `${scsi},bus=usb${n}.0`];
    case 'sata':
      return [`ide-${kind},${common}${serial}${wwn}${model}${rotation},bus=ide.${n}`];
    case 'virtio':
      return [`virtio-blk-pci,${common}${serial},addr=${slot(n)}`];
    case 'nvme':
      return disk.twoPorts
        ? [
            `nvme-subsys,id=subsys${n}`,
            `nvme,id=port${n},subsys=subsys${n}${serial},addr=${slot(n)}`,
            `nvme,subsys=subsys${n}${serial},addr=${slot(n) + 12}`,
            `nvme-ns,bus=port${n},${common}`,
          ]
        : [`nvme,${common},serial=${disk.serial ?? `nvme${n}`},addr=${slot(n)}`];
  }
}
