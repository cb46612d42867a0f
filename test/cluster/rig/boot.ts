/** One run of a host, from its being switched on to its end. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Cgroup } from './cgroups.ts';
import { childrenOf, type Space, withoutClock } from './space.ts';

export interface Place {
  name: string;
  root: string;
  /** The file that its console is printed to. */
  console: string;
  space: Space;
  cgroup: Cgroup;
}

/** A command's environment, and nothing else of the test's. */
export const environment = [
  ...['env', '-i', 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
  ...['HOME=/root', 'LANG=C.UTF-8', 'TERM=dumb'],
];

/** A command enters with the control groups of where it is from, and writes itself into those of the host. */
const joinCgroups = `[ -x /usr/lib/rig/init ] || exit 125
for file in /sys/fs/cgroup/cgroup.procs /sys/fs/cgroup/*/cgroup.procs; do
  [ ! -w "$file" ] || echo $$ >"$file"
done
exec "$@"`;

/** systemd-nspawn's exit code for a machine that reboots. */
const REBOOT = 133;

/** From a host's being switched on to its end. */
export interface Run {
  /** Whether it ended for a reboot. */
  readonly ended: Promise<{ reboots: boolean }>;
  /** A command as one that runs in the host; nothing where it cannot yet, or not any more. */
  inside(command: readonly string[]): Promise<string[] | undefined>;
  /** A power cut. */
  kill(): Promise<void>;
}

export class Boot implements Run {
  readonly ended: Promise<{ reboots: boolean }>;
  readonly #nsenter: ChildProcess;

  private constructor(nsenter: ChildProcess, cgroup: Cgroup) {
    this.#nsenter = nsenter;
    this.ended = once(nsenter, 'close').then(async () => {
      await cgroup.remove();
      return { reboots: nsenter.exitCode === REBOOT };
    });
  }

  /** Its network namespace is there already. */
  static async start({ name, root, console, space, cgroup }: Place): Promise<Boot> {
    await cgroup.remove();
    await cgroup.make();
    const nspawn = [
      ...['systemd-nspawn', '--register=no', '--keep-unit', `--directory=${root}`, `--machine=${name}`],
      ...[`--network-namespace-path=/run/netns/${name}`, '--resolv-conf=off', '--timezone=off'],
      // Containers need all the rest.
      ...['--capability=all', '--drop-capability=CAP_SYS_TIME', '--bind=/dev/kmsg', '--link-journal=no'],
      ...['--system-call-filter=add_key keyctl bpf @mount perf_event_open', '--console=read-only'],
      '/usr/lib/rig/init',
    ];
    const [program = '', ...args] = cgroup.enter(space.within(nspawn));
    const log = createWriteStream(console, { flags: 'a' });
    await once(log, 'open');
    const nsenter = spawn(program, args, { stdio: ['ignore', log, log] });
    nsenter.on('close', () => log.close());
    return new Boot(nsenter, cgroup);
  }

  /** Not before its systemd runs. */
  async inside(command: readonly string[]): Promise<string[] | undefined> {
    const nspawn = await this.#nspawn();
    for (const child of nspawn === undefined ? [] : await childrenOf(nspawn)) {
      const status = await readFile(`/proc/${child}/status`, 'utf8').catch(() => '');
      // What comes before, in the same place, is still in other namespaces.
      if (!/^Name:\tsystemd$/m.test(status) || !/^NSpid:.*\t1$/m.test(status)) continue;
      const enter = ['nsenter', '-t', String(child), '-a', '--', ...environment];
      return [...withoutClock, ...enter, 'sh', '-c', joinCgroups, 'sh', ...command];
    }
    return undefined;
  }

  async kill(): Promise<void> {
    const nspawn = await this.#nspawn();
    // With PID 1 all others end at once, and none sees another end. nsenter is left to see off its child.
    for (const pid of nspawn === undefined ? [] : [...(await childrenOf(nspawn)), nspawn]) kill(pid);
    if (nspawn === undefined) this.#nsenter.kill('SIGKILL');
    await this.ended;
  }

  /** By our own count. Its child is the host's PID 1. */
  async #nspawn(): Promise<number | undefined> {
    const [child] = await childrenOf(this.#nsenter.pid ?? 0);
    return child;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has just ended.
  }
}
