import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type AddressLock,
  type Allotted,
  allot,
  allotRange,
  lockOf,
  subnetForRole,
} from '../../src/plan/addresses.ts';
import { contains, toNumber, toRange } from '../../src/plan/ipv4.ts';
import { LOCK_FILE, lockText, readLock } from '../../src/plan/lock.ts';
import type { Cluster } from '../../src/spec/schema/cluster.ts';
import type { HostSpec } from '../../src/spec/schema/host.ts';
import { clusterArbitrary, clusterOf, forbidden, newHosts, worker } from './clusters.ts';

const onManagement = (cluster: Cluster, lock: AddressLock = {}) =>
  allot(cluster, 'management', lock.management);
const lockAfter = (cluster: Cluster, lock?: AddressLock) =>
  lockOf(new Map([['management', onManagement(cluster, lock)]]));
const addresses = (result: Map<string, Allotted>) =>
  Object.fromEntries([...result].map(([host, { address }]) => [host, address]));

/** The addresses of hosts that another plan has too, there and here. */
function moved(before: Map<string, Allotted>, after: Map<string, Allotted>): string[] {
  return [...before].flatMap(([host, { address }]) => {
    const now = after.get(host);
    return now && now.address !== address ? [`${host}: ${address} to ${now.address}`] : [];
  });
}

describe('allotted addresses', () => {
  test('never collide, and lie where they may', () => {
    fc.assert(
      fc.property(clusterArbitrary, (cluster) => {
        const result = onManagement(cluster);
        const taken = [...result.values()].map(({ address }) => address);
        expect(taken.length).toBe(new Set(taken).size);
        const reserved = forbidden(cluster);
        for (const host of cluster.hosts) {
          const found = result.get(host.name);
          const given = host.addresses?.management;
          if (given !== undefined) {
            expect(found).toMatchObject({ address: given, allotted: false });
            continue;
          }
          const home = subnetForRole(cluster.networks.management, host.role);
          if (!home) throw new Error(`no subnet for ${host.role}`);
          const { from, to } = allotRange(home);
          if (found) {
            expect(found).toMatchObject({ allotted: true, subnet: home });
            expect(reserved).not.toContain(found.address);
            expect(toNumber(found.address)).toBeGreaterThanOrEqual(from);
            expect(toNumber(found.address)).toBeLessThanOrEqual(to);
            expect(contains(toRange(home.cidr), toNumber(found.address))).toBe(true);
          } else {
            // Left out only where nothing is left.
            const used = new Set([...taken, ...reserved].map(toNumber));
            for (let value = from; value <= to; value++) expect(used).toContain(value);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test('stay with their hosts when others are added anywhere, removed or reordered', () => {
    fc.assert(
      fc.property(
        clusterArbitrary,
        newHosts,
        fc.infiniteStream(fc.nat()),
        fc.infiniteStream(fc.boolean()),
        (cluster, added, order, stays) => {
          const before = onManagement(cluster);
          const lock = lockAfter(cluster);
          const kept = cluster.hosts.filter(() => stays.next().value);
          const hosts = [...kept, ...added]
            .map((host) => ({ host, at: order.next().value ?? 0 }))
            .sort((a, b) => a.at - b.at)
            .map(({ host }) => host);
          const after = onManagement({ ...cluster, hosts }, lock);
          expect(moved(before, after)).toEqual([]);
          for (const host of kept)
            expect(after.has(host.name)).toBe(before.has(host.name) || after.has(host.name));
        },
      ),
      { numRuns: 300 },
    );
  });

  test('stay with their hosts when others are added at the end, without a lock too', () => {
    fc.assert(
      fc.property(clusterArbitrary, newHosts, (cluster, added) => {
        const after = onManagement({ ...cluster, hosts: [...cluster.hosts, ...added] });
        expect(moved(onManagement(cluster), after)).toEqual([]);
      }),
    );
  });

  test('are the same again with the lock that they gave, and the lock with them', () => {
    fc.assert(
      fc.property(clusterArbitrary, (cluster) => {
        const lock = lockAfter(cluster);
        expect(addresses(onManagement(cluster, lock))).toEqual(addresses(onManagement(cluster)));
        expect(lockAfter(cluster, lock)).toEqual(lock);
      }),
    );
  });

  test('a lock survives being written and read', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'imgbuild-lock-'));
    const file = path.join(folder, LOCK_FILE);
    try {
      await fc.assert(
        fc.asyncProperty(clusterArbitrary, async (cluster) => {
          const lock = lockAfter(cluster);
          writeFileSync(file, lockText(lock));
          expect(await readLock(file)).toEqual(lock);
        }),
        { numRuns: 30 },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('examples', () => {
  const hosts = (count: number): HostSpec[] => Array.from({ length: count }, (_, n) => worker(`w${n}`));

  test('begin at the eleventh address, in the order of the spec', () => {
    const cluster = clusterOf({ cidr: '10.10.0.0/20', gateway: '10.10.0.1' }, hosts(3));
    expect(addresses(onManagement(cluster))).toEqual({
      w0: '10.10.0.11',
      w1: '10.10.0.12',
      w2: '10.10.0.13',
    });
  });

  test('pass over what is taken: gateway, name server, virtual addresses, given addresses', () => {
    const cluster = clusterOf(
      { cidr: '10.10.0.0/20', gateway: '10.10.0.11', dns: ['10.10.0.12'] },
      [...hosts(1), { ...worker('given'), addresses: { management: '10.10.0.15' } }],
      { vip: '10.10.0.13', ingressVip: '10.10.0.14' },
    );
    expect(addresses(onManagement(cluster))).toEqual({ w0: '10.10.0.16', given: '10.10.0.15' });
  });

  test('a host whose given address is taken away is allotted one, and moves nobody', () => {
    const given = { ...worker('given'), addresses: { management: '10.10.0.11' } };
    const before = clusterOf({ cidr: '10.10.0.0/20', gateway: '10.10.0.1' }, [given, ...hosts(2)]);
    const after = { ...before, hosts: [worker('given'), ...hosts(2)] };
    expect(addresses(onManagement(after, lockAfter(before)))).toEqual({
      w0: '10.10.0.12',
      w1: '10.10.0.13',
      given: '10.10.0.11',
    });
  });

  test('a lock that does not fit any more is passed over', () => {
    const cluster = clusterOf({ cidr: '10.10.0.0/20', gateway: '10.10.0.1' }, hosts(2));
    const lock = { management: { w0: '10.99.0.11', w1: '10.10.0.1', gone: '10.10.0.11' } };
    expect(addresses(onManagement(cluster, lock))).toEqual({ w0: '10.10.0.11', w1: '10.10.0.12' });
  });

  test('names that JavaScript knows are names like others', () => {
    const names = ['constructor', 'tostring', 'valueof'];
    const cluster = clusterOf({ cidr: '10.10.0.0/20', gateway: '10.10.0.1' }, names.map(worker));
    expect(Object.keys(addresses(onManagement(cluster, {})))).toEqual(names);
  });

  test('a thousand hosts, half of them locked', () => {
    const cluster = clusterOf({ cidr: '10.10.0.0/16', gateway: '10.10.0.1' }, hosts(1000));
    const result = onManagement(cluster, lockAfter({ ...cluster, hosts: hosts(500) }));
    expect(result.size).toBe(1000);
    expect(result.get('w999')?.address).toBe('10.10.3.242');
  });
});
