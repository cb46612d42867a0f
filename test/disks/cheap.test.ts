/** Three of the topologies, in every run of the tests: a choice that is cleaned, and a refusal of each program. */
import { beforeAll, it } from 'vitest';
import { scratch } from '../rigs/scratch.ts';
import { describeOnGuests } from './rig/describe.ts';
import { topologies } from './topologies/all.ts';
import { check } from './topologies/check.ts';
import { examine } from './topologies/examine.ts';
import { prepare } from './topologies/prepare.ts';
import type { Prepared } from './topologies/topology.ts';

const names = [
  "this cluster's own disks with sectors of 4096 bytes",
  "another cluster's disks",
  'a mirror of a chosen disk and another',
];
const TIMEOUT = 300_000;

describeOnGuests('on the disks of a real kernel', () => {
  const some = topologies
    .filter(({ name }) => names.includes(name))
    .map((topology) => ({ ...topology, again: false }));
  let prepared: Prepared[] = [];
  beforeAll(async () => {
    prepared = await prepare(some, await scratch());
  }, TIMEOUT);

  for (const [n, topology] of some.entries()) {
    it(topology.name, async () => check(topology, await examine(prepared[n] as Prepared)), TIMEOUT);
  }
});
