import type { Cluster } from '../spec/schema/cluster.ts';
import type { HostSpec } from '../spec/schema/host.ts';
import type { LinkPlan } from './types.ts';

/** A host's NICs and bonds in spec order: `nic0`, `nic1` …, bonds by their own names. */
export function planLinks(host: HostSpec, cluster: Cluster): LinkPlan[] {
  return host.nics.map((nic, index) => {
    const macs = (nic.macs ?? (nic.mac ? [nic.mac] : [])).map(normalMac);
    const bonded = macs.length > 1;
    // A NIC carries the frames of the largest network on it.
    const mtu = Math.max(...nic.networks.map((name) => cluster.networks[name]?.mtu ?? 1500));
    const bond = { name: nic.bond?.name ?? 'bond0', mode: nic.bond?.mode ?? ('active-backup' as const) };
    return {
      name: bonded ? bond.name : `nic${index}`,
      macs,
      ...(bonded ? { bond } : {}),
      mtu,
      networks: [...nic.networks],
    };
  });
}

/** Lower case with colons. */
export function normalMac(mac: string): string {
  return mac.toLowerCase().replaceAll('-', ':');
}
