import type { DiskGroupSpec, DisksSpec } from '../spec/schema/host.ts';
import type { DiskGroupPlan, DisksPlan, VolumePlan } from './types.ts';
import { toBytes } from './units.ts';

/** /boot holds three kernels and their initrds with room to spare, in MiB. */
const BOOT_SIZE = 1024;
/** The EFI system partition, in MiB: what Anaconda itself proposes on el9 and el10. */
const ESP_SIZE = 600;
/** The least that / is given, in MiB; it grows over the rest of the disk. */
const ROOT_SIZE = 10240;

/** The layout of a host's disks. `uefi` undefined: decided when the installer runs (golden images). */
export function planDisks(spec: DisksSpec, uefi: boolean | undefined): DisksPlan {
  const boot: VolumePlan[] = [
    { mount: '/boot', name: 'boot', filesystem: 'xfs', size: BOOT_SIZE, grow: false },
  ];
  if (uefi) boot.unshift({ mount: '/boot/efi', name: 'efi', filesystem: 'efi', size: ESP_SIZE, grow: false });
  const groups = [
    planGroup('system', spec.system, [
      ...boot,
      { mount: '/', name: 'root', filesystem: 'xfs', size: ROOT_SIZE, grow: true },
    ]),
  ];
  if (spec.data && spec.data.count !== 0) {
    groups.push(
      planGroup('data', spec.data, [
        { mount: '/data', name: 'data', filesystem: 'xfs', size: 1024, grow: true },
      ]),
    );
  }
  return { groups, wipe: spec.wipe ?? 'owned', tolerance: spec.tolerance ?? 5 };
}

/** A golden image is made on one empty disk; what the role's hosts have is the installer's affair. */
export function imageDisks(): DisksPlan {
  return planDisks({ system: { count: 1, media: 'any' }, wipe: 'blank' }, undefined);
}

function planGroup(
  name: 'system' | 'data',
  spec: DiskGroupSpec | undefined,
  volumes: VolumePlan[],
): DiskGroupPlan {
  const group: DiskGroupPlan = {
    name,
    count: spec?.count === 1 ? 1 : 2,
    media: spec?.media ?? 'any',
    serial: spec?.serial ?? [],
    wwn: spec?.wwn ?? [],
    path: spec?.path ?? [],
    volumes,
  };
  if (spec?.size?.min) group.min = toBytes(spec.size.min);
  if (spec?.size?.max) group.max = toBytes(spec.size.max);
  if (spec?.model) group.model = spec.model;
  if (spec?.transport) group.transport = spec.transport;
  return group;
}
