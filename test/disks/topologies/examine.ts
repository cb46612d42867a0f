/** One boot: select-disks, a look at every byte from outside, clean-disks on what was chosen, another look. */
import { fileURLToPath } from 'node:url';
import { type Files, filesBelow } from '../rig/archive.ts';
import { type Results, start } from '../rig/guest.ts';
import { hashImage, hasZeroEnds } from '../rig/images.ts';
import type { Disk } from '../rig/machine.ts';
import { done, nodes } from './script.ts';
import { MARK, type Prepared } from './topology.ts';

export interface Outcome {
  select: Said;
  /** By group, the names that select-disks printed and the disks that these lead to. */
  chosen: Record<string, { link: string; disk: string }[]>;
  clean?: Said;
  /** What they say once more, where it is asked: clean-disks, and select-disks with --wipe blank. */
  cleanAgain?: Said;
  selectAgain?: Said;
  /** The disks that differ after select-disks, and at the end. */
  changedBySelect: string[];
  changed: string[];
  /** Those whose first and last MiB are zeros at the end. */
  blank: string[];
}

/** In what is said, disks bear the topology's names: hdd1p2 for sda2. */
export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

const installer = fileURLToPath(new URL('../../../installer', import.meta.url));

export async function examine(prepared: Prepared): Promise<Outcome> {
  const { topology, disks } = prepared;
  const names = Object.keys(disks);
  const before = await hashes(disks);
  const guest = await start(
    { disks: Object.values(present(prepared)) },
    { job: await job(prepared), append: topology.append ?? '' },
  );
  await guest.waitFor('SELECTED', 180);
  const selected = await hashes(disks);
  guest.type('\n');
  const results = await guest.end(180);
  if (results?.['exit-code'] !== '0\n') throw new Error(`the job failed:\n${guest.console}`);
  const after = await hashes(disks);

  const blank: string[] = [];
  for (const [name, { file }] of Object.entries(disks)) if (await hasZeroEnds(file)) blank.push(name);
  const said = (program: string) => report(results, program);
  return {
    select: said('select') ?? { code: -1, stdout: '', stderr: '' },
    chosen: choice(results),
    ...given('clean', said('clean')),
    ...given('cleanAgain', said('clean-again')),
    ...given('selectAgain', said('select-again')),
    changedBySelect: names.filter((name) => selected[name] !== before[name]),
    changed: names.filter((name) => after[name] !== before[name]),
    blank,
  };
}

function present({ topology, disks }: Prepared): Record<string, Disk> {
  return Object.fromEntries(Object.entries(disks).filter(([name]) => !topology.disks[name]?.absent));
}

async function job(prepared: Prepared): Promise<Files> {
  const { topology } = prepared;
  const disks = present(prepared);
  const names = Object.keys(disks);
  const select = `--mark ${MARK} ${topology.select}`;
  const call = (program: string, args: string, out: string) =>
    `sh installer/${program} ${args} >out/${out}.stdout 2>out/${out}.stderr; code=$?; echo $code >out/${out}.code\n`;
  const run = [
    nodes(names, Object.values(disks)),
    names.map((name) => `echo "${name} $(basename $(readlink -f $${name}))" >>out/kernel-names\n`).join(''),
    topology.before ? done(topology.before) : '',
    call('select-disks', select, 'select'),
    'sync; echo SELECTED; read -r _ </dev/ttyS0\n[ "$code" = 0 ] || exit 0\n',
    'chosen=$(sed -n "s/^[a-z]*_[0-9]*=\'\\(.*\\)\'$/\\1/p" out/select.stdout)\n',
    'for link in $chosen; do readlink -f "/dev/$link"; done >out/links\n',
    call('clean-disks', '$chosen', 'clean'),
    '[ "$code" = 0 ] || exit 0\n',
    topology.again ? call('clean-disks', '$chosen', 'clean-again') : '',
    topology.again ? call('select-disks', `${select} --wipe blank`, 'select-again') : '',
  ].join('');
  return { ...(await filesBelow(installer, 'installer')), run };
}

async function hashes(disks: Record<string, Disk>): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const [name, { file }] of Object.entries(disks)) found[name] = await hashImage(file);
  return found;
}

const given = <K extends string, V>(key: K, value: V | undefined) =>
  (value === undefined ? {} : { [key]: value }) as { [key in K]?: V };

const lines = (text = '') => text.split('\n').filter((line) => line !== '');

/** The kernel's names of the disks, sda → ssd1. */
function kernelNames(results: Results): Map<string, string> {
  return new Map(lines(results['kernel-names']).map((line) => line.split(' ').reverse() as [string, string]));
}

function report(results: Results, program: string): Said | undefined {
  const code = results[`${program}.code`];
  if (code === undefined) return undefined;
  const names = kernelNames(results);
  const renamed = (text = '') =>
    text.replace(/\b([svx]+d[a-z]+|nvme\d+n\d+)(?:p?(\d+))?\b/g, (whole, disk: string, part?: string) => {
      const name = names.get(disk);
      if (name === undefined) return whole;
      return part === undefined ? name : `${name}p${part}`;
    });
  return {
    code: Number(code),
    stdout: renamed(results[`${program}.stdout`]),
    stderr: renamed(results[`${program}.stderr`]),
  };
}

function choice(results: Results): Outcome['chosen'] {
  const names = kernelNames(results);
  const targets = lines(results.links);
  const chosen: Outcome['chosen'] = {};
  for (const line of lines(results['select.stdout'])) {
    const [, group, link] = /^([a-z]+)_\d+='(disk\/.*)'$/.exec(line) ?? [];
    if (group === undefined || link === undefined) continue;
    const target = targets.shift() ?? '';
    chosen[group] = [...(chosen[group] ?? []), { link, disk: names.get(target.slice(5)) ?? target }];
  }
  return chosen;
}
