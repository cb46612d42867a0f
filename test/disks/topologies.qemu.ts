/** select-disks and clean-disks on the disks of a real kernel; docs/disk-topologies.md has what became of each. */
import { readFile, writeFile } from 'node:fs/promises';
import { beforeAll, expect, it } from 'vitest';
import { scratch } from '../rigs/scratch.ts';
import { describeOnGuests } from './rig/describe.ts';
import { topologies } from './topologies/all.ts';
import { check } from './topologies/check.ts';
import { examine, type Outcome } from './topologies/examine.ts';
import { prepare } from './topologies/prepare.ts';
import { document } from './topologies/table.ts';
import type { Prepared, Topology } from './topologies/topology.ts';

const page = new URL('../../docs/disk-topologies.md', import.meta.url);

describeOnGuests('disks are chosen and cleaned, and no others are touched', () => {
  const rows: [Topology, Outcome][] = [];
  let prepared: Prepared[] = [];
  beforeAll(async () => {
    prepared = await prepare(topologies, await scratch());
  });

  for (const [n, topology] of topologies.entries()) {
    it(topology.name, async () => {
      const outcome = await examine(prepared[n] as Prepared);
      check(topology, outcome);
      rows.push([topology, outcome]);
    });
  }

  it('is what the documentation says', async ({ skip }) => {
    if (rows.length < topologies.length) skip('not all of them were run, or held');
    const text = document(rows);
    if (process.env.UPDATE === '1') await writeFile(page, text);
    expect(await readFile(page, 'utf8')).toBe(text);
  });
});
