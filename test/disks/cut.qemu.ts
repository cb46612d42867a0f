/**
 * A power cut while clean-disks is at work: whatever it was about to do, the next installation takes the disk. It is
 * one boot, in which the disk is given back what it bore, and its commands are run up to each of them in turn.
 */
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { scratch } from '../rigs/scratch.ts';
import { filesBelow } from './rig/archive.ts';
import { describeOnGuests } from './rig/describe.ts';
import { runJob } from './rig/guest.ts';
import { gpt, ssd } from './topologies/parts.ts';
import { prepare } from './topologies/prepare.ts';
import { nodes } from './topologies/script.ts';
import { MARK } from './topologies/topology.ts';

const installer = fileURLToPath(new URL('../../installer', import.meta.url));

const job = `
dd if=$ssd1 of=/run/whole bs=1M
sh installer/clean-disks --dry-run "$ssd1" >commands || exit 1
# udev comes and goes with the machine.
grep -v '^udevadm' commands >out/commands
last=$(wc -l <out/commands)
for n in $(seq 0 "$last"); do
	dd if=/run/whole of=$ssd1 bs=1M
	blockdev --rereadpt $ssd1; udevadm settle
	head -n "$n" out/commands | sh -x
	sync; blockdev --rereadpt $ssd1; udevadm settle
	sh installer/select-disks --mark ${MARK} --group system --count 1 >/dev/null 2>message
	echo "$? $(head -n 1 message)" >>out/outcomes
done
`;

describeOnGuests('a power cut in clean-disks', () => {
  it("leaves a disk that is blank or still this cluster's", async () => {
    const disks = { ssd1: ssd('SSD1', { size: 32 }) };
    const bears = {
      text: '',
      run: `${gpt('ssd1', `imgbuild:${MARK}:system1p1`, `imgbuild:${MARK}:system1p2`)}; mkfs.ext4 -q $ssd1-part1`,
    };
    const [prepared] = await prepare(
      [{ name: '', disks, bears, select: '', want: { chosen: {} } }],
      await scratch(),
    );
    const machine = Object.values(prepared?.disks ?? {});
    const { results, console } = await runJob(
      { disks: machine },
      { ...(await filesBelow(installer, 'installer')), run: nodes(['ssd1'], machine) + job },
      { seconds: 400 },
    );
    expect(results['exit-code'], console).toBe('0\n');
    const commands = ['', ...(results.commands ?? '').trim().split('\n')];
    const outcomes = (results.outcomes ?? '').replace(/\n$/, '').split('\n');
    expect(commands.length).toBeGreaterThan(8);
    expect(outcomes.map((outcome, n) => `${outcome}, after ${commands[n]}`)).toEqual(
      commands.map((command) => `0 , after ${command}`),
    );
  });
});
