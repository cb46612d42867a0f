/** Hosts on networks of their own, on this machine, at its own speed. */
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buildBase } from './base.ts';
import { Cgroup } from './cgroups.ts';
import { Host, type HostOptions } from './host.ts';
import { serve } from './serve.ts';
import { Space } from './space.ts';

export interface LabOptions {
  /** Networks by name, with the lab's own address in each: where `serve` answers, and the gateway of hosts. */
  networks?: Record<string, string>;
}

const open = new Set<Lab>();
let made = 0;

export class Lab {
  readonly directory: string;
  readonly networks: Readonly<Record<string, string>>;
  readonly #space: Space;
  readonly #cgroup: Cgroup;
  readonly #base: string;
  readonly #hosts = new Map<string, Host>();
  readonly #servers: (() => void)[] = [];
  #made = 0;

  private constructor(
    directory: string,
    networks: Record<string, string>,
    space: Space,
    cgroup: Cgroup,
    base: string,
  ) {
    this.directory = directory;
    this.networks = networks;
    this.#space = space;
    this.#cgroup = cgroup;
    this.#base = base;
  }

  /** A lab without hosts. It ends with `close`, and at the latest with this process. */
  static async open({ networks = { lan: '192.0.2.1/24' } }: LabOptions = {}): Promise<Lab> {
    await clearLeftovers();
    await allowManyHosts();
    const { root } = await buildBase();
    const name = `imgbuild-lab-${process.pid}-${startOf(process.pid)}-${++made}`;
    const directory = join(tmpdir(), name);
    const cgroup = (await Cgroup.own()).child(name);
    await mkdir(directory);
    await writeFile(join(directory, 'cgroups'), cgroup.directories.join('\n'));
    await cgroup.make();
    const space = await Space.open();
    const lab = new Lab(directory, networks, space, cgroup, root);
    open.add(lab);
    for (const [network, address] of Object.entries(networks)) {
      await space.sh(
        `ip link add "$1" type bridge mcast_snooping 0 nf_call_iptables 0 nf_call_ip6tables 0
        ip addr add "$2" dev "$1"
        ip link set "$1" up`,
        network,
        address,
      );
    }
    return lab;
  }

  /** A host that is off. */
  async host(name: string, options: HostOptions = {}): Promise<Host> {
    if (this.#hosts.has(name)) throw new Error(`there is a host ${name} already`);
    const surroundings = {
      space: this.#space,
      cgroup: this.#cgroup.child(name),
      directory: join(this.directory, name),
      base: this.#base,
      networks: this.networks,
      number: ++this.#made,
    };
    const host = await Host.make(name, options, surroundings);
    this.#hosts.set(name, host);
    return host;
  }

  /** Takes a host out of the lab. Another may have its name then. */
  async remove(name: string): Promise<void> {
    await this.#hosts.get(name)?.remove();
    this.#hosts.delete(name);
  }

  /** Lets a server of this process answer at the lab's addresses. */
  async serve(port: number, server: Server): Promise<void> {
    this.#servers.push(await serve(this.#space, join(this.directory, `port-${port}`), port, server));
  }

  /** A power cut for all; and nothing is left. */
  async close(): Promise<void> {
    if (!open.delete(this)) return;
    for (const host of this.#hosts.values()) await host.kill();
    await this.#space.close();
    for (const stop of this.#servers) stop();
    await this.#cgroup.remove();
    await rm(this.directory, { recursive: true, force: true });
  }

  static async closeAll(): Promise<void> {
    for (const lab of open) await lab.close();
  }
}

/** A process's time of start tells it from a later one with its number. */
function startOf(pid: number | string): string | undefined {
  const file = `/proc/${pid}/stat`;
  // The name before it, in brackets, may hold anything.
  return existsSync(file) ? readFileSync(file, 'utf8').split(') ').pop()?.split(' ')[19] : undefined;
}

/** Of a process that was killed, namespaces end by themselves; directories and control groups do not. */
async function clearLeftovers(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const [, pid = '', start] = /^imgbuild-lab-(\d+)-(\d+)-\d+$/.exec(name) ?? [];
    if (start === undefined || startOf(pid) === start) continue;
    const directory = join(tmpdir(), name);
    const cgroups = await readFile(join(directory, 'cgroups'), 'utf8').catch(() => '');
    await new Cgroup(cgroups.split('\n').filter((path) => path.includes(name))).remove();
    await rm(directory, { recursive: true, force: true });
  }
}

/** All hosts are one user to the kernel, whose default of 128 is used up by four of them. */
async function allowManyHosts(): Promise<void> {
  const file = '/proc/sys/fs/inotify/max_user_instances';
  if (Number(await readFile(file, 'utf8')) < 8192) await writeFile(file, '8192');
}
