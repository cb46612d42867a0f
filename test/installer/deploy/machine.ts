/**
 * A fabricated machine on which the programs of a deployment run to their end: partition tables are written
 * by the real sfdisk on plain files, and stubs do to /sys what the kernel, mdadm and LVM would do.
 */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { dash, type Outcome, run, type Shell, shells, stubs } from '../run.ts';
import { type Bus, build, type Disk, type Tree } from '../topology.ts';
import { layouts } from './layouts.ts';

export const MiB = 2 ** 20;

const path = `/usr/sbin:/sbin:${process.env.PATH}`;
export const sfdisk = execFileSync('sh', ['-c', 'command -v sfdisk || :'], {
  encoding: 'utf8',
  env: { PATH: path },
}).trim();

export interface Deployed {
  tree: Tree;
  layout: string;
  /** The file that select-disks would have written. */
  chosen: string;
  bin: string;
  target: string;
  /** Runs installer/deploy/PROGRAM with the machine's own directories. */
  run(program: string, args?: string[], shell?: Shell): Promise<Outcome>;
  /** The calls of stubs whose name matches, with this machine's paths as /dev and /target. */
  calls(which?: RegExp): string[];
  forget(): void;
}

/**
 * A busybox sh prefers its own mount, umount and chroot to any in PATH: run by root, a program that mounts
 * would mount this machine's own /dev below a directory that is removed afterwards.
 */
const stubbed = (shell: Shell) => !shell.name.startsWith('busybox');
export const stubbedShells = shells.filter(stubbed);

const slotsOf = (layout: string) => [...layout.matchAll(/^disk (\S+)/gm)].map(([, slot]) => slot ?? '');

export interface Kind {
  bus?: Bus;
  /** More of each disk, by its place. */
  disk?: (index: number) => Partial<Disk>;
  /** MiB. */
  size?: number;
  bodies?: Record<string, string>;
}

export function machine(
  name: string,
  { bus = 'sata', disk = () => ({}), size = 4096, bodies = {} }: Kind = {},
): Deployed {
  const layout = layouts[name] ?? '';
  const slots = slotsOf(layout);
  const knames = slots.map((_, i) => (bus === 'nvme' ? `nvme${i}n1` : `sd${'abcdef'[i]}`));
  const tree = machineTree(knames, bus, size, disk);
  const { root, sys, dev } = tree;
  writeFileSync(join(root, 'layout'), layout);
  const link = (i: number) => `disk/by-id/${bus === 'nvme' ? 'nvme' : 'ata'}-DISK_S${i}`;
  const chosen = slots.map((slot, i) => `${slot}='${link(i)}'\n${slot}_kname='${knames[i]}'\n`);
  writeFileSync(join(root, 'chosen'), `system_count=2\nsystem_size=${size}\n${chosen.join('')}`);
  const target = join(root, 'target');
  const { bin, log } = stubs(root, { ...kernel(tree), ...bodies });
  const text = (name: string) =>
    readFileSync(join(root, name), 'utf8').replaceAll(`${dev}/`, '/dev/').replaceAll(target, '/target');
  mkdirSync(join(root, 'fs'));
  return {
    tree,
    layout: join(root, 'layout'),
    chosen: join(root, 'chosen'),
    bin,
    target,
    run: async (program, args = [], shell = dash) => {
      if (!stubbed(shell) && !/^(lay-disks|write-tables)$/.test(program))
        throw new Error(`${shell.name} would really mount`);
      const first = [...tree.args.slice(0, 6), ...(program === 'deploy' ? [] : tree.args.slice(6))];
      const out = await run(shell, `deploy/${program}`, [...first, ...args], { first: bin });
      const clean = (t: string) =>
        t.replaceAll(`${dev}/`, '/dev/').replaceAll(target, '/target').replaceAll(`${sys}/`, '/sys/');
      return { code: out.code, stdout: clean(out.stdout), stderr: clean(out.stderr) };
    },
    calls: (which = /./) =>
      existsSync(log)
        ? text('log')
            .trim()
            .split('\n')
            .filter((line) => which.test(line))
        : [],
    forget: () => writeFileSync(log, ''),
  };
}

function machineTree(knames: string[], bus: Bus, size: number, disk: (index: number) => Partial<Disk>): Tree {
  const disks = knames.map((name, i) => ({
    name,
    bus,
    size: size * MiB,
    serial: `S${i}`,
    slot: i,
    ...disk(i),
  }));
  return build({ disks });
}

/** What the kernel, udev and the tools would do to /sys and /dev. */
function kernel({ root, sys, dev }: Tree): Record<string, string> {
  const sfdiskBody = `
    '${sfdisk}' "$@" || exit
    [ "$1" = -q ] || exit 0
    k=\${2##*/}; d='${sys}/block/'$k
    case $k in *[0-9]) p=p ;; *) p= ;; esac
    '${sfdisk}' -d "$2" | sed -n 's/^.* : start= *\\([0-9]*\\), size= *\\([0-9]*\\),.*name="\\(.*\\)".*/\\1 \\2 \\3/p' |
    { n=0; while read -r start size name; do
        n=$((n + 1)); mkdir -p "$d/$k$p$n/holders"
        echo "$n" >"$d/$k$p$n/partition"; echo "$size" >"$d/$k$p$n/size"; echo "$start" >"$d/$k$p$n/start"
        echo "PARTNAME=$name" >"$d/$k$p$n/uevent"
        truncate -s 0 '${dev}/'"$k$p$n"; truncate -s "$((size * 512))" '${dev}/'"$k$p$n"
      done; }`;
  // hold MD PART...: an array is put together; its members know it from now on.
  const hold = `
    hold() {
      md=$1; shift; v='${sys}/devices/virtual/block/'$md
      mkdir -p "$v/slaves" "$v/holders" "$v/md"; ln -sfn "$v" '${sys}/block/'"$md"
      least=
      for part; do
        p=$(echo '${sys}'/block/*/"\${part##*/}")
        ln -sfn "$v" "$p/holders/$md"; ln -sfn "$p" "$v/slaves/\${part##*/}"
        s=$(cat "$p/size"); [ -n "$least" ] && [ "$least" -le "$s" ] || least=$s
      done
      echo $((least - 2048)) >"$v/size"; echo clean >"$v/md/array_state"
      truncate -s "$(((least - 2048) * 512))" '${dev}/'"$md"
    }`;
  return {
    sfdisk: sfdiskBody,
    mdadm: `${hold}
      case $1 in
      --create)
        md=\${2##*/}; shift 2; parts=
        for w; do case $w in
          --name=*) name=\${w#*=} ;; --level=1) level=raid1 ;; --level=10) level=raid10 ;;
          --metadata=*) metadata=\${w#*=} ;; /*) parts="$parts $w" ;;
        esac; done
        hold "$md" $parts; echo "$level" >"$v/md/level"; echo "$metadata" >"$v/md/metadata_version"
        echo "$name" >"$v/md/name" ;;
      --assemble)
        md=\${3##*/}; shift 3; hold "$md" "$@"; echo raid1 >"$v/md/level"; echo 1.2 >"$v/md/metadata_version" ;;
      --stop)
        md=\${2##*/}; rm -f '${sys}'/block/*/*/holders/"$md" '${sys}/block/'"$md" '${dev}/'"$md" ;;
      --detail)
        n=$(cat '${sys}/block/'"\${3##*/}"/md/name)
        printf 'MD_LEVEL=raid1\\nMD_UUID=%08d:00000000:00000000:00000000\\nMD_NAME=%s\\n' "$(printf %s "$n" | wc -c)" "$n" ;;
      esac`,
    lvm: `
      case $1 in
      lvcreate)
        while [ $# -gt 0 ]; do [ "$1" != -n ] || lv=$2; vg=$1; shift; done
        n=0; while [ -e '${sys}/block/dm-'$n ]; do n=$((n + 1)); done
        v='${sys}/devices/virtual/block/dm-'$n; mkdir -p "$v/dm" "$v/slaves"; echo "$vg-$lv" >"$v/dm/name"
        ln -sfn "$v" '${sys}/block/dm-'$n; echo dm >'${dev}/dm-'$n
        for k in $(cat '${root}/vg-'"$vg"); do ln -sfn "$v" "$v/slaves/$k"; done ;;
      vgcreate)
        while [ "$1" != -y ]; do shift; done; shift; vg=$1; shift
        for node; do echo "\${node##*/}"; done >'${root}/vg-'"$vg" ;;
      esac`,
    'mkfs.xfs': `for n; do :; done; printf 'TYPE=xfs\\nLABEL=%s\\nUUID=%s\\n' "$4" "aaaaaaaa-$(printf %s "$4" | od -An -tx1 | tr -d ' ')" >'${root}/fs/'"\${n##*/}"`,
    'mkfs.ext4': `for n; do :; done; printf 'TYPE=ext4\\nLABEL=%s\\nUUID=%s\\n' "$4" "bbbbbbbb-$(printf %s "$4" | od -An -tx1 | tr -d ' ')" >'${root}/fs/'"\${n##*/}"`,
    'mkfs.vfat': `for n; do :; done; printf 'TYPE=vfat\\nLABEL=%s\\nUUID=C0DE-0001\\n' "$4" >'${root}/fs/'"\${n##*/}"`,
    blkid: `
      for n; do :; done; f='${root}/fs/'\${n##*/}
      case "$*" in
      *'-o value -s '*) sed -n "s/^$5=//p" "$f" 2>/dev/null ;;
      *) exit 2 ;;
      esac`,
    mount: `
      for w; do from=$at; at=$w; done
      printf '%s %s x rw 0 0\\n' "$from" "$at" >>'${root}/mounts'`,
    umount: `
      [ ! -e '${root}/busy' ] || exit 32
      awk -v at="$1" '$2 != at' '${root}/mounts' >'${root}/mounts.part' && mv '${root}/mounts.part' '${root}/mounts'`,
    chattr: 'exit 0',
    chroot: 'exit 0',
    sync: 'exit 0',
    udevadm: 'exit 0',
    sleep: 'exit 0',
  };
}

/** Bytes of a disk's image. */
export function peek(host: Deployed, name: string, offset: number, length: number): Buffer {
  const fd = openSync(join(host.tree.dev, name), 'r');
  const bytes = Buffer.alloc(length);
  readSync(fd, bytes, 0, length, offset);
  closeSync(fd);
  return bytes;
}

/** A root file system as a tar would leave it, as far as the programs look. */
export function fillTarget(target: string, programs: string[], files: Record<string, string> = {}): void {
  for (const program of programs) {
    mkdirSync(join(target, program, '..'), { recursive: true });
    writeFileSync(join(target, program), '');
    chmodSync(join(target, program), 0o755);
  }
  mkdirSync(join(target, 'etc'), { recursive: true });
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(target, name, '..'), { recursive: true });
    writeFileSync(join(target, name), text);
  }
}
