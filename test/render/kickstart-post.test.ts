import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { give, serve, sumOf } from '../artifacts/server.ts';
import { type Section, sections } from '../rigs/kickstart-rules.ts';
import type { Run } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';
import { functionOf, kickstart, library, section, shell } from './kickstart-run.ts';

/** Steps of %post, run for real in a folder with stand-ins for what would change the machine. */

describe('the base URL', () => {
  const el9 = functionOf(section(kickstart('worker'), '-overlay'), 'base_url');
  const el7 = functionOf(section(kickstart('worker', 'centos-7.9'), '-overlay'), 'base_url');
  const SPEC = 'http://100.64.0.5:8080/hosts/worker-1';

  it.each([
    ['inst.ks=http://10.0.0.1/hosts/worker-1/ks.cfg', 'http://10.0.0.1/hosts/worker-1'],
    ['quiet inst.ks=https://s/a/ks.cfg inst.ks.sendmac ip=dhcp', 'https://s/a'],
    ['inst.ks=http://10.0.0.1/h/ks.cfg?token=a/b&x=1', 'http://10.0.0.1/h'],
    ['inst.ks=http://10.0.0.1/h/ks.cfg#x', 'http://10.0.0.1/h'],
    ['inst.ks=http://first/h/ks.cfg inst.ks=http://second/h/ks.cfg', 'http://second/h'],
    ['inst.ks=hd:LABEL=OEMDRV:/ks.cfg', SPEC],
    ['inst.ks.sendmac quiet', SPEC],
    ['ks=http://old/h/ks.cfg', SPEC],
    ['inst.ks=http://10.0.0.1/*/ks.cfg', 'http://10.0.0.1/*'],
    ['', SPEC],
  ])('%s', async (line, expected) => {
    const dir = await scratch({ cmdline: `${line}\n` });
    const { lines } = await shell('bash', `set -euo pipefail\n${el9}\nbase=$(base_url)\necho "$base"`, {
      dir,
      places: { '/proc/cmdline': '$DIR/cmdline' },
    });
    expect(lines).toEqual([expected]);
  });

  it('comes from ks= too where the release knows that', async () => {
    const dir = await scratch({ cmdline: 'ks=http://old/h/ks.cfg\n' });
    const { lines } = await shell('bash', `${el7}\nbase_url`, {
      dir,
      places: { '/proc/cmdline': '$DIR/cmdline' },
    });
    expect(lines).toEqual(['http://old/h']);
  });
});

describe('an archive', () => {
  const ks = kickstart('worker');
  const lay = functionOf(section(ks, '-overlay'), 'lay');

  /** Makes an archive with `make`, then lays it over a root where lib is a link. */
  async function laid(make: string, sum = '$(sha256sum <archive | cut -d" " -f1)') {
    const dir = await scratch({ 'root/usr/lib/kept': 'kept', 'root/etc/hosts': 'old' });
    const text = `${library(ks)}
${lay}
ln -s usr/lib "$PWD/root/lib"
(mkdir made && cd made && ${make}) && lay archive "${sum}"`;
    const result = await shell('bash', text, {
      dir,
      places: { '"/$folder"': '"$DIR/root/$folder"', '-C / ': '-C $DIR/root ' },
    });
    return { ...result, dir };
  }

  it('is laid over what is there', async () => {
    const made =
      'mkdir -m 0700 etc && echo new >etc/hosts && mkdir -p etc/new && echo x >etc/new/x && tar -czf ../archive etc';
    const { exitCode, dir } = await laid(made);
    expect(exitCode).toBe(0);
    expect(readFileSync(join(dir, 'root/etc/hosts'), 'utf8')).toBe('new\n');
    expect(readFileSync(join(dir, 'root/etc/new/x'), 'utf8')).toBe('x\n');
    // A folder that was there stays as it was.
    expect(statSync(join(dir, 'root/etc')).mode & 0o777).toBe(0o755);
  });

  it.each([
    [
      'with another sum',
      'echo x >x && tar -czf ../archive x',
      '0'.repeat(64),
      /archive is not what it should be/,
    ],
    [
      'through a link',
      'mkdir lib && echo x >lib/x && tar -czf ../archive lib/x',
      undefined,
      /goes through a link: lib\/x/,
    ],
    ['in place of a link', 'mkdir lib && tar -czf ../archive lib', undefined, /goes through a link: lib\//],
    ['with ..', 'echo x >../y && tar -czPf ../archive ../y', undefined, /points outside: \.\.\/y/],
    ['with an absolute path', 'echo x >x && tar -czPf ../archive "$PWD/x"', undefined, /points outside: \//],
  ])('is refused %s', async (_, make, sum, said) => {
    const { exitCode, lines } = await laid(make, sum);
    expect(exitCode).toBe(1);
    expect(lines.join('\n')).toMatch(said);
  });
});

describe('a signing key', () => {
  const ks = kickstart('worker');
  const keys = section(ks, '-keys');
  const parts = [functionOf(keys, 'only_key'), functionOf(keys, 'take')].join('\n');
  let made: string;
  let good: string;

  beforeAll(async () => {
    made = await scratch();
    const gpg = 'gpg --batch --quiet --no-tty --pinentry-mode loopback --passphrase ""';
    const { exitCode, lines } = await shell(
      'bash',
      `set -e
export GNUPGHOME=$PWD/home
mkdir -m 0700 home
${gpg} --quick-generate-key one ed25519 sign never
${gpg} --quick-generate-key two ed25519 sign never
fingerprint=$(gpg --batch --with-colons --list-keys one | awk -F: '$1 == "fpr" { print $10; exit }')
${gpg} --quick-add-key "$fingerprint" cv25519 encr never
gpg --batch --armor --export one >one.asc
gpg --batch --armor --export one two >both.asc
gpg --batch --export one >one.gpg
echo nonsense >none.asc
gpgconf --kill gpg-agent
echo "$fingerprint"`,
      { dir: made },
    );
    if (exitCode !== 0) throw new Error(lines.join('\n'));
    good = lines.at(-1) ?? '';
  });

  /** `take` as the section has it, for a key at `url`, which `fetch` copies. */
  async function take(
    file: string,
    fingerprint: string,
    show: string,
    present = '',
  ): Promise<Run & { dir: string }> {
    const dir = await scratch(present === '' ? {} : { key: readFileSync(join(made, present), 'latin1') });
    const text = `${library(ks)}
work=$(mktemp -d); export GNUPGHOME=$work; show=${show}
fetch() { cp "$1" "$2"; }
rpm() { echo "rpm $*"; }
${parts}
take ${dir}/key ${fingerprint} ${made}/${file}`;
    return { ...(await shell('bash', text, { dir })), dir };
  }

  // el7's gpg 2.0 has no --show-keys, and lists a file that it is given.
  describe.each(['--show-keys', '--with-fingerprint'])('read with %s', (show) => {
    it.each(['one.asc', 'one.gpg'])('is taken where it is the one: %s', async (file) => {
      const { exitCode, lines, dir } = await take(file, good, show);
      expect({ exitCode, lines }).toEqual({ exitCode: 0, lines: [`rpm --import ${dir}/key`] });
      expect(readFileSync(join(dir, 'key'))).toEqual(readFileSync(join(made, file)));
    });

    it.each([
      ['another key', 'one.asc', '0'.repeat(40), /the key at \S+one\.asc is [0-9A-F]{40}, and not 0{40}/],
      ['one more key', 'both.asc', undefined, /both\.asc does not hold exactly one key: [0-9A-F]{40}/],
      ['no key', 'none.asc', undefined, /none\.asc does not hold exactly one key: none/],
    ])('is refused with %s', async (_, file, fingerprint, said) => {
      const { exitCode, lines } = await take(file, fingerprint ?? good, show);
      expect(exitCode).toBe(1);
      expect(lines.join('\n')).toMatch(said);
      expect(lines.join('\n')).not.toContain('rpm --import');
    });
  });

  it('that came with the overlay is used, and checked just the same', async () => {
    expect((await take('none.asc', good, '--show-keys', 'one.asc')).exitCode).toBe(0);
    expect((await take('one.asc', good, '--show-keys', 'both.asc')).exitCode).toBe(1);
  });

  it('is asked for in the way that this gpg knows', async () => {
    const dir = await scratch();
    const head = keys.body.slice(keys.body.indexOf('show='), keys.body.indexOf('# only_key'));
    const asked = async (options: string) =>
      (
        await shell('bash', `set -euo pipefail\n${head}\necho "$show"`, { dir, stubs: { gpg: options } })
      ).lines.at(-1);
    expect(await asked('printf "%s\\n" --list-keys --show-keys')).toBe('--show-keys');
    expect(await asked('printf "%s\\n" --list-keys')).toBe('--with-fingerprint');
    expect(await asked('exit 2')).toBe('--with-fingerprint');
  });
});

describe('repositories', () => {
  const ks = kickstart('worker', 'centos-7.9');
  const onlyOurs = functionOf(section(ks, '-update'), 'only_ours');

  it('of the release are switched off, whether they say that they are on or say nothing', async () => {
    const dir = await scratch({
      'r/base.repo': '[base]\nname=x\n#enabled=1\ngpgcheck=1\n\n[plus]\nenabled = 1\nname=y\n',
      'r/imgbuild.repo': '[imgbuild-base]\nenabled=1\n',
    });
    const places = { '/etc/yum.repos.d': '$DIR/r' };
    for (let time = 0; time < 2; time++)
      await shell('bash', `set -eu\n${onlyOurs}\nonly_ours`, { dir, places });
    expect(readFileSync(join(dir, 'r/base.repo'), 'utf8')).toBe(
      '[base]\nenabled=0\nname=x\n#enabled=1\ngpgcheck=1\n\n[plus]\nenabled=0\nname=y\n',
    );
    expect(readFileSync(join(dir, 'r/imgbuild.repo'), 'utf8')).toBe('[imgbuild-base]\nenabled=1\n');
  });

  it('that check no signatures are refused', async () => {
    const dir = await scratch({ 'r/imgbuild.repo': '[a]\ngpgcheck = 0\n' });
    const { body } = section(ks, '-update');
    const text = `${library(ks)}\n${body.slice(body.indexOf('# The release'))}`;
    const { exitCode, lines } = await shell('bash', text, {
      dir,
      places: { '/etc/yum.repos.d': '$DIR/r' },
      stubs: { yum: 'echo yum "$@"' },
    });
    expect(exitCode).toBe(1);
    expect(lines.at(-1)).toBe('imgbuild: imgbuild.repo switches signature checks off');
  });
});

describe('packages', () => {
  const ks = kickstart('worker', 'centos-7.9');
  const body = section(ks, '-packages').body.replace(/^set -euo[\s\S]*?^step .*$/m, '');
  const text = `${library(ks)}\n${body}`;
  const places = { '/etc/yum.conf': '$DIR/yum.conf' };

  it('are installed by version, asked for again, and pinned', async () => {
    const dir = await scratch({ 'yum.conf': '[main]\nexclude=x\ncachedir=/x\n' });
    const rpm = 'case $2 in --quiet) exit 1;; esac; exit 0';
    const { exitCode, lines } = await shell('bash', text, {
      dir,
      places,
      stubs: { yum: 'echo "yum $*"', rpm },
    });
    expect(exitCode).toBe(0);
    const installed = lines.filter((line) => line.startsWith('yum'));
    expect(installed[1]).toMatch(
      /^yum -y --setopt=gpgcheck=1 install --enablerepo=imgbuild-docker docker-ce-26\.1\.4-1\.el7 /,
    );
    expect(installed.at(-1)).toBe(
      'yum -y --setopt=gpgcheck=1 install --enablerepo=imgbuild-elrepo-kernel kernel-lt-5.4.278-1.el7.elrepo',
    );
    expect(readFileSync(join(dir, 'yum.conf'), 'utf8')).toMatch(
      /^\[main\]\nexclude=containerd\.io .*kubelet.*\ncachedir=\/x\n$/,
    );
  });

  it('do not push the overlay’s files aside', async () => {
    const dir = await scratch({
      'yum.conf': '[main]\n',
      'etc/x/y.conf.rpmorig': 'ours',
      'etc/x/y.conf': 'theirs',
    });
    const rpm = 'case $2 in --quiet) exit 1;; esac; exit 0';
    await shell('bash', text, {
      dir,
      places: { ...places, 'find /etc': 'find $DIR/etc' },
      stubs: { yum: '', rpm },
    });
    expect(readFileSync(join(dir, 'etc/x/y.conf'), 'utf8')).toBe('ours');
  });

  it('that yum left out without a word fail the installation', async () => {
    const dir = await scratch({ 'yum.conf': '[main]\n' });
    const rpm = 'case "$*" in *--quiet*|*containerd.io*) exit 1;; esac; exit 0';
    const { exitCode, lines } = await shell('bash', text, { dir, places, stubs: { yum: 'exit 0', rpm } });
    expect(exitCode).toBe(1);
    expect(lines.at(-1)).toBe('imgbuild: not installed: containerd.io-1.6.33-3.1.el7');
  });

  it('of an old Docker go first', async () => {
    const dir = await scratch({ 'yum.conf': '[main]\n' });
    const rpm = 'case "$*" in "-q --quiet docker-engine") exit 0;; *--quiet*) exit 1;; esac; exit 0';
    const { lines } = await shell('bash', text, { dir, places, stubs: { yum: 'echo "yum $*"', rpm } });
    expect(lines.find((line) => line.startsWith('yum'))).toBe(
      'yum -y --setopt=gpgcheck=1 remove docker-engine',
    );
  });

  it('are asked for up to five times', async () => {
    const dir = await scratch({ 'yum.conf': '[main]\n' });
    const stubs = { yum: 'echo x >>$DIR/tries; exit 1', rpm: 'exit 1' };
    expect((await shell('bash', text, { dir, places, stubs })).exitCode).toBe(1);
    expect(readFileSync(join(dir, 'tries'), 'utf8')).toBe('x\n'.repeat(5));
  });
});

describe('a step', () => {
  it('says where it failed', async () => {
    const dir = await scratch();
    const text = `${library(kickstart('worker'))}\nstep '[3/9]' 'signing keys' /var/log/x.log\nfalse\necho never`;
    const { exitCode, lines } = await shell('bash', text, { dir });
    expect(exitCode).toBe(1);
    expect(lines).toEqual([
      'imgbuild: [3/9] signing keys',
      'imgbuild: [3/9] FAILED with exit code 1, see /var/log/x.log',
    ]);
  });

  it('runs a script of the spec as it stands there', async () => {
    const script = 'set -u\necho "a  $((1 + 1))" \'\\n\'\n%end\n';
    const more = JSON.stringify({
      post: [
        { name: 'x', script },
        { name: 'y', script: 'false\necho never' },
      ],
    });
    const ks = kickstart('git', 'rocky-9', 'uefi', more);
    const body = (name: string) =>
      sections(ks).find(({ flags }) => flags.includes(`script-${name}`))?.body ?? '';
    const text = (name: string) => `${library(ks)}\n${body(name).replace(/^set -euo[\s\S]*?^step .*$/m, '')}`;
    const dir = await scratch();
    // `%end` is nothing to a shell: a job that does not exist.
    expect((await shell('bash', text('x'), { dir })).lines[0]).toBe('a  2 \\n');
    expect(await shell('bash', text('y'), { dir })).toMatchObject({ exitCode: 1, lines: [] });
  });
});

describe('mount points of what may be missing', () => {
  const { body } = section(kickstart('worker'), '-guard');
  const text = body.replace(/^set -euo[\s\S]*?^step .*$/m, '');
  const stubs = {
    mountpoint: ':',
    findmnt: 'case $* in *"/boot/") echo /boot;; *) echo /;; esac',
    mktemp: 'echo $DIR/below',
    mount: 'echo "mount $*"',
    chattr: 'echo "chattr $*"',
    umount: 'echo "umount $*"',
    rmdir: ':',
  };

  it('are closed on the file system below, each', async () => {
    const dir = await scratch();
    const { exitCode, lines } = await shell('bash', `${library(kickstart('worker'))}\n${text}`, {
      dir,
      stubs,
    });
    expect(exitCode).toBe(0);
    expect(lines.map((line) => line.replaceAll(dir, ''))).toEqual([
      'mount --bind / /below',
      'chattr +i /below/data',
      'umount /below',
      'mount --bind /boot /below',
      'chattr +i /below//efi',
      'umount /below',
    ]);
  });

  it('stay open, and are named, where the file system cannot close them', async () => {
    const dir = await scratch();
    const { exitCode, lines } = await shell('bash', `${library(kickstart('worker'))}\n${text}`, {
      dir,
      stubs: { ...stubs, chattr: 'exit 1' },
    });
    expect(exitCode).toBe(0);
    expect(lines).toContain('imgbuild: the directory below /data stays writable');
  });

  it('are left alone where nothing is mounted', async () => {
    const dir = await scratch();
    const { lines } = await shell('bash', `${library(kickstart('worker'))}\n${text}`, {
      dir,
      stubs: { ...stubs, mountpoint: 'exit 1' },
    });
    expect(lines).toEqual([]);
  });
});

describe('swap', () => {
  it('goes out of fstab, and nothing else does', async () => {
    const { body } = section(kickstart('worker'), 'services');
    const part = body.slice(body.indexOf('awk'), body.indexOf('systemctl mask'));
    const fstab =
      '# swap comes here\nUUID=1 / xfs defaults 0 0\n/dev/md/swap none swap defaults 0 0\nUUID=2 /swap xfs defaults 0 0\n';
    const dir = await scratch({ fstab });
    await shell('bash', part, { dir, places: { '/etc/fstab': '$DIR/fstab' } });
    expect(readFileSync(join(dir, 'fstab'), 'utf8')).toBe(fstab.replace(/^\/dev.*\n/m, ''));
  });
});

describe('the kernel', () => {
  const stubs = {
    rpm: `case "$*" in
*kernel-lt) printf '6.1.9-1.el9.x86_64\\n6.1.10-1.el9.x86_64\\n';;
*vmlinuz) echo kernel-lt-core;;
esac`,
    dracut: 'echo "dracut $*"',
    lsinitrd: 'echo usr/sbin/mdadm',
    'grub2-set-default': 'echo "grub2-set-default $*"',
    'grub2-mkconfig': 'echo "grub2-mkconfig $*"',
    grubby: `case $1 in
--info=*) echo 'args="ro inst.ks=http://x quiet"';;
--default-kernel) cat $DIR/default;;
*) echo "grubby $*";;
esac`,
  };
  const places = {
    '/boot/': '$DIR/boot/',
    '/sys/firmware': '$DIR/firmware',
    '/etc/sysconfig/kernel': '$DIR/kernel',
    '/etc/default/grub': '$DIR/grub',
    '/etc/kernel/cmdline': '$DIR/cmdline',
    '/etc/dracut.conf.d/': '$DIR/',
  };
  async function chosen(release: string, version: string, efi = false) {
    const ks = kickstart('worker', release);
    const body = section(ks, 'kernel').body.replace(/^set -euo[\s\S]*?^step .*$/m, '');
    const dir = await scratch({
      [`boot/vmlinuz-${version}`]: '',
      kernel: 'UPDATEDEFAULT=no\nDEFAULTKERNEL=kernel\n',
      grub: 'GRUB_DEFAULT=saved\n',
      cmdline: 'root=UUID=1 ro quiet\n',
    });
    await writeFile(join(dir, 'default'), `${dir}/boot/vmlinuz-${version}\n`);
    if (efi) await mkdir(join(dir, 'firmware/efi'), { recursive: true });
    const result = await shell('bash', `${library(ks)}\n${body}`, { dir, places, stubs });
    return { ...result, dir, lines: result.lines.map((line) => line.replaceAll(dir, '')) };
  }

  it('of the highest version is the default on el9, with the system’s own line', async () => {
    const { exitCode, lines, dir } = await chosen('rocky-9', '6.1.10-1.el9.x86_64');
    expect(exitCode).toBe(0);
    expect(lines).toEqual([
      'dracut --force /boot/initramfs-6.1.10-1.el9.x86_64.img 6.1.10-1.el9.x86_64',
      'grubby --update-kernel=/boot/vmlinuz-6.1.10-1.el9.x86_64 --remove-args=inst.ks=http://x --args=ro quiet',
      'grubby --set-default /boot/vmlinuz-6.1.10-1.el9.x86_64',
    ]);
    expect(readFileSync(join(dir, 'kernel'), 'utf8')).toBe(
      'UPDATEDEFAULT=yes\nDEFAULTKERNEL=kernel-lt-core\n',
    );
    expect(readFileSync(join(dir, 'grub'), 'utf8')).toBe(
      'GRUB_DEFAULT=saved\nGRUB_UPDATE_DEFAULT_KERNEL=true\n',
    );
    expect(readFileSync(join(dir, 'imgbuild.conf'), 'utf8')).toContain('mdraid');
  });

  it.each([
    [false, '/boot/grub2/grub.cfg'],
    [true, '/boot/efi/EFI/centos/grub.cfg'],
  ])('is the first entry on el7 (UEFI: %s)', async (efi, path) => {
    const { exitCode, lines, dir } = await chosen('centos-7.9', '6.1.10-1.el9.x86_64', efi);
    expect(exitCode).toBe(0);
    expect(lines.slice(1)).toEqual(['grub2-set-default 0', `grub2-mkconfig -o ${path}`]);
    expect(readFileSync(join(dir, 'kernel'), 'utf8')).toBe('UPDATEDEFAULT=yes\nDEFAULTKERNEL=kernel-lt\n');
    expect(readFileSync(join(dir, 'grub'), 'utf8')).toBe('GRUB_DEFAULT=saved\n');
  });

  it('that is not there fails the installation', async () => {
    const { exitCode, lines } = await chosen('rocky-9', '6.1.9-1.el9.x86_64');
    expect(exitCode).toBe(1);
    expect(lines).toEqual([
      'imgbuild: kernel-lt 6.1.10-1.el9.x86_64 has no /boot/vmlinuz-6.1.10-1.el9.x86_64',
    ]);
  });
});

describe('the boot loader', () => {
  const disks = 'system_1=disk/by-id/one\nsystem_2=disk/by-id/two\n';
  const program = '/mnt/sysimage /usr/libexec/imgbuild/boot-loader';
  async function booted(firmware: 'bios' | 'uefi', chroot: string) {
    const ks = kickstart('worker', 'rocky-9', firmware);
    const body = section(ks, '-boot').body.replace(/^set -euo[\s\S]*?^step .*$/m, '');
    const dir = await scratch({ disks });
    const stubs = { chroot: `echo "chroot $*"; ${chroot}`, efibootmgr: ':' };
    return shell('bash', `${library(ks)}\n${body}`, { dir, places: { '/tmp/imgbuild': '$DIR' }, stubs });
  }

  it.each(['bios', 'uefi'] as const)('is put on each disk, and looked for there (%s)', async (firmware) => {
    const { exitCode, lines } = await booted(firmware, ':');
    expect({ exitCode, lines }).toEqual({
      exitCode: 0,
      lines: ['install', 'check'].map(
        (action) => `chroot ${program} ${action} /dev/disk/by-id/one /dev/disk/by-id/two`,
      ),
    });
  });

  it.each([
    ['bios', 'install', 1],
    ['bios', 'check', 1],
    ['uefi', 'install', 1],
    // Some firmware takes no entries.
    ['uefi', 'check', 0],
  ] as const)('%s: where %s fails, the installation ends with %i', async (firmware, action, code) => {
    const { exitCode, lines } = await booted(firmware, `[ "$3" != ${action} ]`);
    expect(exitCode).toBe(code);
    expect(lines.at(-1)).toMatch(/^imgbuild: a system disk /);
  });
});

describe('what no repository packages', () => {
  /** The step of a host with Docker, whose mirror has what is given; the list says what it should be. */
  async function fetched(files: Record<string, Buffer>, sums: Record<string, string> = {}, role = 'worker') {
    const { body } = section(kickstart(role), '-artifacts');
    const step = body.replace(/^set -euo[\s\S]*?^step .*$/m, '');
    const etcd = /etcd-v\S+(?=\/etcdctl)/.exec(step)?.[0] ?? 'etcd';
    const programs = ['cri-dockerd/cri-dockerd', `${etcd}/etcd`, `${etcd}/etcdctl`];
    const dir = await scratch(
      Object.fromEntries(programs.map((name) => [`made/${name}`, `#!${basename(name)}`])),
    );
    const pack = (name: string, from: string) => `tar -czf ${name}.tar.gz -C made ${from}`;
    await shell('bash', `chmod 700 made/*/*; ${pack('cri-dockerd', 'cri-dockerd')}; ${pack('etcd', etcd)}`, {
      dir,
    });
    const archive = (name: string) => readFileSync(join(dir, `${name}.tar.gz`));
    const given: Record<string, Buffer> = {
      'cri-dockerd': archive('cri-dockerd'),
      etcd: archive('etcd'),
      ...files,
    };
    const { url } = await serve((request, response) => {
      const content = given[request.url?.slice(1) ?? ''];
      if (content) give(content)(request, response);
      else response.writeHead(404).end();
    });
    const line = ([name, content]: [string, Buffer]) =>
      `${name} ${sums[name] ?? sumOf(content)} - ${url}/${name}\n`;
    await mkdir(join(dir, 'etc/imgbuild'), { recursive: true });
    await writeFile(join(dir, 'etc/imgbuild/artifacts'), Object.entries(given).map(line).join(''));
    const places = {
      '/usr/libexec/imgbuild/fetch.sh': `${process.cwd()}/overlays/base/usr/libexec/imgbuild/fetch.sh`,
      '/usr/local/bin': '$DIR/bin',
    };
    const text = `${library(kickstart('worker'))}\nroot=${dir} fetch_rounds=1\n${step}`;
    return { ...(await shell('bash', text, { dir, places })), dir };
  }

  it('is fetched, checked and installed', async () => {
    const { exitCode, lines, dir } = await fetched({ goss: Buffer.from('#!goss') });
    expect({ exitCode, lines }).toEqual({
      exitCode: 0,
      lines: [
        expect.stringMatching(/^imgbuild: cri-dockerd \d/),
        expect.stringMatching(/^imgbuild: goss \d/),
      ],
    });
    for (const program of ['cri-dockerd', 'goss']) {
      expect(readFileSync(join(dir, 'bin', program), 'utf8')).toBe(`#!${program}`);
      expect(statSync(join(dir, 'bin', program)).mode & 0o777).toBe(0o755);
    }
  });

  it('is installed of an archive as far as the role needs it', async () => {
    const goss = Buffer.from('#!goss');
    const { exitCode, dir } = await fetched({ goss, 'calico-manifest': goss }, {}, 'master');
    expect(exitCode).toBe(0);
    expect(readdirSync(join(dir, 'bin')).sort()).toEqual(['cri-dockerd', 'etcdctl', 'goss']);
  });

  it.each([
    ['is another file', { goss: '0'.repeat(64) }, /goss has the checksum|file.part has the checksum/],
    ['is not locked', { goss: '-' }, /goss is not locked/],
  ])('that %s ends the installation', async (_, sums, said) => {
    const { exitCode, lines, dir } = await fetched({ goss: Buffer.from('#!goss') }, sums);
    expect(exitCode).toBe(1);
    expect(lines.join('\n')).toMatch(said);
    expect(lines.at(-1)).toBe('imgbuild: goss cannot be fetched');
    expect(existsSync(join(dir, 'bin/goss'))).toBe(false);
  });

  it('and is not needed before the first boot is fetched where it can be', async () => {
    const goss = Buffer.from('#!goss');
    const { exitCode, dir } = await fetched({ goss, 'calico-manifest': goss }, {}, 'master');
    expect(exitCode).toBe(0);
    expect(existsSync(join(dir, 'var/lib/imgbuild/artifacts/calico-manifest'))).toBe(true);
    const without = await fetched({ goss }, {}, 'master');
    expect(without.exitCode).toBe(0);
    expect(without.lines).toContain(
      'imgbuild: calico-manifest cannot be fetched now: the first boot tries again',
    );
    expect(existsSync(join(without.dir, 'bin/goss'))).toBe(true);
  });
});

describe('the last step', () => {
  it('keeps the logs, and leaves no copy of what it ran', async () => {
    const ks = kickstart('worker');
    const body = section(ks, 'logs').body.replace(/^set -euo[\s\S]*?^step .*$/m, '');
    const dir = await scratch({
      'new/var/log/imgbuild/post-01-overlay.log': 'a',
      'new/tmp/ks-script-abc': 'secrets',
      'new/root/imgbuild.sh': '',
      'run/install/ks.cfg': 'secrets',
      'tmp/imgbuild-pre-disks.log': 'b',
      'tmp/imgbuild/disks': 'c',
    });
    const places = {
      '/mnt/sysimage/tmp': '$DIR/new/tmp',
      '/mnt/sysimage': '$DIR/new',
      '/run/install': '$DIR/run/install',
      '/tmp/': '$DIR/tmp/',
    };
    const text = `${library(ks)}\n${body}`;
    const { exitCode, lines } = await shell('bash', text, { dir, places, stubs: { sync: '' } });
    expect({ exitCode, lines }).toEqual({ exitCode: 0, lines: ['imgbuild: worker-1: done'] });
    for (const name of ['post-01-overlay.log', 'imgbuild-pre-disks.log', 'disks']) {
      expect(statSync(join(dir, 'new/var/log/imgbuild', name)).mode & 0o077, name).toBe(0);
    }
    for (const gone of ['new/tmp/ks-script-abc', 'new/root/imgbuild.sh', 'run/install/ks.cfg']) {
      expect(existsSync(join(dir, gone)), gone).toBe(false);
    }
  });
});

describe('%onerror', () => {
  const { body } = sections(kickstart('worker')).find(({ kind }) => kind === 'onerror') as Section;
  const places = {
    '/dev/console': '/dev/null',
    '/proc/mounts': '$DIR/mounts',
    ' /mnt/sysimage ': ' /mnt/sysimage ',
    '/mnt/sysimage/': '$DIR/new/',
    '/tmp/': '$DIR/tmp/',
  };

  it('saves the logs to the new disk', async () => {
    const dir = await scratch({
      mounts: '/dev/md1 /mnt/sysimage xfs rw 0 0\n',
      'tmp/anaconda.log': 'a',
      'tmp/imgbuild/disks': 'b',
    });
    const { exitCode, lines } = await shell('dash', body, {
      dir,
      places,
      stubs: { dmesg: 'echo kernel', sync: '' },
    });
    expect(exitCode).toBe(0);
    expect(lines[0]).toBe('imgbuild: THE INSTALLATION FAILED');
    const kept = join(dir, 'new/var/log/imgbuild/failed');
    for (const [name, text] of Object.entries({ 'anaconda.log': 'a', disks: 'b', dmesg: 'kernel\n' })) {
      expect(readFileSync(join(kept, name), 'utf8')).toBe(text);
    }
  });

  it('says where they are where there is no new disk', async () => {
    const dir = await scratch({ mounts: 'proc /proc proc rw 0 0\n' });
    const { exitCode, lines } = await shell('dash', body, { dir, places });
    expect(exitCode).toBe(0);
    expect(lines[1]).toBe('imgbuild: its logs are in /tmp; no new system is mounted');
  });
});
