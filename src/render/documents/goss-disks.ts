import type { Device, FilesystemPlan, HostPlan } from '../../plan/types.ts';
import { type Check, escaped, look } from './goss-checks.ts';

/** What lies on which device, and that nothing of it is degraded. */
export function diskChecks({ disks }: HostPlan): Check[] {
  const [layout] = disks.layouts;
  if (!layout) return [];
  return [
    ...layout.filesystems.map(mount),
    look('disks', ['disks'], {
      expected: 'every disk, both halves of each mirror, the file systems and the boot loader are well',
      see: 'imgbuild-disk status',
    }),
    ...(layout.arrays.length > 0 ? [monitor] : []),
  ];
}

/** The unit is on wherever mdadm is; without arrays it ends at once. */
const monitor: Check = look('watch over the arrays', ['active', 'mdmonitor'], {
  expected: 'mdmonitor runs',
  see: 'systemctl status mdmonitor',
});

/** From here on a host is in trouble: the kubelet evicts pods, etcd stops at a full disk. In percent. */
const FULL = 90;

function mount({ device, type, mount: path }: FilesystemPlan): Check {
  const { pattern, words } = source(device);
  return {
    type: 'mount',
    id: path,
    name: `mount ${path}`,
    fields: {
      exists: true,
      filesystem: type,
      source: { 'match-regexp': pattern },
      usage: { lt: FULL },
    },
    expected: `${type} on ${words}, less than ${FULL} % full`,
    see: `findmnt ${path}; df -h ${path}; imgbuild-disk status`,
  };
}

/** A device as the kernel names it. Which array or partition it is imgbuild-disk says. */
function source(device: Device): { pattern: string; words: string } {
  const [kind, name = ''] = device.split(':');
  if (kind === 'array') return { pattern: '^/dev/md', words: `the array ${name}` };
  if (kind === 'part')
    return { pattern: '^/dev/(sd|hd|vd|xvd|nvme|mmcblk)', words: `a partition of ${name}` };
  const [group = '', volume = ''] = name.split('/').map((part) => part.replaceAll('-', '--'));
  return { pattern: `^/dev/mapper/${escaped(`${group}-${volume}`)}$`, words: `the volume ${name}` };
}
