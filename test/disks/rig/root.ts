/** What guests are made of: a Debian root and an initramfs that runs jobs, built once for each recipe. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rename, rm } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const recipe = fileURLToPath(new URL('root/', import.meta.url));

export interface Root {
  /** The tar of a root file system, for BIOS and UEFI. */
  tar: string;
  /** Its kernel, as a firmware's loader takes it and as QEMU starts it quickest. */
  vmlinuz: string;
  vmlinux: string;
  /** The initramfs that runs a job. */
  initrd: string;
}

/** Long enough for `buildRoot` on a busy machine, for a test's beforeAll. */
export const BUILD_TIMEOUT = 1_200_000;

/** The cached root; where it is missing it is built, which takes minutes. */
export async function buildRoot(): Promise<Root> {
  const cache = join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'imgbuild-tools');
  const whole = join(cache, `guest-root-${await recipeHash()}`);
  if (!existsSync(whole)) {
    await mkdir(cache, { recursive: true });
    const half = await mkdtemp(`${whole}.`);
    try {
      await promisify(execFile)(join(recipe, 'build.sh'), [half], { maxBuffer: 2 ** 26 });
      // Another builder may have been quicker; its root is as good.
      await rename(half, whole).catch((error: unknown) => {
        if (!existsSync(whole)) throw error;
      });
    } finally {
      await rm(half, { recursive: true, force: true });
    }
  }
  return {
    tar: join(whole, 'root.tar'),
    vmlinuz: join(whole, 'vmlinuz'),
    vmlinux: join(whole, 'vmlinux'),
    initrd: join(whole, 'deploy.img'),
  };
}

async function recipeHash(): Promise<string> {
  const hash = createHash('sha256');
  for (const name of (await readdir(recipe)).sort()) {
    hash.update(`${name}\0`).update(await readFile(join(recipe, name)));
  }
  return hash.digest('hex').slice(0, 12);
}
