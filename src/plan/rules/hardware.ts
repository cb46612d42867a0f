import type { HardwareSpec } from '../../spec/schema/host.ts';
import type { DiskGroupPlan, HostPlan } from '../types.ts';
import { sizeText, toBytes } from '../units.ts';
import type { Rule, RuleContext } from './rule.ts';

interface Disk {
  size: number;
  media: 'ssd' | 'hdd';
  model?: string;
  serial?: string;
  transport?: string;
}

/** Hosts whose hardware the spec describes, with their place. */
function* described({
  cluster,
  host,
}: RuleContext): Generator<{ plan: HostPlan; hardware: HardwareSpec; index: number }> {
  for (const [index, spec] of cluster.hosts.entries()) {
    const plan = host.get(spec.name);
    if (plan && spec.hardware) yield { plan, hardware: spec.hardware, index };
  }
}

function disksOf(hardware: HardwareSpec): Disk[] {
  return (hardware.disks ?? []).flatMap(({ count, size, ...disk }) =>
    Array.from({ length: count }, () => ({ ...disk, size: toBytes(size) })),
  );
}

function glob(pattern: string, text: string | undefined): boolean {
  if (text === undefined) return false;
  const escaped = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`, 'i').test(text);
}

/** Whether the installer's selector would take a disk, as far as the spec tells. */
function matches(group: DiskGroupPlan, disk: Disk): boolean {
  return (
    (group.media === 'any' || group.media === disk.media) &&
    disk.size >= group.least &&
    (group.min === undefined || disk.size >= group.min) &&
    (group.max === undefined || disk.size <= group.max) &&
    (group.model === undefined || disk.model === undefined || glob(group.model, disk.model)) &&
    (group.transport === undefined || disk.transport === undefined || group.transport === disk.transport) &&
    (group.serial.length === 0 || disk.serial === undefined || group.serial.some((s) => glob(s, disk.serial)))
  );
}

function fitting(count: number): string {
  return count === 1 ? '1 of its disks fits' : `${count === 0 ? 'none' : count} of its disks fit`;
}

/** Where disks would fit but for what is laid on them. */
function tooSmall(group: DiskGroupPlan, disks: readonly Disk[]): string {
  const small = disks.filter((disk) => disk.size < group.least && matches({ ...group, least: 0 }, disk));
  return small.length === 0
    ? ''
    : `: volumes, reserve and what / and /data need come to ${sizeText(group.least)}, and ${small.length} of them ${small.length === 1 ? 'is' : 'are'} smaller`;
}

/** What is wrong with these disks for this layout; undefined where it can be met. */
function layoutProblem(host: HostPlan, disks: readonly Disk[]): string | undefined {
  const { groups, tolerance } = host.disks;
  const [system, data] = groups;
  for (const group of groups) {
    const fit = disks.filter((disk) => matches(group, disk));
    const kind = group.media === 'any' ? 'disk' : group.media.toUpperCase();
    const what = `${group.count} ${kind}${group.count === 1 ? '' : 's'} for ${group.name}`;
    if (fit.length < group.count)
      return `it wants ${what}, and ${fitting(fit.length)}${tooSmall(group, disks)}`;
    const named = group.serial.length + group.wwn.length + group.path.length > 0;
    const shared =
      data && system ? disks.filter((disk) => matches(system, disk) && matches(data, disk)).length : 0;
    if (!named && shared === 0 && fit.length > group.count)
      return `it wants ${what}, and ${fitting(fit.length)}: the installer will not choose`;
    if (shared === 0 && fit.length === group.count) {
      const sizes = fit.map((disk) => disk.size);
      const [a, b] = [Math.min(...sizes), Math.max(...sizes)];
      if (b - a > (b * tolerance) / 100)
        return `the disks for ${group.name} differ in size: ${sizeText(a)} and ${sizeText(b)}`;
    }
  }
  if (!system || !data) return undefined;
  const either = disks.filter((disk) => matches(system, disk) || matches(data, disk));
  const wanted = system.count + data.count;
  if (either.length < wanted)
    return `it wants ${wanted} disks for system and data together, and ${fitting(either.length)}`;
  const named = [system, data].some((g) => g.serial.length + g.wwn.length + g.path.length > 0);
  if (!named && either.length > wanted)
    return `it wants ${wanted} disks for system and data together, and ${fitting(either.length)}: the installer will not choose`;
  return undefined;
}

export const hardwareRules: Rule[] = [
  {
    code: 'disk-layout',
    severity: 'error',
    title: 'The hardware cannot meet the disk layout',
    reason:
      'The installer would stop on this machine, with nothing erased: too few disks match a selector, more than it asks for, or a pair that differs in size.',
    remedy:
      'Correct `hardware.disks`, or the selectors under `disks`: media, size, model, serial, wwn, path, count.',
    example:
      'disks: { system: { count: 2, media: ssd } }\nhosts:\n  - { name: knode1, hardware: { disks: [{ size: 480G, media: ssd }] } }\n',
    check: (context, report) => {
      for (const { plan, hardware, index } of described(context)) {
        if (!hardware.disks) continue;
        const problem = layoutProblem(plan, disksOf(hardware));
        if (problem)
          report(
            ['hosts', index, 'hardware', 'disks'],
            `the disks of ${plan.name} do not meet its layout: ${problem}`,
            'correct hardware.disks, or the selectors, volumes and reserve under disks',
          );
      }
    },
  },
  {
    code: 'hardware-small',
    severity: 'error',
    title: 'A host is smaller than its role needs',
    reason:
      'A control plane below 4 CPUs and 8 GB, or a worker below 8 CPUs and 16 GB, starts and then misses its deadlines under load.',
    remedy: 'Use a larger machine, or lower the role’s minimum in `images/roles` beside the spec.',
    example: 'hosts:\n  - { name: knode1, hardware: { cpus: 2, memory: 4G } }\n',
    check: (context, report) => {
      for (const { plan, hardware, index } of described(context)) {
        const least = plan.role.minimum;
        if (!least) continue;
        const { cpus, memory } = hardware;
        const hint = `use a larger machine, or lower the minimum in images/roles/${plan.role.name}.yaml beside the spec`;
        if (cpus !== undefined && cpus < least.cpus)
          report(
            ['hosts', index, 'hardware', 'cpus'],
            `${plan.name} has ${cpus} CPUs, and a ${plan.role.name} needs ${least.cpus}`,
            hint,
          );
        if (memory !== undefined && toBytes(memory) < toBytes(least.memory))
          report(
            ['hosts', index, 'hardware', 'memory'],
            `${plan.name} has ${memory} of memory, and a ${plan.role.name} needs ${least.memory}`,
            hint,
          );
      }
    },
  },
  {
    code: 'disk-small',
    severity: 'warning',
    title: 'A system disk is smaller than its role should have',
    reason: 'Logs, packages and the kubelet’s files fill a small disk within a year.',
    remedy: 'Use larger disks, or lower the role’s minimum in `images/roles` beside the spec.',
    example: 'hosts:\n  - { name: knode1, hardware: { disks: [{ size: 60G, media: ssd }] } }\n',
    check: (context, report) => {
      for (const { plan, hardware, index } of described(context)) {
        const [system] = plan.disks.groups;
        const least = plan.role.minimum?.systemDisk;
        if (!least || !system || !hardware.disks) continue;
        const fit = disksOf(hardware)
          .filter((disk) => matches(system, disk))
          .map((disk) => disk.size);
        const smallest = Math.min(...fit);
        if (fit.length > 0 && smallest < toBytes(least))
          report(
            ['hosts', index, 'hardware', 'disks'],
            `${plan.name} has a system disk of ${sizeText(smallest)}, and a ${plan.role.name} should have ${sizeText(toBytes(least))}`,
            'use a larger disk',
          );
      }
    },
  },
  {
    code: 'worker-ratio',
    severity: 'warning',
    title: 'CPU and memory of a worker are out of proportion',
    reason:
      'Between 1:2 and 1:4 (CPUs to GiB) most workloads fill both alike; outside of it one of them is paid for and idle.',
    remedy: 'Leave it where the workload asks for it.',
    example: 'hosts:\n  - { name: knode1, hardware: { cpus: 8, memory: 256Gi } }\n',
    check: (context, report) => {
      for (const { plan, hardware, index } of described(context)) {
        const range = plan.role.memoryPerCpu;
        const { cpus, memory } = hardware;
        if (!range || cpus === undefined || memory === undefined) continue;
        // Sizes in GB and GiB both pass at the ends of the range.
        const perCpu = toBytes(memory) / cpus;
        if (perCpu < range.min * 1e9 || perCpu > range.max * 2 ** 30)
          report(
            ['hosts', index, 'hardware', 'memory'],
            `${plan.name} has ${(perCpu / 2 ** 30).toFixed(1)} GiB for each CPU; ${range.min} to ${range.max} is usual`,
            `choose ${range.min} to ${range.max} GiB for each CPU, unless the workload asks for this`,
          );
      }
    },
  },
];
