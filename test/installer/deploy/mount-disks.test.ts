import { appendFileSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Deployed, machine, sfdisk, stubbedShells } from './machine.ts';

let made: Deployed | undefined;
afterEach(() => made?.tree.remove());

const args = (host: Deployed) => ['--layout', host.layout, '--disks', host.chosen];
const below = (host: Deployed) => [...args(host), '--target', host.target];

/** A machine whose disks are laid, and what was called for that forgotten. */
async function laid(name: string): Promise<Deployed> {
  made = machine(name);
  expect(await made.run('lay-disks', args(made))).toMatchObject({ code: 0 });
  made.forget();
  return made;
}
const mounted = (host: Deployed) =>
  readFileSync(join(host.tree.root, 'mounts'), 'utf8')
    .replaceAll(`${host.tree.dev}/`, '/dev/')
    .replaceAll(host.target, '/target')
    .split('\n')
    .slice(1, -1)
    .map((line) => line.split(' ').slice(0, 2).join(' '));

const uefi = [
  'mount -t xfs /dev/md125 /target',
  'mount -t xfs /dev/md126 /target/boot',
  'mount -t vfat -o umask=0077,shortname=winnt /dev/md127 /target/boot/efi',
  'chattr +i /target/data',
  'mount -t xfs /dev/md124 /target/data',
];

describe.skipIf(!sfdisk && process.env.CI !== 'true')('mount-disks and unmount-disks', () => {
  it.each(stubbedShells)('in order, and off again the other way round, under $name', async (shell) => {
    const host = await laid('uefi');
    const out = await host.run('mount-disks', below(host), shell);
    expect(out).toMatchObject({ code: 0, stderr: '' });
    expect(host.calls(/^(mount|chattr|mdadm)/)).toEqual(uefi);
    host.forget();
    const off = await host.run('unmount-disks', ['--layout', host.layout, '--target', host.target], shell);
    expect(off).toMatchObject({ code: 0, stderr: '' });
    expect(host.calls(/^umount/)).toEqual(
      ['/data', '/boot/efi', '/boot', ''].map((dir) => `umount /target${dir}`),
    );
    expect(mounted(host)).toEqual([]);
  });

  it('again: mounts what is not, makes nothing immutable that is covered', async () => {
    const host = await laid('uefi');
    await host.run('mount-disks', below(host));
    host.forget();
    expect(await host.run('mount-disks', below(host))).toMatchObject({ code: 0, stdout: '' });
    expect(host.calls(/^(mount|chattr|mdadm)/)).toEqual([]);
    // As if it had been cut off before the last one.
    const file = join(host.tree.root, 'mounts');
    writeFileSync(file, readFileSync(file, 'utf8').split('\n').slice(0, -2).join('\n').concat('\n'));
    expect(await host.run('mount-disks', below(host))).toMatchObject({ code: 0 });
    expect(host.calls(/^(mount|chattr)/)).toEqual(uefi.slice(3));
  });

  it('starts the arrays and volume groups that do not run, by their members', async () => {
    const host = await laid('lvm');
    for (const md of ['md127', 'md126']) {
      for (const part of ['sdb/sdb1', 'sdc/sdc1', 'sdd/sdd1', 'sde/sde1'])
        rmSync(join(host.tree.sys, 'block', part, 'holders', md), { force: true });
      rmSync(join(host.tree.sys, 'block', md));
    }
    const data = join(host.tree.sys, 'block/dm-2');
    rmSync(data);
    writeFileSync(
      join(host.bin, 'lvm'),
      readFileSync(join(host.bin, 'lvm'), 'utf8').replace(
        'case $1 in',
        `case $1 in vgchange) ln -sfn '${host.tree.sys}/devices/virtual/block/dm-2' '${data}' ;;`,
      ),
    );
    expect(await host.run('mount-disks', below(host))).toMatchObject({ code: 0 });
    const config =
      'devices { filter=["a|^/dev/md127$|", "a|^/dev/md126$|", "r|.*|"] } activation { udev_sync=0 udev_rules=0 }';
    expect(host.calls(/^(mdadm|lvm|mount)/)).toEqual([
      'mdadm --assemble --run /dev/md127 /dev/sdb1 /dev/sdc1',
      'mdadm --assemble --run /dev/md126 /dev/sdd1 /dev/sde1',
      `lvm vgchange --config ${config} -ay data`,
      'mount -t ext4 /dev/dm-1 /target',
      'mount -t ext4 /dev/dm-0 /target/var/log',
      'mount -t xfs /dev/dm-2 /target/data',
    ]);
  });

  it('an array that udev has left half put together is stopped first', async () => {
    const host = await laid('uefi');
    writeFileSync(join(host.tree.sys, 'block/md124/md/array_state'), 'inactive\n');
    expect(await host.run('mount-disks', below(host))).toMatchObject({ code: 0 });
    expect(host.calls(/^mdadm/)).toEqual([
      'mdadm --stop /dev/md124',
      'mdadm --assemble --run /dev/md124 /dev/sdc1 /dev/sdd1',
    ]);
  });

  it('something else is mounted there', async () => {
    const host = await laid('uefi');
    appendFileSync(join(host.tree.root, 'mounts'), `tmpfs ${host.target}/boot tmpfs rw 0 0\n`);
    const out = await host.run('mount-disks', below(host));
    expect(out.code).toBe(4);
    expect(out.stderr).toMatch(/something else is mounted at \/target\/boot: tmpfs/);
  });

  it("another machine's volume group of the same name is not taken for ours", async () => {
    const host = await laid('lvm');
    const dm = join(host.tree.sys, 'devices/virtual/block/dm-2');
    rmSync(join(dm, 'slaves/md127'));
    symlinkSync(join(host.tree.sys, 'block/sda'), join(dm, 'slaves/sdz1'));
    const out = await host.run('mount-disks', below(host));
    expect(out.code).toBe(4);
    expect(out.stderr).toMatch(/the device of \/data is not there: lv:data\/data/);
  });

  it('what is busy is said, after some patience', async () => {
    const host = await laid('uefi');
    await host.run('mount-disks', below(host));
    writeFileSync(join(host.tree.root, 'busy'), '');
    const out = await host.run('unmount-disks', ['--layout', host.layout, '--target', host.target]);
    expect(out.code).toBe(4);
    expect(out.stderr).toMatch(/something below \/target is in use/);
    expect(host.calls(/^sleep/)).toHaveLength(4);
    expect(mounted(host)).toHaveLength(4);
  });

  it('nothing else is unmounted', async () => {
    const host = await laid('one');
    await host.run('mount-disks', below(host));
    appendFileSync(join(host.tree.root, 'mounts'), `/dev/sdz ${host.target}2 ext4 rw 0 0\n`);
    await host.run('unmount-disks', ['--layout', host.layout, '--target', host.target]);
    expect(mounted(host)).toEqual(['/dev/sdz /target2']);
  });

  it('this system itself is no target', async () => {
    const host = await laid('one');
    for (const program of ['mount-disks', 'unmount-disks']) {
      const out = await host.run(program, [...args(host), '--target', '/']);
      expect(out).toMatchObject({ code: 2, stdout: '' });
    }
  });
});
