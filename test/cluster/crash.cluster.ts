/** The power goes in the middle of every step of a first boot, one after the other on the same host: it ends as if it had not. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { Fleet } from './fleet/fleet.ts';
import { settled } from './fleet/settle.ts';
import { describeOnHosts } from './rig/describe.ts';
import type { Host } from './rig/host.ts';

/** A step, and a line of its log after which the power goes. */
type Cut = [step: string, line: RegExp];

const BEFORE: Cut[] = [
  ['network', /./],
  ['time', /^time: begins/m],
  ['data', /^time: done/m],
  ['containerd', /^data: done/m],
  ['images', /^images: loads(.|\n)*images: loads(.|\n)*images: loads/m],
  ['images', /^images: loads pause/m],
];

const AFTER: Cut[] = [
  ['ready', /^ready: begins/m],
  ['cleanup', /^cleanup: (begins|done)/m],
  ['verify', /^verify: begins/m],
];

const INIT: Cut[] = [
  ['init', /^init: +\[certs\] Generating/m],
  ['init', /^init: +\[(wait-control-plane|control-plane-check)\]/m],
  ['init', /^init: +\[bootstrap-token\]/m],
  ['init', /^init: +\[addons\]/m],
  ['cni', /^cni: begins/m],
];

const JOIN_CONTROL_PLANE: Cut[] = [
  ['init', /^init: kubeadm join/m],
  ['init', /^init: +\[certs\]/m],
  ['init', /^init: +\[kubelet-start\]/m],
  ['init', /^init: +\[(mark-control-plane|control-plane-join)\]/m],
];

const JOIN: Cut[] = [
  ['join', /^join: waits/m],
  ['join', /^join: kubeadm join/m],
  ['join', /^join: +\[kubelet-start\]/m],
  ['join', /^join: +\[kubelet-check\]/m],
];

interface Row {
  host: string;
  step: string;
  'last line before the cut': string;
  'seconds to the end': number;
}

/** A host whose lock is still held in its name waits for a minute. */
const TIMEOUT = 1_800_000;

describeOnHosts('a crash at every step', () => {
  let fleet: Fleet;
  const table: Row[] = [];

  beforeAll(async () => {
    fleet = await Fleet.open({
      ...{ kubernetes: '1.34.2', runtime: 'containerd', etcd: 1, masters: 2, workers: 1 },
    });
  });
  afterAll(() => console.table(table));

  it(
    'of an etcd host, whose first boot is killed',
    async () => {
      const host = fleet.host('etcd-1');
      await host.start();
      for (const cut of [
        ...BEFORE.slice(0, 2),
        // What was done before is not said again.
        ['docker', /^(data|docker): /m],
        ['etcd', /^etcd: begins/m],
        ['etcd', /^etcd: waits/m],
        ['cleanup', /^cleanup: (begins|done)/m],
        ['verify', /^verify: begins/m],
      ] satisfies Cut[]) {
        const since = await mark(host);
        await reach(host, cut, since);
        table.push(await row(host, cut, since));
        await host.exec('systemctl kill --kill-who=all -s KILL imgbuild-firstboot');
      }
      await end(host);
      expect((await host.exec('imgbuild-etcd status')).code).toBe(0);
    },
    TIMEOUT,
  );

  it(
    'of the master that makes the cluster',
    async () => {
      await cuts(fleet.host('master-1'), [...BEFORE, ...INIT, ...AFTER]);
      expect(await nodes()).toEqual(['master-1 True']);
    },
    TIMEOUT,
  );

  it(
    'of a master that joins it',
    async () => {
      await cuts(fleet.host('master-2'), [...BEFORE.slice(4), ...JOIN_CONTROL_PLANE, ...AFTER]);
      expect(await nodes()).toEqual(['master-1 True', 'master-2 True']);
    },
    TIMEOUT,
  );

  it(
    'of a worker',
    async () => {
      await cuts(fleet.host('worker-1'), [...BEFORE, ...JOIN, ...AFTER]);
      expect(await nodes()).toEqual(['master-1 True', 'master-2 True', 'worker-1 True']);
    },
    TIMEOUT,
  );

  async function cuts(host: Host, list: Cut[]): Promise<void> {
    for (const cut of list) {
      await host.start();
      await reach(host, cut, '');
      table.push(await row(host, cut, ''));
      await host.kill();
    }
    await host.start();
    await end(host);
  }

  async function end(host: Host): Promise<void> {
    const start = Date.now();
    await settled(host);
    const last = table.at(-1);
    if (last) last['seconds to the end'] = Math.round((Date.now() - start) / 1000);
  }

  async function nodes(): Promise<string[]> {
    const ready = `{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}`;
    return (await fleet.kubectl(`get nodes -o jsonpath='${ready}'`)).trim().split('\n');
  }
});

/** Where the log of this boot is, for what comes after it. */
async function mark(host: Host): Promise<string> {
  await host.waitFor('test -d /run/systemd/system', 30);
  const { stdout } = await host.exec('journalctl -b -n 1 -o json | jq -r .__CURSOR');
  return stdout.trim();
}

async function log(host: Host, since: string): Promise<string> {
  const after = since === '' ? '' : ` --after-cursor '${since}'`;
  const { stdout } = await host
    .exec(`journalctl -b -u imgbuild-firstboot -o cat --no-pager -q${after} | grep -v '^Started '`)
    .catch(() => ({ stdout: '' }));
  return stdout;
}

const ORDER = [
  ...[
    'network',
    'time',
    'data',
    'docker',
    'containerd',
    'images',
    'api-proxy',
    'etcd',
    'init',
    'join',
    'cni',
  ],
  ...['ready', 'cleanup', 'verify'],
];

/** Waits for that line; where it is over already, for what a later step says. */
async function reach(host: Host, [step, line]: Cut, since: string): Promise<void> {
  const end = Date.now() + 240_000;
  const later = new RegExp(`^(${ORDER.slice(ORDER.indexOf(step) + 1).join('|') || 'none'}): `, 'm');
  for (;;) {
    const text = await log(host, since);
    if (line.test(text) || later.test(text)) return;
    if (Date.now() > end) throw new Error(`${host.name} has not come to ${line}:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function row(host: Host, [step]: Cut, since: string): Promise<Row> {
  const lines = (await log(host, since)).trim().split('\n');
  return {
    host: host.name,
    step,
    'last line before the cut': (lines.at(-1) ?? '').slice(0, 90),
    'seconds to the end': Number.NaN,
  };
}
