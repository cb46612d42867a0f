/** Starts guests, one at a time: a test waits for what they print, for their end, or cuts their power. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { copyFile, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers';
import { QUICK } from '../../rigs/qemu.ts';
import { type Files, pack, unpack } from './archive.ts';
import { firmwareVariables, type Machine, machineArguments } from './machine.ts';
import { buildRoot } from './root.ts';

export interface StartOptions {
  /** `initramfs` (by default) has the machine's disks and mounts none; `disk` is what the firmware finds. */
  boot?: 'initramfs' | 'disk';
  /** More words for the kernel, with `initramfs`. */
  append?: string;
  /** Its `run` is run, in a directory of these files; see root/run-job. */
  job?: Files;
}

/** What a job left in `out/`, with `exit-code`. */
export type Results = Record<string, string>;

/** As run-job writes it. */
const begin = 'imgbuild-results\n';

export class Guest {
  /** All that was printed on the first serial port so far, without carriage returns. */
  console = '';
  readonly #process: ChildProcess;
  readonly #directory: string;
  readonly #ended: Promise<void>;
  #watchers: (() => void)[] = [];
  #hasEnded = false;
  #errors = '';

  constructor(process: ChildProcess, directory: string) {
    this.#process = process;
    this.#directory = directory;
    process.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.console += text.replaceAll('\r', '');
      this.#look();
    });
    process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#errors += text;
    });
    // Typed at a guest that has just ended.
    process.stdin?.on('error', () => {});
    this.#ended = new Promise((resolve) => {
      process.on('error', (error) => {
        this.#errors += String(error);
      });
      process.on('close', () => {
        this.#hasEnded = true;
        this.#look();
        resolve();
      });
    });
  }

  /** Waits until the console shows this text. */
  async waitFor(text: string | RegExp, seconds: number): Promise<void> {
    const shown = () => (typeof text === 'string' ? this.console.includes(text) : text.test(this.console));
    await this.#until(() => shown() || this.#hasEnded, seconds, `for ${text}`);
    if (shown()) return;
    await this.#clear();
    throw this.#failure(`the guest ended without printing ${text}`);
  }

  /** Waits until it is off; what its job left, if that came to an end. */
  async end(seconds: number): Promise<Results | undefined> {
    await this.#until(() => this.#hasEnded, seconds, 'for its end');
    const sent = this.#process.exitCode === 0 ? await readFile(join(this.#directory, 'results')) : undefined;
    await this.#clear();
    if (sent === undefined) throw this.#failure('QEMU failed');
    const from = sent.lastIndexOf(begin);
    return from < 0 ? undefined : await unpack(sent.subarray(from + begin.length));
  }

  /** Types at the first serial port. */
  type(text: string): void {
    this.#process.stdin?.write(text);
  }

  /** A power cut. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await this.#ended;
    await this.#clear();
  }

  async #clear(): Promise<void> {
    await rm(this.#directory, { recursive: true, force: true });
  }

  #look(): void {
    for (const watcher of this.#watchers) watcher();
  }

  async #until(met: () => boolean, seconds: number, what: string): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = await new Promise<boolean>((resolve) => {
      timer = setTimeout(() => resolve(true), seconds * 1000);
      const watcher = () => {
        if (met()) resolve(false);
      };
      this.#watchers = [watcher];
      watcher();
    });
    clearTimeout(timer);
    this.#watchers = [];
    if (!late) return;
    await this.kill();
    throw this.#failure(`waited ${seconds} s ${what}`);
  }

  #failure(what: string): Error {
    const last = this.console.split('\n').slice(-40).join('\n');
    return new Error(`${what}\n${this.#errors}\nThe console's last lines:\n${last}`);
  }
}

export async function start(machine: Machine, options: StartOptions = {}): Promise<Guest> {
  const directory = await mkdtemp(join(tmpdir(), 'imgbuild-guest-'));
  if (machine.nvram !== undefined && !existsSync(machine.nvram)) {
    await copyFile(firmwareVariables, machine.nvram);
  }
  const args = [
    ...machineArguments(machine),
    ...['-chardev', 'stdio,id=console,signal=off', '-serial', 'chardev:console'],
    ...['-serial', `file:${join(directory, 'results')}`],
    ...(options.boot === 'disk' ? [] : await initramfs(machine, options.append ?? '')),
  ];
  if (options.job !== undefined) {
    await writeFile(join(directory, 'job'), await pack(options.job));
    args.push('-fw_cfg', `name=opt/imgbuild/job,file=${join(directory, 'job')}`);
  }
  // A guest does not outlive its test, however that ends.
  const qemu = ['--pdeathsig', 'KILL', '--', 'qemu-system-x86_64', ...args];
  return new Guest(spawn('setpriv', qemu, { stdio: 'pipe' }), directory);
}

async function initramfs(machine: Machine, append: string): Promise<string[]> {
  const root = await buildRoot();
  return [
    ...['-kernel', machine.firmware === 'uefi' ? root.vmlinuz : root.vmlinux, '-initrd', root.initrd],
    ...['-append', `console=ttyS0 boot=job ${QUICK} ${append}`],
  ];
}

/** Boots, runs a job to its end and returns what it left and what it printed. */
export async function runJob(
  machine: Machine,
  job: Files,
  options: StartOptions & { seconds?: number } = {},
): Promise<{ results: Results; console: string }> {
  const guest = await start(machine, { ...options, job });
  const results = await guest.end(options.seconds ?? 120);
  if (results === undefined) throw new Error(`the job did not end:\n${guest.console}`);
  return { results, console: guest.console };
}
