/** First boots that are cut off, step after step on the same host, and what they make of it. */
import type { Host } from '../rig/host.ts';
import { settled } from './settle.ts';

/** A step, and a line of its log after which it is cut off. */
export type Cut = [step: string, line: RegExp];

/** Where data and runtime are there already, their steps are over in no time. */
export const BEFORE: Cut[] = [
  ['network', /./],
  ['time', /^time: /m],
  ['data', /^(time|data|containerd|docker|images): /m],
  ['containerd', /^(data|containerd|images): /m],
  ['images', /^images: loads(.|\n)*images: loads(.|\n)*images: loads/m],
  ['images', /^images: loads pause/m],
];

export const JOIN: Cut[] = [
  ['join', /^join: kubeadm join/m],
  ['join', /^join: +\[kubelet-start\]/m],
  ['join', /^join: +\[kubelet-check\]/m],
];

/** A step of a few milliseconds may be over before the power goes, or before the next boot. */
export const AFTER: Cut[] = [
  ['ready', /^(ready|cleanup|verify): /m],
  ['cleanup', /^(cleanup|verify): /m],
  ['verify', /^verify: /m],
];

interface Row {
  host: string;
  step: string;
  'last line before the cut': string;
  /** From the next start to where the next cut was, or to the end. */
  'seconds to where it was next': number;
}

export class Crashes {
  readonly table: Row[] = [];

  /** Power cuts; after the last one the host comes to the end of its first boot, and is as it should be. */
  async powerCuts(host: Host, cuts: readonly Cut[]): Promise<void> {
    let from = Date.now();
    await host.start();
    for (const cut of cuts) {
      await this.#reach(host, cut, '', from);
      await host.kill();
      from = Date.now();
      await host.start();
    }
    await this.#end(host, from);
  }

  /** As that, where the first boot is killed with all that it started, and the host runs on. */
  async kills(host: Host, cuts: readonly Cut[]): Promise<void> {
    let from = Date.now();
    await host.start();
    for (const cut of cuts) {
      await this.#reach(host, cut, await mark(host), from);
      await host.exec('systemctl kill --kill-who=all -s KILL imgbuild-firstboot');
      from = Date.now();
    }
    await this.#end(host, from);
  }

  /** Waits for that line, and notes what the cut is about to break off; `from` is when the host was started. */
  async #reach(host: Host, cut: Cut, since: string, from: number): Promise<void> {
    await reach(host, cut, since);
    this.#recovered(host, from);
    const lines = (await log(host, since)).trim().split('\n');
    this.table.push({
      host: host.name,
      step: cut[0],
      'last line before the cut': (lines.at(-1) ?? '').slice(0, 90),
      'seconds to where it was next': Number.NaN,
    });
  }

  async #end(host: Host, from: number): Promise<void> {
    await settled(host);
    this.#recovered(host, from);
  }

  #recovered(host: Host, from: number): void {
    const last = this.table.findLast((row) => row.host === host.name);
    if (last && Number.isNaN(last['seconds to where it was next']))
      last['seconds to where it was next'] = Math.round((Date.now() - from) / 1000);
  }
}

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

/** Waits for that line; a cut that comes too late to break the step off is none. */
async function reach(host: Host, [step, line]: Cut, since: string): Promise<void> {
  const end = Date.now() + 240_000;
  const later = new RegExp(`^(${ORDER.slice(ORDER.indexOf(step) + 1).join('|') || 'none'}): `, 'm');
  for (;;) {
    const text = await log(host, since);
    if (line.test(text)) return;
    if (later.test(text)) throw new Error(`${host.name} was past ${step}, without ${line}:\n${text}`);
    if (Date.now() > end) throw new Error(`${host.name} has not come to ${line}:\n${text}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
