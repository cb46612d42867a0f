import { beforeAll, it } from 'vitest';
import { scratch } from '../rigs/scratch.ts';
import { describeOnGuests } from './rig/describe.ts';
import { check } from './topologies/check.ts';
import { examine } from './topologies/examine.ts';
import { laden } from './topologies/laden.ts';
import { plain } from './topologies/plain.ts';
import { prepare } from './topologies/prepare.ts';
import type { Prepared } from './topologies/topology.ts';

describeOnGuests('x', () => {
  const topologies = [...plain, ...laden].filter(({ name }) => new RegExp(process.env.ONLY ?? '').test(name));
  let prepared: Prepared[] = [];
  beforeAll(async () => {
    prepared = await prepare(topologies, await scratch());
  });
  for (const [n, topology] of topologies.entries()) {
    it(topology.name, async () => {
      const outcome = await examine(prepared[n] as Prepared);
      if (process.env.SHOW)
        console.log(
          Object.entries(outcome)
            .map(
              ([k, v]) =>
                `${k} ${typeof v === 'object' && 'stdout' in v ? `${v.code}\n${v.stdout}\n${v.stderr}` : JSON.stringify(v)}`,
            )
            .join('\n'),
        );
      check(topology, outcome);
    });
  }
});
