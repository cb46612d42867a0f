/** Control groups of hosts: below this process's own, so that its limits hold for them too. */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';

/** One group, as its directory in every hierarchy. */
export class Cgroup {
  readonly directories: readonly string[];

  constructor(directories: readonly string[]) {
    this.directories = directories;
  }

  /** The group of this process. */
  static async own(): Promise<Cgroup> {
    const paths = (await readFile('/proc/self/cgroup', 'utf8')).trim().split('\n').map(membership);
    const directories = new Set<string>();
    for (const line of (await readFile('/proc/self/mountinfo', 'utf8')).trim().split('\n')) {
      const [before = '', after = ''] = line.split(' - ');
      const [type, , options = ''] = after.split(' ');
      const [, , , root, mounted] = before.split(' ');
      if (root !== '/' || mounted === undefined || (type !== 'cgroup' && type !== 'cgroup2')) continue;
      const own = paths.find(({ controller }) =>
        type === 'cgroup2' ? controller === '' : options.split(',').includes(controller),
      );
      if (own) directories.add(join(mounted, own.path));
    }
    return new Cgroup([...directories]);
  }

  child(name: string): Cgroup {
    return new Cgroup(this.directories.map((directory) => join(directory, name)));
  }

  async make(): Promise<void> {
    for (const directory of this.directories) {
      await mkdir(directory, { recursive: true });
      for (const file of ['cpuset.cpus', 'cpuset.mems']) {
        // In cgroup v1 these are empty at first, and no process can enter.
        const path = join(directory, file);
        if (!existsSync(path) || (await readFile(path, 'utf8')).trim() !== '') continue;
        await writeFile(path, await readFile(join(directory, '..', file)));
      }
    }
  }

  /** A command as one that enters the group first. */
  enter(command: readonly string[]): string[] {
    const script = 'while [ "$1" != -- ]; do echo $$ >"$1/cgroup.procs"; shift; done; shift; exec "$@"';
    return ['sh', '-ec', script, 'sh', ...this.directories, '--', ...command];
  }

  /** Kills what is in the group and below it, and removes it. */
  async remove(): Promise<void> {
    // What is dying still holds its group for a moment.
    for (let tries = 0; tries < 200; tries++) {
      const left: string[] = [];
      for (const directory of this.directories) left.push(...(await removeTree(directory)));
      if (left.length === 0) return;
      await setTimeout(50);
    }
    throw new Error(`control groups that cannot be removed: ${this.directories.join(' ')}`);
  }
}

function membership(line: string): { controller: string; path: string } {
  const [, controllers = '', path = '/'] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
  return { controller: controllers.split(',')[0] ?? '', path };
}

/** The directories that are still there. */
async function removeTree(directory: string): Promise<string[]> {
  if (!existsSync(directory)) return [];
  const left: string[] = [];
  for (const entry of await readdir(directory, { withFileTypes: true }).catch(() => [])) {
    if (entry.isDirectory()) left.push(...(await removeTree(join(directory, entry.name))));
  }
  const processes = await readFile(join(directory, 'cgroup.procs'), 'utf8').catch(() => '');
  for (const pid of processes.split('\n').filter((text) => text !== '' && text !== '0')) {
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It has just ended.
    }
  }
  return await rmdir(directory).then(
    () => left,
    () => (existsSync(directory) ? [...left, directory] : left),
  );
}
