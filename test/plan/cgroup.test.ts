import { expect, test } from 'vitest';
import { cgroupVersion } from '../../src/plan/cgroup.ts';
import type { Target } from '../../src/plan/types.ts';
import { hostOf, production } from '../overlays/plans.ts';

const WORD = 'systemd.unified_cgroup_hierarchy';

test.each([
  ['centos-7.9', [], 1],
  ['centos-7.9', [`${WORD}=1`], 1],
  ['rocky-8', [], 1],
  ['rocky-8', [`${WORD}=1`], 2],
  ['rocky-8', [WORD], 2],
  ['rocky-8', [`${WORD}=yes`], 2],
  ['rocky-8', [`${WORD}=0`, `${WORD}=1`], 2],
  ['rocky-8', [`${WORD}=1`, `${WORD}=no`], 1],
  ['rocky-8', [`x${WORD}=1`], 1],
  ['rocky-9', [], 2],
  ['rocky-9', [`${WORD}=0`], 1],
  ['debian-12', [`${WORD}=false`], 1],
  ['rocky-10', ['quiet'], 2],
])('%s with %j: %i', async (release, kernelArgs, version) => {
  const { os }: Target = hostOf(await production({ os: { release } }), 'worker-1');
  expect(cgroupVersion({ os, kernelArgs })).toBe(version);
});
