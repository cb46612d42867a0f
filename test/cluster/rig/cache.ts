/** What takes minutes to make, and is kept between runs. */
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';

/** The path of a directory in the cache; where it is not there, `make` fills it. It is whole or not there. */
export async function inCache(name: string, make: (directory: string) => Promise<void>): Promise<string> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'imgbuild-tools');
  const whole = join(cache, name);
  if (existsSync(whole)) return whole;
  await mkdir(cache, { recursive: true });
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
