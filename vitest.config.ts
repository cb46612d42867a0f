import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    reporters: ['default', './test/rigs/skips.ts'],
    projects: [
      {
        test: {
          name: 'unit',
          setupFiles: ['./test/rigs/seed.ts'],
          include: ['test/**/*.test.ts'],
          testTimeout: 60_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          name: 'cluster',
          // One small cluster, as root, when all else is over; the others are for vitest.cluster.config.ts.
          include: ['test/cluster/small.cluster.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
