/** What takes minutes to make, and is kept between runs. */
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** Where a name lies in the cache, or will. */
export function cachePath(name: string): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'imgbuild-tools', name);
}

/** The path of a directory in the cache; where it is not there, `make` fills it. It is whole or not there. */
export async function inCache(name: string, make: (directory: string) => Promise<void>): Promise<string> {
  const whole = cachePath(name);
  if (existsSync(whole)) return whole;
  await mkdir(cachePath(''), { recursive: true });
  // In the cache itself, so that a rename puts the whole there.
  const half = await mkdtemp(`${whole}.`);
  try {
    await make(half);
    // Another maker may have been quicker; what it made is as good.
    await rename(half, whole).catch((error: unknown) => {
      if (!existsSync(whole)) throw error;
    });
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  return whole;
}

/** 12 hex digits that change with any file below a directory. */
export async function hashBelow(directory: string): Promise<string> {
  const hash = createHash('sha256');
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  for (const path of paths.sort()) {
    hash.update(`${path.slice(directory.length)}\0`).update(await readFile(path));
  }
  return hash.digest('hex').slice(0, 12);
}
