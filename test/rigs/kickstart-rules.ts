/**
 * Checks of kickstarts for what pykickstart accepts in silence, and helpers to take a kickstart apart.
 */

export interface Section {
  /** Without the percent sign: pre, pre-install, post, packages, addon, onerror … */
  kind: string;
  /** What stands behind it: `--erroronfail --log=/tmp/x`. */
  flags: string;
  interpreter: string;
  body: string;
  /** Where the body starts in the file, counted from 1. */
  line: number;
}

const SECTION = /^%(pre|pre-install|post|onerror|packages|addon|traceback|certificate|anaconda)(?=\s|$)(.*)$/;

/** The sections of a kickstart, in order. @throws where one is not closed */
export function sections(ks: string): Section[] {
  return takeApart(ks).sections;
}

/** The commands outside of sections, with their line numbers. */
export function commands(ks: string): Command[] {
  return takeApart(ks).commands;
}

/** The sections that are shell, with the dialect they are written in. */
export function shellSections(ks: string): (Section & { shell: 'sh' | 'bash' })[] {
  return sections(ks)
    .filter(({ kind }) => ['pre', 'pre-install', 'post', 'onerror'].includes(kind))
    .map((section) => ({ ...section, shell: section.interpreter.endsWith('bash') ? 'bash' : 'sh' }));
}

interface Command {
  name: string;
  /** Words that are no options. */
  args: string[];
  options: Map<string, string>;
  line: number;
  text: string;
}

function takeApart(ks: string): { sections: Section[]; commands: Command[] } {
  const found: Section[] = [];
  const rest: Command[] = [];
  let open: { kind: string; flags: string; line: number; body: string[] } | undefined;
  for (const [index, text] of ks.split('\n').entries()) {
    const line = index + 1;
    const start = SECTION.exec(text);
    if (open !== undefined) {
      if (text === '%end') {
        const interpreter = /--interpreter=(\S+)/.exec(open.flags)?.[1] ?? '/bin/sh';
        const body = open.body.map((one) => `${one}\n`).join('');
        found.push({ kind: open.kind, flags: open.flags, interpreter, body, line: open.line });
        open = undefined;
      } else if (start) {
        throw new Error(`line ${line}: %${open.kind} of line ${open.line - 1} has no %end`);
      } else {
        open.body.push(text);
      }
    } else if (start) {
      open = { kind: start[1] ?? '', flags: (start[2] ?? '').trim(), line: line + 1, body: [] };
    } else if (/\S/.test(text) && !text.startsWith('#')) {
      rest.push(parseCommand(text, line));
    }
  }
  if (open) throw new Error(`%${open.kind} of line ${open.line - 1} has no %end`);
  return { sections: found, commands: rest };
}

/** Words as a shell splits them; options are those with two dashes. */
function parseCommand(text: string, line: number): Command {
  const words = [...text.matchAll(/(?:'[^']*'|"[^"]*"|\\.|[^\s'"\\])+/g)].map(([word]) =>
    word.replace(/'([^']*)'|"([^"]*)"|\\(.)/g, (_, single, double, escaped) => single ?? double ?? escaped),
  );
  const [name = '', ...others] = words;
  const options = new Map<string, string>();
  const args: string[] = [];
  for (const word of others) {
    const option = /^--([\w-]+)(?:=(.*))?$/s.exec(word);
    if (option) options.set(option[1] ?? '', option[2] ?? '');
    else args.push(word);
  }
  return { name, args, options, line, text };
}

type Firmware = 'bios' | 'uefi';

/** MiB of every example disk. */
export const DISK_SIZE = 400_000;

/** Names that select-disks could give the disks of a kickstart: `system_1` and so on. */
function exampleDisks(ks: string): Record<string, string> {
  const names = new Set([...ks.matchAll(/\$((?:system|data)_\d)\b/g)].map(([, name]) => name ?? ''));
  return Object.fromEntries([...names].map((name) => [name, `disk/by-id/ata-DISK_${name.toUpperCase()}`]));
}

/** What %pre writes into layout.ks on a machine with these disks; a golden image has one for each firmware. */
export function layoutFor(ks: string, disks: Record<string, string>, firmware: Firmware): string {
  const texts = sections(ks).flatMap(({ body }) =>
    [...body.matchAll(/^cat >layout\.ks <<END\n([\s\S]*?)^END$/gm)].map(([, text]) => text ?? ''),
  );
  const text =
    texts.length === 1 ? texts[0] : texts.find((one) => one.includes('/boot/efi') === (firmware === 'uefi'));
  if (text === undefined) throw new Error(`no layout for ${firmware}`);
  return text
    .replace(/\$\(\((system|data)_size - (\d+)\)\)/g, (_, _group, less: string) =>
      String(DISK_SIZE - Number(less)),
    )
    .replace(/\$(\w+)/g, (all, name: string) => disks[name] ?? all);
}

/** The kickstart as Anaconda has it after %pre. */
export function withLayout(ks: string, firmware: Firmware, disks = exampleDisks(ks)): string {
  return ks.replace(/^%include \/tmp\/imgbuild\/layout\.ks$/m, () =>
    layoutFor(ks, disks, firmware).trimEnd(),
  );
}

/** Everything that is wrong with a kickstart whose layout is in place; empty where nothing is. */
export function checkKickstart(ks: string, { firmware }: { firmware: Firmware }): string[] {
  let parts: ReturnType<typeof takeApart>;
  try {
    parts = takeApart(ks);
  } catch (error) {
    return [(error as Error).message];
  }
  return [
    ...checkCommands(parts.commands),
    ...checkSources(parts.commands),
    ...checkStorage(parts.commands, firmware),
    ...checkSecrets(ks, parts.commands),
    ...checkPackages(parts.sections),
    ...checkScripts(parts.sections),
  ];
}

/** A text install without one of these stops and asks. */
const NEEDED = [
  'lang',
  'keyboard',
  'timezone',
  'rootpw',
  'bootloader',
  'url',
  'ignoredisk',
  'clearpart',
  'text',
];

function checkCommands(all: readonly Command[]): string[] {
  const wrong: string[] = [];
  for (const name of NEEDED) {
    const count = all.filter((command) => command.name === name).length;
    if (count !== 1) wrong.push(`${name} stands ${count} times`);
  }
  const ends = all.filter(({ name }) => ['reboot', 'poweroff', 'halt', 'shutdown'].includes(name));
  if (ends.length !== 1) wrong.push(`${ends.length} commands say what comes afterwards`);
  for (const { name, options, line, text } of all) {
    if (name.startsWith('%')) wrong.push(`line ${line}: ${text} is left`);
    if (name === 'network') {
      for (const option of options.keys()) {
        if (/^(vlan|bond|team|bridge|interfacename)/.test(option))
          wrong.push(`line ${line}: network --${option} has a second owner`);
      }
    }
    if (text.includes('$')) wrong.push(`line ${line}: a variable is left: ${text}`);
  }
  return wrong;
}

function checkSources(all: readonly Command[]): string[] {
  const wrong: string[] = [];
  const names = new Set<string>();
  for (const { name, options, line } of all.filter((command) => ['url', 'repo'].includes(command.name))) {
    const address = options.get(name === 'url' ? 'url' : 'baseurl') ?? '';
    if (!/^https?:\/\/[^/\s]+\//.test(address)) wrong.push(`line ${line}: ${name} from '${address}'`);
    const proxy = options.get('proxy');
    if (proxy !== undefined && !/^https?:\/\/\S+$/.test(proxy)) wrong.push(`line ${line}: proxy '${proxy}'`);
    if (name !== 'repo') continue;
    const id = options.get('name') ?? '';
    if (names.has(id)) wrong.push(`line ${line}: repo ${id} twice`);
    names.add(id);
  }
  return wrong;
}

interface Placed {
  what: string;
  filesystem: string;
  disks: string[];
  mirrored: boolean;
  line: number;
}

function checkStorage(all: readonly Command[], firmware: Firmware): string[] {
  const wrong: string[] = [];
  const only = list(all, 'ignoredisk', 'only-use');
  if (only.length === 0) wrong.push('no ignoredisk --only-use: every disk is in play');
  if (new Set(only).size !== only.length) wrong.push('ignoredisk --only-use names a disk twice');

  const clear = all.find(({ name }) => name === 'clearpart');
  const cleared = list(all, 'clearpart', 'drives');
  if (cleared.length === 0) wrong.push('clearpart without --drives clears every disk');
  for (const disk of cleared)
    if (!only.includes(disk)) wrong.push(`clearpart --drives has ${disk}, which only-use has not`);
  for (const disk of only) if (!cleared.includes(disk)) wrong.push(`${disk} is used but not cleared`);
  for (const option of ['all', 'initlabel'])
    if (!clear?.options.has(option)) wrong.push(`clearpart without --${option}`);
  if (clear?.options.get('disklabel') !== 'gpt') wrong.push('clearpart without --disklabel=gpt');

  const placed = placements(all, wrong);
  for (const { what, line, disks, filesystem } of placed) {
    if (what === 'swap' || filesystem === 'swap') wrong.push(`line ${line}: swap`);
    for (const disk of disks)
      if (!only.includes(disk)) wrong.push(`line ${line}: ${disk} is not in only-use`);
  }
  for (const { name, line } of all) {
    if (['autopart', 'btrfs', 'reqpart'].includes(name)) wrong.push(`line ${line}: ${name}`);
  }
  const mounts = placed.filter(({ what }) => what.startsWith('/'));
  for (const mount of new Set(mounts.map(({ what }) => what))) {
    const count = mounts.filter(({ what }) => what === mount).length;
    if (count > 1) wrong.push(`${mount} stands ${count} times`);
  }
  const root = mounts.find(({ what }) => what === '/');
  if (!root) return [...wrong, 'there is no /'];
  return [...wrong, ...checkBoot(all, placed, mounts.find(({ what }) => what === '/boot') ?? root, firmware)];
}

/** Where everything comes to lie; says what is wrong with partitions and mirrors on the way. */
function placements(all: readonly Command[], wrong: string[]): Placed[] {
  const placed: Placed[] = [];
  const members = new Map<string, { disk: string; used: number }>();
  const physical = new Map<string, { disks: string[]; mirrored: boolean; used: number }>();
  const groups = new Map<string, { disks: string[]; mirrored: boolean; growing: number }>();
  const devices = new Set<string>();
  for (const { name, args, options, line } of all) {
    const filesystem = options.get('fstype') ?? '';
    if (name === 'part' || name === 'partition') {
      const [what = ''] = args;
      const disk = options.get('ondisk') ?? '';
      if (disk === '') wrong.push(`line ${line}: ${what} may land on any disk`);
      if (!(Number(options.get('size')) > 0)) wrong.push(`line ${line}: ${what} has no size`);
      if (!/^(raid\..+|pv\..+|\/.*|biosboot|swap)$/.test(what)) wrong.push(`line ${line}: part '${what}'`);
      if (what.startsWith('raid.')) {
        if (members.has(what)) wrong.push(`line ${line}: ${what} is defined twice`);
        members.set(what, { disk, used: 0 });
      } else if (what.startsWith('pv.')) {
        if (physical.has(what)) wrong.push(`line ${line}: ${what} is defined twice`);
        physical.set(what, { disks: [disk], mirrored: false, used: 0 });
      } else {
        placed.push({ what, filesystem, disks: [disk], mirrored: false, line });
      }
    } else if (name === 'raid') {
      const [what = '', ...used] = args;
      const level = options.get('level');
      if (level !== 'RAID1' && level !== 'RAID10')
        wrong.push(`line ${line}: ${what} has level ${options.get('level')}`);
      const device = options.get('device') ?? '';
      if (device === '' || devices.has(device))
        wrong.push(`line ${line}: ${what} has no device name of its own`);
      devices.add(device);
      const disks = used.flatMap((member) => {
        const known = members.get(member);
        if (!known) wrong.push(`line ${line}: ${member} is not defined before`);
        else known.used++;
        return known ? [known.disk] : [];
      });
      if (level === 'RAID10' ? used.length < 4 || used.length % 2 === 1 : used.length !== 2)
        wrong.push(`line ${line}: ${what} is mirrored over ${used.length} members`);
      else if (new Set(disks).size !== disks.length)
        wrong.push(`line ${line}: both halves of ${what} lie on ${disks[0]}`);
      if (what.startsWith('pv.')) physical.set(what, { disks, mirrored: true, used: 0 });
      else placed.push({ what, filesystem, disks, mirrored: true, line });
    } else if (name === 'volgroup') {
      const [group = '', ...used] = args;
      if (groups.has(group)) wrong.push(`line ${line}: the volume group ${group} is defined twice`);
      const found = used.flatMap((volume) => {
        const known = physical.get(volume);
        if (!known) wrong.push(`line ${line}: ${volume} is not defined before`);
        else known.used++;
        return known ?? [];
      });
      const mirrored = found.every((volume) => volume.mirrored);
      groups.set(group, { disks: found.flatMap(({ disks }) => disks), mirrored, growing: 0 });
    } else if (name === 'logvol') {
      const [what = ''] = args;
      const group = groups.get(options.get('vgname') ?? '');
      if (!group) wrong.push(`line ${line}: ${what} lies in no volume group`);
      if (!options.get('name')) wrong.push(`line ${line}: ${what} has no name`);
      if (group && options.has('grow') && ++group.growing > 1)
        wrong.push(`line ${line}: two volumes have the rest of a volume group`);
      placed.push({ what, filesystem, disks: group?.disks ?? [], mirrored: group?.mirrored ?? false, line });
    }
  }
  for (const [volume, { used }] of physical) if (used !== 1) wrong.push(`${volume} is used ${used} times`);
  for (const [member, { used }] of members) if (used !== 1) wrong.push(`${member} is used ${used} times`);
  return placed;
}

function checkBoot(
  all: readonly Command[],
  placed: readonly Placed[],
  boot: Placed,
  firmware: Firmware,
): string[] {
  const wrong: string[] = [];
  const drive = all.find(({ name }) => name === 'bootloader')?.options.get('boot-drive') ?? '';
  if (!boot.disks.includes(drive)) wrong.push(`bootloader --boot-drive=${drive} bears no ${boot.what}`);
  const grub = placed.filter(({ what }) => what === 'biosboot');
  const esp = placed.find(({ what }) => what === '/boot/efi');
  if (firmware === 'uefi') {
    if (grub.length > 0) wrong.push('biosboot on UEFI');
    if (!esp) return [...wrong, 'there is no /boot/efi'];
    if (esp.filesystem !== 'efi') wrong.push(`/boot/efi is ${esp.filesystem}`);
    if (esp.mirrored !== boot.mirrored) wrong.push('/boot/efi is not mirrored as /boot is');
    for (const disk of boot.disks) if (!esp.disks.includes(disk)) wrong.push(`no /boot/efi on ${disk}`);
    return wrong;
  }
  if (esp) wrong.push('/boot/efi on BIOS');
  for (const disk of boot.disks) {
    const count = grub.filter(({ disks }) => disks.includes(disk)).length;
    if (count !== 1) wrong.push(`${count} biosboot on ${disk}`);
  }
  if (grub.some(({ filesystem }) => filesystem !== 'biosboot'))
    wrong.push('biosboot without --fstype=biosboot');
  return wrong;
}

function list(all: readonly Command[], name: string, option: string): string[] {
  const value = all.find((command) => command.name === name)?.options.get(option) ?? '';
  return value === '' ? [] : value.split(',');
}

const SECRETS: [RegExp, string][] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----/, 'a private key'],
  [/(?<![\w.])[a-z0-9]{6}\.[a-z0-9]{16}(?![\w.])/, 'a bootstrap token'],
  [/\$(1|2[aby]|5|6|y)\$[\w./$=,-]{20,}/, 'a password hash'],
  [/https?:\/\/[^/\s:@]+:[^/\s@]+@/, 'a password in a URL'],
];

function checkSecrets(ks: string, all: readonly Command[]): string[] {
  const wrong = SECRETS.filter(([pattern]) => pattern.test(ks)).map(([, what]) => what);
  for (const { name, args, options, line } of all) {
    if (name === 'rootpw' && (!options.has('lock') || args.length > 0))
      wrong.push(`line ${line}: root can log in`);
    if (name === 'user' && options.has('password')) wrong.push(`line ${line}: a user's password`);
    if (name === 'sshpw') wrong.push(`line ${line}: sshpw`);
  }
  return wrong;
}

function checkPackages(all: readonly Section[]): string[] {
  const found = all.filter(({ kind }) => kind === 'packages');
  if (found.length !== 1) return [`%packages stands ${found.length} times`];
  const lines = (found[0]?.body ?? '').split('\n').filter((line) => /\S/.test(line) && !line.startsWith('#'));
  const wrong = lines
    .filter((line, index) => lines.indexOf(line) !== index)
    .map((line) => `%packages: ${line} twice`);
  for (const line of lines) {
    if (line.startsWith('-') && lines.includes(line.slice(1)))
      wrong.push(`%packages: ${line.slice(1)} is wanted and removed`);
    if (!/^-?@?\^?[A-Za-z0-9][\w+.-]*$/.test(line)) wrong.push(`%packages: '${line}' is no name`);
  }
  return wrong;
}

/** Programs that lorax takes out of one installer or another, where a command may stand. */
const MISSING = new RegExp(
  `(?:^|[;|&(!]|\\b(?:then|do|else|if|while|exec)\\s)\\s*(${[
    ...[
      'base64',
      'truncate',
      'timeout',
      'nproc',
      'install',
      'nohup',
      'mkfifo',
      'join',
      'nl',
      'fold',
      'printenv',
    ],
    ...[
      'shuf',
      'stdbuf',
      'link',
      'unlink',
      'nice',
      'stty',
      'stat',
      'comm',
      'chcon',
      'runuser',
      'su',
      'cmp',
      'diff',
    ],
    ...[
      'file',
      'openssl',
      'gpg',
      'gpg2',
      'uuidgen',
      'mkfs',
      'column',
      'rev',
      'setsid',
      'tput',
      'pgrep',
      'pkill',
    ],
    ...[
      'free',
      'uptime',
      'ss',
      'findmnt',
      'sgdisk',
      'lslocks',
      'nsenter',
      'hostid',
      'hostname',
      'script',
      'watch',
    ],
  ].join('|')})(?=\\s|$)`,
  'gm',
);

function checkScripts(found: readonly Section[]): string[] {
  const wrong: string[] = [];
  const logs = new Set<string>();
  const scripts = found.filter(({ kind }) => ['pre', 'pre-install', 'post', 'onerror'].includes(kind));
  for (const { kind, flags, line } of scripts) {
    const log = /--log=(\S+)/.exec(flags)?.[1] ?? '';
    if (log === '') wrong.push(`line ${line}: %${kind} keeps no log`);
    else if (logs.has(log)) wrong.push(`line ${line}: ${log} is overwritten`);
    logs.add(log);
    if (kind !== 'onerror' && !/--erroronfail\b/.test(flags))
      wrong.push(`line ${line}: a failing %${kind} goes unnoticed`);
    if (!/--interpreter=\S+/.test(flags)) wrong.push(`line ${line}: %${kind} says no interpreter`);
  }
  for (const { kind, flags, body, line } of scripts) {
    if (kind === 'post' && !flags.includes('--nochroot')) continue;
    for (const [, program] of body.matchAll(MISSING))
      wrong.push(`line ${line}: an installer has no ${program}`);
  }
  if (!scripts.some(({ kind }) => kind === 'onerror')) wrong.push('there is no %onerror');
  const all = scripts.map(({ body }) => body).join('');
  const first = (program: string) => all.search(new RegExp(`^\\S*\\./${program} `, 'm'));
  const [proof, choice, cleaning] = [first('prove-host'), first('select-disks'), first('clean-disks')];
  if (choice < 0 || cleaning < 0) wrong.push('no %pre chooses and cleans the disks');
  if (proof > choice || proof > cleaning) wrong.push('disks are touched before the host is proved');
  return wrong;
}

/** What bash 4.2, which el7 has, does not know, or takes for something else, with the version that brought it. */
const NEWER_THAN_4_2: [RegExp, string][] = [
  [/\b(?:local|declare|typeset)\s+-\w*n\w*\s/, '4.3: a name reference'],
  [/\bunset\s+-n\b/, '4.3: unset -n'],
  [/\bwait\s+(?:-\w+\s+)*-[a-z]*[nfp]/, '4.3: wait -n'],
  [/\[\[?\s+(?:!\s+)?-v\s+\w+\[/, '4.3: -v of an element'],
  [/\[\[?\s+(?:!\s+)?-R\s/, '4.3: -R'],
  [/\b\w+\[-\d+\]=/, '4.3: assignment to a negative index'],
  [/\$\{[^}]*@[QEPAKakUuL]\}/, '4.4: an @ operator'],
  [/\b(?:mapfile|readarray)\b[^|;&\n]*\s-\w*d/, '4.4: mapfile -d'],
  [/\blocal\s+-(?:\s|$)/m, '4.4: local -'],
  [/\binherit_errexit\b/, '4.4: inherit_errexit'],
  [/\$\{?(?:EPOCHSECONDS|EPOCHREALTIME|BASH_ARGV0|SRANDOM)\b/, '5: a variable'],
  [/\blocalvar_inherit\b|\bassoc_expand_once\b/, '5: a shell option'],
  // Under set -u 4.2 takes an empty array for an unset variable; ${a[@]+"${a[@]}"} is safe.
  [/(?<!\+"?)\$\{!?\w+\[[@*]\]\}/, '4.4: an empty array under set -u'],
];

/** Constructs in a script that el7's bash fails on, each with its line. */
export function newerThanBash42(script: string): string[] {
  return script.split('\n').flatMap((text, index) => {
    if (/^\s*#/.test(text)) return [];
    return NEWER_THAN_4_2.filter(([pattern]) => pattern.test(text)).map(
      ([, what]) => `${index + 1}: ${what}: ${text.trim()}`,
    );
  });
}
