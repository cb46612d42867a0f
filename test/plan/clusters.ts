import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { subnetsOf } from '../../src/plan/addresses.ts';
import { toAddress, toRange } from '../../src/plan/ipv4.ts';
import { parseSpec } from '../../src/spec/load.ts';
import type { Cluster, NetworkSpec, SubnetSpec } from '../../src/spec/schema/cluster.ts';
import type { HostSpec } from '../../src/spec/schema/host.ts';

/** Clusters for what is said of addresses: one network, in one or several subnets, and hosts in it. */

const { cluster: minimal } = parseSpec([
  { file: 'minimal.yaml', text: readFileSync('examples/minimal.yaml', 'utf8') },
]);

const host = (name: string, role: string): HostSpec => ({
  name,
  role,
  nics: [{ mac: '52:54:00:00:00:01', networks: ['management'] }],
});

export const worker = (name: string) => host(name, 'worker');

export function clusterOf(
  network: Partial<NetworkSpec> & { cidr: string },
  hosts: HostSpec[],
  { vip, ingressVip }: { vip?: string; ingressVip?: string } = {},
): Cluster {
  if (!minimal) throw new Error('examples/minimal.yaml has errors');
  const { kubernetes, ingress } = minimal;
  return {
    ...minimal,
    hosts,
    networks: { management: { mtu: 1500, dns: [], shareWith: [], ...network } },
    kubernetes: { ...kubernetes, endpoint: { ...kubernetes.endpoint, ...(vip ? { vip } : {}) } },
    ingress: { ...ingress, ...(ingressVip ? { vip: ingressVip } : {}) },
  };
}

/** Addresses that belong to no host. */
export function forbidden({ networks: { management }, kubernetes, ingress }: Cluster): string[] {
  const ends = subnetsOf(management).flatMap(({ cidr, gateway }) => {
    const { first, last } = toRange(cidr);
    return [toAddress(first), toAddress(last), gateway];
  });
  return [...ends, kubernetes.endpoint.vip, ingress.vip, ...management.dns].filter((a) => a !== undefined);
}

/** Small subnets, so that they fill up. */
const subnetArbitrary = fc.record({
  prefix: fc.integer({ min: 24, max: 29 }),
  gateway: fc.nat(),
  allot: fc.option(fc.tuple(fc.nat(), fc.nat())),
});

const hostArbitrary = fc.record({
  role: fc.constantFrom('master', 'etcd', 'worker'),
  /** Where in which subnet a given address lies; null: it is allotted. */
  given: fc.option(fc.tuple(fc.nat(), fc.nat()), { freq: 2 }),
});

export const clusterArbitrary: fc.Arbitrary<Cluster> = fc
  .record({
    subnets: fc.array(subnetArbitrary, { minLength: 1, maxLength: 3 }),
    whole: fc.boolean(),
    hosts: fc.array(hostArbitrary, { maxLength: 25 }),
    others: fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 3 }),
  })
  .map(({ subnets, whole, hosts, others }) => {
    const made = subnets.map(({ prefix, gateway, allot }, index): SubnetSpec => {
      const range = toRange(`10.10.${index}.0/${prefix}`);
      const inside = (n: number) => range.first + 1 + (n % (range.last - range.first - 1));
      // From the network's own address to the broadcast address: a range may be written so.
      const anywhere = (n: number) => range.first + (n % (range.last - range.first + 1));
      const ends = allot?.map(anywhere).sort((a, b) => a - b);
      return {
        cidr: `10.10.${index}.0/${prefix}`,
        gateway: toAddress(inside(gateway)),
        ...(index < subnets.length - 1 ? { roles: [['master'], ['etcd']][index] ?? [] } : {}),
        ...(ends ? { allot: { from: toAddress(ends[0] ?? 0), to: toAddress(ends[1] ?? 0) } } : {}),
      };
    });
    const used = new Set(made.map(({ gateway }) => gateway));
    /** A free address of some subnet, or none where the dice fell badly. */
    const pick = ([which, n]: [number, number]): string | undefined => {
      const range = toRange(made[which % made.length]?.cidr ?? '');
      const address = toAddress(range.first + 1 + (n % (range.last - range.first - 1)));
      if (used.has(address)) return undefined;
      used.add(address);
      return address;
    };
    const [vip, ingressVip, dns] = others.map(pick);
    const specs = hosts.map(({ role, given }, index): HostSpec => {
      const address = given ? pick(given) : undefined;
      return {
        ...host(`host-${index}`, role),
        ...(address ? { addresses: { management: address } } : {}),
      };
    });
    const [only] = made;
    const network: Partial<NetworkSpec> =
      whole && made.length === 1 && only
        ? { gateway: only.gateway, ...(only.allot ? { allot: only.allot } : {}) }
        : { subnets: made };
    return clusterOf(
      {
        cidr: whole && only && made.length === 1 ? only.cidr : '10.10.0.0/20',
        dns: dns ? [dns] : [],
        ...network,
      },
      specs,
      { ...(vip ? { vip } : {}), ...(ingressVip ? { ingressVip } : {}) },
    );
  });

/** Hosts that are not in any of the clusters above; their addresses are allotted. */
export const newHosts: fc.Arbitrary<HostSpec[]> = fc
  .array(fc.constantFrom('master', 'etcd', 'worker'), { maxLength: 10 })
  .map((roles) => roles.map((role, index) => host(`new-${index}`, role)));
