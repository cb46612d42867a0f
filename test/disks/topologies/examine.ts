/** One boot: select-disks, a look at every byte from outside, clean-disks on what was chosen, another look. */
import { fileURLToPath } from 'node:url';
import { type Files, filesBelow } from '../rig/archive.ts';
import { type Results, start } from '../rig/guest.ts';
import { hashImage, hasZeroEnds } from '../rig/images.ts';
import type { Disk } from '../rig/machine.ts';
import { type Answers, readResults } from './results.ts';
import { done, nodes } from './script.ts';
import { MARK, type Prepared } from './topology.ts';

export interface Outcome extends Answers {
  /** The disks that differ after select-disks, and at the end. */
  changedBySelect: string[];
  changed: string[];
  /** Those whose first and last MiB are zeros at the end. */
  blank: string[];
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
  let selected: Record<string, string>;
  let results: Results | undefined;
  try {
    await guest.waitFor('SELECTED', 180);
    selected = await hashes(disks);
    guest.type('\n');
    results = await guest.end(180);
  } finally {
    await guest.kill();
  }
  if (results?.['exit-code'] !== '0\n') throw new Error(`the job failed:\n${guest.console}`);
  const after = await hashes(disks);

  const blank: string[] = [];
  for (const [name, { file }] of Object.entries(disks)) if (await hasZeroEnds(file)) blank.push(name);
  return {
    ...readResults(results),
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
    // Opened first: what is typed before anybody listens is lost.
    'exec 9</dev/ttyS0\nsync; echo SELECTED; read -r _ <&9\n[ "$code" = 0 ] || exit 0\n',
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
