/** Parts of the sh that guests run. */
import { type Disk, linkOf } from '../rig/machine.ts';
import type { Deed } from './topology.ts';

/**
 * Disks' names become variables that hold their links: $hdd1, and of a partition $hdd1-part2. They are disks of a
 * machine from the given one on.
 */
export function nodes(names: string[], disks: Disk[], from = 0): string {
  const lines = disks.slice(from, from + names.length).map((disk, i) => {
    const link = `/dev/disk/${linkOf(disk, from + i)}`;
    // The kernel lets a USB disk come to rest before it looks at it.
    return `udevadm wait --timeout=30 ${link} || { echo no ${link}; exit 1; }\n${names[i]}=${link}\n`;
  });
  return lines.join('');
}

/** Its commands are shown, and the first that fails ends the job. */
export const done = (deed: Deed): string => `(\nset -ex\n${deed.run}\n)\n[ $? = 0 ] || exit 1\n`;
