#!/bin/sh
# Builds what a host with a kernel of its own boots, from this machine's own apt sources:
#
#   build.sh DIRECTORY
#
#   modules/     Debian 12's modules, without drivers of hardware that QEMU has not, as a layer
#   vmlinux      its kernel, unpacked: under emulation a boot is 4 s shorter
#   initrd       mounts /dev/vda and starts its systemd
set -eu

out=$1
here=$(dirname "$(readlink -f "$0")")

excluded() {
	for path in drivers/gpu drivers/media drivers/net/ethernet drivers/net/wireless drivers/net/usb drivers/infiniband \
		drivers/staging drivers/isdn drivers/iio drivers/bluetooth drivers/mmc drivers/mtd drivers/hwmon drivers/input \
		drivers/comedi drivers/mfd drivers/target drivers/video drivers/platform drivers/scsi drivers/ata drivers/usb \
		net/bluetooth net/wireless net/mac80211 sound fs/ocfs2 fs/ceph fs/nfs fs/nfsd fs/cifs fs/smb fs/gfs2 fs/jfs \
		fs/reiserfs fs/ubifs fs/afs fs/f2fs fs/btrfs; do
		printf '%s\n' "--dpkgopt=path-exclude=/lib/modules/*/kernel/$path/*"
	done
}

# What the building machine's apt fetches Debian from, and how.
sources=/etc/apt/sources.list
deb822=/etc/apt/sources.list.d/debian.sources
[ ! -s "$deb822" ] || sources=$deb822
{
	echo 'Acquire::Retries "5";'
	apt-config dump | grep '^Acquire::[A-Za-z-]*\(::Proxy\)\? "' || :
} >"$out/apt.conf"

# shellcheck disable=SC2046 # one option a word, without blanks
mmdebstrap --quiet --mode=root --variant=minbase --include=linux-image-amd64,kmod,busybox-static,cpio \
	--aptopt="$out/apt.conf" $(excluded) --customize-hook="copy-in $here/initrd $here/finish /tmp" \
	--customize-hook='chroot "$1" sh /tmp/finish' bookworm "$out/root" "$sources"

mkdir -p "$out/modules/usr/lib"
mv "$out/root/usr/lib/modules" "$out/modules/usr/lib/modules"
# kubeadm reads what it was built with.
mkdir "$out/modules/boot"
mv "$out"/root/boot/config-* "$out/modules/boot"
mv "$out/root/boot/rig.img" "$out/initrd"
# The kernel within the bzImage is xz; what follows it makes xz fail when everything is out.
image=$(echo "$out"/root/boot/vmlinuz-*)
start=$(grep -abo "$(printf '\3757zXZ')" "$image" | head -n 1 | cut -d : -f 1)
tail -c "+$((start + 1))" "$image" | xz -dc >"$out/vmlinux" 2>/dev/null || :
head -c 4 "$out/vmlinux" | grep -q ELF
rm -r "$out/root" "$out/apt.conf"
