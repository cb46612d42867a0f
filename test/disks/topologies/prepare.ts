/** Makes disks, and what they bear: for many topologies in one boot. */
import { join } from 'node:path';
import { runJob } from '../rig/guest.ts';
import { blankImage } from '../rig/images.ts';
import type { Disk } from '../rig/machine.ts';
import { done, nodes } from './script.ts';
import type { Prepared, Topology } from './topology.ts';

export async function prepare(topologies: Topology[], directory: string): Promise<Prepared[]> {
  const prepared: Prepared[] = [];
  for (const [n, topology] of topologies.entries()) {
    const disks: Record<string, Disk> = {};
    for (const [name, { size, absent: _, ...disk }] of Object.entries(topology.disks)) {
      disks[name] = { ...disk, file: await blankImage(join(directory, `${n}-${name}`), size) };
    }
    prepared.push({ topology, disks });
  }
  await fill(prepared);
  return prepared;
}

/** Nothing runs any more, so that the next topology's commands find its own disks only. */
const rest = 'sync\nvgchange -qan >/dev/null 2>&1\nmdadm --stop --scan 2>/dev/null\nudevadm settle\n';

async function fill(prepared: Prepared[]): Promise<void> {
  const machine: Disk[] = [];
  let run = '';
  for (const { topology, disks } of prepared) {
    if (topology.bears === undefined) continue;
    const from = machine.length;
    // How a disk is plugged in says nothing of what it bears, but for the size of its sectors.
    for (const { file, sectorSize } of Object.values(disks)) {
      machine.push({ file, bus: 'scsi', ...(sectorSize ? { sectorSize } : {}) });
    }
    run += `${nodes(Object.keys(disks), machine, from)}${done(topology.bears)}${rest}`;
  }
  if (machine.length === 0) return;
  const { results, console } = await runJob({ disks: machine }, { run }, { seconds: 400 });
  if (results['exit-code'] !== '0\n') throw new Error(`the disks cannot be filled:\n${console}`);
}
