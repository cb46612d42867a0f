import type { Path } from '../../report/problem.ts';
import { levels } from '../../spec/levels.ts';
import type { Cluster } from '../../spec/schema/cluster.ts';
import type { DisksSpec } from '../../spec/schema/host.ts';
import { PAIR } from '../layout.ts';
import { sizeText } from '../units.ts';
import type { Rule } from './rule.ts';

/** The nearest level that says something of a host's disks: what has the last word. */
function nearest(
  cluster: Cluster,
  index: number,
  says: (disks: DisksSpec) => unknown,
): { path: Path; disks: DisksSpec } | undefined {
  const host = cluster.hosts[index];
  const candidates: [Path, DisksSpec | undefined][] = [
    [['hosts', index], host?.disks],
    [['roles', host?.role ?? ''], cluster.roles[host?.role ?? '']?.disks],
    [[], cluster.disks],
  ];
  for (const [level, disks] of candidates)
    if (disks && says(disks) !== undefined) return { path: [...level, 'disks'], disks };
  return undefined;
}

/** What the kernel calls a disk, which says nothing of which one it is. */
const KERNEL_NAME = /^(\/dev\/)?([shv]d[a-z]+|nvme\d+n\d+)$/;

/** A report for each place once, however many hosts it is wrong for. */
function once(report: (path: Path, message: string, hint: string) => void): typeof report {
  const seen = new Set<string>();
  return (path, message, hint) => {
    if (seen.has(path.join(' '))) return;
    seen.add(path.join(' '));
    report(path, message, hint);
  };
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
        const { count = 0, raid } = settings.disks?.data ?? {};
        const fewer = raid === undefined || count > 2 * PAIR ? `${count - 1} or ` : '';
        if (count > PAIR && count % 2 === 1)
          report(
            [...path, 'disks', 'data', 'count'],
            `${count} disks cannot be mirrored`,
            `set it to ${fewer}${count + 1}`,
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
      const tell = once(report);
      for (const [index, { name }] of cluster.hosts.entries()) {
        const count = host.get(name)?.disks.groups.find((group) => group.name === 'data')?.count ?? 0;
        const said = count > PAIR ? undefined : nearest(cluster, index, ({ data }) => data?.raid);
        if (said)
          tell(
            [...said.path, 'data', 'raid'],
            `${name} has ${count === 0 ? 'no disks' : count === 1 ? '1 disk' : `${count} disks`} for data, and raid is for four and more`,
            'set disks.data.count, or remove raid',
          );
      }
    },
  },
  {
    code: 'disk-selector',
    severity: 'error',
    title: 'Disks are named in a way that finds too few',
    reason:
      'A serial number, WWN or path is one disk, so a group needs as many as it has disks; and names such as sdc are other disks after the next start.',
    remedy:
      'List one for each disk, under the host that has them, or choose by `media`, `size`, `model` and `transport`.',
    example: 'disks: { system: { count: 2, serial: [PHYF0480] } }\n',
    check: ({ cluster, host }, report) => {
      const tell = once(report);
      for (const [index, { name }] of cluster.hosts.entries()) {
        for (const group of host.get(name)?.disks.groups ?? []) {
          for (const key of ['serial', 'wwn', 'path'] as const) {
            const said = nearest(cluster, index, (disks) => disks[group.name]?.[key]);
            if (!said) continue;
            const place = [...said.path, group.name, key];
            const kernel = group[key].find((each) => KERNEL_NAME.test(each));
            if (key === 'path' && kernel !== undefined)
              tell(
                place,
                `${kernel} is another disk after the next start`,
                'use its name in /dev/disk/by-path',
              );
            else if (group[key].length < group.count && !group[key].some((each) => /[*?]/.test(each)))
              tell(
                place,
                `${name} wants ${group.count} ${group.name} disks, and this names ${group[key].length}`,
                `name each of them, or correct disks.${group.name}.count`,
              );
          }
        }
      }
    },
  },
  {
    code: 'disk-none',
    severity: 'error',
    title: 'Something is to lie on data disks, and there are none',
    reason: 'With `count: 0` /data is a directory of /, and nothing else of `data` means anything.',
    remedy: 'Put volumes under `disks.system`, or set `disks.data.count`.',
    example: 'disks: { data: { count: 0, volumes: [{ mount: /srv, size: 20G }] } }\n',
    check: ({ cluster, host }, report) => {
      const tell = once(report);
      for (const [index, { name }] of cluster.hosts.entries()) {
        const plan = host.get(name);
        if (!plan || plan.disks.groups.some((group) => group.name === 'data')) continue;
        for (const key of ['volumes', 'lvm', 'filesystem'] as const) {
          const said = nearest(cluster, index, ({ data }) => data?.[key] || undefined);
          // Said for all hosts, it is for those that have data disks.
          if (said && said.disks.data?.count === 0)
            tell(
              [...said.path, 'data', key],
              `${name} has no data disks`,
              key === 'volumes'
                ? 'move them to disks.system.volumes, or set disks.data.count'
                : `remove ${key}`,
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
      const tell = once(report);
      for (const [index, spec] of cluster.hosts.entries()) {
        for (const { name, min, max, least } of host.get(spec.name)?.disks.groups ?? []) {
          if (max === undefined || Math.max(min ?? 0, least) <= max) continue;
          const said = nearest(cluster, index, (disks) => disks[name]?.size);
          const [wanted, why] =
            min !== undefined && min > max
              ? [min, 'correct size.min or size.max']
              : [least, 'correct size.max, the volumes or the reserve: the layout needs as much'];
          tell(
            [...(said?.path ?? ['disks']), name, 'size'],
            `the ${name} disks of ${spec.name} must be at least ${sizeText(wanted)} and at most ${sizeText(max)}`,
            why,
          );
        }
      }
    },
  },
];
