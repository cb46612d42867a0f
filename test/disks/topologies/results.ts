/** What the programs answered, from the results of a topology's job. */
import type { Results } from '../rig/guest.ts';

export interface Answers {
  select: Said;
  /** By group, the names that select-disks printed and the disks that these lead to. */
  chosen: Record<string, { link: string; disk: string }[]>;
  clean: Said | undefined;
  /** What they say once more, where it is asked: clean-disks, and select-disks with --wipe blank. */
  cleanAgain: Said | undefined;
  selectAgain: Said | undefined;
}

/** In what is said, disks bear the topology's names: hdd1p2 for sda2. */
export interface Said {
  code: number;
  stdout: string;
  stderr: string;
}

export function readResults(results: Results): Answers {
  const said = (program: string) => report(results, program);
  return {
    select: said('select') ?? { code: -1, stdout: '', stderr: '' },
    chosen: choice(results),
    clean: said('clean'),
    cleanAgain: said('clean-again'),
    selectAgain: said('select-again'),
  };
}

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

function choice(results: Results): Answers['chosen'] {
  const names = kernelNames(results);
  const targets = lines(results.links);
  const chosen: Answers['chosen'] = {};
  for (const line of lines(results['select.stdout'])) {
    const [, group, link] = /^([a-z]+)_\d+='(disk\/.*)'$/.exec(line) ?? [];
    if (group === undefined || link === undefined) continue;
    const target = targets.shift() ?? '';
    chosen[group] = [...(chosen[group] ?? []), { link, disk: names.get(target.slice(5)) ?? target }];
  }
  return chosen;
}
