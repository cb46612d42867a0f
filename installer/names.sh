# shellcheck shell=sh
# Names for a disk that outlive a reboot; sourced after disks.sh, never run.
#
#   name_disk N   REPLY = disk/by-id/... or disk/by-path/..., '' where there is none to rely on
#   order_key N   REPLY = text that sorts disks by where they are plugged in
#
# shellcheck disable=SC2154 # dev, disks: the caller's

# A name that carries model and serial is what people find on the label; numbers come after it.
name_disk() {
	nd_n=$1
	get "$nd_n" links
	nd_links=$REPLY
	if serial_is_shared "$nd_n"; then
		nd_kinds='wwn nvme-number scsi-number'
	else
		nd_kinds='nvme ata scsi-text virtio scsi-number mmc wwn nvme-number'
	fi
	for nd_kind in $nd_kinds; do
		for nd_link in $nd_links; do
			link_is "$nd_kind" "$nd_link" || continue
			leads_to "disk/by-id/$nd_link" "$nd_n" && return 0
		done
	done
	get "$nd_n" paths
	for nd_link in $REPLY; do
		leads_to "disk/by-path/$nd_link" "$nd_n" && return 0
	done
	REPLY=
}

# serial_is_shared N: two namespaces of one drive and two volumes of one controller can bear one
# serial; a name made of it then leads to whichever of them udev saw last.
serial_is_shared() {
	get "$1" serial
	ss_serial=$REPLY
	[ -n "$ss_serial" ] || return 1
	get "$1" model
	ss_model=$REPLY
	ss_n=0
	while [ "$ss_n" -lt "$disks" ]; do
		ss_n=$((ss_n + 1))
		[ "$ss_n" = "$1" ] && continue
		get "$ss_n" serial
		[ "$REPLY" = "$ss_serial" ] || continue
		get "$ss_n" model
		[ "$REPLY" = "$ss_model" ] && return 0
	done
	return 1
}

# link_is KIND NAME: what is not listed (usb-, lvm-pv-uuid-, dm-...) names no disk, or not for long.
link_is() {
	case $2 in
	nvme-eui.* | nvme-nvme.* | nvme-uuid.*) [ "$1" = nvme-number ] ;;
	nvme-*) [ "$1" = nvme ] ;;
	ata-*) [ "$1" = ata ] ;;
	scsi-S* | scsi-1* | scsi-0*) [ "$1" = scsi-text ] ;;
	scsi-*) [ "$1" = scsi-number ] ;;
	virtio-*) [ "$1" = virtio ] ;;
	mmc-*) [ "$1" = mmc ] ;;
	wwn-*) [ "$1" = wwn ] ;;
	*) return 1 ;;
	esac
}

# leads_to NAME N: does the link really end at disk N? Then REPLY is the name.
leads_to() {
	get "$2" name
	[ -L "$dev/$1" ] && [ -e "$dev/$REPLY" ] || return 1
	lt_end=$(readlink -f "$dev/$1")
	lt_want=$(readlink -f "$dev/$REPLY")
	[ -n "$lt_end" ] && [ "$lt_end" = "$lt_want" ] || return 1
	REPLY=$1
}

# The numbers in a path are padded so that port 10 comes after port 2.
order_key() {
	get "$1" paths
	ok_rest=${REPLY%% *}
	if [ -z "$ok_rest" ]; then
		get "$1" path
		ok_rest=$REPLY
	fi
	REPLY=
	while [ -n "$ok_rest" ]; do
		ok_text=${ok_rest%%[0-9]*}
		ok_rest=${ok_rest#"$ok_text"}
		ok_number=${ok_rest%%[!0-9]*}
		ok_rest=${ok_rest#"$ok_number"}
		if [ -n "$ok_number" ]; then
			while [ "${#ok_number}" -lt 10 ]; do ok_number=0$ok_number; done
		fi
		REPLY=$REPLY$ok_text$ok_number
	done
}
