/**
 * What is laid on a deployed host beside the rig's root: imgbuild's own programs where a host has them, and
 * stand-ins for Docker, etcd and a kubelet, each under the unit files that real hosts have.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Files, filesBelow } from '../rig/archive.ts';

const project = fileURLToPath(new URL('../../../', import.meta.url));
export const installerFiles = (): Promise<Files> => filesBelow(join(project, 'installer'), 'installer');

/** A daemon that leaves a trace on /data, as the real ones would on an empty directory as well. */
const daemon = (name: string, ready = '') =>
  `#!/bin/sh\nmkdir -p /data/${name} && date >/data/${name}/ran || exit 1\n${ready}exec sleep infinity\n`;
const unit = (name: string) =>
  `[Unit]\nDescription=stand-in\n[Service]\nExecStart=/usr/local/bin/${name}\n[Install]\nWantedBy=multi-user.target\n`;

/** Files of overlay layers, at the paths that they have on a host. */
const laid = {
  docker: ['docker.service.d/20-imgbuild.conf'],
  etcd: ['etcd.service'],
  node: ['kubelet.service.d/20-imgbuild.conf'],
} as const;

export async function hostFiles(): Promise<Files> {
  const below = 'host/etc/systemd/system';
  const files: Files = {
    ...(await filesBelow(join(project, 'overlays/base/usr'), 'host/usr')),
    ...(await filesBelow(join(project, 'overlays/base/etc/systemd/system'), below)),
    ...(await filesBelow(join(project, 'overlays/base/etc/udev'), 'host/etc/udev')),
    [`${below}/docker.service`]: unit('docker'),
    [`${below}/kubelet.service`]: unit('kubelet'),
    // A shell's child tells that it is ready.
    [`${below}/etcd.service.d/test.conf`]: '[Service]\nNotifyAccess=all\n',
    'host/etc/etcd/pki/server.key': '',
    'host/var/lib/imgbuild/etcd-account': '',
    'host/usr/sbin/imgbuild-etcd':
      '#!/bin/sh\n[ "$1" != prepare ] || install -d -o etcd /data/etcd /data/etcd/data\n',
    'host/etc/mdadm/mdadm.conf.d/90-imgbuild.conf': await readFile(
      join(project, 'overlays/el/etc/mdadm.conf.d/90-imgbuild.conf'),
    ),
    'host/usr/sbin/iptables': '#!/bin/sh\n',
    'host/usr/local/bin/docker': daemon('docker'),
    'host/usr/local/bin/kubelet': daemon('kubelet'),
    'host/usr/local/bin/etcd': `#!/bin/sh\ndate >/data/etcd/data/ran || exit 1\nsystemd-notify --ready\nexec sleep infinity\n`,
    fill,
  };
  for (const name of ['lib', 'disks', 'spared', 'names', 'content', 'partition'])
    files[`host/usr/libexec/imgbuild/installer/${name}.sh`] = await readFile(
      join(project, 'installer', `${name}.sh`),
    );
  for (const [layer, paths] of Object.entries(laid))
    for (const path of paths)
      files[`${below}/${path}`] = await readFile(
        join(project, 'overlays', layer, 'etc/systemd/system', path),
      );
  const tmpfiles = 'etc/tmpfiles.d/imgbuild-etcd.conf';
  files[`host/${tmpfiles}`] = await readFile(join(project, 'overlays/etcd', tmpfiles));
  return files;
}

/**
 * Run by deploy in the job's directory. A real update-initramfs takes two minutes under emulation; the root has an
 * initramfs already, to which `quick` only adds what a deployment writes.
 */
const fill = `set -e
tar -C "$TARGET" --numeric-owner -xpf /dev/sr0
cp -a host/. "$TARGET/"
if [ -e quick ]; then cat quick >"$TARGET/usr/sbin/update-initramfs"; fi
chroot "$TARGET" sh -e <<'END'
find /etc/systemd /etc/tmpfiles.d /etc/mdadm /etc/udev -type f -exec chmod 644 {} +
useradd --system etcd
systemctl --quiet enable docker kubelet etcd imgbuild-data imgbuild-disks
END
`;

/** A second archive behind the first: the kernel unpacks both. */
export const quick = `#!/bin/sh
set -e
cd /
for image in /boot/initrd.img-*; do
  first=/var/cache/\${image##*/}
  [ -e "$first" ] || mv "$image" "$first"
  dd if="$first" of="$image" bs=512 conv=sync 2>/dev/null
  printf '%s\\n' etc etc/mdadm etc/mdadm/mdadm.conf | cpio --quiet -o -H newc >>"$image"
done
`;
