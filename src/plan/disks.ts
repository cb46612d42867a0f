import type { DiskGroupSpec, DisksSpec } from '../spec/schema/host.ts';
import { layOut, leastSize, PAIR } from './layout.ts';
import type { DiskGroupPlan, DiskLayout, DisksPlan } from './types.ts';
import { toBytes } from './units.ts';

/** A host's disks: which, what is laid on them, and what may be erased for it. */
export function planDisks(spec: DisksSpec, firmware: readonly ('bios' | 'uefi')[]): DisksPlan {
  const layouts = firmware.map((each) => layOut(spec, each));
  const groups = [planGroup('system', spec.system, layouts)];
  if (spec.data && spec.data.count !== 0) groups.push(planGroup('data', spec.data, layouts));
  return { groups, layouts, wipe: spec.wipe ?? 'owned', tolerance: spec.tolerance ?? 5 };
}

/** A golden image is made on one empty disk; what the role's hosts have is the installer's affair. */
export function imageDisks(): DisksPlan {
  return planDisks({ system: { count: 1, media: 'any' }, wipe: 'blank' }, ['uefi', 'bios']);
}

function planGroup(
  name: 'system' | 'data',
  spec: DiskGroupSpec | undefined,
  layouts: readonly DiskLayout[],
): DiskGroupPlan {
  const group: DiskGroupPlan = {
    name,
    count: spec?.count || PAIR,
    media: spec?.media ?? 'any',
    least: Math.max(...layouts.map((layout) => leastSize(layout, name))),
    serial: spec?.serial ?? [],
    wwn: spec?.wwn ?? [],
    path: spec?.path ?? [],
  };
  if (spec?.size?.min) group.min = toBytes(spec.size.min);
  if (spec?.size?.max) group.max = toBytes(spec.size.max);
  if (spec?.model) group.model = spec.model;
  if (spec?.transport) group.transport = spec.transport;
  return group;
}
