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

/** What LVM takes of a device for itself, and loses to whole extents of 4 MiB, in MiB. */
const EXTENTS = 16;

/** How many disks a group takes where the spec does not say: a mirrored pair. */
export const PAIR = 2;

/** The slots of a group of disks: `data_1`, `data_2` … */
function slotsOf(group: 'system' | 'data', count: number): string[] {
  return Array.from({ length: count }, (_, index) => `${group}_${index + 1}`);
}

/**
 * Everything that is made on a host's disks: what the kickstart's storage lines and the deployment's steps
 * are both printed from. Partitions are numbered in the order in which they lie on a disk, which is the one that
 * Anaconda gives them: what the firmware starts from, a /boot that is no array, fixed sizes, the largest first (of
 * one size by mount point), what has the rest.
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
  const volumes = layout.logicalVolumes.filter((volume) => volume.group === group);
  const fixed = volumes.reduce((sum, { size = 0 }) => sum + size, 0);
  const devices = layout.volumeGroups.find(({ name }) => name === group)?.devices.length ?? 1;
  const sizes = layout.partitions
    .filter(({ slot }) => slot === `${group}_1`)
    .map(({ size }) =>
      'allBut' in size
        ? size.allBut + Math.ceil((fixed + LEAST[group]) / devices) + (fixed ? EXTENTS : 0)
        : 0,
    );
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

/** Disks that are laid out alike and make one array of each partition; `name` is what has the rest of them. */
interface DiskSet {
  slots: readonly string[];
  level: ArrayPlan['level'];
  name: string;
}

/** A partition on each disk of such a set. */
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
    const [first, fixed] = slots.length === 1 ? [[loader, boot], []] : [[loader], [boot]];
    const devices = this.lay({ slots, level: 'raid1', name: 'root' }, first, fixed, spec, 'system');
    this.mount(devices.get('root'), { type, label: 'root', mount: '/', options: [] });
    this.mount(devices.get('boot'), { type, label: 'boot', mount: '/boot', options: [] });
    // A machine that was started without its mirror of ESPs does not need it to run. Where the ESP is no mirror,
    // Anaconda mounts it as it likes.
    const options = [...(slots.length > 1 ? ['nofail'] : []), 'umask=0077', 'shortname=winnt'];
    this.mount(devices.get('efi'), { type: 'vfat', label: 'EFI', mount: '/boot/efi', options });
    this.mountVolumes(spec, devices, []);
  }

  data(spec: DataDisksSpec): void {
    const options = ['nofail'];
    const type = spec.filesystem ?? 'xfs';
    const sets = dataSets(spec);
    if (spec.lvm && sets.length > 1) {
      const devices = sets.flatMap((set) => [...this.partition(set, [this.rest(set, [], 'lvm')]).values()]);
      const volumes = this.group('data', 'data', devices, spec);
      this.mount(volumes.get('data'), { type, label: 'data', mount: '/data', options });
      this.mountVolumes(spec, volumes, options);
      return;
    }
    for (const [index, set] of sets.entries()) {
      // Further volumes lie on the first pair.
      const content = index === 0 ? spec : {};
      const devices = this.lay(set, [], [], content, 'data');
      this.mount(devices.get(set.name), { type, label: set.name, mount: `/${set.name}`, options });
      this.mountVolumes({ ...content, filesystem: type }, devices, options);
    }
  }

  /** Disks alike: what comes first, what has a fixed size, and what has the rest; the devices by name. */
  private lay(
    set: DiskSet,
    first: readonly Piece[],
    fixed: readonly Piece[],
    content: DiskGroupSpec,
    group: 'system' | 'data',
  ): ReadonlyMap<string, Device> {
    const { lvm, volumes = [] } = content;
    const mib = ({ size }: Piece) => ('mib' in size ? size.mib : 0);
    const byMount = [...volumes].sort((a, b) => (a.mount < b.mount ? -1 : 1));
    const further = lvm ? [] : byMount.map(pieceOf);
    const before = [...first, ...[...fixed, ...further].sort((a, b) => mib(b) - mib(a))];
    if (!lvm) return this.partition(set, [...before, this.rest(set, before, 'fs')]);
    const last = this.rest({ ...set, name: group }, before, 'lvm');
    const devices = this.partition(set, [...before, last]);
    return new Map([...devices, ...this.group(group, set.name, [devices.get(last.name)], content)]);
  }

  /** The last partition of each disk. */
  private rest({ name, slots }: DiskSet, fixed: readonly Piece[], use: 'fs' | 'lvm'): Piece {
    const taken = fixed.reduce((sum, { size }) => sum + ('mib' in size ? size.mib : 0), TABLES);
    const size = { allBut: taken + (slots.length > 1 ? this.reserve : 0) };
    // Anaconda wants a name for the array that is not its volume group's.
    return { use, size, name: use === 'lvm' ? `lvm_${name}` : name };
  }

  /** Partitions, and the arrays that mirror them; what each piece is to be used by. */
  private partition({ slots, level }: DiskSet, pieces: readonly Piece[]): Map<string, Device> {
    const mirrored = slots.length > 1;
    this.layout.slots.push(...slots);
    for (const slot of slots) {
      for (const [index, { use, size, name }] of pieces.entries()) {
        const plain = !mirrored || use === 'biosboot' || use === 'esp';
        this.layout.partitions.push({ slot, number: index + 1, use: plain ? use : 'raid', size, name });
      }
    }
    const devices = new Map<string, Device>();
    for (const [index, { use, name, metadata = '1.2' }] of pieces.entries()) {
      const number = index + 1;
      if (use === 'biosboot') continue;
      devices.set(name, mirrored ? `array:${name}` : `part:${slots[0]}:${number}`);
      if (mirrored)
        this.layout.arrays.push({ name, level, metadata, members: slots.map((slot) => ({ slot, number })) });
    }
    return devices;
  }

  /** A volume group: a volume for each further mount, and `main`, which has the rest. */
  private group(
    name: string,
    main: string,
    devices: readonly (Device | undefined)[],
    { volumes = [] }: DiskGroupSpec,
  ): Map<string, Device> {
    const fixed: LogicalVolumePlan[] = volumes.map((volume) => ({
      group: name,
      name: volumeName(volume.mount),
      size: mebibytes(volume),
    }));
    const all: LogicalVolumePlan[] = [...fixed, { group: name, name: main }];
    this.layout.volumeGroups.push({ name, devices: devices.filter((each) => each !== undefined) });
    this.layout.logicalVolumes.push(...all);
    return new Map(all.map((volume) => [volume.name, `lv:${name}/${volume.name}`]));
  }

  private mountVolumes(
    { volumes = [], filesystem = 'xfs' }: DiskGroupSpec,
    devices: ReadonlyMap<string, Device>,
    options: string[],
  ): void {
    for (const { mount } of volumes) {
      const name = volumeName(mount);
      // What XFS has room for.
      this.mount(devices.get(name), { type: filesystem, label: name.slice(0, 12), mount, options });
    }
  }

  private mount(device: Device | undefined, file: Omit<FilesystemPlan, 'device'>): void {
    if (device === undefined) return;
    const depth = ({ mount }: { mount: string }) => (mount === '/' ? 0 : mount.split('/').length);
    this.layout.filesystems.push({ device, ...file });
    this.layout.filesystems.sort((x, y) => depth(x) - depth(y));
  }
}

/** The data disks: one set that is mirrored or striped as a whole, or pairs. */
function dataSets({ count = PAIR, raid }: DataDisksSpec): DiskSet[] {
  const slots = slotsOf('data', count);
  if (count <= PAIR) return [{ slots, level: 'raid1', name: 'data' }];
  if (raid !== 'mirrors') return [{ slots, level: 'raid10', name: 'data' }];
  return Array.from({ length: Math.floor(count / PAIR) }, (_, index) => ({
    slots: slots.slice(index * PAIR, (index + 1) * PAIR),
    level: 'raid1',
    name: index === 0 ? 'data' : `data${index + 1}`,
  }));
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
