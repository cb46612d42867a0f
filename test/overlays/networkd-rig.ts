import { existsSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { type Run, run } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';

/** systemd-networkd itself, in a network namespace of its own: as root, on a machine that has it. */

const LIB = '/lib/systemd';
const SH = { path: '/bin/sh' };

export const sh = (command: string): Promise<Run> =>
  run(SH, ['-c', `PATH=$PATH:/usr/sbin:/sbin; ${command}`]);
export const inside = (ns: string, command: string): Promise<Run> => sh(`ip netns exec ${ns} ${command}`);

export const PREFIX = `imgbuild${process.pid}-`;

/** Whether it can be tried here. */
export const allowed =
  process.getuid?.() === 0 &&
  existsSync(`${LIB}/systemd-networkd`) &&
  existsSync(`${LIB}/systemd-networkd-wait-online`) &&
  (await sh(`ip netns add ${PREFIX}try && ip netns del ${PREFIX}try`)).exitCode === 0;

/** What networkd said, and whether the network was up by the end. */
export interface Started {
  log: string[];
  online: boolean;
}

/** A script that runs with these files in place of this machine's own, and with folders of its own below /run. */
async function withFiles(files: readonly { path: string; content: string }[], body: string): Promise<string> {
  const root = await scratch();
  for (const { path, content } of files) {
    const folder = FOLDERS.find((each) => path.startsWith(`${each}/`));
    if (folder === undefined) continue;
    await mkdir(join(root, folder), { recursive: true });
    await writeFile(join(root, folder, basename(path)), content, { mode: 0o644 });
  }
  const bound = FOLDERS.map(
    (folder) => `mkdir -p ${folder} ${root}${folder}; mount --bind ${root}${folder} ${folder}`,
  );
  const own = ['systemd', 'dbus', 'udev'].map(
    (name) => `mkdir -p /run/${name}; mount -t tmpfs tmpfs /run/${name}`,
  );
  const script = join(root, 'script');
  await writeFile(script, ['set -eu', 'mount --make-rprivate /', ...own, ...bound, body].join('\n'));
  await chmod(root, 0o755);
  return script;
}

const FOLDERS = ['/etc/systemd/networkd.conf.d', '/etc/systemd/network', '/etc/udev/rules.d'];

interface Course {
  /** How long it may take to be online. */
  seconds?: number;
  /** Shell that runs once it is online, with a bus of its own for networkctl; `wait_online` takes systemd-networkd-wait-online's options. */
  after?: readonly string[];
}

/**
 * Starts networkd with these files, waits until it calls the network online, and stops it again: what it has set stays.
 * udev is no part of it, as in a container: sysfs is read-only.
 */
export async function networkd(
  ns: string,
  files: readonly { path: string; content: string }[],
  { seconds = 20, after = [] }: Course = {},
): Promise<Started> {
  const script = await withFiles(
    files,
    `mount -o remount,ro /sys
install -d -o systemd-network /run/systemd/netif
install -d -o systemd-network /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
wait_online() { ${LIB}/systemd-networkd-wait-online -q "$@"; }
bus=
if [ ${after.length} -gt 0 ]; then
  bus=$(dbus-daemon --system --fork --nopidfile --print-pid)
fi
SYSTEMD_LOG_LEVEL=debug SYSTEMD_LOG_TARGET=console ${LIB}/systemd-networkd &
daemon=$!
trap 'kill $daemon $bus; wait $daemon || :' EXIT
wait_online --timeout=${seconds} || exit 0
echo 'online: yes'
${after.join('\n')}
`,
  );
  const { lines } = await inside(ns, `unshare -m sh ${script}`);
  return { log: lines, online: lines.includes('online: yes') };
}

/** What udev does where an interface appears, these files among its own: nothing is run. */
export async function udev(
  ns: string,
  files: readonly { path: string; content: string }[],
  device: string,
): Promise<string[]> {
  const script = await withFiles(
    files,
    `mkdir -p /run/udev; udevadm test --action=add /sys/class/net/${device}\n`,
  );
  return (await inside(ns, `unshare -m sh ${script}`)).lines;
}

/** What networkd did not understand in a file of its own. */
export const complaints = (log: readonly string[]): string[] =>
  log.filter((line) => /^\/etc\/systemd\/network/.test(line));
