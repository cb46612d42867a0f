import type { Device, DiskLayout, Extent, FilesystemPlan, PartitionPlan, Target } from '../plan/types.ts';

/**
 * The disk layout as kickstart commands. Disks are shell variables (`$system_1`) that %pre replaces with the
 * names that select-disks found, and sizes that depend on a disk an arithmetic expansion.
 */
export interface KickstartLayout {
  firmware: 'bios' | 'uefi';
  /** Every disk that is taken, joined by commas. */
  disks: string;
  bootDisk: string;
  /** The kernel's line. */
  append: string;
  /** Commands that belong together, with a title for the reader. */
  blocks: { title: string; commands: string[] }[];
}

/** A layout of the plan, for the kickstart of one target. */
export function kickstartLayout(
  layout: DiskLayout,
  target: Pick<Target, 'console' | 'kernelArgs'>,
): KickstartLayout {
  return {
    firmware: layout.firmware,
    disks: layout.slots.map((slot) => `$${slot}`).join(','),
    bootDisk: '$system_1',
    append: kernelLine(target),
    blocks: [...alike(layout).map((partitions) => disksBlock(partitions, layout)), ...groupBlocks(layout)],
  };
}

/** Partitions in sets of those that serve one purpose, one on each disk. */
function alike({ partitions }: DiskLayout): PartitionPlan[][] {
  const sets = new Map<string, PartitionPlan[]>();
  for (const partition of partitions) {
    const key = `${partition.slot.split('_')[0]} ${partition.name}`;
    sets.set(key, [...(sets.get(key) ?? []), partition]);
  }
  return [...sets.values()];
}

function disksBlock(partitions: readonly PartitionPlan[], layout: DiskLayout): KickstartLayout['blocks'][0] {
  const [first] = partitions;
  if (first?.use === 'biosboot') {
    const title = 'Where GRUB lies, on each disk that may have to boot alone';
    return {
      title,
      commands: partitions.map((part) => partCommand('biosboot', part, ['--fstype=biosboot'])),
    };
  }
  const array = layout.arrays.find(({ members }) =>
    members.some(({ slot, number }) => slot === first?.slot && number === first.number),
  );
  if (!array) {
    const commands = partitions.map((part) => {
      const { what, options } = useOf(`part:${part.slot}:${part.number}`, layout);
      return partCommand(what, part, options);
    });
    return { title: titleOf(`part:${first?.slot ?? ''}:${first?.number ?? 0}`, layout), commands };
  }
  const device: Device = `array:${array.name}`;
  const { what, options } = useOf(device, layout);
  const members = partitions.map(memberName);
  const words = [
    what,
    `--device=${array.name}`,
    `--level=${array.level.toUpperCase()}`,
    ...options,
    ...members,
  ];
  return {
    title: `${titleOf(device, layout)}, ${array.level === 'raid10' ? 'striped over mirrors' : 'mirrored'}`,
    commands: [
      // First on its disk, wherever Anaconda would put a member of its size.
      ...partitions.map((part, index) =>
        partCommand(members[index] ?? '', part, part.use === 'esp' ? ['--asprimary'] : []),
      ),
      `raid ${words.join(' ')}`,
    ],
  };
}

function partCommand(what: string, { size, slot }: PartitionPlan, options: readonly string[]): string {
  return ['part', what, ...options, ...sizeOptions(size, slot), `--ondisk=$${slot}`].join(' ');
}

/** Anaconda lays members of one size in the order of their names. */
const memberName = ({ slot, number }: PartitionPlan) => `raid.${slot}_${String(number).padStart(2, '0')}`;

/**
 * select-disks says how many MiB the smallest disk of each group has: `$system_size`. What grows lies last on
 * the disk, and the ends of a group's disks are left alike.
 */
function sizeOptions(size: Extent, slot: string): string[] {
  if ('mib' in size) return [`--size=${size.mib}`];
  return ['--size=1024', '--grow', `--maxsize=$((${slot.split('_')[0]}_size - ${size.allBut}))`];
}

/** What a device is to Anaconda: a mount point, or a physical volume. */
function useOf(
  device: Device,
  { volumeGroups, filesystems }: DiskLayout,
): { what: string; options: string[] } {
  const file = filesystems.find((each) => each.device === device);
  if (file) return { what: file.mount, options: fileOptions(file) };
  if (!volumeGroups.some(({ devices }) => devices.includes(device)))
    throw new Error(`nothing uses ${device}`);
  return { what: physicalVolume(device), options: [] };
}

const physicalVolume = (device: Device) => `pv.${device.replace(/^\w+:/, '').replace(/\W/g, '_')}`;

function titleOf(device: Device, layout: DiskLayout): string {
  const file = layout.filesystems.find((each) => each.device === device);
  const group = layout.volumeGroups.find(({ devices }) => devices.includes(device));
  return file?.mount ?? `A physical volume of ${group?.name ?? ''}`;
}

function fileOptions({ type, label, options }: FilesystemPlan): string[] {
  return [
    `--fstype=${type === 'vfat' ? 'efi' : type}`,
    `--label=${label}`,
    ...(options.length > 0 ? [`--fsoptions="${['defaults', ...options].join(',')}"`] : []),
  ];
}

function groupBlocks(layout: DiskLayout): KickstartLayout['blocks'] {
  return layout.volumeGroups.map(({ name, devices }) => ({
    title: `The volume group ${name}`,
    commands: [
      `volgroup ${name} ${devices.map(physicalVolume).join(' ')}`,
      ...layout.logicalVolumes
        .filter(({ group }) => group === name)
        .map((volume) => {
          const { what, options } = useOf(`lv:${name}/${volume.name}`, layout);
          const size = volume.size === undefined ? ['--size=1024', '--grow'] : [`--size=${volume.size}`];
          return ['logvol', what, `--vgname=${name}`, `--name=${volume.name}`, ...options, ...size].join(' ');
        }),
    ],
  }));
}

/** The last console= is /dev/console: a serial line, where there is one, with the screen beside it. */
function kernelLine({ console, kernelArgs }: Pick<Target, 'console' | 'kernelArgs'>): string {
  if (console === undefined) return kernelArgs.join(' ');
  const screen = /^tty\d/.test(console) ? [] : ['console=tty0'];
  return [...screen, `console=${console}`, ...kernelArgs].join(' ');
}
