import { expect, test } from 'vitest';
import { ensure } from '../../src/secrets/ensure.ts';
import { reportKey } from '../../src/secrets/reports.ts';
import { resolve } from '../../src/secrets/resolve.ts';
import { openStore } from '../../src/secrets/store.ts';
import { hostOf, planOf as planned, production } from '../overlays/plans.ts';
import { contents, drop, NOW, newStore, planOf, smallPlan } from './plan.ts';

const keys = (names: readonly string[], value: (ref: string) => string) =>
  Object.fromEntries(names.map((name) => [name, value(`report/${name}`)]));
const NAMES = ['c1', 'e1', 'w1'];

test('a host’s key is HMAC-SHA256 of its name, as openssl works it out', () => {
  // printf imgbuild-report:knode1 | openssl dgst -sha256 -mac HMAC -macopt hexkey:0001...1e1f
  const master = Buffer.from([...Array(32).keys()]).toString('hex');
  expect(reportKey(master, 'knode1')).toBe(
    '131a8b037120f8b07933e045013c6bd8279245ce7f4b0f18dc09359b8675f746',
  );
});

test('hosts have a key each, and all of them cost one file', async () => {
  const store = newStore();
  const { made } = await ensure(smallPlan(), store, { now: NOW });
  expect(made.filter((ref) => ref.startsWith('report'))).toEqual(['report-master']);
  expect(Object.keys(contents(store)).filter((ref) => ref.startsWith('report'))).toEqual(['report-master']);
  const of = keys(NAMES, resolve(smallPlan(), store));
  for (const key of Object.values(of)) expect(key).toMatch(/^[0-9a-f]{64}\n$/);
  expect(new Set([...Object.values(of), store.read('report-master')]).size).toBe(NAMES.length + 1);
});

test('who comes or goes changes nobody else’s, and a store that has none yet is given one', async () => {
  const older = planOf({ c1: ['control', '10.0.0.21'], w9: ['worker', '10.0.0.39'] }, { reports: false });
  const store = newStore();
  await ensure(older, store, { now: NOW });
  expect(store.has('report-master')).toBe(false);
  await ensure(smallPlan(), store, { now: NOW });
  const before = keys(NAMES, resolve(smallPlan(), store));
  const more = planOf({
    c1: ['control', '10.0.0.21'],
    e1: ['etcd', '10.0.0.11'],
    w1: ['worker', '10.0.0.31'],
  });
  expect(keys(NAMES, resolve(more, openStore(store.dir)))).toEqual(before);
});

test('a master that is no key is refused, and none is signed with', async () => {
  const store = newStore();
  await ensure(smallPlan(), store, { now: NOW });
  const broken = drop(store, { 'report-master': 'nonsense\n' });
  expect(() => resolve(smallPlan(), broken)).toThrow(`${broken.file('report-master')} is not 64 hex digits`);
  const gone = drop(store, { 'report-master': null });
  expect(() => resolve(smallPlan(), gone)('report/w1')).toThrow('the secret report/w1 is not in');
});

test('every host of a spec with a server gets its own, for root alone; without one nobody does', async () => {
  const plan = await production();
  const path = '/var/lib/imgbuild/report-key';
  for (const { name, secrets } of plan.hosts)
    expect(secrets.filter((file) => file.path === path)).toEqual([
      { path, mode: 0o600, ref: `report/${name}` },
    ]);
  const silent = planned({
    name: 'lab',
    kubernetes: { version: '1.34.12' },
    networks: { management: { cidr: '10.10.0.0/20', gateway: '10.10.0.1', dns: ['10.10.0.1'] } },
    hosts: [{ name: 'm1', role: 'master', nics: [{ mac: '52:54:00:00:00:01', networks: ['management'] }] }],
  });
  expect(hostOf(silent, 'm1').secrets.filter(({ ref }) => ref.startsWith('report'))).toEqual([]);
});
