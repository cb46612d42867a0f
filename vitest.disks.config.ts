/** Disk topologies and deployments on guests, which takes long: npx vitest run --config vitest.disks.config.ts */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    reporters: ['default', './test/rigs/skips.ts'],
    include: ['test/disks/**/*.qemu.ts'],
    // One guest at a time.
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
