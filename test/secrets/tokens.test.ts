import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/report/errors.ts';
import { ensure } from '../../src/secrets/ensure.ts';
import { pick, systemRandom } from '../../src/secrets/random.ts';
import { resolve } from '../../src/secrets/resolve.ts';
import { openStore } from '../../src/secrets/store.ts';
import { addTokens, readTokens, rotateTokens } from '../../src/secrets/tokens.ts';
import { NOW, newStore, planOf, smallPlan } from './plan.ts';

/** kubeadm's own (k8s.io/cluster-bootstrap/token/api/types.go). */
const BOOTSTRAP_TOKEN = /^([a-z0-9]{6})\.([a-z0-9]{16})$/;

/** Bytes that follow from a seed, and repeat soon. */
function weakRandom(seed: number) {
  let state = seed >>> 0;
  return (size: number) =>
    Uint8Array.from({ length: size }, () => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      return (state >>> 24) & 0xff;
    });
}

describe('tokens', () => {
  test('have kubeadm’s form, and no two the same name, whatever is drawn', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.uniqueArray(fc.stringMatching(/^[a-z][a-z0-9-]{0,20}$/), { maxLength: 200 }),
        (seed, hosts) => {
          const tokens = new Map<string, string>();
          addTokens(tokens, hosts, weakRandom(seed));
          expect([...tokens.keys()]).toEqual(hosts);
          for (const token of tokens.values()) expect(token).toMatch(BOOTSTRAP_TOKEN);
          expect(new Set([...tokens.values()].map((token) => token.split('.')[0])).size).toBe(hosts.length);
        },
      ),
    );
  });

  test('draw again where a name is taken', () => {
    const bytes = [0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 1];
    const random = (size: number) => Uint8Array.from({ length: size }, () => bytes.shift() ?? 7);
    const tokens = new Map([['old', 'aaaaaa.0123456789abcdef']]);
    addTokens(tokens, ['new'], random);
    expect(tokens.get('new')).toBe('bbbbbb.hhhhhhhhhhhhhhhh');
  });

  test('use every letter as often as any other', () => {
    const counts = new Map<string, number>();
    for (const letter of pick('abcdefghijklmnopqrstuvwxyz0123456789', 72_000, systemRandom)) {
      counts.set(letter, (counts.get(letter) ?? 0) + 1);
    }
    expect(counts.size).toBe(36);
    // 2000 expected, deviation 44; a plain modulus would give the first four 2250.
    for (const count of counts.values()) expect(Math.abs(count - 2000)).toBeLessThan(6 * 44);
    // 252 is the last whole multiple of 36: what lies above is drawn again.
    const bytes = [252, 253, 254, 255, 251, 37];
    expect(pick('abcdefghijklmnopqrstuvwxyz0123456789', 2, () => Uint8Array.of(bytes.shift() ?? 0))).toBe(
      '9b',
    );
  });

  test('are written by host, so that the same tokens are the same bytes', async () => {
    const [one, two] = [newStore(), newStore()];
    const hosts = {
      c1: ['control', '10.0.0.1'],
      w2: ['worker', '10.0.0.2'],
      w10: ['worker', '10.0.0.3'],
    } as const;
    await ensure(planOf({ w10: [...hosts.w10], c1: [...hosts.c1], w2: [...hosts.w2] }), one, {
      now: NOW,
      random: weakRandom(1),
    });
    await ensure(planOf({ w2: [...hosts.w2], w10: [...hosts.w10], c1: [...hosts.c1] }), two, {
      now: NOW,
      random: weakRandom(1),
    });
    expect(one.read('tokens.json')).toBe(two.read('tokens.json'));
    const value = resolve(planOf({ w10: [...hosts.w10], c1: [...hosts.c1], w2: [...hosts.w2] }), one);
    const lines = value('tokens/all').trimEnd().split('\n');
    expect(lines.map((line) => line.split(' ')[1])).toEqual(['c1', 'w10', 'w2']);
    for (const line of lines) expect(value(`tokens/${line.split(' ')[1]}`)).toBe(`${line.split(' ')[0]}\n`);
  });
});

describe('rotateTokens', () => {
  test('changes those it is asked to and no other', async () => {
    const store = newStore();
    await ensure(smallPlan(), store, { now: NOW });
    const before = readTokens(store);
    const idOf = (host: string) => readTokens(store).get(host)?.slice(0, 6);
    expect(await rotateTokens(smallPlan(), store, { hosts: ['w2'] })).toEqual([
      { host: 'w2', oldId: before.get('w2')?.slice(0, 6) },
    ]);
    const after = readTokens(store);
    expect([...after].filter(([host, token]) => before.get(host) !== token).map(([host]) => host)).toEqual([
      'w2',
    ]);
    const hosts = ['c1', 'w1', 'w2'];
    const ids = hosts.map((host) => ({ host, oldId: idOf(host) }));
    expect(await rotateTokens(smallPlan(), store)).toEqual(ids);
    expect([...readTokens(store)].filter(([host, token]) => after.get(host) === token)).toEqual([]);
  });

  test('loses nothing that another process did since the store was read', async () => {
    const store = newStore();
    await ensure(planOf({ w1: ['worker', '10.0.0.1'] }), store, { now: NOW });
    readTokens(store);
    await rotateTokens(planOf({ w1: ['worker', '10.0.0.1'] }), openStore(store.dir));
    await rotateTokens(smallPlan(), store, { hosts: ['w2'] });
    const other = openStore(store.dir);
    await ensure(smallPlan(), other, { now: NOW });
    await ensure(planOf({ w9: ['worker', '10.0.0.9'] }), store, { now: NOW });
    const tokens = readTokens(openStore(store.dir));
    expect([...tokens.keys()]).toEqual(['c1', 'w1', 'w2', 'w9']);
    for (const [host, token] of readTokens(other)) expect(tokens.get(host)).toBe(token);
  });

  test('refuses a folder that holds no cluster’s secrets', async () => {
    const store = newStore();
    await expect(rotateTokens(smallPlan(), store)).rejects.toThrow(/there is no .*pki\/ca\.crt/);
    expect(store.list()).toEqual([]);
  });

  test('refuses hosts that join by no token', async () => {
    const store = newStore();
    await expect(rotateTokens(smallPlan(), store, { hosts: ['e1'] })).rejects.toThrow(UserError);
    await expect(rotateTokens(smallPlan(), store, { hosts: ['w3'] })).rejects.toThrow(
      expect.objectContaining({ hint: expect.stringContaining('did you mean') }),
    );
    expect(store.list()).toEqual([]);
  });
});
