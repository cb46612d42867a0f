/** How a host is that has started from its disks. */
import type { Results } from '../rig/guest.ts';

const script = `
[ ! -e wait-for-sync ] || while grep -q -e resync -e recovery /proc/mdstat; do sleep 1; done
for unit in docker etcd kubelet; do systemctl is-active "$unit"; done >out/services
cat /proc/mdstat >out/mdstat
findmnt -rno TARGET,FSTYPE -t xfs,ext4,vfat >out/mounts
imgbuild-disk status >out/status 2>&1; echo $? >out/status-code
ls -A -I lost+found /data >out/data
{ : >/data/written && rm /data/written && echo yes; } >out/writable 2>/dev/null
systemctl is-system-running >out/running
systemctl --failed --plain --no-legend >out/failed
systemd-analyze >out/times 2>&1
journalctl -b -t imgbuild-disk -o cat --no-pager >out/alerts 2>&1
if [ -d /sys/firmware/efi ]; then efibootmgr -v >out/entries 2>&1; fi
exit 0
`;

export interface Report {
  /** By array: its members as md shows them, [UU] and so on. */
  arrays: Record<string, string>;
  /** File systems by mount point. */
  mounts: Record<string, string>;
  /** Units that run, of docker, etcd and kubelet. */
  services: string[];
  /** What lies in /data, and whether root can write there. */
  data: string[];
  writable: boolean;
  status: string;
  healthy: boolean;
  results: Results;
  console: string;
}

function read(results: Results, console: string): Report {
  const lines = (name: string) => (results[name] ?? '').trim().split('\n').filter(Boolean);
  const states = lines('services');
  return {
    arrays: arraysOf(results.status ?? ''),
    mounts: Object.fromEntries(lines('mounts').map((line) => line.split(' ') as [string, string])),
    services: ['docker', 'etcd', 'kubelet'].filter((_, i) => states[i] === 'active'),
    data: lines('data').sort(),
    writable: results.writable === 'yes\n',
    status: results.status ?? '',
    healthy: results['status-code'] === '0\n',
    results,
    console,
  };
}

/** `  root       md126    raid1   [UU]  sda3 active, sdb3 active` */
function arraysOf(status: string): Record<string, string> {
  return Object.fromEntries(
    [...status.matchAll(/^ {2}(\S+) +md\d+ +raid\d+ +\[(\w+)\]/gm)].map(([, name, state]) => [
      name ?? '',
      state ?? '',
    ]),
  );
}

export const bootReport = { script, read };
