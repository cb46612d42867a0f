import type { Path } from '../report/problem.ts';
import type { Cluster } from './schema/cluster.ts';
import type { FileSpec, RoleSettings } from './schema/host.ts';

/** The levels at which a spec may say the same things: the cluster, each role, each host. */
export function levels(cluster: Cluster): { settings: RoleSettings; path: Path; whose: string }[] {
  return [
    { settings: cluster, path: [], whose: 'every host' },
    ...Object.entries(cluster.roles).map(([role, settings]) => ({
      settings,
      path: ['roles', role],
      whose: `every ${role}`,
    })),
    ...cluster.hosts.map((host, index) => ({ settings: host, path: ['hosts', index], whose: host.name })),
  ];
}

/** Every file that a spec lays on its hosts, at whichever level, with its place in the spec. */
export function filesOf(cluster: Cluster): { file: FileSpec; path: Path }[] {
  return levels(cluster).flatMap(({ settings, path }) =>
    (settings.files ?? []).map((file, index) => ({ file, path: [...path, 'files', index] })),
  );
}
