/** The power goes in the middle of a deployment, and it is begun again. */
import { setTimeout } from 'node:timers/promises';
import { beforeAll, expect, it, onTestFinished } from 'vitest';
import { describeOnGuests } from '../rig/describe.ts';
import { shapes } from './shapes.ts';
import { Site } from './site.ts';
import { expectAll } from './survives.ts';

const HOUR = 3_600_000;

interface Cut {
  title: string;
  /** What deploy has shown by then. */
  at: RegExp;
  /** Seconds that it still goes on. */
  after?: number;
  /** It is begun on disks that bear a whole system. */
  over?: boolean;
  /** The next environment has started what it found. */
  assembled?: boolean;
  starts?: boolean;
}

const cuts: Cut[] = [
  {
    title: 'the arrays of an earlier system are being stopped',
    at: /\] mdadm --stop \/dev\/md/,
    over: true,
    assembled: true,
  },
  { title: 'the table of an earlier system is being erased', at: /\] wipefs -a \/dev\/sda\n/, over: true },
  {
    title: 'the beginning of the first disk is erased',
    at: /\] dd if=\/dev\/zero of=\/dev\/sda bs=512 seek=0 /,
    over: true,
  },
  { title: 'the first table is being written', at: /\] table of \/dev\/sda/ },
  { title: 'one disk has its table', at: /\] table of \/dev\/sdb/, after: 0.3, starts: true },
  { title: 'an array is being made', at: /\] mdadm --create .*--name=boot/ },
  { title: 'one array is there', at: /\] mdadm: array \/dev\/md127 started/, assembled: true },
  { title: 'a file system is being made', at: /\] mkfs\.xfs .*-L root/, after: 0.5 },
  { title: 'the system is being unpacked', at: /\] deploy: fill/, after: 10, assembled: true, starts: true },
  { title: 'the boot loader is being installed', at: /grub-install --target/ },
];

describeOnGuests('the power goes when', () => {
  const shape = shapes.pairs;
  let whole: Site;

  beforeAll(async () => {
    whole = await Site.build(shape, 'bios');
    await whole.deploy();
  }, HOUR);

  it.each(cuts)(
    '$title',
    { timeout: HOUR },
    async ({ at, after = 0, over = false, assembled = false, starts = false }) => {
      const site = over ? await whole.branch() : await Site.build(shape, 'bios');
      onTestFinished(() => site.remove());
      const guest = await site.startDeployment({ assembled: over });
      await guest.waitFor(at, 600);
      await setTimeout(after * 1000);
      await guest.kill();
      expect(guest.console).not.toContain('deploy: done');
      await site.deploy({ wipe: 'owned', assembled });
      if (starts) expectAll(await site.boot(), shape, 'bios');
    },
  );
});
