import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { shells } from '../run.ts';
import { type Deployed, fillTarget, machine, sfdisk } from './machine.ts';

let made: Deployed | undefined;
afterEach(() => made?.tree.remove());

const args = (host: Deployed) => ['--layout', host.layout, '--disks', host.chosen];
async function laid(name: string): Promise<Deployed> {
  made = machine(name);
  expect(await made.run('lay-disks', args(made))).toMatchObject({ code: 0 });
  fillTarget(made.target, [], { 'etc/fstab': 'UUID=dead / ext4 defaults 0 1\n' });
  return made;
}
const write = (host: Deployed, shell?: (typeof shells)[number]) =>
  host.run('write-tables', [...args(host), '--target', host.target], shell);
const read = (host: Deployed, name: string) => readFileSync(join(host.target, 'etc', name), 'utf8');

const head = '# Written when this host was deployed. By UUID: no order or name of a disk matters.\n';
const mdHead =
  '# Written when this host was deployed. An array is known by its UUID, whatever host made it.\nHOMEHOST <ignore>\n';

describe.skipIf(!sfdisk && process.env.CI !== 'true')('write-tables', () => {
  it.each(shells)('XFS on arrays, on a Debian, under $name', async (shell) => {
    const host = await laid('uefi');
    mkdirSync(join(host.target, 'etc/mdadm'));
    writeFileSync(join(host.target, 'etc/mdadm/mdadm.conf'), 'ARRAY /dev/md/old UUID=1:2:3:4\n');
    const out = await write(host, shell);
    expect(out).toMatchObject({ code: 0, stderr: '' });
    expect(read(host, 'fstab')).toBe(`${head}UUID=aaaaaaaa-726f6f74 / xfs defaults 0 0
UUID=aaaaaaaa-626f6f74 /boot xfs defaults 0 0
UUID=C0DE-0001 /boot/efi vfat umask=0077,shortname=winnt 0 2
UUID=aaaaaaaa-64617461 /data xfs nofail,x-systemd.device-timeout=90s 0 0
`);
    expect(
      read(host, 'mdadm/mdadm.conf'),
    ).toBe(`${mdHead}ARRAY /dev/md/efi metadata=1.0 UUID=00000003:00000000:00000000:00000000
ARRAY /dev/md/boot metadata=1.2 UUID=00000004:00000000:00000000:00000000
ARRAY /dev/md/root metadata=1.2 UUID=00000004:00000000:00000000:00000000
ARRAY /dev/md/data metadata=1.2 UUID=00000004:00000000:00000000:00000000
`);
    expect(existsSync(join(host.target, 'etc/mdadm.conf'))).toBe(false);
    expect(read(host, 'imgbuild/layout')).toBe(readFileSync(host.layout, 'utf8'));
    expect(out.stdout.split('\n')).toEqual(
      ['imgbuild/layout', 'fstab', 'mdadm/mdadm.conf'].map((name) => `wrote /target/etc/${name}`),
    );
  });

  it('ext4, LVM, and elsewhere than on a Debian', async () => {
    const host = await laid('lvm');
    expect(await write(host)).toMatchObject({ code: 0 });
    expect(read(host, 'fstab')).toBe(`${head}UUID=bbbbbbbb-726f6f74 / ext4 defaults 0 1
UUID=bbbbbbbb-6c6f67 /var/log ext4 defaults 0 2
UUID=aaaaaaaa-64617461 /data xfs nofail,x-systemd.device-timeout=90s 0 0
`);
    expect(read(host, 'mdadm.conf')).toMatch(/\/dev\/md\/data metadata=1.2 UUID=.*\nARRAY \/dev\/md\/data2 /);
    expect(statSync(join(host.target, 'etc/fstab')).mode & 0o777).toBe(0o644);
  });

  it('no arrays', async () => {
    const host = await laid('one');
    expect(await write(host)).toMatchObject({ code: 0 });
    expect(read(host, 'mdadm.conf')).toBe(mdHead);
  });

  it('again: the same bytes, and nothing is left over', async () => {
    const host = await laid('uefi');
    await write(host);
    const before = ['fstab', 'mdadm.conf', 'imgbuild/layout'].map((name) => read(host, name));
    expect(await write(host)).toMatchObject({ code: 0 });
    expect(['fstab', 'mdadm.conf', 'imgbuild/layout'].map((name) => read(host, name))).toEqual(before);
    expect(readdirSync(join(host.target, 'etc')).sort()).toEqual(['fstab', 'imgbuild', 'mdadm.conf']);
  });

  it.each([
    [
      'no system in the target',
      (host: Deployed) => rmSync(join(host.target, 'etc'), { recursive: true }),
      /there is no system in/,
    ],
    [
      'a file system without a UUID',
      (host: Deployed) => writeFileSync(join(host.tree.root, 'fs/md124'), 'TYPE=xfs\n'),
      /blkid tells no UUID of \/dev\/md124 for \/data/,
    ],
    [
      'an array that does not run',
      (host: Deployed) => rmSync(join(host.tree.sys, 'block/sdd/sdd1/holders/md124')),
      /the device of \/data is not there/,
    ],
    [
      'mdadm says nothing',
      (host: Deployed) => writeFileSync(join(host.bin, 'mdadm'), '#!/bin/sh\n'),
      /mdadm tells no UUID of \/dev\/md127/,
    ],
  ] as const)('refused, and nothing written: %s', async (_, spoil, message) => {
    const host = await laid('uefi');
    spoil(host);
    const out = await write(host);
    expect(out).toMatchObject({ code: 3, stdout: '' });
    expect(out.stderr).toMatch(message);
    if (existsSync(join(host.target, 'etc'))) expect(read(host, 'fstab')).toMatch(/^UUID=dead/);
  });
});
