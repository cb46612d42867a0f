import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, expect, it } from 'vitest';
import { layOut } from '../../../src/plan/layout.ts';
import { layoutFile } from '../../../src/render/layout-file.ts';
import type { DisksSpec } from '../../../src/spec/schema/host.ts';
import { dash, installer, type Shell, shells } from '../run.ts';
import { layouts, MARK } from './layouts.ts';

const root = mkdtempSync(join(tmpdir(), 'imgbuild-layout-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const dump = `
printf 'mark=%s firmware=%s\\nslots=%s\\n' "$mark" "$firmware" "$slots"
for p in $parts; do
  field part "$p" use; u=$REPLY; field part "$p" size; s=$REPLY; field part "$p" name
  printf 'part %s %s %s %s\\n' "$p" "$u" "$s" "$REPLY"
done
for a in $arrays; do
  field array "$a" level; l=$REPLY; field array "$a" metadata; m=$REPLY; field array "$a" members
  printf 'array %s %s %s %s\\n' "$a" "$l" "$m" "$REPLY"
done
for g in $groups; do field vg "$g" devices; printf 'vg %s %s\\n' "$g" "$REPLY"; done
for v in $volumes; do field lv "$v" size; printf 'lv %s %s\\n' "$v" "$REPLY"; done
for m in $systems; do
  field fs "$m" device; d=$REPLY; field fs "$m" type; t=$REPLY; field fs "$m" label; l=$REPLY
  field fs "$m" options; printf 'fs %s %s %s %s %s\\n' "$d" "$t" "$l" "$m" "$REPLY"
done
`;

async function read(text: string, shell: Shell = dash) {
  const layout = join(root, 'layout');
  writeFileSync(layout, text);
  const program = join(root, 'read');
  const libraries = ['lib.sh', 'deploy/common.sh', 'deploy/layout.sh'];
  const source = libraries.map((name) => `. '${installer}${name}'\n`).join('');
  writeFileSync(program, `set -u\n${source}read_layout "$1"\n${dump}`);
  const [command = 'sh', ...rest] = shell.command;
  const { exitCode, stdout, stderr } = await execa(command, [...rest, program, layout], {
    reject: false,
    extendEnv: false,
    env: { PATH: shell.path },
  });
  return { code: exitCode, stdout, stderr };
}

/** What the reader is to make of it, from the text alone. */
function understood(text: string): string {
  const words = text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().split(/\s+/))
    .filter(([first]) => first);
  const of = (kind: string) => words.filter(([first]) => first === kind);
  const out = [`mark=${of('mark')[0]?.[1]} firmware=${of('firmware')[0]?.[1]}`];
  out.push(
    `slots=${of('disk')
      .map(([, slot]) => ` ${slot}`)
      .join('')}`,
  );
  for (const [, slot, n, use, size, name] of of('part')) out.push(`part ${slot}:${n} ${use} ${size} ${name}`);
  for (const line of of('array')) out.push(line.join(' '));
  for (const line of of('vg')) out.push(line.join(' '));
  for (const [, group, name, size] of of('lv')) out.push(`lv ${group}/${name} ${size}`);
  for (const line of of('fs')) out.push(line.join(' '));
  return out.join('\n');
}

it.each(Object.entries(layouts).flatMap(([name, text]) => shells.map((shell) => ({ name, text, shell }))))(
  '$name, under $shell.name',
  async ({ text, shell }) => {
    expect(await read(text, shell)).toEqual({ code: 0, stderr: '', stdout: understood(text) });
  },
);

const volumes = [
  { mount: '/var/log', size: '1Gi' },
  { mount: '/srv/A.b-C', size: '1Gi' },
];
const specs: DisksSpec[] = [
  {},
  { data: {} },
  { system: { count: 1, filesystem: 'ext4' }, data: { count: 1 } },
  { system: { volumes }, data: { count: 4, filesystem: 'ext4' } },
  { system: { lvm: true, volumes }, data: { count: 6, raid: 'mirrors' } },
  {
    system: { count: 1, lvm: true },
    data: { count: 4, raid: 'mirrors', lvm: true, volumes: [{ mount: '/data/etcd', size: '8Gi' }] },
  },
];
it.each(specs.flatMap((spec) => (['bios', 'uefi'] as const).map((firmware) => ({ spec, firmware }))))(
  'what is rendered for $firmware and $spec',
  async ({ spec, firmware }) => {
    const text = layoutFile(layOut(spec, firmware), MARK);
    expect(await read(text)).toEqual({ code: 0, stderr: '', stdout: understood(text) });
  },
);

it('comments, blanks and a last line without its end', async () => {
  const text = layouts.one ?? '';
  const untidy = `\n# a layout\n${text.replaceAll('\n', '   # said\n').replaceAll(' ', '  ').trimEnd()}`;
  expect(await read(untidy)).toMatchObject({ code: 0, stdout: understood(text) });
});

it('names with dashes, underscores and capitals', async () => {
  const text = (layouts.lvm ?? '')
    .replaceAll('data2', 'more-Data_2')
    .replace('lv data data ', 'lv data data-1 ');
  const named = text.replace('lv:data/data', 'lv:data/data-1');
  expect(await read(named)).toMatchObject({ code: 0, stdout: understood(named) });
});

const pair = layouts.uefi ?? '';
/** What is wrong, the line that becomes it, and what is said, with the line's number in the layout. */
const wrongs: [string, string | RegExp, string, RegExp][] = [
  ['an unknown statement', 'firmware uefi', 'firmwares uefi', /line 2: 'firmwares' is no statement/],
  ['a firmware', 'firmware uefi', 'firmware coreboot', /line 2: firmware 'coreboot'/],
  ['too many words', 'firmware uefi', 'firmware uefi bios', /line 2: firmware takes 1 words/],
  ['a mark', MARK, 'Prod', /line 1: 'Prod' is no mark/],
  ['no mark', /^mark.*$/m, '', /layout: there is no mark/],
  ['no firmware', /^firmware.*$/m, '', /layout: there is no firmware/],
  ['no slot', 'disk system_2', 'disk system', /line 4: 'system' is no slot/],
  ['slot 0', 'disk system_2', 'disk system_0', /line 4: 'system_0' is no slot/],
  [
    'a slot with a command in it',
    'disk system_2',
    'disk system_$(id)',
    /line 4: 'system_\$\(id\)' is no slot/,
  ],
  ['a slot twice', 'disk system_2', 'disk system_1', /line 4: disk system_1 stands here for the second time/],
  [
    'a slot without partitions',
    'disk system_2',
    'disk system_2\ndisk spare_1',
    /layout: spare_1 has no partitions/,
  ],
  ['a partition of no disk', 'part system_1 1', 'part system_9 1', /line 7: there is no disk system_9 above/],
  [
    'a partition out of order',
    'part system_1 2',
    'part system_1 3',
    /line 8: the next partition of system_1 is number 2/,
  ],
  ['a partition of no use', 'part system_1 2 raid', 'part system_1 2 swap', /line 8: use 'swap'/],
  ['a partition of no size', 'raid 1024 boot', 'raid 0 boot', /line 8: '0' is no size/],
  ['a size that is octal', 'raid 1024 boot', 'raid 010 boot', /line 8: '010' is no size/],
  ['an array level', 'array boot raid1', 'array boot raid5', /line 16: level 'raid5'/],
  ['RAID-10 of two', 'array boot raid1 ', 'array boot raid10 ', /line 16: raid10 takes at least four/],
  ['an array of one', / system_2:2$/m, '', /line 16: array takes a name/],
  ['metadata', 'array boot raid1 1.2', 'array boot raid1 0.90', /line 16: metadata '0.90'/],
  [
    'an ESP that firmware could not read',
    'array efi raid1 1.0',
    'array efi raid1 1.2',
    /line 15: firmware reads an ESP/,
  ],
  [
    'a member that is not there',
    'system_2:2',
    'system_2:7',
    /line 16: there is no partition system_2:7 above/,
  ],
  [
    'two members on one disk',
    'system_1:2 system_2:2',
    'system_1:2 system_1:3',
    /line 16: two members on the disk system_1/,
  ],
  [
    'a member of two arrays',
    'array root raid1 1.2 system_1:3',
    'array root raid1 1.2 system_1:2',
    /line 17: partition part:system_1:2 stands here/,
  ],
  [
    'a member for another use',
    'part data_1 1 raid',
    'part data_1 1 fs',
    /line 18: partition data_1:1 is for fs, not raid/,
  ],
  ['an array twice', 'array root', 'array boot', /line 17: array boot stands here for the second time/],
  ['a name', 'array root', 'array ro.ot', /line 17: 'ro.ot' is no name/],
  ['a device of no kind', 'array:root', '/dev/sda1', /line 19: '\/dev\/sda1' is no device/],
  ['a device that is not there', 'array:root', 'array:none', /line 19: there is no array:none above/],
  [
    'a partition that is a member',
    'array:root',
    'part:system_1:3',
    /line 19: device part:system_1:3 stands here/,
  ],
  ['a device twice', 'fs array:boot', 'fs array:root', /line 20: device array:root stands here/],
  ['a file system', 'xfs root /', 'btrfs root /', /line 19: file system 'btrfs'/],
  [
    'a label that XFS has no room for',
    'xfs root /',
    'xfs thirteen-long /',
    /line 19: the label thirteen-long is too long for xfs/,
  ],
  [
    'a label that FAT has no room for',
    'vfat EFI',
    'vfat TWELVE-LONG-',
    /line 21: the label TWELVE-LONG- is too long for vfat/,
  ],
  ['a label with a quote', 'xfs root /', "xfs ro'ot /", /line 19: 'ro'ot' is no label/],
  ['a relative mount point', '/boot defaults', 'boot defaults', /line 20: 'boot' is no mount point/],
  [
    'a mount point that leads out',
    '/boot defaults',
    '/../boot defaults',
    /line 20: '\/..\/boot' is no mount point/,
  ],
  ['two at one place', '/boot defaults', '/ defaults', /line 20: mount \/ stands here for the second time/],
  ['not / first', 'root / defaults', 'root /root defaults', /line 19: the first file system is \//],
  [
    'a child before its parent',
    '/boot defaults',
    '/boot/efi/x defaults',
    /line 21: \/boot\/efi\/x would be hidden by \/boot\/efi/,
  ],
  ['options with a blank', 'umask=0077,', 'umask=0077, ', /line 21: fs takes 5 words/],
  ['options with a quote', 'umask=0077', "umask='0077'", /line 21: 'umask='0077'.*are no options/],
  ['nothing to mount', /^fs .*$/gm, '', /layout: there is no file system/],
];
it.each(wrongs)('refused: %s', async (_, what, by, message) => {
  const text = pair.replace(what, by);
  expect(text).not.toBe(pair);
  const out = await read(text);
  expect(out).toMatchObject({ code: 3, stdout: '' });
  expect(out.stderr).toMatch(/^read: refused, nothing was changed: /);
  expect(out.stderr).toMatch(message);
});

const lvm = layouts.lvm ?? '';
const wrongGroups: [string, string, string, RegExp][] = [
  ['a volume of no group', 'lv data data', 'lv more data', /there is no vg more above/],
  [
    'a volume beside one that has the rest',
    'lv data data -',
    'lv data data -\nlv data more 100',
    /data\/data has all that is left/,
  ],
  [
    'a volume twice',
    'lv data data -',
    'lv data data 5\nlv data data 6',
    /lv data\/data stands here for the second time/,
  ],
  ['a group on a volume', 'lv data data -', 'lv data data -\nvg more lv:data/data', /a volume is no device/],
  [
    'a group with one device twice',
    'vg data array:data',
    'vg data array:data array:data',
    /device array:data stands here for the second time/,
  ],
  [
    'a group of nothing',
    'vg data array:data array:data2',
    'vg data',
    /vg takes a name and at least one device/,
  ],
  ['a volume of no size', 'lv data data -', 'lv data data all', /'all' is no size/],
];
it.each(wrongGroups)('refused: %s', async (_, what, by, message) => {
  const text = lvm.replace(what, by);
  expect(text).not.toBe(lvm);
  expect(await read(text)).toMatchObject({ code: 3, stdout: '', stderr: expect.stringMatching(message) });
});

it('a name that leaves no room for the mark', async () => {
  const text = pair.replace(MARK, 'production-frankfurt').replaceAll('system_1', 'system_123456');
  expect(await read(text)).toMatchObject({
    code: 3,
    stderr: expect.stringMatching(/no room for the name of partition system_123456:1/),
  });
});

it('no such file', async () => {
  rmSync(join(root, 'layout'), { force: true });
  const out = await execa(
    'dash',
    [join(installer, 'deploy/unmount-disks'), '--layout', join(root, 'none'), '--target', root],
    {
      reject: false,
    },
  );
  expect(out.exitCode).toBe(2);
  expect(out.stderr).toMatch(/cannot read the layout/);
});
