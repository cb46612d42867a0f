import { describe, expect, it } from 'vitest';
import { checkKickstart, newerThanBash42, sections, withLayout } from '../rigs/kickstart-rules.ts';
import { kickstartOf, planFor } from './kickstart-cases.ts';

/** The checks are only as good as the faults they find: each line here plants one in a sound kickstart. */
function sound(firmware: 'bios' | 'uefi'): string {
  const plan = planFor('rocky-9', firmware, 'docker');
  const target = plan.hosts.find(({ role }) => role.name === 'master');
  if (!target) throw new Error('no master');
  return withLayout(kickstartOf({ target, plan }), firmware);
}

const bios = sound('bios');
const uefi = sound('uefi');
const system2 = 'disk/by-id/ata-DISK_SYSTEM_2';
const line = (start: string) => new RegExp(`^${start}.*\\n`, 'm');
const twice = (start: string) => (ks: string) => ks.replace(line(start), (all) => all + all);
const without = (start: string) => (ks: string) => ks.replace(line(start), '');
const swap = (from: string | RegExp, to: string) => (ks: string) => ks.replace(from, to);
const add = (text: string) => (ks: string) => ks.replace(/^text$/m, `text\n${text}`);

it('finds nothing wrong with sound ones', () => {
  expect(checkKickstart(bios, { firmware: 'bios' })).toEqual([]);
  expect(checkKickstart(uefi, { firmware: 'uefi' })).toEqual([]);
});

type Fault = [string, string, (ks: string) => string, RegExp];
const faults: Fault[] = [
  [
    'no biosboot on the second disk',
    bios,
    without(`part biosboot .*--ondisk=${system2}`),
    /0 biosboot on .*SYSTEM_2/,
  ],
  [
    'no biosboot at all',
    bios,
    (ks) => without('part biosboot')(without('part biosboot')(ks)),
    /0 biosboot on .*SYSTEM_1/,
  ],
  [
    'biosboot twice on one disk',
    bios,
    swap(/(part biosboot .*)SYSTEM_2/, '$1SYSTEM_1'),
    /2 biosboot on .*SYSTEM_1/,
  ],
  ['biosboot of another type', bios, swap('--fstype=biosboot', '--fstype=xfs'), /without --fstype=biosboot/],
  [
    'biosboot on UEFI',
    uefi,
    add(`part biosboot --fstype=biosboot --size=1 --ondisk=${system2}`),
    /biosboot on UEFI/,
  ],
  ['an ESP on BIOS', bios, add(`part /boot/efi --fstype=efi --size=600 --ondisk=${system2}`), /efi on BIOS/],
  ['no ESP', uefi, without('raid /boot/efi'), /no \/boot\/efi/],
  [
    'an ESP that is not mirrored',
    uefi,
    swap(/^raid \/boot\/efi .*$/m, `part /boot/efi --fstype=efi --size=9 --ondisk=${system2}`),
    /not mirrored as \/boot is/,
  ],
  ['an ESP of another type', uefi, swap('--fstype=efi', '--fstype=vfat'), /\/boot\/efi is vfat/],
  ['no /', bios, without('raid / '), /there is no \/$/],
  ['/ twice', bios, twice('raid / '), /\/ stands 2 times/],
  [
    'a mount twice',
    bios,
    add(`part /data --fstype=xfs --size=9 --ondisk=${system2}`),
    /\/data stands 2 times/,
  ],
  [
    'a member that is not defined',
    bios,
    without('part raid\\.system_2_03'),
    /raid\.system_2_03 is not defined before/,
  ],
  [
    'a member defined after its use',
    bios,
    (ks) =>
      without('part raid\\.system_2_03')(ks).replace(
        /^(raid \/ .*)$/m,
        `$1\npart raid.system_2_03 --size=9 --ondisk=${system2}`,
      ),
    /raid\.system_2_03 is not defined before/,
  ],
  ['a member defined twice', bios, twice('part raid\\.system_2_03'), /raid\.system_2_03 is defined twice/],
  [
    'a member used twice',
    bios,
    swap('raid.system_1_03 raid.system_2_03', 'raid.system_1_03 raid.system_2_02'),
    /raid\.system_2_02 is used 2 times/,
  ],
  [
    'a member that nothing uses',
    bios,
    add(`part raid.x --size=9 --ondisk=${system2}`),
    /raid\.x is used 0 times/,
  ],
  [
    'a mirror of one',
    bios,
    swap('raid.system_1_02 raid.system_2_02', 'raid.system_1_02'),
    /\/boot is mirrored over 1 members/,
  ],
  [
    'a mirror of three',
    bios,
    swap('raid.system_1_02 raid.system_2_02', 'raid.system_1_02 raid.system_2_02 raid.system_1_02'),
    /over 3 members/,
  ],
  [
    'a mirror on one disk',
    bios,
    swap(/(part raid\.system_2_03 .*)SYSTEM_2/, '$1SYSTEM_1'),
    /both halves of \/ lie on/,
  ],
  ['a stripe', bios, swap('--level=RAID1', '--level=RAID0'), /level RAID0/],
  ['two arrays of one name', bios, swap('--device=root', '--device=boot'), /no device name of its own/],
  [
    'a disk that is not in only-use',
    bios,
    swap(/(part raid\.data_2_01 .*)DATA_2/, '$1DATA_9'),
    /DATA_9 is not in only-use/,
  ],
  [
    'a partition on any disk',
    bios,
    swap(/(part raid\.data_2_01 .*) --ondisk=\S+/, '$1'),
    /raid\.data_2_01 may land on any disk/,
  ],
  ['a partition without a size', bios, swap('--size=1024', '--size=0'), /has no size/],
  ['no only-use', bios, swap(/^ignoredisk .*$/m, 'ignoredisk --drives=sda'), /every disk is in play/],
  ['no ignoredisk', bios, without('ignoredisk'), /ignoredisk stands 0 times/],
  ['a foreign disk cleared', bios, swap(/(clearpart .*)/, '$1,sdz'), /has sdz, which only-use has not/],
  ['every disk cleared', bios, swap(/(clearpart .*) --drives=\S+/, '$1'), /clears every disk/],
  ['a disk not cleared', bios, swap(/(clearpart .*),\S+DATA_2/, '$1'), /DATA_2 is used but not cleared/],
  ['another label', bios, swap('--disklabel=gpt', '--disklabel=msdos'), /without --disklabel=gpt/],
  ['no new label', bios, swap(' --initlabel', ''), /without --initlabel/],
  [
    'a boot drive without /boot',
    bios,
    swap(/--boot-drive=\S+/, '--boot-drive=disk/by-id/ata-DISK_DATA_1'),
    /bears no \/boot/,
  ],
  ['swap', bios, add(`part swap --fstype=swap --size=9 --ondisk=${system2}`), /: swap$/],
  ['autopart', bios, add('autopart'), /: autopart$/],
  ['a VLAN', bios, add('network --device=eth0 --vlanid=5'), /network --vlanid has a second owner/],
  ['a bond', bios, add('network --device=bond0 --bondslaves=eth0,eth1'), /network --bondslaves/],
  ['an %include', bios, add('%include /tmp/x.ks'), /%include \/tmp\/x\.ks is left/],
  ['a variable', bios, swap('SYSTEM_2', '$system_2'), /a variable is left/],
  ['a tree on a disk', bios, swap(/^url .*$/m, 'url --url=file:///mnt/'), /url from 'file/],
  ['a repository without URL', bios, swap(/(repo --name=\S+) .*/, '$1'), /repo from ''/],
  ['a repository twice', bios, twice('repo '), /repo \S+ twice/],
  ['no end', bios, without('reboot'), /0 commands say what comes afterwards/],
  ['no time zone', bios, without('timezone'), /timezone stands 0 times/],
  ['two boot loaders', bios, twice('bootloader'), /bootloader stands 2 times/],
  ['a root password', bios, swap('rootpw --lock', 'rootpw --iscrypted $6$abc'), /root can log in/],
  ['a user password', bios, swap(/(user --name=devops)/, '$1 --password=x'), /a user's password/],
  ['a hash', bios, swap(/^# Kick/m, '# $6$saltsalt$abcdefghijklmnopqrstuvwx'), /a password hash/],
  ['a key', bios, swap(/^# Kick/m, '# -----BEGIN EC PRIVATE KEY-----'), /a private key/],
  ['a token', bios, swap(/^# Kick/m, '# token abcdef.0123456789abcdef '), /a bootstrap token/],
  ['a password in a URL', bios, swap('https://dl', 'https://me:secret@dl'), /a password in a URL/],
  ['a package twice', bios, twice('chrony$'), /chrony twice/],
  [
    'a package wanted and removed',
    bios,
    swap(/^chrony$/m, 'chrony\n-chrony'),
    /chrony is wanted and removed/,
  ],
  ['a package name of nonsense', bios, swap(/^chrony$/m, 'chro ny'), /'chro ny' is no name/],
  ['a section without end', bios, swap(/%end\n(\n# -+\n# %post)/, '$1'), /has no %end/],
  [
    'a %pre that may fail unseen',
    bios,
    swap(/^(%pre .*) --erroronfail/m, '$1'),
    /a failing %pre goes unnoticed/,
  ],
  ['a section without a log', bios, swap(/^(%post .*) --log=\S+/m, '$1'), /%post keeps no log/],
  [
    'a program that installers lack',
    bios,
    swap('cd /tmp/imgbuild || exit 1', 'stat -c %s /dev/sda'),
    /an installer has no stat/,
  ],
  ['no %onerror', bios, swap(/^%onerror[\s\S]*?^%end$/m, ''), /no %onerror/],
  [
    'cleaning before the proof',
    bios,
    swap('cd /tmp/imgbuild || exit 1', './clean-disks /dev/sda'),
    /before the host is proved/,
  ],
];

describe('finds', () => {
  it.each(faults)('%s', (_, ks, plant, said) => {
    const planted = plant(ks);
    expect(planted).not.toBe(ks);
    expect(checkKickstart(planted, { firmware: ks === bios ? 'bios' : 'uefi' }).join('\n')).toMatch(said);
  });

  it('one log twice', () => {
    const [first, second] = [...bios.matchAll(/--log=(\S+)/g)].map(([, log]) => log ?? '');
    const planted = bios.replace(`--log=${second}`, `--log=${first}`);
    expect(checkKickstart(planted, { firmware: 'bios' }).join('\n')).toContain(`${first} is overwritten`);
  });
});

it('takes a kickstart apart', () => {
  const found = sections('text\n%pre --interpreter=/bin/bash --log=/x\na\nb\n%end\n%packages\nc\n%end\n');
  expect(found).toEqual([
    {
      kind: 'pre',
      flags: '--interpreter=/bin/bash --log=/x',
      interpreter: '/bin/bash',
      body: 'a\nb\n',
      line: 3,
    },
    { kind: 'packages', flags: '', interpreter: '/bin/sh', body: 'c\n', line: 7 },
  ]);
});

describe('bash 4.2', () => {
  // biome-ignore-start lint/suspicious/noTemplateCurlyInString: shell
  it.each([
    'local -n ref=$1',
    'declare -gn ref=x',
    'wait -n',
    'echo ${x@Q}',
    'mapfile -d "" -t files < <(find .)',
    'for e in "${list[@]}"; do',
    'echo "${list[*]}"',
    'list[-1]=x',
    '[[ -v map[x] ]]',
    'shopt -s inherit_errexit',
    'echo $EPOCHSECONDS',
    'unset -n ref',
    'local -',
  ])('has no %s', (text) => {
    expect(newerThanBash42(text)).toHaveLength(1);
  });

  it.each([
    'local -a list',
    '${list[@]+"${list[@]}"}',
    'printf "%(%F)T" -1',
    'mapfile -t lines <file',
    'wait "$pid"',
    '# local -n in a comment',
    'echo "${#list[@]}"',
    '[ -n "$x" ]',
    'mail user@example.com',
    'local -r name=$1',
  ])('takes %s', (text) => {
    expect(newerThanBash42(text)).toEqual([]);
  });
  // biome-ignore-end lint/suspicious/noTemplateCurlyInString: shell
});
