import type { DataDisksSpec, DiskGroupSpec, DisksSpec, VolumeSpec } from '../spec/schema/host.ts';
import type {
  ArrayPlan,
  Device,
  DiskLayout,
  Extent,
  FilesystemPlan,
  LogicalVolumePlan,
  PartitionPlan,
} from './types.ts';
import { toBytes } from './units.ts';

const MIB = 2 ** 20;

/** /boot holds three kernels and their initrds with room to spare, in MiB. */
const BOOT = 1024;
/** The EFI system partition, in MiB: what Anaconda itself proposes on el9 and el10. */
const ESP = 600;
/** GRUB's core image where the firmware is a BIOS, in MiB. */
const BIOS_BOOT = 1;
/** Partitions begin after the first MiB, and the last one belongs to the GPT's copy. */
const TABLES = 2;
/** The least that what has the rest of the disks gets, in MiB: / and /data. */
const LEAST = { system: 10240, data: 1024 } as const;

/** How many disks a group takes where the spec does not say: a mirrored pair. */
export const PAIR = 2;

/** The slots of a group of disks: `data_1`, `data_2` … */
export function slotsOf(group: 'system' | 'data', count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${group}_${index + 1}`);
}

/**
 * Everything that is made on a host's disks: what the kickstart's storage lines and the deployment's steps
 * are both printed from. Partitions are numbered in the order in which they lie on a disk.
 */
export function layOut(spec: DisksSpec, firmware: 'bios' | 'uefi'): DiskLayout {
  const reserve = Math.ceil(toBytes(spec.reserve ?? '1Gi') / MIB);
  const builder = new LayoutBuilder(firmware, reserve);
  builder.system(spec.system ?? {});
  if (spec.data && spec.data.count !== 0) builder.data(spec.data);
  return builder.layout;
}

/** The smallest disk that a group's part of a layout fits on, in bytes. */
export function leastSize(layout: DiskLayout, group: 'system' | 'data'): number {
  const sizes = layout.partitions
    .filter(({ slot }) => slot === `${group}_1`)
    .map(({ size }) => ('allBut' in size ? size.allBut + LEAST[group] : 0));
  return Math.max(...sizes) * MIB;
}

/** The file systems that lie on a group's disks. */
export function filesystemsOf(layout: DiskLayout, group: 'system' | 'data'): FilesystemPlan[] {
  return layout.filesystems.filter(({ device }) => slotBelow(device, layout).startsWith(`${group}_`));
}

/** One of the slots that a device lies on: they are all of one group. */
function slotBelow(device: Device, layout: DiskLayout): string {
  const [kind, name = ''] = device.split(/:(.*)/s);
  if (kind === 'part') return name;
  if (kind === 'array') return layout.arrays.find((array) => array.name === name)?.members[0]?.slot ?? '';
  const group = layout.volumeGroups.find((each) => name.startsWith(`${each.name}/`));
  return group?.devices[0] ? slotBelow(group.devices[0], layout) : '';
}

/** A partition on each disk of a set of disks that are laid out alike. */
interface Piece {
  use: PartitionPlan['use'];
  size: Extent;
  /** The array's name, or the partition's. */
  name: string;
  metadata?: ArrayPlan['metadata'];
}

class LayoutBuilder {
  readonly layout: DiskLayout;
  private readonly reserve: number;

  constructor(firmware: 'bios' | 'uefi', reserve: number) {
    this.reserve = reserve;
    this.layout = {
      firmware,
      slots: [],
      partitions: [],
      arrays: [],
      volumeGroups: [],
      logicalVolumes: [],
      filesystems: [],
    };
  }

  system(spec: DiskGroupSpec): void {
    const slots = slotsOf('system', spec.count === 1 ? 1 : PAIR);
    const type = spec.filesystem ?? 'xfs';
    const uefi = this.layout.firmware === 'uefi';
    const loader: Piece = uefi
      ? // Its superblock lies at its end, so that the firmware sees a plain file system on each disk.
        { use: 'esp', size: { mib: ESP }, name: 'efi', metadata: '1.0' }
      : { use: 'biosboot', size: { mib: BIOS_BOOT }, name: 'biosboot' };
    const boot: Piece = { use: 'fs', size: { mib: BOOT }, name: 'boot' };
    const { before, main, volumes } = this.lay(slots, 'raid1', [loader, boot], spec, 'root', 'system');
    this.mount(main, { type, label: 'root', mount: '/', options: [] });
    this.mount(before[1], { type, label: 'boot', mount: '/boot', options: [] });
    if (uefi) {
      // A machine that was started without it does not need it to run.
      const options = ['nofail', 'umask=0077', 'shortname=winnt'];
      this.mount(before[0], { type: 'vfat', label: 'EFI', mount: '/boot/efi', options });
    }
    this.mountVolumes(spec, volumes, []);
  }

  data(spec: DataDisksSpec): void {
    const count = spec.count ?? PAIR;
    const slots = slotsOf('data', count);
    const mount = { type: spec.filesystem ?? 'xfs', options: ['nofail'] };
    if (count <= PAIR || spec.raid !== 'mirrors') {
      const level = count > PAIR ? 'raid10' : 'raid1';
      const { main, volumes } = this.lay(slots, level, [], spec, 'data', 'data');
      this.mount(main, { ...mount, label: 'data', mount: '/data' });
      this.mountVolumes(spec, volumes, mount.options);
      return;
    }
    const pairs = Array.from({ length: Math.floor(count / PAIR) }, (_, index) => ({
      name: index === 0 ? 'data' : `data${index + 1}`,
      slots: slots.slice(index * PAIR, (index + 1) * PAIR),
    }));
    if (spec.lvm) {
      const devices = pairs.map(
        (pair) => this.partition(pair.slots, 'raid1', [this.rest(pair, [], 'lvm')])[0],
      );
      const [main, ...volumes] = this.group('data', 'data', devices, spec);
      this.mount(main, { ...mount, label: 'data', mount: '/data' });
      this.mountVolumes(spec, volumes, mount.options);
      return;
    }
    for (const [index, pair] of pairs.entries()) {
      // Further volumes lie on the first pair.
      const content = index === 0 ? spec : {};
      const { main, volumes } = this.lay(pair.slots, 'raid1', [], content, pair.name, 'data');
      this.mount(main, { ...mount, label: pair.name, mount: `/${pair.name}` });
      this.mountVolumes(spec, volumes, mount.options);
    }
  }

  /** Disks alike: the pieces given, the further volumes, and `name`, which has the rest. */
  private lay(
    slots: readonly string[],
    level: ArrayPlan['level'],
    before: readonly Piece[],
    content: DiskGroupSpec,
    name: string,
    group: 'system' | 'data',
  ): { before: (Device | undefined)[]; main: Device | undefined; volumes: (Device | undefined)[] } {
    const { lvm, volumes = [] } = content;
    const fixed = [...before, ...(lvm ? [] : volumes.map(pieceOf))];
    const rest = lvm
      ? this.rest({ name: group, slots }, fixed, 'lvm')
      : this.rest({ name, slots }, fixed, 'fs');
    const devices = this.partition(slots, level, [...fixed, rest]);
    const last = devices.pop();
    const made = {
      before: devices.slice(0, before.length),
      main: last,
      volumes: devices.slice(before.length),
    };
    if (!lvm) return made;
    const [main, ...further] = this.group(group, name, [last], content);
    return { ...made, main, volumes: further };
  }

  /** The last partition of each disk. */
  private rest(
    { name, slots }: { name: string; slots: readonly string[] },
    fixed: readonly Piece[],
    use: 'fs' | 'lvm',
  ): Piece {
    const taken = fixed.reduce((sum, { size }) => sum + ('mib' in size ? size.mib : 0), TABLES);
    return { use, size: { allBut: taken + (slots.length > 1 ? this.reserve : 0) }, name };
  }

  /** Partitions, and the arrays that mirror them: what each piece is to be used by. */
  private partition(
    slots: readonly string[],
    level: ArrayPlan['level'],
    pieces: readonly Piece[],
  ): (Device | undefined)[] {
    const mirrored = slots.length > 1;
    this.layout.slots.push(...slots);
    for (const slot of slots) {
      for (const [index, { use, size, name }] of pieces.entries()) {
        const plain = !mirrored || use === 'biosboot' || use === 'esp';
        this.layout.partitions.push({ slot, number: index + 1, use: plain ? use : 'raid', size, name });
      }
    }
    return pieces.map(({ use, name, metadata = '1.2' }, index): Device | undefined => {
      const number = index + 1;
      if (use === 'biosboot') return undefined;
      if (!mirrored) return `part:${slots[0]}:${number}`;
      this.layout.arrays.push({ name, level, metadata, members: slots.map((slot) => ({ slot, number })) });
      return `array:${name}`;
    });
  }

  /** A volume group: one volume that has the rest, which is given first, and one for each further mount. */
  private group(
    name: string,
    main: string,
    devices: readonly (Device | undefined)[],
    { volumes = [] }: DiskGroupSpec,
  ): Device[] {
    const device = (volume: string): Device => `lv:${name}/${volume}`;
    const fixed: LogicalVolumePlan[] = volumes.map((volume) => ({
      group: name,
      name: volumeName(volume.mount),
      size: mebibytes(volume),
    }));
    this.layout.volumeGroups.push({ name, devices: devices.filter((each) => each !== undefined) });
    this.layout.logicalVolumes.push(...fixed, { group: name, name: main });
    return [device(main), ...fixed.map((volume) => device(volume.name))];
  }

  private mountVolumes(
    { volumes = [], filesystem = 'xfs' }: DiskGroupSpec,
    devices: readonly (Device | undefined)[],
    options: string[],
  ): void {
    for (const [index, device] of devices.entries()) {
      const mount = volumes[index]?.mount ?? '';
      // What XFS has room for.
      const label = volumeName(mount).slice(0, 12);
      this.mount(device, { type: filesystem, label, mount, options });
    }
  }

  private mount(device: Device | undefined, file: Omit<FilesystemPlan, 'device'>): void {
    if (device === undefined) return;
    const depth = ({ mount }: { mount: string }) => (mount === '/' ? 0 : mount.split('/').length);
    this.layout.filesystems.push({ device, ...file });
    this.layout.filesystems.sort((a, b) => depth(a) - depth(b));
  }
}

/** `var_log` of `/var/log`: what arrays and logical volumes are called. */
export function volumeName(mount: string): string {
  return mount.slice(1).replace(/[^A-Za-z0-9]/g, '_');
}

function pieceOf(volume: VolumeSpec): Piece {
  return { use: 'fs', size: { mib: mebibytes(volume) }, name: volumeName(volume.mount) };
}

function mebibytes({ size }: VolumeSpec): number {
  return Math.ceil(toBytes(size) / MIB);
}
