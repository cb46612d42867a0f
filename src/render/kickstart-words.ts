import { filesystemsOf } from '../plan/layout.ts';
import type { DiskGroupPlan, DisksPlan, HostPlan, Plan, RolePlan, Target } from '../plan/types.ts';

/** The comment that a kickstart opens with, line by line: what it is, for whom, and what it erases. */
export function introduction(target: HostPlan | RolePlan, plan: Plan, holdsSecrets: boolean): string[] {
  const { cluster } = plan;
  const what =
    target.kind === 'host'
      ? `Kickstart of ${target.name}, a host of cluster ${cluster.name}.`
      : `Kickstart of the golden image for role ${target.name} of cluster ${cluster.name}.`;
  return [
    what,
    'Rendered by imgbuild: change the spec and render again, not this file.',
    ...(holdsSecrets
      ? ['', 'SECRET: it holds keys of this host. Nobody but the installer may read it.']
      : []),
    '',
    ...table(facts(target, plan)),
    '',
    ...erased(target, cluster.mark),
  ];
}

function facts(target: HostPlan | RolePlan, { cluster }: Plan): [string, string][] {
  const { os, kernel, role } = target;
  const kernelName = kernel.flavor === 'stock' ? 'the stock kernel' : `kernel-${kernel.flavor}`;
  const rows: [string, string][] = [
    ['role', `${role.name} (${role.title})`],
    ['system', `${os.title}, ${kernelName} ${kernel.version}`],
  ];
  if (target.isNode) {
    rows.push(['Kubernetes', `${cluster.kubernetes.version} with ${cluster.kubernetes.runtime}`]);
  }
  if (target.isEtcd) rows.push(['etcd', cluster.etcd.version]);
  if (target.kind === 'role') return [...rows, ['firmware', 'BIOS or UEFI, whichever it is built with']];
  rows.push(['firmware', target.firmware === 'uefi' ? 'UEFI' : 'BIOS']);
  for (const link of target.links) {
    const bond = link.bond ? `, ${link.bond.mode}` : '';
    rows.push([link.name, `${link.macs.join(' ')}${bond}: ${link.networks.join(', ')}`]);
  }
  if (target.serial !== undefined) rows.push(['serial', target.serial]);
  for (const { network, address, prefix, gateway } of Object.values(target.addresses)) {
    const vlan = cluster.networks[network]?.vlan;
    const way =
      gateway === undefined
        ? ''
        : ` through ${gateway}${network === target.defaultNetwork ? ', the default route' : ''}`;
    rows.push([network, `${address}/${prefix}${way}${vlan === undefined ? '' : `, VLAN ${vlan}`}`]);
  }
  return rows;
}

function table(rows: readonly [string, string][]): string[] {
  const width = Math.max(...rows.map(([name]) => name.length)) + 3;
  return rows.map(([name, value]) => `  ${name.padEnd(width)}${value}`.trimEnd());
}

const WIPE: Record<Target['disks']['wipe'], (mark: string) => string[]> = {
  blank: () => [
    'They must be blank: with anything on one of them the installation stops and changes nothing.',
  ],
  owned: (mark) => [
    `They must be blank, or installed earlier for this same cluster (marked ${mark}): with anything`,
    'else on one of them the installation stops and changes nothing.',
  ],
  always: () => ['WHATEVER IS ON THEM IS LOST: the spec says wipe: always.'],
};

function erased({ disks, ...target }: HostPlan | RolePlan, mark: string): string[] {
  return [
    'IT ERASES',
    ...disks.groups.map((group) => `  ${group.name}: ${describeGroup(group, disks)}`),
    ...WIPE[disks.wipe](mark),
    ...(target.kind === 'host'
      ? ['It first proves that it runs on this host. No other disk is written to.']
      : ['No other disk is written to.']),
  ];
}

/** A disk selector in words: `2 SSDs of 200 GB or more, as a mirror, for /boot and /`. */
function describeGroup(group: DiskGroupPlan, disks: DisksPlan): string {
  const kind = { ssd: 'SSD', hdd: 'HDD', any: 'disk' }[group.media];
  const limits = [
    sizes(group),
    group.model === undefined ? '' : `model ${group.model}`,
    oneOf('serial', group.serial),
    oneOf('WWN', group.wwn),
    oneOf('path', group.path),
    group.transport === undefined ? '' : `on ${group.transport}`,
  ].filter((text) => text !== '');
  const [layout] = disks.layouts;
  const mounts = (layout ? filesystemsOf(layout, group.name) : [])
    .map(({ mount }) => mount)
    .filter((mount) => mount !== '/boot/efi')
    .sort();
  return [
    `${group.count} ${kind}${group.count === 1 ? '' : 's'}`,
    ...limits,
    `${mirroring(group, disks)}for ${list(mounts)}`,
  ].join(', ');
}

/** How a group's disks are mirrored, with a comma and a blank behind it. */
function mirroring({ name, count }: DiskGroupPlan, { layouts }: DisksPlan): string {
  if (count === 1) return '';
  const [layout] = layouts;
  const own = layout?.arrays.filter(({ members }) => members.some(({ slot }) => slot.startsWith(name))) ?? [];
  const lvm = layout?.volumeGroups.some((group) => group.name === name) ? ' under LVM' : '';
  if (own.some(({ level }) => level === 'raid10')) return `as RAID-10${lvm}, `;
  return `${count > 2 ? 'mirrored in pairs' : 'mirrored'}${lvm}, `;
}

/** `/, /boot and /var/log` */
function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function sizes({ min, max }: DiskGroupPlan): string {
  if (min !== undefined && max !== undefined) return `${bytes(min)} to ${bytes(max)}`;
  if (min !== undefined) return `${bytes(min)} or more`;
  return max === undefined ? '' : `${bytes(max)} or less`;
}

/** As the label on a disk has it: 480 GB, 1.92 TB. */
function bytes(count: number): string {
  const [unit, size] = count >= 1e12 ? ['TB', 1e12] : count >= 1e9 ? ['GB', 1e9] : ['MB', 1e6];
  return `${Number((count / size).toFixed(2))} ${unit}`;
}

function oneOf(what: string, values: readonly string[]): string {
  return values.length === 0 ? '' : `${what} ${values.join(' or ')}`;
}
