/** Hosts of a cluster on this machine, as root: npx vitest run --config vitest.cluster.config.ts */
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    reporters: ['default', './test/rigs/skips.ts'],
    include: ['test/cluster/**/*.cluster.ts'],
    // One lab at a time.
    fileParallelism: false,
    testTimeout: 600_000,
    hookTimeout: 600_000,
  },
});
