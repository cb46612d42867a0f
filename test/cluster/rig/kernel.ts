/** A kernel that is nobody else's, for what the machine's own has not: built once for each recipe. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { hashBelow, inCache } from '../../rigs/cache.ts';

const recipe = fileURLToPath(new URL('kernel/', import.meta.url));

export interface Kernel {
  /** As QEMU starts it quickest. */
  vmlinux: string;
  /** Mounts the first disk and starts its systemd. */
  initrd: string;
  /** A directory to be laid over a root, see HostOptions.layers. */
  modules: string;
}

export async function buildKernel(): Promise<Kernel> {
  const whole = await inCache(`cluster-kernel-${await hashBelow(recipe)}`, async (directory) => {
    await promisify(execFile)(join(recipe, 'build.sh'), [directory], { maxBuffer: 2 ** 26 });
  });
  return {
    vmlinux: join(whole, 'vmlinux'),
    initrd: join(whole, 'initrd'),
    modules: join(whole, 'modules'),
  };
}
