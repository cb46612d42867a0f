import type { ClusterPlan, Target } from '../../plan/types.ts';

/** The sentence at the head of every file whose format has comments. */
export function header(
  cluster: Pick<ClusterPlan, 'name'>,
  kind: Pick<Target, 'role'>,
  host?: string,
): string {
  const whose = host === undefined ? `role ${kind.role.name}` : `host ${host}`;
  return `Written by imgbuild for ${whose} of cluster ${cluster.name}; the next installation overwrites changes.`;
}
