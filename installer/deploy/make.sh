# shellcheck shell=sh
# Makes arrays, volume groups and file systems on the partitions of a layout; sourced by lay-disks, never run.
#
#   make_array NAME   make_group NAME   make_system MOUNT   each ends the program where it fails
#   clear_ends NODE FIRST SECTORS   the first and last MiB of a range of NODE, in units of 512 bytes
#
# shellcheck disable=SC2154 # sys, dev, dry_run: the caller's

# What lies there from an earlier time udev would find the moment that a partition or an array begins there.
clear_ends() {
	# dd would make a file of a missing device.
	[ -n "$dry_run" ] || [ "$dev" != /dev ] || [ -b "$1" ] || broke "$1 is no device"
	ce_count=2048
	[ "$3" -gt 2048 ] || ce_count=$3
	ce_block=512
	# Quicker, and what a disk with large sectors writes anyway.
	[ $((($2 | $3) % 8)) != 0 ] || ce_block=4096
	ce_unit=$((ce_block / 512))
	for ce_seek in "$2" $(($2 + $3 - ce_count)); do
		run dd if=/dev/zero of="$1" bs="$ce_block" seek=$((ce_seek / ce_unit)) count=$((ce_count / ce_unit)) \
			conv=notrunc 2>/dev/null || broke "cannot write to $1"
		[ "$3" -gt 2048 ] || break
	done
}

make_array() {
	member_nodes "$1" || broke "the members of $1 are gone"
	ma_nodes=$REPLY
	free_md
	[ -z "$dry_run" ] || REPLY=$dev/md/$1
	ma_node=$REPLY
	field array "$1" metadata
	ma_metadata=$REPLY
	field array "$1" level
	case $REPLY in
	raid1) ma_level=--level=1 ;;
	raid10) ma_level='--level=10 --layout=n2' ;;
	esac
	# shellcheck disable=SC2086 # words
	count_nodes $ma_nodes
	hold_udev
	# shellcheck disable=SC2086 # words
	run mdadm --create "$ma_node" --run --homehost=any --name="$1" --metadata="$ma_metadata" \
		--bitmap=internal $ma_level --raid-devices="$REPLY" $ma_nodes || broke "the array $1 was not made"
	if [ -z "$dry_run" ]; then
		read_line "$sys/block/${ma_node##*/}/size"
		is_number "$REPLY" || broke "the array $1 was not made"
		clear_ends "$ma_node" 0 "$REPLY"
	fi
	release_udev
	[ -z "$dry_run" ] || return 0
	settle
	find_array "$1"
	[ -n "$REPLY" ] || broke "the array $1 does not run"
}

count_nodes() { REPLY=$#; }

make_group() {
	field vg "$1" devices
	mg_nodes=
	for mg_device in $REPLY; do
		device_node "$mg_device" || broke "$mg_device is not there"
		mg_nodes="$mg_nodes $REPLY"
	done
	# shellcheck disable=SC2086 # words
	lvm_run "$1" vgcreate -y "$1" $mg_nodes || broke "the volume group $1 was not made"
	for mg_volume in $volumes; do
		[ "${mg_volume%/*}" = "$1" ] || continue
		field lv "$mg_volume" size
		case $REPLY in
		-) set -- "$1" -l 100%FREE ;;
		*) set -- "$1" -L "${REPLY}m" ;;
		esac
		lvm_run "$1" lvcreate -y -Wy -n "${mg_volume#*/}" "$2" "$3" "$1" || broke "the volume $mg_volume was not made"
	done
}

make_system() {
	field fs "$1" device
	ms_device=$REPLY
	device_node "$ms_device" || broke "the device of $1 is not there: $ms_device"
	ms_node=$REPLY
	field fs "$1" label
	ms_label=$REPLY
	field fs "$1" type
	case $REPLY in
	xfs) run mkfs.xfs -q -f -L "$ms_label" "$ms_node" ;;
	ext4) run mkfs.ext4 -q -F -L "$ms_label" "$ms_node" ;;
	vfat) run mkfs.vfat -F 32 -n "$ms_label" "$ms_node" ;;
	esac || broke "the file system for $1 was not made"
}
