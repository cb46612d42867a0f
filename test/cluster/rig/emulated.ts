/** One run of a host as a machine of QEMU's, with a kernel and a clock of its own. Its disks are made of its root at the first. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { BARE, EMULATED, QUICK } from '../../rigs/qemu.ts';
import type { Place, Run } from './boot.ts';
import { must } from './commands.ts';
import { pack, unpackWith } from './files.ts';
import { buildKernel } from './kernel.ts';
import type { Link } from './links.ts';
import { childrenOf, type Space } from './space.ts';

export interface Emulation {
  /** The address that its own files give it, at which commands enter. */
  address: string;
  /** By how much its clock is wrong when it is switched on, in seconds. */
  clockOff?: number;
}

/** The port of a server of the rig's own, for commands. */
const PORT = 2222;

const files = {
  '/etc/fstab': '/dev/vda / ext4 defaults 0 1\n/dev/vdb /data ext4 defaults 0 2\n',
  '/usr/lib/rig/sshd.conf': `Port ${PORT}
HostKey /usr/lib/rig/host-key
AuthorizedKeysFile /usr/lib/rig/key.pub
PermitRootLogin prohibit-password
StrictModes no
UsePAM yes
PidFile none
MaxSessions 100
`,
  '/etc/systemd/system/rig-shell.service': `[Unit]
DefaultDependencies=no
After=local-fs.target
[Service]
RuntimeDirectory=sshd
RuntimeDirectoryPreserve=yes
ExecStart=/usr/sbin/sshd -D -e -f /usr/lib/rig/sshd.conf
Restart=always
[Install]
WantedBy=sysinit.target
`,
};

/** What the shared root has for hosts that share a kernel, and a host with its own has not. */
const undo = `rm -f /usr/lib/systemd/system/chrony.service.d/rig.conf \\
  /usr/lib/systemd/system/systemd-sysctl.service.d/rig.conf /usr/lib/systemd/system/haproxy.service.d/rig.conf \\
  /usr/lib/systemd/journald.conf.d/rig.conf
mv /usr/sbin/runc.real /usr/sbin/runc
ssh-keygen -q -t ed25519 -N '' -f /usr/lib/rig/host-key
systemctl enable --quiet rig-shell`;

/** Of the root, as it is in the lab: /data is a disk of its own. */
const disks = `cd "$1"
ssh-keygen -q -t ed25519 -N '' -f key
cp key.pub root/usr/lib/rig/key.pub
chroot root bash --norc -euc "$2"
truncate -s 16G data.img
mkfs.ext4 -q -E lazy_itable_init=1 -d root/data data.img
umount root/data
truncate -s 16G root.img
mkfs.ext4 -q -E lazy_itable_init=1 -d root root.img
mv root.img disk.img`;

export class Emulated implements Run {
  readonly ended: Promise<{ reboots: boolean }>;
  readonly #nsenter: ChildProcess;
  readonly #ssh: readonly string[];
  readonly #socket: string;

  private constructor(nsenter: ChildProcess, ssh: readonly string[], socket: string) {
    this.#nsenter = nsenter;
    this.#ssh = ssh;
    this.#socket = socket;
    this.ended = once(nsenter, 'close').then(() => ({ reboots: false }));
  }

  /** Its network namespace is there already, with its NICs, whose place the machine's take. */
  static async start(place: Place, links: readonly Link[], emulation: Emulation): Promise<Emulated> {
    const { name, root, console, space } = place;
    const directory = dirname(root);
    if (!existsSync(join(directory, 'disk.img'))) await makeDisks(space, directory);
    const { vmlinux, initrd } = await buildKernel();
    for (const [index, link] of links.entries()) await plugIn(space, name, index, link.name);
    const clock = new Date(Date.now() + (emulation.clockOff ?? 0) * 1000).toISOString().slice(0, 19);
    const qemu = [
      ...['qemu-system-x86_64', '-machine', 'q35,sata=off,smbus=off,i8042=off,vmport=off'],
      ...[...EMULATED, '-cpu', 'max', '-smp', '2', '-m', '2048', ...BARE],
      ...['-rtc', `base=${clock}`, '-serial', 'stdio', '-monitor', 'none', '-device', 'virtio-rng-pci'],
      ...['disk', 'data'].flatMap((file) => [
        ...['-drive', `if=virtio,format=raw,cache=unsafe,discard=unmap,file=${directory}/${file}.img`],
      ]),
      ...links.flatMap(({ mac }, index) => [
        ...['-netdev', `tap,id=net${index},ifname=tap${index},script=no,downscript=no`],
        ...['-device', `virtio-net-pci,netdev=net${index},mac=${mac}`],
      ]),
      ...['-kernel', vmlinux, '-initrd', initrd, '-append', `console=ttyS0 ${QUICK}`],
    ];
    const [program = '', ...args] = space.within(['ip', 'netns', 'exec', name, ...qemu]);
    const log = createWriteStream(console, { flags: 'a' });
    await once(log, 'open');
    const nsenter = spawn(program, args, { stdio: ['ignore', log, log] });
    nsenter.on('close', () => log.close());
    const socket = join(directory, 'ssh');
    const options = [
      ...['StrictHostKeyChecking=no', 'UserKnownHostsFile=/dev/null', 'LogLevel=ERROR', 'ConnectTimeout=5'],
      ...['ControlMaster=auto', `ControlPath=${socket}`, 'ControlPersist=60'],
    ].flatMap((option) => ['-o', option]);
    const ssh = ['ssh', '-F', 'none', '-i', join(directory, 'key'), '-p', String(PORT), ...options];
    return new Emulated(nsenter, space.within([...ssh, emulation.address]), socket);
  }

  async inside(command: readonly string[]): Promise<string[]> {
    return [...this.#ssh, '--', command.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ')];
  }

  async kill(): Promise<void> {
    for (const pid of await childrenOf(this.#nsenter.pid ?? 0)) process.kill(pid, 'SIGKILL');
    await this.ended;
    // What enters next enters another run of it.
    await rm(this.#socket, { force: true });
  }
}

async function makeDisks(space: Space, directory: string): Promise<void> {
  const content = await pack(files);
  await must(space.within(['chroot', join(directory, 'root'), ...unpackWith(content)]), content);
  await space.sh(disks, directory, undo);
}

/** The lab's end stays what it is; the other is a port of a bridge now, with the machine's NIC. */
async function plugIn(space: Space, host: string, index: number, link: string): Promise<void> {
  await space.sh(
    `ip -n "$1" link set "$2" down
    ip -n "$1" link set "$2" name "port$3" address "02:00:00:ff:ff:0$3"
    ip -n "$1" link add "bridge$3" type bridge mcast_snooping 0 nf_call_iptables 0 nf_call_ip6tables 0
    ip -n "$1" tuntap add "tap$3" mode tap
    for name in "port$3" "tap$3"; do ip -n "$1" link set "$name" master "bridge$3" up; done
    ip -n "$1" link set "bridge$3" up`,
    ...[host, link, String(index)],
  );
}
