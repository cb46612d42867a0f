/**
 * What is written to the members of an array that an installer's environment starts, before any program of ours has
 * run. What udev starts stays read-only until somebody writes to it; what `mdadm --assemble` starts is resynchronised,
 * if it was not in step, unless md_mod.start_ro is set, as Debian's mdadm does.
 */
import { expect, it } from 'vitest';
import { scratch } from '../rigs/scratch.ts';
import { describeOnGuests } from './rig/describe.ts';
import { runJob } from './rig/guest.ts';
import { hashImage } from './rig/images.ts';
import { array, hdd } from './topologies/parts.ts';
import { prepare } from './topologies/prepare.ts';
import { done, nodes } from './topologies/script.ts';

const arrays = ['whole', 'half', 'added', 'assembled', 'gentle'];
const disks = Object.fromEntries(arrays.flatMap((name) => [1, 2].map((n) => [name + n, hdd(name + n)])));

/** The latter three are not in step: they were stopped before they had been synchronised. */
const bears = {
  text: '',
  run: arrays
    .map((name, n) => {
      const create = array(name, 1, `$${name}1`, `$${name}2`).replace('--run', '--run --bitmap=internal');
      return n < 2 ? create : `${create.replace('--assume-clean ', '')}; mdadm --stop /dev/md/${name}`;
    })
    .join('\n'),
};

/** What udev's rules call for each member; mdadm-last-resort@.timer, for what waits in vain. */
const add = 'mdadm --incremental --config=none --quiet';
const start = `
modprobe md_mod
echo 0 >/sys/module/md_mod/parameters/start_ro
${add} $whole1; ${add} $whole2
${add} $half1; mdadm --run /dev/md126
${add} $added1; ${add} $added2
mdadm --assemble /dev/md100 $assembled1 $assembled2
echo 1 >/sys/module/md_mod/parameters/start_ro
mdadm --assemble /dev/md101 $gentle1 $gentle2
mdadm --wait /dev/md100 || :
cat /proc/mdstat >out/mdstat
`;

describeOnGuests('an array that is started without being asked for', () => {
  it('is written to where mdadm assembles it read-write and it is not in step', async () => {
    const topology = { name: '', disks, bears, select: '', want: { chosen: {} } };
    const [prepared] = await prepare([topology], await scratch());
    const machine = Object.values(prepared?.disks ?? {});
    const hashes = () => Promise.all(machine.map(({ file }) => hashImage(file)));

    const before = await hashes();
    const run = nodes(Object.keys(disks), machine) + done({ text: '', run: start });
    const { results, console } = await runJob({ disks: machine }, { run });
    expect(results['exit-code'], console).toBe('0\n');
    expect(results.mdstat?.match(/^md\d+ : active/gm)).toHaveLength(arrays.length);
    const after = await hashes();
    const changed = Object.keys(disks).filter((_, n) => before[n] !== after[n]);
    expect(changed).toEqual(['assembled1', 'assembled2']);
  });
});
