import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { nearest, suggest } from '../../src/report/did-you-mean.ts';

describe('did you mean', () => {
  const anything = fc.oneof(
    fc.string(),
    fc.string({ unit: 'binary' }),
    fc.constantFrom('', '__proto__', 'a'.repeat(200)),
  );

  test('never throws, and guesses only what there is', () => {
    fc.assert(
      fc.property(anything, fc.array(anything), (given, known) => {
        const guess = nearest(given, known);
        if (guess !== undefined) expect(known).toContain(guess);
        if (known.includes(given)) expect(guess?.toLowerCase()).toBe(given.toLowerCase());
        expect(suggest(given, known)).not.toBe('');
      }),
    );
  });

  test.each([
    ['wroker', 'worker'],
    ['kuberntes', 'kubernetes'],
    ['gatway', 'gateway'],
    ['rocky9', 'rocky-9'],
    ['UEFI', 'uefi'],
    ['hosts ', 'hosts'],
    ['nic', 'nics'],
  ])('%s: %s', (given, meant) => {
    const known = [
      'worker',
      'master',
      'kubernetes',
      'gateway',
      'rocky-9',
      'rocky-8',
      'uefi',
      'bios',
      'hosts',
      'nics',
    ];
    expect(suggest(given, known)).toBe(`did you mean "${meant}"?`);
  });

  test('what is like nothing gets the list', () => {
    expect(suggest('database', ['etcd', 'worker'])).toBe('choose from: etcd, worker');
    expect(suggest('x', ['etcd', 'worker'])).toBe('choose from: etcd, worker');
  });
});
