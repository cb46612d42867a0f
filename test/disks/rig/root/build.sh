#!/bin/sh
# Builds what the guests are made of, below DIRECTORY, from this machine's own apt sources:
#
#   build.sh DIRECTORY
#
#   root.tar     a Debian 12 with everything a deployment calls, its initramfs and a kernel; one root for BIOS
#                and UEFI (grub-pc, and of GRUB for EFI the files: the packages themselves exclude each other)
#   vmlinuz      its kernel, and vmlinux, the same unpacked: under emulation a boot is 4 s shorter
#   deploy.img   an initramfs of the same root that runs a job (see run-job) instead of mounting a root
#
# Plain tar and gzip -1, as what is unpacked in a guest under emulation is better read than computed.
set -eu

out=$1
here=$(dirname "$(readlink -f "$0")")

packages=systemd-sysv,udev,linux-image-amd64,initramfs-tools,busybox,zstd,kmod,procps,iproute2,curl,ca-certificates
packages=$packages,util-linux,util-linux-extra,mdadm,lvm2,dmsetup,fdisk,gdisk,parted,xfsprogs,e2fsprogs,dosfstools
packages=$packages,grub-pc,grub-efi-amd64-bin,efibootmgr,debconf

# Drivers of hardware that QEMU has not, which would triple root and initramfs.
excluded() {
	for path in drivers/gpu drivers/media drivers/net drivers/infiniband drivers/staging drivers/isdn drivers/iio \
		drivers/bluetooth drivers/mmc drivers/mtd drivers/hwmon drivers/input/joystick drivers/input/touchscreen \
		drivers/comedi drivers/mfd drivers/target drivers/video drivers/platform net/bluetooth net/wireless \
		net/mac80211 net/netfilter sound fs/ocfs2 fs/ceph fs/nfs fs/nfsd fs/cifs fs/smb fs/gfs2 fs/jfs \
		fs/reiserfs fs/ubifs fs/afs fs/f2fs fs/btrfs; do
		printf '%s\n' "--dpkgopt=path-exclude=/lib/modules/*/kernel/$path/*"
	done
	for path in /usr/share/doc /usr/share/man /usr/share/locale /usr/share/info; do
		printf '%s\n' "--dpkgopt=path-exclude=$path/*"
	done
	printf '%s\n' '--dpkgopt=path-include=/lib/modules/*/kernel/drivers/net/virtio_net.ko' \
		'--dpkgopt=path-include=/lib/modules/*/kernel/drivers/net/net_failover.ko'
}

# What the building machine's apt fetches Debian from, and how.
sources=/etc/apt/sources.list
deb822=/etc/apt/sources.list.d/debian.sources
[ ! -s "$deb822" ] || sources=$deb822
{
	echo 'Acquire::Retries "5";'
	apt-config dump | grep '^Acquire::[A-Za-z-]*\(::Proxy\)\? "' || :
} >"$out/apt.conf"

# shellcheck disable=SC2016,SC2046 # $1 is the hooks'; one option a word, without blanks
mmdebstrap --quiet --variant=minbase --include="$packages" --aptopt="$out/apt.conf" $(excluded) \
	--essential-hook='mkdir -p "$1/etc/default/grub.d" "$1/usr/local/libexec" "$1/tmp/job"' \
	--essential-hook='echo grub-pc grub-pc/install_devices_empty boolean true | chroot "$1" debconf-set-selections' \
	--essential-hook="upload $here/grub.cfg /etc/default/grub.d/rig.cfg" \
	--customize-hook="upload $here/run-job /usr/local/libexec/run-job" \
	--customize-hook="upload $here/job.service /etc/systemd/system/job.service" \
	--customize-hook="upload $here/initramfs-hook /tmp/job/hook" \
	--customize-hook="upload $here/initramfs-script /tmp/job/script" \
	--customize-hook="upload $here/finish /tmp/job/finish" \
	--customize-hook='chroot "$1" sh /tmp/job/finish' \
	--customize-hook="download /tmp/job/deploy.img $out/deploy.img" \
	--customize-hook="download /tmp/job/vmlinuz $out/vmlinuz" \
	--customize-hook='rm -rf "$1/tmp/job"' \
	bookworm "$out/root.tar" "$sources"
rm "$out/apt.conf"

# The kernel within the bzImage is xz; what follows it makes xz fail when everything is out.
start=$(grep -abo "$(printf '\3757zXZ')" "$out/vmlinuz" | head -n 1 | cut -d : -f 1)
tail -c "+$((start + 1))" "$out/vmlinuz" | xz -dc >"$out/vmlinux" 2>/dev/null || :
head -c 4 "$out/vmlinux" | grep -q ELF
