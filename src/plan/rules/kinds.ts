import type { KubernetesMinor } from '../../catalog/schema.ts';
import { cgroupVersion } from '../cgroup.ts';
import type { HostPlan } from '../types.ts';
import { minorOf } from '../units.ts';
import { type RuleContext, words } from './rule.ts';

/** What the catalogue says of the spec's minor version of Kubernetes. */
export function minorData({ cluster, catalog }: RuleContext): KubernetesMinor | undefined {
  return catalog.kubernetes.minors[minorOf(cluster.kubernetes.version)];
}

/** Nodes of the plan by the release and kernel they run, so that a thousand alike give one problem. */
export function nodeKinds({ plan }: RuleContext, all = false): HostPlan[][] {
  const kinds = new Map<string, HostPlan[]>();
  for (const host of plan.hosts) {
    if (!all && !host.isNode) continue;
    const kind = `${host.os.name} ${host.kernel.flavor} ${host.kernel.version} ${cgroupVersion(host)}`;
    kinds.set(kind, [...(kinds.get(kind) ?? []), host].slice(0, 100));
  }
  return [...kinds.values()];
}

/** The first hosts' names. */
export const names = (hosts: readonly HostPlan[]) =>
  words(
    hosts.map((host) => host.name),
    3,
  );
