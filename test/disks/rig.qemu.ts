/** The rig itself: what a job is given, what it hands back, and that disks are what they were said to be. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { scratch } from '../rigs/scratch.ts';
import { describeOnGuests } from './rig/describe.ts';
import { runJob, start } from './rig/guest.ts';
import { blankImage, hashImage } from './rig/images.ts';

describeOnGuests('a guest', () => {
  it('runs a job on the disks that it was given', async () => {
    const dir = await scratch();
    const file = await blankImage(join(dir, 'a'), 64);
    const before = await hashImage(file);
    const { results, console } = await runJob(
      { disks: [{ file, bus: 'scsi', media: 'ssd', serial: 'S1' }] },
      { run: 'echo hello; lsblk -dno NAME,ROTA,SERIAL >out/disks; printf x | dd of=/dev/sda; exit 7\n' },
    );
    expect(console).toContain('hello\n');
    expect(results).toEqual({ 'exit-code': '7\n', disks: 'sda     0 S1\n' });
    expect(await hashImage(file)).not.toBe(before);
  });

  it('is cut off', async () => {
    const guest = await start({ disks: [] }, { job: { run: 'echo began; sleep 600; echo over\n' } });
    await guest.waitFor('began', 120);
    await guest.kill();
    expect(guest.console).not.toContain('over');
  });

  it('starts by UEFI', async () => {
    const nvram = join(await scratch(), 'nvram');
    const { results } = await runJob(
      { disks: [], firmware: 'uefi', nvram },
      { run: 'efibootmgr >out/entries\n' },
    );
    expect(results.entries).toContain('BootOrder:');
  });
});
