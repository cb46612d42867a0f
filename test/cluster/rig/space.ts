/** Namespaces of a lab: its mounts, its network and its processes are seen by nobody else and end with it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { must } from './commands.ts';

/** A command's start, that keeps it from setting the clock, which is the machine's: root's commands enter with all rights. */
export const withoutClock = ['setpriv', '--bounding-set', '-sys_time', '--inh-caps', '-sys_time', '--'];

/** Reaps what is orphaned there, and ends when its input does. */
const first =
  'mount -t tmpfs -o mode=755 lab /run && mkdir /run/netns && ip link set lo up && echo ready && read -r _';

export class Space {
  readonly #unshare: ChildProcess;
  readonly #first: number;

  private constructor(unshare: ChildProcess, pid: number) {
    this.#unshare = unshare;
    this.#first = pid;
  }

  static async open(): Promise<Space> {
    // Nothing of it outlives this process, however that ends.
    const flags = ['--mount', '--net', '--pid', '--fork', '--kill-child=KILL', '--mount-proc'];
    const args = ['--pdeathsig', 'KILL', '--', 'unshare', ...flags, 'bash', '--norc', '-c', first];
    const unshare = spawn('setpriv', args, { stdio: ['pipe', 'pipe', 'inherit'] });
    const ended = once(unshare, 'close').then(() => {
      throw new Error('no namespaces can be made: is this process root, and allowed to?');
    });
    await Promise.race([once(unshare.stdout, 'data'), ended]);
    ended.catch(() => {});
    return new Space(unshare, await onlyChild(unshare.pid ?? 0));
  }

  /** A command as one that runs here. */
  within(command: readonly string[]): string[] {
    return [...withoutClock, 'nsenter', '-t', String(this.#first), '-m', '-n', '-p', '--', ...command];
  }

  /** Runs a script here, which has to succeed. */
  async sh(script: string, ...args: string[]): Promise<string> {
    return await must(this.within(['sh', '-euc', script, 'sh', ...args]));
  }

  async close(): Promise<void> {
    const ended = this.#unshare.exitCode ?? this.#unshare.signalCode;
    if (ended !== null) return;
    this.#unshare.kill('SIGKILL');
    await once(this.#unshare, 'close');
  }
}

/** The child of a process that has one, which is in another namespace than its parent. */
async function onlyChild(pid: number): Promise<number> {
  const child = Number((await childrenOf(pid))[0]);
  if (!child) throw new Error(`process ${pid} has no child`);
  return child;
}

export async function childrenOf(pid: number): Promise<number[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  return text.split(' ').filter(Boolean).map(Number);
}
