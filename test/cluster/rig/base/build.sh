#!/bin/sh
# Builds the root that all hosts share, as a directory, from this machine's own apt sources:
#
#   build.sh DIRECTORY     makes DIRECTORY/root and DIRECTORY/busybox, the program of container images
#
# What rendered files call is in it, by the name that it has on a host; no service is enabled.
set -eu

out=$1
here=$(dirname "$(readlink -f "$0")")

# What the catalogue lays on a host of Debian 12, and Debian's own Docker and containerd in the place of docker.com's.
packages=systemd,systemd-sysv,apparmor,bash-completion,bind9-dnsutils,bridge-utils,ca-certificates,chrony,conntrack,curl
packages=$packages,dbus,dosfstools,e2fsprogs,ebtables,ethtool,fdisk,git,gnupg,inetutils-telnet,ipset,iproute2,iptables
packages=$packages,iputils-ping,ipvsadm,jq,kmod,libpam-systemd,libseccomp2,logrotate,lvm2,mdadm,mount,net-tools,nftables
packages=$packages,openssh-server,openssl,parted,procps,psmisc,rsyslog,smartmontools,socat,sudo,sysstat,tar,tcpdump,traceroute
packages=$packages,tzdata,udev,util-linux,wget,xfsprogs,xz-utils,zstd
packages=$packages,docker.io,containerd,runc,nginx-light,libnginx-mod-stream,haproxy,keepalived,busybox-static

excluded() {
	for path in /usr/share/doc /usr/share/man /usr/share/locale /usr/share/info; do
		printf '%s\n' "--dpkgopt=path-exclude=$path/*"
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

# shellcheck disable=SC2016,SC2046 # $1 is the hooks'; one option a word, without blanks
mmdebstrap --quiet --mode=root --variant=minbase --include="$packages" --aptopt="$out/apt.conf" $(excluded) \
	--customize-hook="copy-in $here/files /tmp" \
	--customize-hook='chroot "$1" sh /tmp/files/finish' \
	--customize-hook='rm -rf "$1/tmp/files"' \
	bookworm "$out/root" "$sources"
rm "$out/apt.conf"
cp "$out/root/usr/bin/busybox" "$out/busybox"
