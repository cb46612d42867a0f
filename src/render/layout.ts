import type { DiskGroupPlan, Target, VolumePlan } from '../plan/types.ts';

/**
 * The disk layout as kickstart commands want it. Disks are shell variables (`$system_1`) that %pre replaces
 * with the names that select-disks found.
 */
interface Layout {
  firmware: 'bios' | 'uefi';
  /** Every disk that is taken, joined by commas. */
  disks: string;
  bootDisk: string;
  /** The kernel's line. */
  append: string;
  volumes: LayoutVolume[];
}

interface LayoutVolume {
  /** What it is, for the reader. */
  title: string;
  parts: LayoutPart[];
  /** Where the parts are members of a mirror. */
  raid?: { mount: string; device: string; filesystem: string; members: string[] };
}

interface LayoutPart {
  /** A mount point, `biosboot`, or a member such as `raid.root1`. */
  what: string;
  filesystem?: string;
  /** MiB. */
  size: number;
  grow: boolean;
  disk: string;
}

/** The EFI system partition where the plan leaves the firmware open. */
const ESP: VolumePlan = { mount: '/boot/efi', name: 'efi', filesystem: 'efi', size: 600, grow: false };

/** Where a variable of select-disks holds the name of a disk: `system_1`, `system_2`, `data_1` … */
export function diskNames(groups: readonly DiskGroupPlan[]): string[] {
  return groups.flatMap((group) =>
    Array.from({ length: group.count }, (_, index) => `${group.name}_${index + 1}`),
  );
}

/** The layout for one firmware; a golden image, whose firmware shows only when it is built, gets both. */
export function layoutFor(
  target: Pick<Target, 'disks' | 'console' | 'kernelArgs'>,
  firmware: 'bios' | 'uefi',
): Layout {
  const { groups } = target.disks;
  const names = diskNames(groups).map((name) => `$${name}`);
  return {
    firmware,
    disks: names.join(','),
    bootDisk: '$system_1',
    append: kernelLine(target),
    volumes: groups.flatMap((group) => {
      const volumes = group.volumes.filter((volume) => volume.mount !== '/boot/efi');
      const first = group.name === 'system' ? [bootVolume(group, firmware)] : [];
      return [...first, ...volumes.map((volume) => layVolume(group, volume))];
    }),
  };
}

/** What the firmware starts from. */
function bootVolume(group: DiskGroupPlan, firmware: 'bios' | 'uefi'): LayoutVolume {
  if (firmware === 'uefi') {
    return layVolume(group, group.volumes.find((volume) => volume.mount === '/boot/efi') ?? ESP);
  }
  return {
    title: 'Where GRUB lies, on each disk that may have to boot alone',
    parts: disksOf(group).map((disk) => ({
      what: 'biosboot',
      filesystem: 'biosboot',
      size: 1,
      grow: false,
      disk,
    })),
  };
}

function layVolume(group: DiskGroupPlan, { mount, name, filesystem, size, grow }: VolumePlan): LayoutVolume {
  const disks = disksOf(group);
  if (group.count === 1) {
    return { title: mount, parts: disks.map((disk) => ({ what: mount, filesystem, size, grow, disk })) };
  }
  const members = disks.map((_, index) => `raid.${name}${index + 1}`);
  return {
    title: `${mount}, mirrored`,
    parts: disks.map((disk, index) => ({ what: members[index] ?? '', size, grow, disk })),
    raid: { mount, device: name, filesystem, members },
  };
}

function disksOf(group: DiskGroupPlan): string[] {
  return diskNames([group]).map((name) => `$${name}`);
}

/** The last console= is /dev/console: a serial line, where there is one, with the screen beside it. */
function kernelLine({ console, kernelArgs }: Pick<Target, 'console' | 'kernelArgs'>): string {
  if (console === undefined) return kernelArgs.join(' ');
  const screen = /^tty\d/.test(console) ? [] : ['console=tty0'];
  return [...screen, `console=${console}`, ...kernelArgs].join(' ');
}
