import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ensure } from '../../src/secrets/ensure.ts';
import { renew, renewCa } from '../../src/secrets/renew.ts';
import { resolve } from '../../src/secrets/resolve.ts';
import { makeCa, verify } from './openssl.ts';
import { codes, contents, drop, NOW, newStore, planOf, smallPlan } from './plan.ts';

const changed = (before: Record<string, string>, after: Record<string, string>) =>
  Object.keys(after).filter((ref) => before[ref] !== after[ref]);
const daysFrom = (days: number, at = NOW) => new Date(at.getTime() + days * 24 * 3600 * 1000);
/** When certificates made at NOW end. */
const END = new Date('2031-03-01T12:00:00Z');

async function full() {
  const store = newStore();
  await ensure(smallPlan(), store, { now: NOW });
  return { store, before: contents(store) };
}

describe('renew', () => {
  test('leaves alone what is good', async () => {
    const { store, before } = await full();
    expect(await renew(smallPlan(), store, { now: NOW })).toEqual([]);
    expect(await renew(smallPlan(), store, { now: daysFrom(-91, END) })).toEqual([]);
    expect(changed(before, contents(store))).toEqual([]);
  });

  test.each([
    ['soon to end', daysFrom(-89, END), {}],
    ['ended', daysFrom(30, END), {}],
    ['to end within the days that are asked for', NOW, { within: 6 * 365 }],
    ['good, when forced', NOW, { force: true }],
  ])('issues every certificate that is %s, and keeps the keys', async (_, now, options) => {
    const { store, before } = await full();
    const renewed = await renew(smallPlan(), store, { now, ...options });
    const leaves = Object.keys(before).filter((ref) =>
      /^etcd\/.*\.crt$|apiserver-etcd-client\.crt$/.test(ref),
    );
    expect(renewed.map((one) => one.ref).sort()).toEqual(leaves);
    expect(changed(before, contents(store))).toEqual(leaves);
    for (const ref of leaves)
      await expect(verify(store.file('pki/etcd/ca.crt'), store.file(ref), [], now)).resolves.toContain('OK');
    if (!('within' in options)) expect(await renew(smallPlan(), store, { now })).toEqual([]);
    expect(await ensure(smallPlan(), store, { now })).toEqual({ made: [] });
  });

  test('changes keys when asked to', async () => {
    const { store, before } = await full();
    await renew(planOf({ e1: ['etcd', '10.0.0.11'] }), store, { now: NOW, newKeys: true });
    expect(changed(before, contents(store))).toEqual(
      ['healthcheck-client', 'peer', 'server'].flatMap((use) => [`etcd/e1/${use}.crt`, `etcd/e1/${use}.key`]),
    );
    expect(await ensure(smallPlan(), store, { now: NOW })).toEqual({ made: [] });
  });

  test('follows a host to its new address', async () => {
    const { store, before } = await full();
    const moved = planOf({ e1: ['etcd', '10.0.0.99'], e2: ['etcd', '10.0.0.12'], e3: ['etcd', '10.0.0.13'] });
    expect(await codes(ensure(moved, store, { now: NOW }))).toEqual([
      'secret-does-not-fit',
      'secret-does-not-fit',
    ]);
    const renewed = await renew(moved, store, { now: NOW });
    expect(renewed).toMatchObject([
      { ref: 'etcd/e1/server.crt', why: expect.stringContaining('lacks IP:10.0.0.99') },
      { ref: 'etcd/e1/peer.crt' },
    ]);
    expect(changed(before, contents(store))).toEqual(['etcd/e1/peer.crt', 'etcd/e1/server.crt']);
    const check = verify(store.file('pki/etcd/ca.crt'), store.file('etcd/e1/peer.crt'), [
      '-verify_ip',
      '10.0.0.99',
    ]);
    await expect(check).resolves.toContain('OK');
    expect(await ensure(moved, store, { now: NOW })).toEqual({ made: [] });
  });

  test('goes over to another authority', async () => {
    const { store: first } = await full();
    const ca = await makeCa();
    const now = new Date();
    const store = drop(first, { 'pki/etcd/ca.crt': ca.certificate, 'pki/etcd/ca.key': ca.key });
    expect(await renew(smallPlan(), store, { now })).toHaveLength(10);
    expect(await ensure(smallPlan(), store, { now })).toEqual({ made: [] });
  });

  test('does not go on for ever where the authority itself ends', async () => {
    const store = newStore();
    await ensure(smallPlan(), store, { now: NOW, caYears: 1 });
    expect(await renew(smallPlan(), store, { now: daysFrom(300) })).toEqual([]);
    await renewCa(store, 'etcd', { now: daysFrom(300) });
    expect(await renew(smallPlan(), store, { now: daysFrom(300) })).toHaveLength(10);
  });

  test('changes nothing where something stands in the way', async () => {
    const { store: first, before } = await full();
    const noKey = drop(first, { 'pki/etcd/ca.key': null });
    await expect(renew(smallPlan(), noKey, { now: NOW, force: true })).rejects.toThrow(
      'pki/etcd/ca.key is missing',
    );
    const wrongKey = drop(noKey, { 'pki/etcd/ca.key': before['pki/ca.key'] ?? '' });
    expect(await codes(renew(smallPlan(), wrongKey, { now: NOW, force: true }))).toEqual([
      'secret-key-mismatch',
    ]);
    const late = new Date('2037-01-01');
    const old = drop(wrongKey, { 'pki/etcd/ca.key': before['pki/etcd/ca.key'] ?? '' });
    expect(await codes(renew(smallPlan(), old, { now: late }))).toEqual(['secret-expired']);
    const noLeafKey = drop(old, { 'etcd/e2/peer.key': null });
    expect(await codes(renew(smallPlan(), noLeafKey, { now: NOW, force: true }))).toEqual([
      'secret-incomplete',
    ]);
    await expect(renew(smallPlan(), old, { now: NOW, leafYears: 0 })).rejects.toThrow('cannot last');
    expect(changed(before, contents(old))).toEqual([]);
  });
});

describe('renewCa', () => {
  test('keeps key, name, pin, and all that was signed', async () => {
    const { store, before } = await full();
    const hash = resolve(smallPlan(), store)('pki/discovery-hash');
    const now = new Date('2037-01-01');
    for (const which of ['kubernetes', 'etcd'] as const) {
      expect((await renewCa(store, which, { now, caYears: 20 })).notAfter).toEqual(new Date('2057-01-01'));
    }
    expect(changed(before, contents(store))).toEqual(['pki/ca.crt', 'pki/etcd/ca.crt']);
    expect(resolve(smallPlan(), store)('pki/discovery-hash')).toBe(hash);
    const [old, young] = [before['pki/ca.crt'], store.read('pki/ca.crt')].map(
      (pem) => new X509Certificate(pem ?? ''),
    );
    expect(young?.subject).toBe(old?.subject);
    expect(young?.subjectAltName).toBe(old?.subjectAltName);
    await renew(smallPlan(), store, { now });
    // A member that still has its old certificate is trusted by those that have the new authority’s, and the reverse.
    const oldLeaf = store.file('etcd/old.crt');
    const at = new Date('2030-01-01');
    const again = drop(store, {
      'etcd/old.crt': before['etcd/e1/server.crt'] ?? '',
      'etcd/old-ca.crt': before['pki/etcd/ca.crt'] ?? '',
    });
    await renewCa(again, 'etcd', { now: NOW });
    await expect(verify(again.file('pki/etcd/ca.crt'), oldLeaf, [], at)).resolves.toContain('OK');
    await renew(smallPlan(), again, { now: NOW, force: true });
    await expect(
      verify(again.file('etcd/old-ca.crt'), again.file('etcd/e1/server.crt'), [], at),
    ).resolves.toContain('OK');
  });

  test('keeps a company’s name for its own authority', async () => {
    const ca = await makeCa({ key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'] });
    const store = drop(newStore(), { 'pki/etcd/ca.crt': ca.certificate, 'pki/etcd/ca.key': ca.key });
    const now = new Date();
    const plan = planOf({ e1: ['etcd', '10.0.0.11'] });
    await ensure(plan, store, { now });
    await renewCa(store, 'etcd', { now });
    expect(store.read('pki/etcd/ca.crt')).not.toBe(ca.certificate);
    expect(await ensure(plan, store, { now })).toEqual({ made: [] });
    const at = daysFrom(1, now);
    await expect(
      verify(store.file('pki/etcd/ca.crt'), store.file('etcd/e1/peer.crt'), [], at),
    ).resolves.toContain('OK');
  });

  test('refuses what it cannot renew', async () => {
    const store = newStore();
    await expect(renewCa(store, 'etcd', { now: NOW })).rejects.toThrow('there is no');
    const root = await makeCa();
    const child = await makeCa({ parent: root, subject: '/CN=Child' });
    const now = new Date();
    const signed = drop(store, { 'pki/etcd/ca.crt': child.certificate, 'pki/etcd/ca.key': child.key });
    await expect(renewCa(signed, 'etcd', { now })).rejects.toThrow('signed by another authority');
    const away = drop(signed, { 'pki/etcd/ca.key': null });
    await expect(renewCa(away, 'etcd', { now })).rejects.toThrow('without its key');
    const wrong = drop(away, { 'pki/etcd/ca.key': root.key });
    expect(await codes(renewCa(wrong, 'etcd', { now }))).toEqual(['secret-key-mismatch']);
    await expect(renewCa(wrong, 'etcd', { now, caYears: 200 })).rejects.toThrow('cannot last');
  });
});
