import { chmodSync } from 'node:fs';
import { expect, describe as group, test } from 'vitest';
import { describe, orphans, type Status } from '../../src/secrets/describe.ts';
import { ensure } from '../../src/secrets/ensure.ts';
import { openStore, type SecretStore } from '../../src/secrets/store.ts';
import { checkStore } from '../../src/secrets/survey.ts';
import { openssl } from './openssl.ts';
import { contents, drop, everyRef, NOW, newStore, planOf, smallPlan } from './plan.ts';

async function full(): Promise<SecretStore> {
  const store = newStore();
  await ensure(smallPlan(), store, { now: NOW });
  return store;
}

const status = (store: SecretStore, now = NOW, plan = smallPlan()): Record<string, Status> =>
  Object.fromEntries(describe(plan, store, now).map((row) => [row.ref, row.status]));
const unlike = (store: SecretStore, now = NOW) =>
  Object.entries(status(store, now)).filter(([, state]) => state !== 'ok');

group('describe', () => {
  test('has a row for everything that the hosts are given', async () => {
    const store = newStore();
    expect(new Set(Object.values(status(store)))).toEqual(new Set(['missing']));
    await ensure(smallPlan(), store, { now: NOW });
    const rows = describe(smallPlan(), store, NOW);
    expect(new Set(rows.map((row) => row.status))).toEqual(new Set(['ok']));
    const refs = rows.map((row) => row.ref);
    // Worked out from others that have a row.
    expect(everyRef(smallPlan()).filter((ref) => !refs.includes(ref))).toEqual([
      ...['tokens/all', 'report/c1', 'report/e1', 'report/e2', 'report/e3', 'report/w1', 'report/w2'],
    ]);
    expect(refs).toContain('report-master');
    const file = store.file('etcd/e1/server.crt');
    const fingerprint = (await openssl('x509', '-in', file, '-noout', '-fingerprint', '-sha256')).replace(
      /^.*=/,
      '',
    );
    expect(rows.find((row) => row.ref === 'etcd/e1/server.crt')).toEqual({
      ref: 'etcd/e1/server.crt',
      kind: 'certificate',
      subject: 'CN=e1',
      sans: ['DNS:e1', 'DNS:localhost', 'IP:10.0.0.11', 'IP:127.0.0.1', 'IP:::1'],
      notAfter: new Date('2031-03-01T12:00:00Z'),
      daysLeft: 1825,
      status: 'ok',
      fingerprint,
      notes: [],
    });
  });

  test('says how each is doing', async () => {
    const store = await full();
    const all = contents(store);
    const leaf = (state: Status) =>
      Object.keys(all).flatMap((ref) => (/etcd.*[^a]\.crt$/.test(ref) ? [[ref, state]] : []));
    expect(new Map(unlike(store, new Date('2031-02-01')) as [string, Status][])).toEqual(
      new Map(leaf('expires soon') as [string, Status][]),
    );
    expect(new Map(unlike(store, new Date('2031-04-01')) as [string, Status][])).toEqual(
      new Map(leaf('expired') as [string, Status][]),
    );
    expect(status(store, new Date('2020-01-01'))['pki/ca.crt']).toBe('not valid yet');
    expect(status(store, new Date('2035-06-01'))['pki/ca.crt']).toBe('expires soon');
    expect(status(store, NOW, planOf({ e1: ['etcd', '10.0.0.99'] }))['etcd/e1/peer.crt']).toBe(
      'does not fit the plan',
    );

    let other = drop(store, {
      'pki/etcd/ca.key': null,
      'console-password': null,
      'etcd/e3/peer.key': all['etcd/e2/peer.key'] ?? '',
    });
    expect(unlike(other)).toEqual([
      ['pki/etcd/ca.key', 'kept elsewhere'],
      ['etcd/e3/peer.key', 'unusable'],
      ['console-password', 'kept elsewhere'],
    ]);
    other = drop(other, {
      'etcd/e3/peer.key': null,
      'tokens.json': '{"w1": 1}',
      'pki/sa.pub': 'x',
      'report-master': 'x',
      'pki/ca.key': null,
    });
    expect(unlike(other)).toEqual([
      ['pki/ca.key', 'missing'],
      ['pki/etcd/ca.key', 'kept elsewhere'],
      ['etcd/e3/peer.crt', 'unusable'],
      ['etcd/e3/peer.key', 'missing'],
      ['pki/sa.pub', 'unusable'],
      ['console-password', 'kept elsewhere'],
      ['report-master', 'unusable'],
      ...['c1', 'w1', 'w2'].map((host) => [`tokens/${host}`, 'unusable']),
    ]);
  });
});

group('checkStore', () => {
  const codes = (store: SecretStore, now = NOW) =>
    checkStore(smallPlan(), store, now).map((f) => `${f.severity} ${f.code}`);

  test('has nothing to say of a full store, nor of an empty one', async () => {
    expect(codes(newStore())).toEqual([]);
    expect(codes(await full())).toEqual([]);
  });

  test('warns in time', async () => {
    const store = await full();
    expect(new Set(codes(store, new Date('2031-02-01')))).toEqual(new Set(['warning secret-expires']));
    expect(codes(store, new Date('2031-02-01'))).toHaveLength(10);
    expect(new Set(codes(store, new Date('2020-01-01')))).toEqual(new Set(['warning secret-not-yet-valid']));
  });

  test('warns of one authority for two purposes', async () => {
    const store = await full();
    const all = contents(store);
    const shared = drop(store, {
      'pki/front-proxy-ca.crt': all['pki/ca.crt'] ?? '',
      'pki/front-proxy-ca.key': all['pki/ca.key'] ?? '',
    });
    expect(codes(shared)).toEqual(['warning secret-shared-ca']);
  });

  test('names each secret that others can read', async () => {
    const store = await full();
    for (const ref of ['pki/ca.key', 'tokens.json', 'console-password']) chmodSync(store.file(ref), 0o604);
    const findings = checkStore(smallPlan(), openStore(store.dir), NOW);
    expect(findings.map((f) => f.hint.split(';')[0])).toEqual(
      ['pki/ca.key', 'tokens.json', 'console-password'].map((ref) => `run: chmod 600 ${store.file(ref)}`),
    );
  });

  test('tells every fault at once, each with what to do', async () => {
    const store = await full();
    const all = contents(store);
    const broken = drop(store, {
      'pki/ca.key': 'nonsense',
      'etcd/e1/peer.key': all['etcd/e2/peer.key'] ?? '',
      'etcd/e2/server.crt': all['etcd/e1/server.crt'] ?? '',
      'tokens.json': '[]',
    });
    const findings = checkStore(smallPlan(), broken, NOW);
    expect(findings.map((f) => f.code).sort()).toEqual([
      'secret-does-not-fit',
      'secret-key-mismatch',
      'secret-key-mismatch',
      'secret-unusable',
      'secret-unusable',
    ]);
    for (const finding of findings) expect(finding.hint).not.toBe('');
  });
});

group('orphans', () => {
  test('are those of hosts that are gone, and nobody’s own files', async () => {
    const store = drop(await full(), { 'readme.txt': 'mine', 'etcd/notes.txt': 'mine' });
    expect(orphans(smallPlan(), store)).toEqual([]);
    const rest = planOf(
      { c1: ['control', '10.0.0.21'], e1: ['etcd', '10.0.0.11'] },
      { user: false, reports: false },
    );
    expect(orphans(rest, store)).toEqual([
      ...['console-password', 'console-password.line'],
      ...['e2', 'e3'].flatMap((host) =>
        ['healthcheck-client', 'peer', 'server'].flatMap((use) => [
          `etcd/${host}/${use}.crt`,
          `etcd/${host}/${use}.key`,
        ]),
      ),
      ...['report-master', 'tokens/w1', 'tokens/w2'],
    ]);
    expect(Object.keys(contents(store))).toContain('etcd/e2/peer.key');
  });
});
