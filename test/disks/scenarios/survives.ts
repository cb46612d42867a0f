/** What is asked of every machine: it is deployed, starts, and goes on when disks are lost. */
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import type { Report } from './report.ts';
import { type Firmware, layoutOf, type Shape } from './shapes.ts';
import { type Deployment, Site } from './site.ts';

const HOUR = 3_600_000;
const daemons = ['docker', 'etcd', 'kubelet'];

export interface Trials {
  /** Slots whose loss it survives, alone. */
  lose: string[];
  /** Disks that have all of /data. */
  data?: string[];
  /** A slot whose disk is replaced, and the twin that is lost afterwards. */
  replace?: [slot: string, twin: string][];
  deployment?: Deployment;
}

/** From the layout's text: what should be there. */
function planned(shape: Shape, firmware: Firmware) {
  const words = layoutOf(shape, firmware)
    .split('\n')
    .map((line) => line.split(' '));
  const of = (kind: string) => words.filter(([first]) => first === kind);
  return {
    arrays: new Map(
      of('array').map(([, name = '', , , ...members]) => [name, members.map((m) => m.split(':')[0])]),
    ),
    mounts: Object.fromEntries(of('fs').map(([, , type = '', , mount = '']) => [mount, type])),
  };
}

/** All is there but these slots' halves. */
export function expectAll(report: Report, shape: Shape, firmware: Firmware, lost: string[] = []) {
  const { arrays, mounts } = planned(shape, firmware);
  const states = [...arrays].map(([name, slots]) => [
    name,
    slots.map((slot) => (lost.includes(slot ?? '') ? '_' : 'U')).join(''),
  ]);
  expect(report.arrays, report.status).toEqual(Object.fromEntries(states));
  expect(report.mounts).toEqual(mounts);
  expect(report.services, report.console).toEqual(daemons);
  expect(report.data).toEqual(['docker', 'etcd', 'etcd-snapshots', 'kubelet']);
  expect(report.results.failed).toBe('');
  if (lost.length === 0) {
    expect(report.healthy, report.status).toBe(true);
    expect(report.results.alerts).not.toMatch(/degraded/);
  } else {
    expect(report.healthy).toBe(false);
    for (const [name, slots] of arrays)
      if (slots.some((slot) => lost.includes(slot ?? '')))
        expect(report.results.alerts).toMatch(`array ${name} is degraded`);
  }
}

/** A copy for one test. */
async function branch(site: Site, without: string[] = []): Promise<Site> {
  const copy = await site.branch(without);
  onTestFinished(() => copy.remove());
  return copy;
}

export function survives(title: string, shape: Shape, firmware: Firmware, trials: Trials): void {
  describe(`${title}, ${firmware}`, { timeout: HOUR }, () => {
    let fresh: Site;
    let used: Site;

    beforeAll(async () => {
      fresh = await Site.build(shape, firmware);
      await fresh.deploy(trials.deployment);
    }, HOUR);

    it('starts, and all runs', async () => {
      const site = await fresh.branch();
      expectAll(await site.boot({ synced: true }), shape, firmware);
      used = site;
    });

    // Straight after the deployment, while the halves are still being made equal.
    it.each(trials.lose.map((slot) => ({ slot })))('without $slot', async ({ slot }) => {
      const site = await branch(fresh, [slot]);
      expectAll(await site.boot(), shape, firmware, [slot]);
    });

    if (trials.data) {
      const lost = trials.data;
      it('without the disks of /data: it starts, nothing runs that needs it, nothing is written', async () => {
        const site = await branch(used, lost);
        const report = await site.boot();
        expect(report.services).toEqual([]);
        expect(report.data).toEqual([]);
        expect(report.writable).toBe(false);
        const { '/data': _, ...rest } = planned(shape, firmware).mounts;
        expect(report.mounts).toMatchObject(
          Object.fromEntries(Object.entries(rest).filter(([at]) => !at.startsWith('/var/lib/'))),
        );
        expect(report.mounts['/data']).toBeUndefined();
        expect(report.healthy).toBe(false);
      });
    }

    if (firmware === 'uefi' && trials.lose.includes('system_1')) {
      it.each(['system_1', 'system_2'])(
        'with a firmware that has forgotten its entries, without %s',
        async (slot) => {
          const site = await branch(used, [slot]);
          await site.forgetEntries();
          expectAll(await site.boot(), shape, firmware, [slot]);
        },
      );
    }

    it.each((trials.replace ?? []).map(([slot, twin]) => ({ slot, twin })))(
      'a blank disk takes the place of $slot, and then $twin is lost',
      async ({ slot, twin }) => {
        const site = await branch(used, [slot]);
        await site.plugIn(slot, 'NEWDISK');
        const { results, console } = await site.run(
          `imgbuild-disk replace ${slot} NEWDISK --yes >out/replaced 2>&1\n`,
          900,
        );
        expect(results['exit-code'], `${results.replaced}\n${console}`).toBe('0\n');
        expect(results.replaced).toMatch(/All well/);
        site.unplug(twin);
        expectAll(await site.boot(), shape, firmware, [twin]);
      },
    );
  });
}
