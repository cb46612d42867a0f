import type { DiskLayout, Extent } from '../plan/types.ts';

/**
 * The disk layout as installer/deploy and the host's imgbuild-disk read it: a statement a line, words
 * divided by a blank.
 */
export function layoutFile(layout: DiskLayout, mark: string): string {
  const size = (extent: Extent) => ('mib' in extent ? String(extent.mib) : `-${extent.allBut}`);
  const options = (list: readonly string[]) =>
    list.length > 0 ? ['defaults', ...list].join(',') : 'defaults';
  const statements = [
    ['mark', mark],
    ['firmware', layout.firmware],
    ...layout.slots.map((slot) => ['disk', slot]),
    '# part SLOT NUMBER USE SIZE NAME; a size is MiB, -N what the smallest disk of its group has, less N MiB',
    ...layout.partitions.map((part) => [
      'part',
      part.slot,
      part.number,
      part.use,
      size(part.size),
      part.use === 'biosboot' ? '-' : part.name,
    ]),
    ...(layout.arrays.length > 0 ? ['# array NAME LEVEL METADATA SLOT:NUMBER...'] : []),
    ...layout.arrays.map(({ name, level, metadata, members }) => [
      'array',
      name,
      level,
      metadata,
      ...members.map(({ slot, number }) => `${slot}:${number}`),
    ]),
    ...(layout.volumeGroups.length > 0 ? ['# vg NAME DEVICE..., lv VG NAME SIZE; - is the rest'] : []),
    ...layout.volumeGroups.map(({ name, devices }) => ['vg', name, ...devices]),
    ...layout.logicalVolumes.map((volume) => ['lv', volume.group, volume.name, volume.size ?? '-']),
    '# fs DEVICE TYPE LABEL MOUNT OPTIONS; nofail: the host boots without it',
    ...layout.filesystems.map((file) => [
      'fs',
      file.device,
      file.type,
      file.label,
      file.mount,
      options(file.options),
    ]),
  ];
  return statements.map((words) => `${Array.isArray(words) ? words.join(' ') : words}\n`).join('');
}
