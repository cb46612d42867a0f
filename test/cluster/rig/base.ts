/** What hosts are made of: one Debian root, built once for each recipe and never written to. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { inCache } from './cache.ts';

const recipe = fileURLToPath(new URL('base/', import.meta.url));

export interface Base {
  /** The root, as a directory. */
  root: string;
  /** A static busybox, for container images. */
  busybox: string;
}

/** Long enough for `buildBase` on a busy machine, for a test's beforeAll. */
export const BUILD_TIMEOUT = 1_200_000;

/** The cached root; where it is missing it is built, which takes minutes. */
export async function buildBase(): Promise<Base> {
  const whole = await inCache(`cluster-root-${await recipeHash()}`, async (directory) => {
    await promisify(execFile)(join(recipe, 'build.sh'), [directory], { maxBuffer: 2 ** 26 });
  });
  return { root: join(whole, 'root'), busybox: join(whole, 'busybox') };
}

async function recipeHash(): Promise<string> {
  const hash = createHash('sha256');
  for (const entry of (await readdir(recipe, { recursive: true, withFileTypes: true })).sort(byPath)) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    hash.update(`${path.slice(recipe.length)}\0`).update(await readFile(path));
  }
  return hash.digest('hex').slice(0, 12);
}

function byPath(a: { parentPath: string; name: string }, b: { parentPath: string; name: string }): number {
  return join(a.parentPath, a.name) < join(b.parentPath, b.name) ? -1 : 1;
}
