import { chmodSync, statSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/report/errors.ts';
import { ensure, missing } from '../../src/secrets/ensure.ts';
import { resolve } from '../../src/secrets/resolve.ts';
import { openStore } from '../../src/secrets/store.ts';
import { makeCa } from './openssl.ts';
import { codes, contents, drop, everyRef, everything, NOW, newStore, planOf, smallPlan } from './plan.ts';

describe('ensure', () => {
  test.each([
    ['external', smallPlan()],
    ['stacked', planOf({ c1: ['control', '10.0.0.1'], w1: ['worker', '10.0.0.2'] }, { topology: 'stacked' })],
    ['without a console account', planOf({ c1: ['control', '10.0.0.1'] }, { user: false })],
    ['without a server to report to', planOf({ c1: ['control', '10.0.0.1'] }, { reports: false })],
    ['workers only', planOf({ w1: ['worker', '10.0.0.2'] })],
    ['members only', planOf({ e1: ['etcd', '10.0.0.2'] })],
  ])('makes everything that a plan names: %s', async (_, plan) => {
    const store = newStore();
    await ensure(plan, store, { now: NOW });
    const value = resolve(plan, store);
    for (const ref of everyRef(plan)) expect(value(ref), ref).toMatch(/^\S[\s\S]*[^\n]\n$/);
  });

  test('makes nothing twice and changes nothing', async () => {
    const store = newStore();
    const wanted = missing(smallPlan(), store);
    const { made } = await ensure(smallPlan(), store, { now: NOW });
    expect(made).toEqual(wanted);
    const before = contents(store);
    expect(await ensure(smallPlan(), openStore(store.dir), { now: NOW })).toEqual({ made: [] });
    expect(contents(store)).toEqual(before);
  });

  test('asked what is missing, makes not even the directory', () => {
    const store = newStore();
    expect(missing(smallPlan(), store)).toEqual([
      ...[
        'pki/ca.key',
        'pki/ca.crt',
        'pki/front-proxy-ca.key',
        'pki/front-proxy-ca.crt',
        'pki/etcd/ca.key',
        'pki/etcd/ca.crt',
      ],
      ...['pki/sa.key', 'pki/sa.pub', 'pki/apiserver-etcd-client.key', 'pki/apiserver-etcd-client.crt'],
      ...['e1', 'e2', 'e3'].flatMap((host) =>
        ['server', 'peer', 'healthcheck-client'].flatMap((use) => [
          `etcd/${host}/${use}.key`,
          `etcd/${host}/${use}.crt`,
        ]),
      ),
      ...['console-password', 'console-password.line', 'report-master'],
      ...['tokens/c1', 'tokens/w1', 'tokens/w2'],
    ]);
    expect(() => statSync(store.dir)).toThrow('ENOENT');
  });

  test('makes only what a host that came later lacks', async () => {
    const store = newStore();
    await ensure(planOf({ c1: ['control', '10.0.0.21'], e1: ['etcd', '10.0.0.11'] }), store, { now: NOW });
    const before = contents(store);
    const { made } = await ensure(smallPlan(), store, { now: NOW });
    expect(made).toContain('etcd/e3/server.crt');
    expect(made).toContain('tokens/w2');
    expect(made.filter((ref) => ref.startsWith('pki/') || ref.includes('e1') || ref === 'tokens/c1')).toEqual(
      [],
    );
    const after = contents(store);
    for (const [ref, value] of Object.entries(before))
      if (ref !== 'tokens.json') expect(after[ref], ref).toBe(value);
    expect(JSON.parse(after['tokens.json'] ?? '')).toMatchObject(JSON.parse(before['tokens.json'] ?? ''));
  });

  test('after an interruption gives the key that is there its certificate', async () => {
    const first = newStore();
    await ensure(smallPlan(), first, { now: NOW });
    const key = first.read('etcd/e1/peer.key');
    const store = drop(first, {
      'etcd/e1/peer.crt': null,
      'pki/front-proxy-ca.crt': null,
      'pki/sa.pub': null,
    });
    const { made } = await ensure(smallPlan(), store, { now: NOW });
    expect(made).toEqual(['pki/front-proxy-ca.crt', 'pki/sa.pub', 'etcd/e1/peer.crt']);
    expect(store.read('etcd/e1/peer.key')).toBe(key);
    expect(await ensure(smallPlan(), store, { now: NOW })).toEqual({ made: [] });
  });

  test('gives a thousand hosts their tokens', async () => {
    const workers = Array.from({ length: 1000 }, (_, i) => [`w${i}`, ['worker', '10.0.1.1']] as const);
    const members = Array.from({ length: 5 }, (_, i) => [`e${i}`, ['etcd', `10.0.0.${i}`]] as const);
    const plan = planOf(Object.fromEntries([...workers, ...members, ['c1', ['control', '10.0.2.1']]]));
    const store = newStore();
    await ensure(plan, store, { now: NOW });
    const value = resolve(plan, store);
    expect(value('tokens/all').trim().split('\n')).toHaveLength(1001);
  });

  test('does not let two at once mix their keys', async () => {
    const store = newStore();
    const results = await Promise.allSettled(
      [1, 2, 3].map(() => ensure(smallPlan(), openStore(store.dir), { now: NOW })),
    );
    expect(results.filter((result) => result.status === 'fulfilled').length).toBeGreaterThan(0);
    for (const result of results) {
      if (result.status === 'rejected')
        expect(String(result.reason)).toContain('another imgbuild is writing secrets');
    }
    expect(await ensure(smallPlan(), openStore(store.dir), { now: NOW })).toEqual({ made: [] });
  });

  test('refuses a host whose token would be everybody’s', async () => {
    const plan = planOf({ all: ['worker', '10.0.0.9'], c1: ['control', '10.0.0.1'] });
    await expect(ensure(plan, newStore(), { now: NOW })).rejects.toThrow('named "all"');
    const member = planOf({ all: ['etcd', '10.0.0.9'] });
    await expect(ensure(member, newStore(), { now: NOW })).resolves.toBeDefined();
  });

  test('knows every secret that the planner hands out', () => {
    const plan = smallPlan();
    plan.hosts[0]?.secrets.push({ path: '/x', mode: 0o600, ref: 'pki/unheard-of.key' });
    expect(() => missing(plan, newStore())).toThrow('pki/unheard-of.key');
  });
});

describe('a CA’s key that is kept away', () => {
  test('is not asked for where nobody needs it', async () => {
    const first = newStore();
    await ensure(smallPlan(), first, { now: NOW });
    const store = drop(first, { 'pki/etcd/ca.key': null });
    expect(await ensure(smallPlan(), store, { now: NOW })).toEqual({ made: [] });
    expect(() => everyRef(smallPlan()).map(resolve(smallPlan(), store))).not.toThrow();
  });

  test('is, where something has yet to be signed', async () => {
    const first = newStore();
    await ensure(smallPlan(), first, { now: NOW });
    const store = drop(first, { 'pki/etcd/ca.key': null, 'etcd/e1/server.crt': null });
    expect(await codes(ensure(smallPlan(), store, { now: NOW }))).toEqual(['secret-incomplete']);
  });

  test('is, where a control plane is given it', async () => {
    const ca = await makeCa();
    const store = drop(newStore(), { 'pki/ca.crt': ca.certificate });
    expect(await codes(ensure(smallPlan(), store, { now: new Date() }))).toEqual(['secret-incomplete']);
    expect(store.list()).toEqual(['pki/ca.crt']);
  });
});

describe('what would not work is refused before anything is made', () => {
  const made = everything();

  test.each<[string, string, (all: Record<string, string>) => Record<string, string | null>]>([
    ['another’s key', 'secret-key-mismatch', (all) => ({ 'pki/ca.key': all['pki/etcd/ca.key'] ?? '' })],
    [
      'another’s leaf key',
      'secret-key-mismatch',
      (all) => ({ 'etcd/e1/peer.key': all['etcd/e2/peer.key'] ?? '' }),
    ],
    [
      'a leaf in place of a CA',
      'secret-not-a-ca',
      (all) => ({ 'pki/ca.crt': all['etcd/e1/peer.crt'] ?? '' }),
    ],
    [
      'another CA’s leaf',
      'secret-not-signed',
      (all) => ({ 'pki/etcd/ca.crt': all['pki/ca.crt'] ?? '', 'pki/etcd/ca.key': all['pki/ca.key'] ?? '' }),
    ],
    [
      'another host’s',
      'secret-does-not-fit',
      (all) => ({
        'etcd/e1/peer.crt': all['etcd/e2/peer.crt'] ?? '',
        'etcd/e1/peer.key': all['etcd/e2/peer.key'] ?? '',
      }),
    ],
    [
      'a client’s for a server',
      'secret-does-not-fit',
      (all) => ({
        'etcd/e1/peer.crt': all['etcd/e1/healthcheck-client.crt'] ?? '',
        'etcd/e1/peer.key': all['etcd/e1/healthcheck-client.key'] ?? '',
      }),
    ],
    ['a certificate without its key', 'secret-incomplete', () => ({ 'etcd/e1/peer.key': null })],
    [
      'certificates without their CA',
      'secret-incomplete',
      () => ({ 'pki/etcd/ca.crt': null, 'pki/etcd/ca.key': null }),
    ],
    ['a public key alone', 'secret-incomplete', () => ({ 'pki/sa.key': null })],
    ['another public key', 'secret-key-mismatch', (all) => ({ 'pki/sa.key': all['pki/ca.key'] ?? '' })],
    [
      'half a certificate',
      'secret-unusable',
      (all) => ({ 'pki/ca.crt': (all['pki/ca.crt'] ?? '').slice(0, 300) }),
    ],
    ['an empty key', 'secret-unusable', () => ({ 'etcd/e2/server.key': '' })],
    [
      'two certificates',
      'secret-unusable',
      (all) => ({ 'pki/ca.crt': `${all['pki/ca.crt']}${all['pki/etcd/ca.crt']}` }),
    ],
    ['broken tokens', 'secret-unusable', () => ({ 'tokens.json': '{"w1":"abcdef.0123456789abcdef",' })],
    [
      'a token of another form',
      'secret-unusable',
      () => ({ 'tokens.json': '{"w1":"ABCDEF.0123456789abcdef"}' }),
    ],
    [
      'a token given twice',
      'secret-unusable',
      () => ({ 'tokens.json': '{"w1":"abcdef.0123456789abcdef","w2":"abcdef.0123456789abcdeg"}' }),
    ],
    ['two passwords', 'secret-unusable', () => ({ 'console-password': 'first-password\nsecond-password\n' })],
    ['half a report master', 'secret-unusable', () => ({ 'report-master': `${'0a'.repeat(31)}\n` })],
    ['another password’s hash', 'secret-key-mismatch', () => ({ 'console-password': 'something-else\n' })],
    [
      'a password for a hash',
      'secret-unusable',
      () => ({ 'console-password.line': 'breakglass:plain-text\n' }),
    ],
  ])('%s', async (_, code, change) => {
    const all = await made;
    const store = drop(drop(newStore(), all), change(all));
    const before = contents(store);
    expect(new Set(await codes(ensure(smallPlan(), store, { now: NOW })))).toContain(code);
    expect(contents(store)).toEqual(before);
  });

  test('what is past its time', async () => {
    const store = drop(newStore(), await made);
    const late = new Date('2031-04-01');
    expect(new Set(await codes(ensure(smallPlan(), store, { now: late })))).toEqual(
      new Set(['secret-expired']),
    );
  });

  test.each([
    ['RSA of 1024 bits', ['-algorithm', 'RSA', '-pkeyopt', 'rsa_keygen_bits:1024']],
    ['Ed25519', ['-algorithm', 'ED25519']],
    ['secp256k1', ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:secp256k1']],
  ])('a CA that Kubernetes would not take: %s', async (_, key) => {
    const ca = await makeCa({ key });
    const store = drop(newStore(), { 'pki/ca.crt': ca.certificate, 'pki/ca.key': ca.key });
    expect(await codes(ensure(smallPlan(), store, { now: new Date() }))).toContain('secret-not-a-ca');
  });

  test('a secret that others can read, and only then', async () => {
    const store = drop(newStore(), await made);
    chmodSync(store.file('pki/ca.crt'), 0o644);
    chmodSync(store.file('pki/ca.key'), 0o640);
    const fresh = openStore(store.dir);
    expect(await codes(ensure(smallPlan(), fresh, { now: NOW }))).toContain('secret-unusable');
    expect(() => fresh.read('pki/ca.key')).toThrow(UserError);
    chmodSync(store.file('pki/ca.key'), 0o600);
    expect(await ensure(smallPlan(), openStore(store.dir), { now: NOW })).toEqual({ made: [] });
  });
});

describe('resolve', () => {
  test('names what is missing, and the way to make it', () => {
    const store = newStore();
    const value = resolve(smallPlan(), store);
    for (const ref of everyRef(smallPlan())) {
      expect(() => value(ref)).toThrow(new RegExp(`${ref.replaceAll('.', '\\.')} is not in`));
    }
  });

  test('gives no token of a host that has left', async () => {
    const store = newStore();
    await ensure(smallPlan(), store, { now: NOW });
    const rest = planOf({
      c1: ['control', '10.0.0.21'],
      e1: ['etcd', '10.0.0.11'],
      w2: ['worker', '10.0.0.32'],
    });
    const value = resolve(rest, store);
    expect(value('tokens/all')).toBe(`${value('tokens/c1').trim()} c1\n${value('tokens/w2').trim()} w2\n`);
    expect(() => value('tokens/w1')).toThrow(UserError);
  });

  test('puts the plan’s account before the hash', async () => {
    const store = newStore();
    await ensure(smallPlan(), store, { now: NOW });
    const hash = resolve(smallPlan(), store)('console-password.line').split(':')[1];
    const renamed = planOf({ c1: ['control', '10.0.0.21'] }, { user: 'rescue' });
    expect(resolve(renamed, store)('console-password.line')).toBe(`rescue:${hash}`);
    expect(await ensure(renamed, store, { now: NOW })).toEqual({ made: [] });
  });

  test('does without the password itself', async () => {
    const first = newStore();
    await ensure(smallPlan(), first, { now: NOW });
    const store = drop(first, { 'console-password': null });
    expect(await ensure(smallPlan(), store, { now: NOW })).toEqual({ made: [] });
    expect(resolve(smallPlan(), store)('console-password.line')).toMatch(/^breakglass:\$6\$/);
  });
});
