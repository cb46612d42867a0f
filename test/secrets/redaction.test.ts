import { format, inspect } from 'node:util';
import { expect, test } from 'vitest';
import { describe } from '../../src/secrets/describe.ts';
import { ensure } from '../../src/secrets/ensure.ts';
import { importCa } from '../../src/secrets/import.ts';
import { renew, renewCa } from '../../src/secrets/renew.ts';
import { resolve } from '../../src/secrets/resolve.ts';
import { openStore } from '../../src/secrets/store.ts';
import { checkStore } from '../../src/secrets/survey.ts';
import { readTokens, rotateTokens } from '../../src/secrets/tokens.ts';
import { drop, everything, NOW, newStore, planOf, smallPlan } from './plan.ts';

/** Pieces of every secret, long enough not to occur by chance: each line of a key, each half of a token, the hash. */
function valuesOf(files: Record<string, string>): string[] {
  return Object.entries(files).flatMap(([ref, text]) =>
    /\.(crt|pub)$/.test(ref)
      ? []
      : text.split(/[\s".:$,{}]+/).filter((word) => word.length >= 16 && !/^(-----|breakglass)/.test(word)),
  );
}

function expectNone(values: readonly string[], shown: string): void {
  for (const value of values) expect(shown.includes(value), `shows ${value.slice(0, 4)}…`).toBe(false);
}

/** Everything that a logger or a test runner might print of a value or an error. */
function printed(value: unknown): string {
  const errors =
    value instanceof Error ? [value.stack, String(value.cause), inspect(value.cause, { depth: 9 })] : [];
  const options = { depth: 9, showHidden: true, getters: true, maxStringLength: null, maxArrayLength: null };
  return [
    JSON.stringify(value),
    inspect(value, options),
    format('%o %O %j %s', value, value, value, value),
    ...errors,
  ].join('\n');
}

test('the pieces looked for are there to be found', async () => {
  const files = await everything();
  const values = valuesOf(files);
  expect(values.length).toBeGreaterThan(40);
  expect(() => expectNone(values, Object.values(files).join('\n'))).toThrow('shows');
  expect(() => expectNone(values, printed(new Error(`bad key: ${files['pki/ca.key']}`)))).toThrow('shows');
});

test('a store shows no value, whatever it has read', async () => {
  const store = drop(newStore(), await everything());
  const values = valuesOf(
    await Promise.resolve(Object.fromEntries(store.list().map((ref) => [ref, store.read(ref) ?? '']))),
  );
  expect(values.length).toBeGreaterThan(40);
  expectNone(values, printed(store));
  expectNone(values, printed({ nested: [store] }));
  expect(JSON.parse(JSON.stringify(store))).toEqual({ dir: store.dir, secrets: 'redacted' });
  expectNone(values, printed(resolve(smallPlan(), store)));
});

test('nothing that is listed, returned or warned of shows a value', async () => {
  const store = drop(newStore(), await everything());
  const later = new Date('2031-02-01');
  const shown = [
    describe(smallPlan(), store, later),
    checkStore(smallPlan(), store, later),
    await ensure(smallPlan(), store, { now: NOW }),
    await renew(smallPlan(), store, { now: later, newKeys: true }),
    await renewCa(store, 'kubernetes', { now: later }),
    await rotateTokens(smallPlan(), store),
  ];
  const values = valuesOf(Object.fromEntries(store.list().map((ref) => [ref, store.read(ref) ?? ''])));
  expectNone(values, shown.map(printed).join('\n'));
  expectNone(valuesOf(await everything()), shown.map(printed).join('\n'));
});

test('no error shows a value, whichever file is broken and however', async () => {
  const files = await everything();
  const values = valuesOf(files);
  const errors: unknown[] = [];
  const attempt = async (work: () => unknown) => {
    try {
      await work();
    } catch (error) {
      errors.push(error, (error as { problems?: unknown }).problems, (error as { hint?: unknown }).hint);
    }
  };
  const breakages: ((text: string) => string)[] = [
    (text) => text.slice(0, Math.floor(text.length * 0.8)),
    (text) => text.replace(/\n/g, ' '),
    (text) => text.toUpperCase(),
    (text) => `${text}${text}`,
  ];
  // The first member's files stand for those of the others.
  for (const ref of Object.keys(files).filter((name) => !/^etcd\/e[23]/.test(name))) {
    // A certificate that holds a key by mistake is as good a way to let it out.
    for (const change of [...breakages, () => files['pki/ca.key'] ?? '', () => files['tokens.json'] ?? '']) {
      const store = drop(newStore(), { ...files, [ref]: change(files[ref] ?? '') });
      await attempt(() => ensure(smallPlan(), openStore(store.dir), { now: NOW }));
      await attempt(() => resolve(smallPlan(), openStore(store.dir)));
      await attempt(() => readTokens(openStore(store.dir)));
      expectNone(values, printed(describe(smallPlan(), openStore(store.dir), NOW)));
    }
    const store = drop(newStore(), {});
    await attempt(() => importCa(store, 'etcd', files[ref] ?? '', files['pki/ca.key'], { now: NOW }));
    await attempt(() => importCa(store, 'etcd', files['pki/ca.crt'] ?? '', files[ref], { now: NOW }));
  }
  const moved = planOf({ e1: ['etcd', '10.9.9.9'], zz: ['worker', '10.9.9.8'] });
  await attempt(() => resolve(moved, drop(newStore(), files))('tokens/zz'));
  expect(errors.length).toBeGreaterThan(90);
  expectNone(values, errors.map(printed).join('\n'));
});
