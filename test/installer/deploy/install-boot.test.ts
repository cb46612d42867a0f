import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Deployed, fillTarget, machine, sfdisk, stubbedShells } from './machine.ts';

let made: Deployed | undefined;
afterEach(() => made?.tree.remove());

const loader = 'usr/libexec/imgbuild/boot-loader';
const debian = ['usr/sbin/update-initramfs', 'usr/sbin/update-grub', loader];
const el = ['usr/bin/dracut', 'usr/sbin/grub2-mkconfig', loader];

interface Options {
  programs?: string[];
  files?: Record<string, string>;
  /** What chroot does, in sh; $1 is the target. */
  chroot?: string;
  firmware?: 'uefi' | 'bios';
}

async function laid(name: string, { programs = debian, files = {}, chroot, firmware }: Options = {}) {
  made = machine(name, chroot === undefined ? {} : { bodies: { chroot } });
  const host = made;
  expect(await host.run('lay-disks', ['--layout', host.layout, '--disks', host.chosen])).toMatchObject({
    code: 0,
  });
  if ((firmware ?? (/^firmware uefi/m.test(readFileSync(host.layout, 'utf8')) ? 'uefi' : 'bios')) === 'uefi')
    mkdirSync(join(host.tree.sys, 'firmware/efi'), { recursive: true });
  fillTarget(host.target, programs, files);
  host.forget();
  return host;
}
const install = (host: Deployed, shell?: (typeof stubbedShells)[number]) =>
  host.run('install-boot', ['--layout', host.layout, '--disks', host.chosen, '--target', host.target], shell);

const enter = (uefi: boolean) => [
  'mount -o bind /dev /target/dev',
  'mount -t proc proc /target/proc',
  'mount -t sysfs sysfs /target/sys',
  'mount -o bind /run /target/run',
  ...(uefi ? ['mount -t efivarfs efivarfs /target/sys/firmware/efi/efivars'] : []),
];
const leave = (uefi: boolean) => [
  'umount /target/run',
  ...(uefi ? ['umount /target/sys/firmware/efi/efivars'] : []),
  'umount /target/sys',
  'umount /target/proc',
  'umount /target/dev',
];
const both = '/dev/disk/by-id/ata-DISK_S0 /dev/disk/by-id/ata-DISK_S1';
const steps = (host: Deployed) =>
  host.calls(/^(mount|umount|chroot)/).filter((line) => !line.includes(' grep -q '));
/** A chroot in which these words stand in these files, and every command succeeds. */
const withWords = (words: Record<string, string>) =>
  `[ "$2" = grep ] || exit 0\ncase "$5 $6" in\n${Object.entries(words)
    .map(([word, file]) => `"${word} ${file}") exit 0 ;;`)
    .join('\n')}\n*) exit 1 ;;\nesac`;

describe.skipIf(!sfdisk && process.env.CI !== 'true')('install-boot', () => {
  it.each(stubbedShells)('a Debian with UEFI, under $name', async (shell) => {
    const host = await laid('uefi');
    const out = await install(host, shell);
    expect(out).toMatchObject({ code: 0, stderr: '' });
    expect(steps(host)).toEqual([
      ...enter(true),
      'chroot /target update-initramfs -u -k all',
      'chroot /target update-grub',
      `chroot /target /${loader} install ${both}`,
      ...leave(true),
    ]);
  });

  it('an el9 with BIOS', async () => {
    const mkconfig = '/usr/sbin/grub2-mkconfig';
    const host = await laid('bios', {
      programs: el,
      chroot: withWords({ 'GRUB wrapper': mkconfig, 'update-bls-cmdline': mkconfig }),
      files: { 'etc/kernel/cmdline': 'root=UUID=dead ro quiet\n' },
    });
    expect(await install(host)).toMatchObject({ code: 0 });
    expect(steps(host)).toEqual([
      ...enter(false),
      'chroot /target dracut --force --regenerate-all',
      'chroot /target sed -i s|root=[^ ]*|root=UUID=bbbbbbbb-726f6f74| /etc/kernel/cmdline',
      'chroot /target grub2-mkconfig -o /boot/grub2/grub.cfg --update-bls-cmdline',
      `chroot /target /${loader} install ${both}`,
      ...leave(false),
    ]);
  });

  const efi = { 'boot/efi/EFI/BOOT/grubx64.efi': '', 'boot/efi/EFI/rocky/grubx64.efi': '' };
  it('an el9 with UEFI: the ESP only says where the rest is', async () => {
    const host = await laid('uefi', {
      programs: el,
      chroot: withWords({ 'GRUB wrapper': '/usr/sbin/grub2-mkconfig' }),
      files: { ...efi, 'boot/efi/EFI/rocky/grub.cfg': 'search --fs-uuid dead\n' },
    });
    expect(await install(host)).toMatchObject({ code: 0 });
    expect(steps(host)).toContain('chroot /target grub2-mkconfig -o /boot/grub2/grub.cfg');
    expect(readFileSync(join(host.target, 'boot/efi/EFI/rocky/grub.cfg'), 'utf8')).toBe(
      'search --no-floppy --fs-uuid --set=dev aaaaaaaa-626f6f74\nset prefix=($dev)/grub2\nexport $prefix\nconfigfile $prefix/grub.cfg\n',
    );
  });

  it('an el8 with UEFI: it all lies on the ESP', async () => {
    const host = await laid('uefi', { programs: el, chroot: withWords({}), files: efi });
    expect(await install(host)).toMatchObject({ code: 0 });
    expect(steps(host)).toContain('chroot /target grub2-mkconfig -o /boot/efi/EFI/rocky/grub.cfg');
  });

  it('one disk', async () => {
    const host = await laid('one');
    expect(await install(host)).toMatchObject({ code: 0 });
    expect(steps(host)).toContain(`chroot /target /${loader} install /dev/disk/by-id/ata-DISK_S0`);
  });

  it.each([
    ['update-initramfs', /the initramfs was not made/],
    ['update-grub', /GRUB has no configuration/],
    [`/${loader}`, /the boot loader is not on every disk/],
  ])('%s fails: what was mounted for it is off again', async (program, message) => {
    const host = await laid('uefi', { chroot: `[ "$2" != ${program} ] || exit 1` });
    const out = await install(host);
    expect(out.code).toBe(4);
    expect(out.stderr).toMatch(message);
    expect(steps(host).slice(-5)).toEqual(leave(true));
  });

  it('ended by a signal: the same', async () => {
    const host = await laid('bios', { chroot: 'kill -TERM "$PPID"; sleep 0' });
    expect((await install(host)).code).toBe(4);
    expect(steps(host).slice(-4)).toEqual(leave(false));
  });

  it('what an interrupted run left mounted does not matter', async () => {
    const host = await laid('bios');
    writeFileSync(join(host.tree.root, 'mounts'), `proc ${host.target}/proc proc rw 0 0\n`);
    expect(await install(host)).toMatchObject({ code: 0 });
    expect(steps(host).filter((line) => line.endsWith('/proc'))).toEqual(['umount /target/proc']);
  });

  it.each([
    [
      'a machine started with BIOS',
      { firmware: 'bios' as const },
      /the layout is for uefi, and this machine was started with bios/,
    ],
    [
      'no boot-loader program',
      { programs: debian.slice(0, 2) },
      /there is no \/usr\/libexec\/imgbuild\/boot-loader/,
    ],
  ])('refused: %s', async (_, options, message) => {
    const host = await laid('uefi', options);
    const out = await install(host);
    expect(out).toMatchObject({ code: 3, stdout: '' });
    expect(out.stderr).toMatch(message);
    expect(steps(host)).toEqual([]);
  });
});
