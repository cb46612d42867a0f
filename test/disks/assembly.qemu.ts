/**
 * What the kernel writes to the members of an array when an installer's environment starts it, before any program
 * of ours has run: the reason for what docs/disk-topologies.md says of such environments.
 */
import { beforeAll, expect, it } from 'vitest';
import { scratch } from '../rigs/scratch.ts';
import { describeOnGuests } from './rig/describe.ts';
import { runJob } from './rig/guest.ts';
import { hashImage } from './rig/images.ts';
import { array, hdd } from './topologies/parts.ts';
import { prepare } from './topologies/prepare.ts';
import { done, nodes } from './topologies/script.ts';
import type { Prepared } from './topologies/topology.ts';

const mirror = (name: string, members: string) =>
  `mdadm --create /dev/md/${name} --run --quiet --homehost=elsewhere --metadata=1.2 --level=1 --raid-devices=2 ${members}`;
/** What udev's rules do with each member, and mdadm-last-resort@.timer with what lacks some. */
const byUdev = (...members: string[]) =>
  members.map((member) => `mdadm --incremental --config=none --quiet ${member}`).join('\n');
const lastResort = 'mdadm --run /dev/md12[0-9]';

describeOnGuests('an array that is started without being asked for', () => {
  let prepared: Prepared;
  beforeAll(async () => {
    const disks = Object.fromEntries(['a', 'b', 'c', 'd', 'e', 'f'].map((name) => [name, hdd(name)]));
    const run = [
      array('whole', 1, '$a', '$b'),
      array('half', 1, '$c', 'missing'),
      array('spared', 1, '$d', 'missing'),
      mirror('unsynced', '$e $f'),
    ].join('\n');
    [prepared] = (await prepare(
      [{ name: '', disks, bears: { text: '', run }, select: '', want: { chosen: {} } }],
      await scratch(),
    )) as [Prepared];
  });

  it('is written to only where its last members are waited for in vain', async () => {
    const { disks } = prepared;
    const hashes = () => Promise.all(Object.values(disks).map(({ file }) => hashImage(file)));
    const before = await hashes();
    const run = [
      byUdev('$a', '$b'),
      byUdev('$c'),
      lastResort,
      'cat /proc/mdstat',
      'echo 1 >/sys/module/md_mod/parameters/start_ro',
      byUdev('$d'),
      lastResort,
      byUdev('$e', '$f'),
      'cat /proc/mdstat; sleep 1',
    ].join('\n');
    const { results, console } = await runJob(
      { disks: Object.values(disks) },
      { run: nodes(Object.keys(disks), Object.values(disks)) + done({ text: '', run }) },
    );
    globalThis.console.log(console);
    expect(results['exit-code'], console).toBe('0\n');
    const after = await hashes();
    const changed = Object.keys(disks).filter((_, i) => before[i] !== after[i]);
    expect(changed).toEqual(['c']);
  });
});
