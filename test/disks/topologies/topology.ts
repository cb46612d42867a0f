/** A machine by its disks and what they bear, what is asked of select-disks there, and what must become of it. */
import type { Disk } from '../rig/machine.ts';

/** The mark of the cluster that is installed. */
export const MARK = 'prod-3f9a1c';

/** A disk as it is plugged in; the image is of so many MiB. One that is absent is filled and then taken out. */
export type Spec = Omit<Disk, 'file'> & { size: number; absent?: boolean };

/** Something that is done to the disks: in words, and in sh, where $NAME is a disk. */
export interface Deed {
  text: string;
  run: string;
}

export interface Topology {
  name: string;
  disks: Record<string, Spec>;
  /** What they bear. It is put there in a boot of its own. */
  bears?: Deed;
  /** What the installer's environment does before select-disks is called. */
  before?: Deed;
  /** More words on the kernel's command line. */
  append?: string;
  /** Arguments of select-disks after --mark. */
  select: string;
  /** clean-disks is called twice, and then select-disks with --wipe blank. */
  again?: boolean;
  want: Choice | { refused: RegExp };
}

export interface Choice {
  /** Disks by group. */
  chosen: Record<string, string[]>;
  /** What the names look like that are printed for them; in by-id, where it is not told. */
  by?: RegExp;
  /** What clean-disks refuses with; otherwise it leaves them blank. */
  cleanRefused?: RegExp;
}

/** A topology with the images of its disks. */
export interface Prepared {
  topology: Topology;
  disks: Record<string, Disk>;
}
