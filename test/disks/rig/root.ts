/** What guests are made of: a Debian root and an initramfs that runs jobs, built once for each recipe. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hashBelow, inCache } from '../../rigs/cache.ts';

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
  const whole = await inCache(`guest-root-${await hashBelow(recipe)}`, async (directory) => {
    await promisify(execFile)(join(recipe, 'build.sh'), [directory], { maxBuffer: 2 ** 26 });
  });
  return {
    tar: join(whole, 'root.tar'),
    vmlinuz: join(whole, 'vmlinuz'),
    vmlinux: join(whole, 'vmlinux'),
    initrd: join(whole, 'deploy.img'),
  };
}
