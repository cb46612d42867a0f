/** Roots of hosts: each its own files over directories that all share. */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Space } from './space.ts';

/** Mounts a root in the lab, from its lowest layer up, and below it what is to be a plain directory. Where it is. */
export async function layRoot(
  space: Space,
  directory: string,
  layers: readonly string[],
  volumes: readonly string[],
): Promise<string> {
  const root = join(directory, 'root');
  const [upper, work] = [join(directory, 'upper'), join(directory, 'work')];
  for (const part of [root, upper, work]) await mkdir(part, { recursive: true });
  const options = `lowerdir=${[...layers].reverse().join(':')},upperdir=${upper},workdir=${work}`;
  await space.sh('mount -t overlay overlay -o "$1" "$2"', options, root);
  for (const volume of volumes) {
    // An overlayfs, as containers have it, does not go on another one.
    const plain = join(directory, 'volumes', volume);
    await mkdir(plain, { recursive: true });
    await space.sh('mkdir -p "$2" && mount --bind "$1" "$2"', plain, join(root, volume));
  }
  return root;
}

/** Takes it away, with all that was written to it. */
export async function removeRoot(space: Space, directory: string): Promise<void> {
  await space.sh('umount --recursive "$1"', join(directory, 'root'));
  await rm(directory, { recursive: true, force: true });
}
