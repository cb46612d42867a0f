/** What must be true of a topology's outcome. */
import { expect } from 'vitest';
import type { Outcome } from './examine.ts';
import type { Choice, Topology } from './topology.ts';

export function check(topology: Topology, outcome: Outcome): void {
  expect(outcome.changedBySelect, 'select-disks reads').toEqual([]);
  if ('refused' in topology.want) {
    expect(refusal(outcome)).toMatch(topology.want.refused);
    expect(outcome.select).toMatchObject({ code: 3, stdout: '' });
    expect(outcome.changed).toEqual([]);
  } else {
    checkChoice(topology.want, outcome);
  }
}

/** What select-disks or clean-disks refused with, in a sentence. */
export function refusal({ select, clean }: Outcome): string {
  const text = select.code === 0 ? (clean?.stderr ?? '') : select.stderr;
  const [first = ''] = text.split('\n');
  // The kernel names disks in the order in which they answer.
  return first
    .replace(/(\w+) and (\w+) are one disk/, (_, a, b) => `${[a, b].sort().join(' and ')} are one disk`)
    .replace(/^select-disks: nothing chosen, nothing erased: /, '')
    .replace(/^clean-disks: refused, nothing was changed: /, '');
}

function checkChoice(want: Choice, outcome: Outcome): void {
  expect(outcome.select).toMatchObject({ code: 0, stderr: '' });
  const found = Object.entries(outcome.chosen).map(([group, list]) => [group, list.map(({ disk }) => disk)]);
  expect(Object.fromEntries(found)).toEqual(want.chosen);
  for (const { link } of Object.values(outcome.chosen).flat())
    expect(link).toMatch(want.by ?? /^disk\/by-id\//);

  if (want.cleanRefused !== undefined) {
    expect(refusal(outcome)).toMatch(want.cleanRefused);
    expect(outcome.clean?.code).toBe(3);
    expect(outcome.changed).toEqual([]);
    return;
  }
  const chosen = Object.values(want.chosen).flat();
  expect(outcome.clean, outcome.clean?.stderr).toMatchObject({ code: 0 });
  expect(chosen).toEqual(expect.arrayContaining(outcome.changed));
  expect(outcome.blank).toEqual(expect.arrayContaining(chosen));
  for (const said of [outcome.cleanAgain, outcome.selectAgain])
    if (said) expect(said.code, said.stderr).toBe(0);
}
