import { levels } from '../../spec/levels.ts';
import type { VolumeSpec } from '../../spec/schema/host.ts';
import { PAIR, volumeName } from '../layout.ts';
import { sizeText, toBytes } from '../units.ts';
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

/** XFS wants 300 MiB, and Anaconda makes smaller volumes larger. */
const SMALLEST = 512 * 2 ** 20;

function mountProblem({ mount }: VolumeSpec, group: 'system' | 'data'): string | undefined {
  if (NEVER.test(mount)) return `${mount} cannot be a volume of its own`;
  if (group === 'data' && NOT_OPTIONAL.test(mount))
    return `${mount} must be there when a host starts without its data disks`;
  if (group === 'system' && mount.startsWith('/data/'))
    return `${mount} lies below /data, which may be missing`;
  return undefined;
}

export const diskRules: Rule[] = [
  {
    code: 'disk-count',
    severity: 'error',
    title: 'A number of disks that makes no layout',
    reason:
      'The system needs a disk, or two for a mirror; data does without, or takes one, two, or an even number from four on: then it is RAID-10, or pairs.',
    remedy: 'Correct `disks.system.count` or `disks.data.count`.',
    example: 'disks: { system: { count: 0 } }\n',
    check: ({ cluster }, report) => {
      for (const { settings, path } of levels(cluster)) {
        if (settings.disks?.system?.count === 0)
          report(
            [...path, 'disks', 'system', 'count'],
            'the system needs a disk',
            'set it to 1, or to 2 for a mirror',
          );
        const data = settings.disks?.data?.count ?? 0;
        if (data > PAIR && data % 2 === 1)
          report(
            [...path, 'disks', 'data', 'count'],
            `${data} disks cannot be mirrored`,
            `set it to ${data - 1} or ${data + 1}`,
          );
      }
    },
  },
  {
    code: 'disk-raid',
    severity: 'error',
    title: 'Four disks are wanted, and there are fewer',
    reason: '`raid` says what four and more data disks are; two are always a mirror.',
    remedy: 'Set `disks.data.count` to 4 or more, or remove `disks.data.raid`.',
    example: 'disks: { data: { count: 2, raid: raid10 } }\n',
    check: ({ cluster, host }, report) => {
      const seen = new Set<string>();
      for (const [index, spec] of cluster.hosts.entries()) {
        const count = host.get(spec.name)?.disks.groups.find(({ name }) => name === 'data')?.count ?? 0;
        if (count > PAIR) continue;
        const level = spec.disks?.data?.raid
          ? ['hosts', index]
          : cluster.roles[spec.role]?.disks?.data?.raid
            ? ['roles', spec.role]
            : cluster.disks?.data?.raid
              ? []
              : undefined;
        if (!level || seen.has(level.join(' '))) continue;
        seen.add(level.join(' '));
        report(
          [...level, 'disks', 'data', 'raid'],
          `${spec.name} has ${count === 0 ? 'no disks' : count === 1 ? '1 disk' : `${count} disks`} for data, and raid is for four and more`,
          'set disks.data.count, or remove raid',
        );
      }
    },
  },
  {
    code: 'disk-volume',
    severity: 'error',
    title: 'A volume that cannot be',
    reason:
      'Some paths are the system’s own, some it needs before data disks are there (hosts start without those), two volumes cannot share a mount point or a name, and XFS wants 300 MiB.',
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
      for (const [index, spec] of context.cluster.hosts.entries()) {
        const [layout] = context.host.get(spec.name)?.disks.layouts ?? [];
        for (const [first] of repeated(layout?.filesystems ?? [], ({ mount }) => volumeName(mount))) {
          // Said once: a thousand hosts may share one list of volumes.
          if (!first || seen.has(first.mount)) continue;
          seen.add(first.mount);
          report(
            ['hosts', index],
            `two volumes of ${spec.name} are ${first.mount}, or are named as it is`,
            'give each a mount point of its own',
          );
        }
      }
    },
  },
  {
    code: 'disk-size-range',
    severity: 'error',
    title: 'No disk can have such a size',
    reason: 'The smallest size that matches is larger than the largest.',
    remedy: 'Correct `size.min` or `size.max`.',
    example: 'disks: { system: { size: { min: 2T, max: 1T } } }\n',
    check: ({ cluster, host }, report) => {
      const seen = new Set<string>();
      for (const [index, spec] of cluster.hosts.entries()) {
        const plan = host.get(spec.name);
        for (const { name, min, max, least } of plan?.disks.groups ?? []) {
          if (max === undefined || Math.max(min ?? 0, least) <= max) continue;
          // The level that has the last word.
          const level = spec.disks?.[name]?.size
            ? ['hosts', index]
            : cluster.roles[spec.role]?.disks?.[name]?.size
              ? ['roles', spec.role]
              : [];
          const path = [...level, 'disks', name, 'size'];
          if (seen.has(path.join(' '))) continue;
          seen.add(path.join(' '));
          const [wanted, why] =
            min !== undefined && min > max
              ? [min, 'correct size.min or size.max']
              : [least, 'correct size.max, or the volumes: the layout needs as much'];
          report(
            path,
            `the ${name} disks of ${spec.name} must be at least ${sizeText(wanted)} and at most ${sizeText(max)}`,
            why,
          );
        }
      }
    },
  },
];
