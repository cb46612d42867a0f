import { X509Certificate } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { ensure } from '../../src/secrets/ensure.ts';
import { resolve } from '../../src/secrets/resolve.ts';
import { makeCa, openssl, verify } from './openssl.ts';
import { NOW, newStore, planOf, smallPlan } from './plan.ts';

const text = (file: string) => openssl('x509', '-in', file, '-noout', '-text');
const years = (n: number) =>
  new Date(Date.UTC(NOW.getUTCFullYear() + n, NOW.getUTCMonth(), NOW.getUTCDate(), 12));

describe('authorities', () => {
  test.each([
    ['pki/ca', 'kubernetes'],
    ['pki/front-proxy-ca', 'front-proxy-ca'],
    ['pki/etcd/ca', 'etcd-ca'],
  ])('%s has kubeadm’s name and extensions', async (ref, name) => {
    const store = newStore();
    await ensure(smallPlan(), store, { now: NOW });
    const file = store.file(`${ref}.crt`);
    const shown = await text(file);
    expect(shown).toMatch(new RegExp(`Issuer: CN ?= ?${name}\n`));
    expect(shown).toMatch(new RegExp(`Subject: CN ?= ?${name}\n`));
    expect(shown).toMatch(/Basic Constraints: critical\s+CA:TRUE\n/);
    expect(shown).toMatch(/Key Usage: critical\s+Digital Signature, Key Encipherment, Certificate Sign\n/);
    expect(shown).toContain('Subject Key Identifier');
    expect(shown).toMatch(new RegExp(`Subject Alternative Name: \n\\s+DNS:${name}\n`));
    expect(shown).toContain('NIST CURVE: P-256');
    await expect(verify(file, file)).resolves.toContain('OK');
  });

  test('begin a year ago and last ten, or as long as asked', async () => {
    for (const caYears of [undefined, 1, 100]) {
      const store = newStore();
      await ensure(smallPlan(), store, { now: NOW, ...(caYears === undefined ? {} : { caYears }) });
      const file = store.file('pki/ca.crt');
      const dates = (await openssl('x509', '-in', file, '-noout', '-startdate', '-enddate')).split('\n');
      expect(dates.map((line) => new Date(line.replace(/^.*=/, '')))).toEqual([
        years(-1),
        years(caYears ?? 10),
      ]);
      const nearEnd = new Date(years(caYears ?? 10).getTime() - 1000);
      await expect(verify(file, file, [], nearEnd)).resolves.toContain('OK');
      await expect(verify(file, file, [], new Date(nearEnd.getTime() + 3000))).rejects.toThrow('expired');
    }
  });

  test.each([0, 101, 1.5, Number.NaN])('do not last %s years', async (caYears) => {
    const store = newStore();
    await expect(ensure(smallPlan(), store, { now: NOW, caYears })).rejects.toThrow('cannot last');
    expect(store.list()).toEqual([]);
  });

  test('have keys that openssl finds sound, in the PEM that kubeadm writes', async () => {
    const store = newStore();
    await ensure(smallPlan(), store, { now: NOW });
    expect(store.read('pki/ca.key')).toMatch(/^-----BEGIN EC PRIVATE KEY-----\n/);
    await expect(openssl('ec', '-in', store.file('pki/ca.key'), '-check', '-noout')).resolves.toBeDefined();
    expect(store.read('pki/sa.key')).toMatch(/^-----BEGIN RSA PRIVATE KEY-----\n/);
    await expect(openssl('rsa', '-in', store.file('pki/sa.key'), '-check', '-noout')).resolves.toContain(
      'ok',
    );
    const derived = await openssl('pkey', '-in', store.file('pki/sa.key'), '-pubout');
    expect(store.read('pki/sa.pub')?.trim()).toBe(derived.trim());
  });

  test('are pinned by the hash of their public key', async () => {
    const store = newStore();
    const plan = smallPlan();
    await ensure(plan, store, { now: NOW });
    const spki = store.file('pki/spki.der');
    await openssl('pkey', '-in', store.file('pki/ca.key'), '-pubout', '-outform', 'DER', '-out', spki);
    const hash = (await openssl('dgst', '-sha256', '-r', spki)).split(' ')[0];
    expect(resolve(plan, store)('pki/discovery-hash')).toBe(`sha256:${hash}\n`);
  });
});

describe('certificates', () => {
  test('of an etcd member serve its names and addresses, and call others', async () => {
    const store = newStore();
    await ensure(smallPlan(), store, { now: NOW });
    const ca = store.file('pki/etcd/ca.crt');
    for (const use of ['server', 'peer']) {
      const file = store.file(`etcd/e2/${use}.crt`);
      for (const ip of ['10.0.0.12', '127.0.0.1', '::1']) {
        await expect(verify(ca, file, ['-purpose', 'sslserver', '-verify_ip', ip])).resolves.toContain('OK');
      }
      for (const name of ['e2', 'localhost']) {
        await expect(
          verify(ca, file, ['-purpose', 'sslclient', '-verify_hostname', name]),
        ).resolves.toContain('OK');
      }
      await expect(verify(ca, file, ['-verify_ip', '10.0.0.11'])).rejects.toThrow('mismatch');
      await expect(verify(ca, file, ['-verify_hostname', 'e1'])).rejects.toThrow('mismatch');
      const shown = await text(file);
      expect(shown).toMatch(/Subject: CN ?= ?e2\n/);
      expect(shown).toMatch(/Basic Constraints: critical\s+CA:FALSE\n/);
      expect(shown).toMatch(/Key Usage: critical\s+Digital Signature, Key Encipherment\n/);
      expect(shown).toContain('Authority Key Identifier');
    }
  });

  test.each([
    ['pki/apiserver-etcd-client', 'kube-apiserver-etcd-client'],
    ['etcd/e1/healthcheck-client', 'kube-etcd-healthcheck-client'],
  ])('%s is a client’s, and no administrator’s', async (ref, name) => {
    const store = newStore();
    await ensure(smallPlan(), store, { now: NOW });
    const [ca, file] = [store.file('pki/etcd/ca.crt'), store.file(`${ref}.crt`)];
    await expect(verify(ca, file, ['-purpose', 'sslclient'])).resolves.toContain('OK');
    await expect(verify(ca, file, ['-purpose', 'sslserver'])).rejects.toThrow('purpose');
    const shown = await text(file);
    expect(shown).toMatch(new RegExp(`Subject: CN ?= ?${name}\n`));
    expect(shown).not.toContain('system:masters');
    expect(shown).not.toContain('Alternative Name');
  });

  test('are of the etcd authority alone', async () => {
    const store = newStore();
    await ensure(smallPlan(), store, { now: NOW });
    for (const other of ['pki/ca.crt', 'pki/front-proxy-ca.crt']) {
      await expect(verify(store.file(other), store.file('etcd/e1/server.crt'))).rejects.toThrow('issuer');
    }
  });

  test('last five years, and never longer than their authority', async () => {
    for (const [making, end] of [
      [{}, 5],
      [{ leafYears: 2 }, 2],
      [{ caYears: 3 }, 3],
    ] as const) {
      const store = newStore();
      await ensure(smallPlan(), store, { now: NOW, ...making });
      const certificate = new X509Certificate(store.read('etcd/e1/peer.crt') ?? '');
      expect(new Date(certificate.validFrom)).toEqual(years(-1));
      expect(new Date(certificate.validTo)).toEqual(years(end));
    }
  });

  test('have serial numbers of 128 random bits, positive and all different', async () => {
    const store = newStore();
    await ensure(smallPlan(), store, { now: NOW });
    const serials = store
      .list()
      .filter((ref) => ref.endsWith('.crt'))
      .map((ref) => new X509Certificate(store.read(ref) ?? '').serialNumber);
    expect(new Set(serials).size).toBe(serials.length);
    for (const serial of serials) expect(serial).toMatch(/^[0-9A-F]{20,34}$/);
  });

  // Names of other kinds and keys of other kinds must come through as they are: Go compares the issuer's bytes.
  test.each([
    ['RSA', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:2048'], '/O=Acme/CN=Company CA'],
    [
      'P-384',
      ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-384'],
      '/C=DE/O=Müller & Söhne, "KG"/OU=a+b/CN=CA #1',
    ],
    [
      'P-521',
      ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-521'],
      '/DC=example/DC=org/CN=中文/emailAddress=a@example.org',
    ],
  ])('are signed by an %s authority of one’s own', async (_, key, subject) => {
    const ca = await makeCa({ key, subject });
    const store = newStore();
    const now = new Date();
    await store.exclusively(async () => {
      store.write('pki/etcd/ca.crt', ca.certificate);
      store.write('pki/etcd/ca.key', ca.key);
    });
    await ensure(planOf({ e1: ['etcd', '10.0.0.11'] }), store, { now });
    expect(store.read('pki/etcd/ca.crt')).toBe(ca.certificate);
    const at = new Date(now.getTime() + 5000);
    await expect(
      verify(store.file('pki/etcd/ca.crt'), store.file('etcd/e1/server.crt'), [], at),
    ).resolves.toContain('OK');
    const der = async (file: string, which: string) =>
      (await openssl('x509', '-in', file, '-noout', which, '-nameopt', 'multiline,show_type')).replace(
        /^.*\n/,
        '',
      );
    expect(await der(store.file('etcd/e1/server.crt'), '-issuer')).toBe(
      await der(store.file('pki/etcd/ca.crt'), '-subject'),
    );
  });
});
