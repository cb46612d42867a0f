import { it } from 'vitest';
import { describeOnGuests } from '../rig/describe.ts';
import { shapes } from './shapes.ts';
import { Site } from './site.ts';

describeOnGuests('try', () => {
  it('deploys', async () => {
    const name = (process.env.SHAPE ?? 'pairs') as keyof typeof shapes;
    const site = await Site.build(shapes[name], (process.env.FW ?? 'uefi') as 'bios');
    const t0 = Date.now();
    const text = await site.deploy();
    console.log(text.slice(0, 12000), `deploy ${(Date.now() - t0) / 1000} s`);
    const t1 = Date.now();
    const report = await site.boot();
    console.log(
      report.results,
      report.arrays,
      report.services,
      report.mounts,
      report.data,
      `boot ${(Date.now() - t1) / 1000} s`,
      report.console.slice(-3000),
    );
  });
});
