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

## The environment

What has been started before \`select-disks\` is called is none of its doing, but it can write. An array that udev
starts stays read-only until somebody writes to it, and not a byte of its members changes. One that
\`mdadm --assemble\` starts is resynchronised, if it was not in step, unless \`md_mod.start_ro\` is set, as Debian's
mdadm sets it; \`test/disks/assembly.qemu.ts\` shows all three. Anaconda starts no array before its own storage step:
it sets the property ANACONDA, which mdadm's rules heed, and dracut starts only what \`rd.md.uuid\` names. The guests
here have Debian's rules but for the one that starts arrays; where a row says that something runs, it was started
read-only, unless it says more.

## What became of them

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
