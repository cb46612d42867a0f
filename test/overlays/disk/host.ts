/**
 * A host with imgbuild's programs on it: a fabricated /sys, /dev and /proc, disks that are files with real partition
 * tables, and the stubs of programs/, which do to them what the kernel and mdadm would.
 */
import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { execa } from 'execa';
import { build, type Disk, MARK, type Tree } from '../../installer/topology.ts';
import { locate } from '../../rigs/programs.ts';
import { arraysOf, type Firmware, groupOf, PARTS, TYPES, writeTable } from './tables.ts';

const here = import.meta.dirname;
const top = join(here, '../../..');
const MiB = 1 << 20;
const real = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', process.env.PATH ?? ''].join(delimiter);

export interface HostDisk {
  name: string;
  /** system_1, data_2...; a disk without one is not of the layout. */
  slot?: string;
  mib?: number;
  /** false: its members are in no array. */
  joined?: boolean;
  more?: Partial<Disk>;
}

export interface HostOptions {
  firmware?: Firmware;
  disks?: HostDisk[];
  slots?: string[];
  /** Levels of the data arrays; raid10 has four members. */
  data?: 'raid1' | 'raid10';
  mark?: string;
  layout?: (text: string) => string;
  mounts?: (lines: string[]) => string[];
  os?: { name: string; id: string };
  /** Programs that the host lacks. */
  without?: string[];
}

export const PAIRS: HostDisk[] = [
  { name: 'sda', slot: 'system_1' },
  { name: 'sdb', slot: 'system_2' },
  { name: 'sdc', slot: 'data_1' },
  { name: 'sdd', slot: 'data_2' },
];
/** A disk that was put in for another. */
export const SPARE: HostDisk = { name: 'sde' };

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

const put = (path: string, text: string | Buffer) => {
  mkdirSync(join(path, '..'), { recursive: true });
  // Never through a link: it may lead out of the tree.
  if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink()) throw new Error(`${path} is a link`);
  writeFileSync(path, text);
};

const partName = (disk: string, number: number) => `${disk}${/\d$/.test(disk) ? 'p' : ''}${number}`;

export class Host {
  readonly root: string;
  readonly #tree: Tree;
  readonly #env: Record<string, string>;

  constructor(options: HostOptions = {}) {
    const { firmware = 'uefi', disks = PAIRS, mark = MARK, data = 'raid1' } = options;
    const slots = options.slots ?? ['system_1', 'system_2', 'data_1', 'data_2'];
    const partsOf = (slot: string) => PARTS[groupOf(slot) === 'system' ? firmware : 'data'];
    const label = (slot: string, number: number) => {
      const tail = `${slot.replace(/^.*_/, '')}p${number}`;
      return `imgbuild:${mark}:${groupOf(slot).slice(0, 36 - mark.length - 10 - tail.length)}${tail}`;
    };
    const holders = new Map<string, string>();
    const arrays = arraysOf(slots, partsOf, data);
    arrays.forEach(({ members }, index) => {
      for (const { slot, number } of members) holders.set(`${slot}:${number}`, `md12${index}`);
    });

    this.#tree = build({
      disks: disks.map((disk, index) => ({
        name: disk.name,
        bus: disk.name.startsWith('nvme') ? 'nvme' : 'sata',
        size: (disk.mib ?? 32) * MiB,
        media: 'ssd',
        model: 'INTEL SSDSC2KB48',
        serial: `S${disk.name.toUpperCase()}`,
        slot: index,
        partitions: disk.slot
          ? partsOf(disk.slot).map(({ mib }, part) => ({
              label: label(disk.slot ?? '', part + 1),
              size: mib * MiB,
              holders: disk.joined === false ? [] : [holders.get(`${disk.slot}:${part + 1}`) ?? []].flat(),
            }))
          : [],
        ...disk.more,
      })),
    });
    this.root = this.#tree.root;
    const { sys, dev } = this.#tree;
    for (const disk of disks) {
      if (!disk.slot) continue;
      const parts = partsOf(disk.slot);
      const text = parts
        .map(
          ({ mib, use }, part) =>
            `size=${mib}MiB, type=${TYPES[use]}, name="${label(disk.slot ?? '', part + 1)}"`,
        )
        .join('\n');
      writeTable(join(dev, disk.name), text);
      let start = 2048;
      parts.forEach(({ mib }, part) => {
        const name = partName(disk.name, part + 1);
        put(join(sys, 'block', disk.name, name, 'start'), `${start}\n`);
        put(join(dev, name), '');
        start += mib * 2048;
      });
    }
    arrays.forEach(({ level, members, metadata, name }, index) => {
      const md = join(sys, 'devices/virtual/block', `md12${index}`);
      const joined = members.flatMap(({ slot, number }, place) => {
        const disk = disks.find((each) => each.slot === slot && each.joined !== false);
        return disk ? [{ part: partName(disk.name, number), place }] : [];
      });
      const attributes = {
        level,
        array_state: 'clean',
        sync_action: 'idle',
        sync_completed: 'none',
        sync_speed: '100',
        raid_disks: members.length,
        degraded: members.length - joined.length,
        mismatch_cnt: 0,
        metadata_version: metadata,
        component_size: 4096,
      };
      for (const [key, value] of Object.entries(attributes)) put(join(md, 'md', key), `${value}\n`);
      put(join(md, 'size'), '8192\n');
      for (const { part, place } of joined) {
        put(join(md, 'md', `dev-${part}`, 'state'), 'in_sync\n');
        put(join(md, 'md', `dev-${part}`, 'slot'), `${place}\n`);
        put(join(md, 'md', `dev-${part}`, 'offset'), '2048\n');
      }
      symlinkSync(md, join(sys, 'block', `md12${index}`));
      put(join(dev, `md12${index}`), '');
      mkdirSync(join(dev, 'md'), { recursive: true });
      symlinkSync(`../md12${index}`, join(dev, 'md', name));
    });
    this.#layFiles(options, firmware, mark, slots, partsOf, arrays);
    this.#env = { ROOT: this.root, REAL: real, PATH: `${this.root}/programs:${this.root}/links` };
  }

  #layFiles(
    options: HostOptions,
    firmware: Firmware,
    mark: string,
    slots: string[],
    partsOf: (slot: string) => readonly { mib: number; use: string; name: string }[],
    arrays: ReturnType<typeof arraysOf>,
  ): void {
    const { root } = this;
    cpSync(join(top, 'overlays/base/usr'), join(root, 'usr'), { recursive: true });
    const libraries = join(root, 'usr/libexec/imgbuild/installer');
    mkdirSync(libraries, { recursive: true });
    for (const name of readdirSync(join(top, 'installer')).filter((file) => file.endsWith('.sh'))) {
      cpSync(join(top, 'installer', name), join(libraries, name));
    }
    const layout = [
      `mark ${mark}`,
      `firmware ${firmware}`,
      ...slots.map((slot) => `disk ${slot}`),
      '# part SLOT NUMBER USE SIZE NAME',
      ...slots.flatMap((slot) =>
        partsOf(slot).map(({ mib, use, name }, index) => `part ${slot} ${index + 1} ${use} ${mib} ${name}`),
      ),
      ...arrays.map(
        ({ name, level, metadata, members }) =>
          `array ${name} ${level} ${metadata} ${members.map(({ slot, number }) => `${slot}:${number}`).join(' ')}`,
      ),
      'fs array:root xfs root / defaults',
      'fs array:boot xfs boot /boot defaults',
      ...(firmware === 'uefi' ? ['fs array:efi vfat EFI /boot/efi umask=0077'] : []),
      'fs array:data xfs data /data nofail',
    ];
    const text = `${layout.join('\n')}\n`;
    put(join(root, 'etc/imgbuild/layout'), options.layout ? options.layout(text) : text);
    const mounts = ['/', '/boot', ...(firmware === 'uefi' ? ['/boot/efi'] : []), '/data'].map((at) => {
      const name = at === '/' ? 'root' : (at.split('/').pop() ?? '');
      return `/dev/md12${arrays.findIndex((array) => array.name === name)} ${at} xfs rw 0 0`;
    });
    put(join(root, 'proc/mounts'), `${(options.mounts?.(mounts) ?? mounts).join('\n')}\n`);
    put(join(root, 'proc/swaps'), 'Filename Type Size Used Priority\n');
    const { name, id } = options.os ?? { name: 'Rocky Linux', id: 'rocky' };
    put(join(root, 'etc/os-release'), `NAME="${name}"\nID=${id}\n`);
    put(join(root, 'log'), '');
    put(join(root, 'journal'), '');
    put(join(root, 'grub-help'), '--force-extra-removable\n');
    if (firmware === 'uefi') this.#layFirmware(slots, id);
    this.#layPrograms(options);
  }

  /** The ESP's files, and an entry for each disk behind the network's. */
  #layFirmware(slots: string[], id: string): void {
    const { root } = this;
    for (const file of [`${id}/shimx64.efi`, `${id}/grubx64.efi`, 'BOOT/BOOTX64.EFI'])
      put(join(root, 'boot/efi/EFI', file), 'MZ');
    put(join(root, 'sys/firmware/efi/efivars/BootOrder'), '');
    put(join(root, 'entries'), '0000\tUEFI PXE\tPciRoot(0x0)/Pci(0x3,0x0)/MAC(525400123456,0)\n');
    const numbers = ['0000'];
    slots
      .filter((slot) => slot.startsWith('system'))
      .forEach((slot, index) => {
        const disk = readdirSync(join(root, 'sys/block')).find((name) => this.guid(name, 1, slot));
        if (!disk) return;
        const number = `000${index + 1}`;
        numbers.push(number);
        const path = `HD(1,GPT,${this.guid(disk, 1, slot)},0x800,0x2000)/File(\\EFI\\${id}\\shimx64.efi)`;
        put(
          join(root, 'entries'),
          `${readFileSync(join(root, 'entries'), 'utf8')}${number}\tRocky Linux ${slot.replace('_', ' ')}\t${path}\n`,
        );
      });
    put(join(root, 'order'), `${numbers.join(',')}\n`);
  }

  #layPrograms({ without = [], os }: HostOptions): void {
    const bin = join(this.root, 'programs');
    mkdirSync(bin);
    const debian = os?.id === 'debian' || os?.id === 'ubuntu';
    const name = (file: string) => (debian && file === 'grub2-install' ? 'grub-install' : file);
    for (const file of readdirSync(join(here, 'programs'))) {
      if (without.includes(name(file)) || (!debian && file.startsWith('debconf'))) continue;
      cpSync(join(here, 'programs', file), join(bin, name(file)));
    }
    mkdirSync(join(this.root, 'links'));
    for (const [name, path] of common) {
      if (!without.includes(name)) symlinkSync(path, join(this.root, 'links', name));
    }
    if (debian) writeFileSync(join(bin, 'dpkg'), '', { mode: 0o755 });
  }

  /** The GUID of a partition, lower case; with a slot, only where the partition is that slot's. */
  guid(disk: string, number: number, slot?: string): string {
    if (!existsSync(join(this.root, 'sys/block', disk, partName(disk, number), 'uevent'))) return '';
    const uevent = this.read(`sys/block/${disk}/${partName(disk, number)}/uevent`);
    if (slot && !uevent.includes(`:${slot.replace('_', '')}p`)) return '';
    const entry = readFileSync(join(this.#tree.dev, disk)).subarray(1024 + (number - 1) * 128 + 16);
    const hex = (from: number, to: number) => Buffer.from(entry.subarray(from, to)).toString('hex');
    const swapped = (from: number, to: number) =>
      Buffer.from(entry.subarray(from, to)).reverse().toString('hex');
    return [swapped(0, 4), swapped(4, 6), swapped(6, 8), hex(8, 10), hex(10, 16)].join('-');
  }

  async run(program: 'imgbuild-disk' | 'boot-loader', ...args: string[]): Promise<Outcome> {
    const path = program === 'imgbuild-disk' ? 'usr/sbin' : 'usr/libexec/imgbuild';
    const result = await execa('bash', [join(this.root, path, program), '--root', this.root, ...args], {
      reject: false,
      extendEnv: false,
      env: this.#env,
      stdin: 'ignore',
    });
    const plain = (text: string) => text.replaceAll(this.root, '');
    return { code: result.exitCode ?? -1, out: plain(result.stdout), err: plain(result.stderr) };
  }

  /** imgbuild-disk on a terminal, with what is typed there, or is answered to its question: all that it shows. */
  async onTerminal(
    args: string[],
    typed: string | (() => string) = '',
    env: Record<string, string> = {},
  ): Promise<string> {
    const words = ['bash', `${this.root}/usr/sbin/imgbuild-disk`, '--root', this.root, ...args];
    const program = execa('/usr/bin/script', ['-qec', words.join(' '), '/dev/null'], {
      reject: false,
      extendEnv: false,
      env: { ...this.#env, SHELL: '/bin/sh', ...env },
      ...(typeof typed === 'string' ? { input: typed } : {}),
    });
    if (typeof typed === 'function') {
      let shown = '';
      program.stdout.on('data', (text) => {
        const asked = shown.includes('go on: ');
        shown += text;
        if (!asked && shown.includes('go on: ')) program.stdin.end(typed());
      });
    }
    return (await program).stdout;
  }

  disk = (...args: string[]): Promise<Outcome> => this.run('imgbuild-disk', ...args);
  loader = (...args: string[]): Promise<Outcome> => this.run('boot-loader', ...args);

  /** The calls of stubs since the last time this was asked. */
  calls(): string[] {
    const lines = this.read('log').split('\n').filter(Boolean);
    put(join(this.root, 'log'), '');
    return lines;
  }

  read = (path: string): string => readFileSync(join(this.root, path), 'utf8');
  /** A program of the host, in the place of what it had. */
  program(name: string, body: string): void {
    const path = join(this.root, 'programs', name);
    rmSync(path, { force: true });
    writeFileSync(path, `#!/bin/bash\n${body}\n`, { mode: 0o755 });
  }

  write = (path: string, text: string | Buffer): void => put(join(this.root, path), text);
  exists = (path: string): boolean => existsSync(join(this.root, path));

  /** What the kernel does of itself. */
  kernel(script: string): void {
    execFileSync('bash', ['-c', `. ${join(here, 'programs/kernel.sh')}\n${script}`], {
      env: { ...this.#env, PATH: real },
      // Given a socket, bash takes itself for a remote shell.
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  /** Pulls a disk out; md has noticed, or not yet. */
  unplug(name: string, noticed = true): void {
    this.kernel(`
      for part in "$ROOT/sys/block/${name}/${name}"*; do
        [ -f "$part/partition" ] || continue
        for md in "$ROOT"/sys/block/md*; do
          [ -d "$md/md/dev-$(basename "$part")" ] || continue
          ${noticed ? 'echo faulty >"$md/md/dev-$(basename "$part")/state"; echo none >"$md/md/dev-$(basename "$part")/slot"' : ':'}
          count "$(basename "$md")"
        done
      done
      rm -rf "$(readlink -f "$ROOT/sys/block/${name}")" "$ROOT/sys/block/${name}" "$ROOT/dev/${name}"*
      find "$ROOT/dev/disk" -lname "*/${name}*" -delete`);
  }

  /** md throws the members of a disk out of these arrays, or of all. */
  fail(name: string, ...mds: string[]): void {
    this.kernel(`
      for part in "$ROOT/sys/block/${name}/${name}"*; do
        for md in ${mds.join(' ') || 'md120 md121 md122 md123'}; do
          dir=$ROOT/sys/block/$md/md/dev-$(basename "$part")
          [ ! -d "$dir" ] || { echo faulty >"$dir/state"; echo none >"$dir/slot"; count $md; }
        done
      done`);
  }

  table = (disk: string): string[] =>
    execFileSync(locate('sfdisk'), ['-d', join(this.#tree.dev, disk)], { encoding: 'utf8' })
      .split('\n')
      .filter((line) => line.includes('start='))
      .map((line) =>
        line.replace(/^.*?: start= *(\d+), size= *(\d+), type=(\S+), .*name="([^"]*)".*$/, '$1 $2 $3 $4'),
      );

  remove = (): void => this.#tree.remove();
}

/** What imgbuild-disk takes from a host beside the programs of programs/. */
const common = execFileSync(
  'bash',
  [
    '-c',
    `PATH=${real}; type -P awk bash basename cat cksum cp cut date dd dirname env find flock grep head id ln ls mkdir mv od \
      parted readlink rm sed seq sh sort tail tee timeout tr uname wc`,
  ],
  { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] },
)
  .trim()
  .split('\n')
  .map((path) => [basename(path), path] as const);
