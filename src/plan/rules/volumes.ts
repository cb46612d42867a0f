import type { Path } from '../../report/problem.ts';
import { levels } from '../../spec/levels.ts';
import type { VolumeSpec } from '../../spec/schema/host.ts';
import { volumeName } from '../layout.ts';
import { toBytes } from '../units.ts';
import { type Rule, type RuleContext, repeated } from './rule.ts';

const GROUPS = ['system', 'data'] as const;

/** The volumes that the spec names, at whichever level, with their place. */
function* volumes({ cluster }: RuleContext) {
  for (const { settings, path } of levels(cluster)) {
    for (const group of GROUPS) {
      const list = settings.disks?.[group]?.volumes ?? [];
      yield { group, list, path: [...path, 'disks', group, 'volumes'] };
    }
  }
}

/** What the system itself mounts, or cannot start without on a disk of its own, and names of our own groups. */
const NEVER =
  /^\/(boot|efi|etc|usr|bin|sbin|lib|lib32|lib64|libx32|dev|proc|sys|run|root|data|system)$|^\/(boot|dev|proc|sys|run|usr|etc)\//;
/** What the system needs, though the host starts without the data disks. */
const NOT_OPTIONAL = /^\/(var|tmp|var\/(lib|log|tmp|cache|spool))$/;

/** What md has room for in the name of an array. */
const LONGEST = 32;

/** XFS wants 300 MiB, and Anaconda makes smaller volumes larger. */
const SMALLEST = 512 * 2 ** 20;

function mountProblem({ mount }: VolumeSpec, group: 'system' | 'data'): string | undefined {
  if (volumeName(mount).length > LONGEST) return `${mount} is too long: ${LONGEST} characters are the most`;
  if (NEVER.test(mount)) return `${mount} cannot be a volume of its own`;
  if (group === 'data' && NOT_OPTIONAL.test(mount))
    return `${mount} must be there when a host starts without its data disks`;
  if (group === 'system' && mount.startsWith('/data/'))
    return `${mount} lies below /data, which may be missing`;
  return undefined;
}

/** Where the spec says that a host has a volume: the last place that does. */
function placeOf(context: RuleContext, host: string, role: string, mount: string): Path {
  const index = context.cluster.hosts.findIndex(({ name }) => name === host);
  const found = [...volumes(context)]
    .filter(({ path: [level, which] }) => level === 'disks' || which === role || which === index)
    .flatMap(({ list, path }) => list.map((volume, n) => ({ volume, path: [...path, n, 'mount'] })))
    .filter(({ volume }) => volume.mount === mount);
  return found.at(-1)?.path ?? ['hosts', index];
}

export const volumeRules: Rule[] = [
  {
    code: 'disk-volume',
    severity: 'error',
    title: 'A volume that cannot be',
    reason:
      'Some paths are the system’s own, some it needs before data disks are there (hosts start without those), two volumes cannot share a mount point or a name, and one below 512 MiB is too small for XFS and for Anaconda.',
    remedy: 'Choose another mount point, or at least 512Mi.',
    example: 'disks: { system: { volumes: [{ mount: /etc, size: 1G }] } }\n',
    check: (context, report) => {
      for (const { group, list, path } of volumes(context)) {
        for (const [index, volume] of list.entries()) {
          const problem = mountProblem(volume, group);
          if (problem) report([...path, index, 'mount'], problem, 'choose another mount point');
          if (toBytes(volume.size) < SMALLEST)
            report(
              [...path, index, 'size'],
              `${volume.size} is too small for ${volume.mount}`,
              'give it 512Mi or more',
            );
        }
      }
      const seen = new Set<string>();
      for (const { name, role, disks } of context.host.values()) {
        for (const [first, second] of repeated(disks.layouts[0]?.filesystems ?? [], ({ mount }) =>
          volumeName(mount),
        )) {
          // Said once: a thousand hosts may share one list of volumes.
          if (!first || !second || NEVER.test(second.mount) || seen.has(second.mount)) continue;
          seen.add(second.mount);
          report(
            placeOf(context, name, role.name, second.mount),
            first.mount === second.mount
              ? `${name} has ${first.mount} twice`
              : `${first.mount} and ${second.mount} of ${name} would both be named ${volumeName(first.mount)}`,
            first.mount === second.mount ? 'remove one of the two' : 'choose another mount point',
          );
        }
      }
    },
  },
];
