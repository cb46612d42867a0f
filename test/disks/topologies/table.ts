/** docs/disk-topologies.md: what became of each topology. */
import { refusal } from './check.ts';
import type { Outcome } from './examine.ts';
import type { Spec, Topology } from './topology.ts';

const head = `# Disk topologies

What \`select-disks\` and \`clean-disks\` make of disks that a real kernel and udev show them. Each row is a virtual
machine that was booted: its disks were hashed from outside, \`select-disks\` was run, they were hashed again, and
where disks were chosen \`clean-disks\` was run on these, and they were hashed once more. \`select-disks\` changed no
byte of any disk. The last column has the disks that bear the same bytes at the end as before.

"Blank" means that \`clean-disks\` found them so, and that the first and last MiB of each are zeros when looked at
from outside.

Written by \`UPDATE=1 npx vitest run --config vitest.disks.config.ts test/disks/topologies.qemu.ts\`; without UPDATE
the same command runs them all again and compares.

| machine | disks | what they bear | asked for | what came of it | unchanged |
|---|---|---|---|---|---|
`;

export function document(rows: [Topology, Outcome][]): string {
  return head + rows.map(([topology, outcome]) => `| ${cells(topology, outcome).join(' | ')} |\n`).join('');
}

function cells(topology: Topology, outcome: Outcome): string[] {
  const names = Object.keys(topology.disks);
  const same = names.filter((name) => !outcome.changed.includes(name));
  const cmdline = topology.append ? `; the kernel's command line has \`${topology.append}\`` : '';
  return [
    topology.name,
    machine(topology.disks) + cmdline,
    [topology.bears?.text, topology.before?.text].filter(Boolean).join('; ') || 'nothing',
    `\`${topology.select}\``,
    result(outcome),
    same.length === names.length ? 'all' : same.join(', ') || 'none',
  ].map((cell) => cell.replaceAll('|', '\\|'));
}

/** Disks that are plugged in alike are told of together. */
function machine(disks: Record<string, Spec>): string {
  const kinds = new Map<string, string[]>();
  for (const [name, spec] of Object.entries(disks)) {
    const kind = describeDisk(spec);
    kinds.set(kind, [...(kinds.get(kind) ?? []), name]);
  }
  return [...kinds].map(([kind, names]) => `${names.join(', ')}: ${kind}`).join('; ');
}

function describeDisk(disk: Spec): string {
  const bus = { scsi: 'SCSI', sata: 'SATA', virtio: 'virtio', nvme: 'NVMe', usb: 'USB' }[disk.bus];
  const facts = [
    `${bus}${disk.media ? ` ${disk.media.toUpperCase()}` : ''}${disk.cd ? ' CD' : ''}, ${disk.size} MiB`,
    disk.sectorSize === 4096 && 'sectors of 4096 bytes',
    disk.vendor && `${disk.vendor} ${disk.model}`,
    disk.readOnly && 'read-only',
    disk.removable && 'removable',
    disk.failing && 'reads fail',
    disk.twoPorts && 'two ports',
    disk.absent && 'taken out before the boot',
  ];
  return facts.filter(Boolean).join(', ');
}

function result(outcome: Outcome): string {
  if (outcome.select.code !== 0) return `refused: ${refusal(outcome)}`;
  const groups = Object.entries(outcome.chosen).map(
    ([group, list]) => `${group}: ${list.map(({ disk }) => disk).join(', ')}`,
  );
  const cleaned = outcome.clean?.code === 0 ? 'blank' : `\`clean-disks\` refused: ${refusal(outcome)}`;
  return `${groups.join('; ')}; ${cleaned}`;
}
