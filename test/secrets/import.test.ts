import { describe, expect, test } from 'vitest';
import { ensure } from '../../src/secrets/ensure.ts';
import { importCa } from '../../src/secrets/import.ts';
import { type MakeCa, makeCa, openssl, verify } from './openssl.ts';
import { contents, drop, newStore, planOf, smallPlan } from './plan.ts';

const now = () => new Date();

describe('importCa', () => {
  test.each<[string, MakeCa]>([
    ['ECDSA', {}],
    ['RSA', { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:3072'] }],
    [
      'with no room for others below',
      { extensions: ['basicConstraints=critical,CA:TRUE,pathlen:0', 'keyUsage=critical,keyCertSign'] },
    ],
  ])('takes a CA and signs with it: %s', async (_, how) => {
    const ca = await makeCa(how);
    const store = newStore();
    const imported = await importCa(store, 'etcd', ca.certificate, ca.key, { now: now() });
    expect(imported).toEqual({ written: ['pki/etcd/ca.key', 'pki/etcd/ca.crt'], warnings: [] });
    await ensure(smallPlan(), store, { now: now() });
    const at = new Date(Date.now() + 5000);
    await expect(
      verify(store.file('pki/etcd/ca.crt'), store.file('etcd/e1/peer.crt'), [], at),
    ).resolves.toContain('OK');
    expect(await importCa(store, 'etcd', ca.certificate, ca.key, { now: now() })).toMatchObject({
      written: [],
    });
  });

  test('reads a key as openssl ecparam writes it, parameters first', async () => {
    const ca = await makeCa();
    const old = await openssl('ecparam', '-name', 'prime256v1', '-genkey');
    expect(old).toContain('EC PARAMETERS');
    await expect(importCa(newStore(), 'etcd', ca.certificate, old, { now: now() })).rejects.toThrow(
      'the key is not the certificate’s',
    );
    const [parameters = ''] = /-----BEGIN EC PARAMETERS[\s\S]*?END EC PARAMETERS-----\n/.exec(old) ?? [];
    const imported = importCa(newStore(), 'etcd', ca.certificate, parameters + ca.key, { now: now() });
    await expect(imported).resolves.toBeDefined();
  });

  test('takes one that another signed, and says who will not', async () => {
    const child = await makeCa({ parent: await makeCa(), subject: '/CN=Child' });
    const store = newStore();
    const { warnings } = await importCa(store, 'etcd', child.certificate, child.key, { now: now() });
    expect(warnings).toEqual([expect.stringContaining('want the root too')]);
    await ensure(planOf({ e1: ['etcd', '10.0.0.11'] }), store, { now: now() });
    const [ca, leaf, at] = [
      store.file('pki/etcd/ca.crt'),
      store.file('etcd/e1/peer.crt'),
      new Date(Date.now() + 5000),
    ];
    await expect(verify(ca, leaf, ['-partial_chain'], at)).resolves.toContain('OK');
    await expect(verify(ca, leaf, [], at)).rejects.toThrow();
  });

  test('takes one whose key stays away, where nobody here needs it', async () => {
    const ca = await makeCa();
    const store = newStore();
    await importCa(store, 'etcd', ca.certificate, undefined, { now: now() });
    expect(store.list()).toEqual(['pki/etcd/ca.crt']);
    await ensure(planOf({ w1: ['worker', '10.0.0.1'] }), store, { now: now() });
  });

  test('takes a newer certificate for the same key, and no other without force', async () => {
    const [ca, other] = [await makeCa(), await makeCa({ subject: '/CN=Other' })];
    const store = newStore();
    await importCa(store, 'etcd', ca.certificate, ca.key, { now: now() });
    const before = contents(store);
    await expect(importCa(store, 'etcd', other.certificate, other.key, { now: now() })).rejects.toThrow(
      'is another authority',
    );
    await expect(
      importCa(store, 'etcd', other.certificate, undefined, { now: now(), force: true }),
    ).rejects.toThrow('key of another');
    expect(contents(store)).toEqual(before);
    const newer = await openssl(
      'x509',
      '-in',
      `${ca.dir}/ca.crt`,
      '-signkey',
      `${ca.dir}/ca.key`,
      '-days',
      '7000',
    );
    expect((await importCa(store, 'etcd', newer, undefined, { now: now() })).written).toEqual([
      'pki/etcd/ca.crt',
    ]);
    const forced = await importCa(store, 'etcd', other.certificate, other.key, { now: now(), force: true });
    expect(forced.written).toEqual(['pki/etcd/ca.key', 'pki/etcd/ca.crt']);
    expect(contents(store)).toEqual({ 'pki/etcd/ca.crt': other.certificate, 'pki/etcd/ca.key': other.key });
  });

  test.each<[string, string, MakeCa]>([
    ['a server’s certificate', 'is no authority’s', { extensions: ['basicConstraints=critical,CA:FALSE'] }],
    [
      'one that may not sign',
      'is no authority’s',
      { extensions: ['basicConstraints=critical,CA:TRUE', 'keyUsage=digitalSignature'] },
    ],
    [
      'a short RSA key',
      'an RSA key of 1024 bits',
      { key: ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024'] },
    ],
    ['Ed25519', 'a key of type ed25519', { key: ['-algorithm', 'ED25519'] }],
    [
      'another curve',
      'an EC key on secp256k1',
      { key: ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1'] },
    ],
  ])('refuses %s', async (_, message, how) => {
    const ca = await makeCa(how);
    const store = newStore();
    await expect(importCa(store, 'kubernetes', ca.certificate, ca.key, { now: now() })).rejects.toThrow(
      message,
    );
    expect(store.list()).toEqual([]);
  });

  test('refuses what is past, to come, another’s, locked, a chain, or nothing at all', async () => {
    const [ca, other] = [await makeCa({ days: 30 }), await makeCa()];
    const store = newStore();
    const attempt = (certificate: string, key?: string, at = now()) =>
      importCa(store, 'kubernetes', certificate, key, { now: at });
    await expect(attempt(ca.certificate, ca.key, new Date(Date.now() + 31 * 86_400_000))).rejects.toThrow(
      'expired',
    );
    await expect(attempt(ca.certificate, ca.key, new Date(Date.now() - 86_400_000))).rejects.toThrow(
      'not valid before',
    );
    await expect(attempt(ca.certificate, other.key)).rejects.toThrow('not the certificate’s');
    const locked = await openssl('pkcs8', '-topk8', '-in', `${ca.dir}/ca.key`, '-passout', 'pass:x');
    await expect(attempt(ca.certificate, locked)).rejects.toThrow('locked by a passphrase');
    await expect(attempt(ca.certificate + other.certificate, ca.key)).rejects.toThrow('holds 2 certificates');
    await expect(attempt('', ca.key)).rejects.toThrow('does not hold a certificate');
    await expect(attempt(ca.certificate, '')).rejects.toThrow('does not hold a private key');
    expect(store.list()).toEqual([]);
  });

  test('takes files with words around the PEM', async () => {
    const ca = await makeCa();
    const text = await openssl('x509', '-in', `${ca.dir}/ca.crt`, '-text');
    const store = newStore();
    await importCa(store, 'kubernetes', text, ca.key, { now: now() });
    expect(await ensure(smallPlan(), drop(store, {}), { now: now() })).toBeDefined();
  });
});
