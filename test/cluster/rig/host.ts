/** A host: a root over the shared one and its NICs, from boot to boot. */
import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Boot, environment, type Place, type Run } from './boot.ts';
import { must, type Result, run } from './commands.ts';
import { Emulated, type Emulation } from './emulated.ts';
import { type Files, pack, unpackWith } from './files.ts';
import { buildKernel } from './kernel.ts';
import { type Link, Links } from './links.ts';
import { layRoot, removeRoot } from './root.ts';

export interface HostOptions {
  /** With its prefix length, on eth0 in the lab's first network, whose gateway is the lab. */
  address?: string;
  /** Instead: its NICs. One without an address is left to the host's own files. */
  links?: Link[];
  files?: Files;
  /** Archives unpacked at its root, in this order and before `files`, as a kickstart does: tar, tar.gz or tar.zst. */
  archives?: (Buffer | string)[];
  /** Units to enable. */
  units?: string[];
  /** Directories that are laid over the shared root, below all else, and written to by nobody. */
  layers?: string[];
  /** Where containers write, and what is a file system of its own on a real host. */
  volumes?: string[];
  /** It is a machine of QEMU's, with Debian's kernel. What is written to it while it is off counts before its first start alone. */
  emulation?: Emulation;
}

export interface ExecOptions {
  input?: string | Buffer;
  /** After which it is killed, with exit code 137; 60 by default. */
  seconds?: number;
}

/** What a host has of its lab. */
export interface Surroundings extends Pick<Place, 'space' | 'cgroup'> {
  directory: string;
  base: string;
  networks: Readonly<Record<string, string>>;
  /** No other host of the lab has it. */
  number: number;
}

export class Host {
  readonly name: string;
  readonly #place: Place;
  readonly #links: Links;
  readonly #emulation: Emulation | undefined;
  #boot: Run | undefined;
  #ended: Promise<void> = Promise.resolve();
  #isOn = false;

  private constructor(place: Place, links: Links, emulation?: Emulation) {
    this.name = place.name;
    this.#place = place;
    this.#links = links;
    this.#emulation = emulation;
  }

  /** See Lab.host. */
  static async make(name: string, options: HostOptions, lab: Surroundings): Promise<Host> {
    const { directory, space, cgroup } = lab;
    const eth0 = { name: 'eth0', ...(options.address === undefined ? {} : { address: options.address }) };
    const links = new Links(space, name, lab.number, options.links ?? [eth0], lab.networks);
    const volumes = options.volumes ?? ['/data', '/var/lib/docker', '/var/lib/containerd'];
    const kernel = options.emulation === undefined ? [] : [(await buildKernel()).modules];
    const root = await layRoot(space, directory, [lab.base, ...kernel, ...(options.layers ?? [])], volumes);
    const place = { name, root, console: join(directory, 'console'), space, cgroup };
    const host = new Host(place, links, options.emulation);
    await host.write({
      '/etc/hostname': `${name}\n`,
      '/etc/machine-id': `${randomBytes(16).toString('hex')}\n`,
    });
    for (const archive of options.archives ?? []) await host.unpack(archive);
    await host.write(options.files ?? {});
    if (options.units?.length) await host.chroot(`systemctl enable --quiet ${options.units.join(' ')}`);
    return host;
  }

  /** Switches it on, and does not wait. */
  async start(): Promise<void> {
    if (this.#isOn) throw new Error(`${this.name} is on`);
    this.#isOn = true;
    await this.#links.connect();
    const boot = this.#emulation
      ? await Emulated.start(this.#place, this.#links.all, this.#emulation)
      : await Boot.start(this.#place);
    this.#boot = boot;
    this.#ended = boot.ended.then(async ({ reboots }) => {
      this.#isOn = false;
      if (!reboots) return;
      await this.start();
      await this.#ended;
    });
    this.#ended.catch(() => {});
  }

  /** Switches it on and waits until systemd has done what there was to do. */
  async boot(seconds = 120): Promise<void> {
    await this.start();
    await this.waitFor('systemctl is-system-running | grep -qxE "running|degraded"', seconds);
  }

  /** A power cut. */
  async kill(): Promise<void> {
    await this.#boot?.kill();
    await this.#ended;
  }

  /** A power cut, after which its disks and NICs are gone: see Lab.remove. */
  async remove(): Promise<void> {
    await this.kill();
    await this.#links.remove();
    await removeRoot(this.#place.space, dirname(this.#place.root));
  }

  /** Waits until it is off. A reboot is not. */
  async off(seconds = 120): Promise<void> {
    const timer = new AbortController();
    const late = setTimeout(seconds * 1000, true, { signal: timer.signal }).catch(() => false);
    const isLate = await Promise.race([this.#ended.then(() => false), late]);
    timer.abort();
    if (isLate) throw await this.#failure(`is not off after ${seconds} s`);
  }

  /** Runs a command of bash in it, whatever its exit code. */
  async exec(command: string, options: ExecOptions = {}): Promise<Result> {
    const { input, seconds = 60 } = options;
    const shell = ['timeout', '-s', 'KILL', String(seconds), 'bash', '--norc', '-c', command];
    return await run(await this.#inside(shell), input);
  }

  /** Runs a command of bash in its root while it is off, as an installer does. It has to succeed. */
  async chroot(command: string, input?: string | Buffer): Promise<string> {
    return await must(this.#chroot(['bash', '--norc', '-euc', command]), input);
  }

  /** Waits until a command succeeds. */
  async waitFor(command: string, seconds: number): Promise<Result> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const left = Math.max(1, Math.ceil((end - Date.now()) / 1000));
      const result = await this.exec(command, { seconds: left }).catch((error: unknown): Result => {
        return { code: -1, stdout: '', stderr: String(error) };
      });
      if (result.code === 0) return result;
      if (!this.#isOn) throw await this.#failure(`is off, and should run ${command}`, result);
      if (Date.now() > end) throw await this.#failure(`after ${seconds} s of ${command}`, result);
      await setTimeout(250);
    }
  }

  /** What its journal kept, on or off; arguments are journalctl's. */
  async journal(...args: string[]): Promise<string> {
    const journalctl = ['journalctl', '--directory=/var/log/journal', '--no-pager', '--quiet', ...args];
    const entersIt = this.#emulation !== undefined && this.#isOn;
    return await must(entersIt ? await this.#inside(journalctl) : this.#chroot(journalctl));
  }

  /** All that was printed on its console, at every boot. */
  async console(): Promise<string> {
    return await readFile(this.#place.console, 'utf8').catch(() => '');
  }

  /** Lays files, on or off. */
  async write(files: Files): Promise<void> {
    if (Object.keys(files).length > 0) await this.unpack(await pack(files));
  }

  /** Unpacks an archive at its root, on or off. */
  async unpack(archive: Buffer | string): Promise<void> {
    const content = typeof archive === 'string' ? await readFile(archive) : archive;
    const tar = unpackWith(content);
    await must(this.#isOn ? await this.#inside(tar) : this.#chroot(tar), content);
  }

  /** Pulls the plug of a NIC, or of all of them, until `join`; a boot does not put it back. */
  async cut(link?: string): Promise<void> {
    await this.#links.plug('down', link);
  }

  /** Puts it back. */
  async join(link?: string): Promise<void> {
    await this.#links.plug('up', link);
  }

  #chroot(command: readonly string[]): string[] {
    return this.#place.space.within([...environment, 'chroot', this.#place.root, ...command]);
  }

  async #inside(command: readonly string[]): Promise<string[]> {
    const inside = await this.#boot?.inside(command);
    if (inside === undefined) throw new Error(`${this.name} is off`);
    return inside;
  }

  async #failure(what: string, last?: Result): Promise<Error> {
    const lines = (text: string) => text.split('\n').slice(-30).join('\n');
    const journal = await this.journal('-n', '30').catch(String);
    return new Error(
      [
        `${this.name} ${what}`,
        ...(last ? [`exit code ${last.code}`, last.stdout, last.stderr] : []),
        'Its console:',
        lines(await this.console()),
        'Its journal:',
        journal,
      ].join('\n'),
    );
  }
}
