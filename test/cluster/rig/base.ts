/** What hosts are made of: one Debian root, built once for each recipe and never written to. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hashBelow, inCache } from '../../rigs/cache.ts';

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
  const whole = await inCache(`cluster-root-${await hashBelow(recipe)}`, async (directory) => {
    await promisify(execFile)(join(recipe, 'build.sh'), [directory], { maxBuffer: 2 ** 26 });
  });
  return { root: join(whole, 'root'), busybox: join(whole, 'busybox') };
}
