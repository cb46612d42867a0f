# shellcheck shell=sh
# From the names of a layout to devices, by what /sys says; sourced after layout.sh, never run.
#
#   read_disks FILE      what select-disks printed, for the slots of the layout
#   slot_disk SLOT       REPLY = disk/by-id/...       slot_kname SLOT   REPLY = sda
#   find_part PART       REPLY = the kernel's name of SLOT:NUMBER, '' where there is none
#   find_array NAME      REPLY = the running array that has all its members, '' where there is none
#   find_volume VOLUME   REPLY = dm-N of GROUP/NAME, '' where it is not active
#   find_device DEVICE   REPLY = any of the three; with /dev before it by device_node
#   assemble             starts arrays and volume groups that do not run
#
# Names in /dev/md and /dev/disk can be another machine's: a disk with an array `root` may well be plugged
# in. What lies on the chosen disks is certain.
#
# shellcheck disable=SC2154 # sys, dev, slots, arrays, groups, dry_run: the caller's and layout.sh's

read_disks() {
	{ [ -f "$1" ] && [ -r "$1" ]; } || fail 2 "cannot read $1, which select-disks should have written"
	for ds_slot in $slots; do eval "slot_$ds_slot="; done
	while IFS='=' read -r ds_name ds_value; do
		ds_value=${ds_value#\'}
		ds_value=${ds_value%\'}
		case $ds_value in *[!A-Za-z0-9._:+=@%/-]* | *..*) continue ;; esac
		if has_word "$slots" "$ds_name"; then
			eval "slot_$ds_name=\$ds_value"
		elif is_slot "$ds_name"; then
			refuse "select-disks chose $ds_value as $ds_name, which the layout does not have" \
				'Let it choose as many disks as the layout has.'
		fi
	done <"$1"
	ds_seen=
	for ds_slot in $slots; do
		slot_disk "$ds_slot"
		ds_value=$REPLY
		[ -n "$ds_value" ] || refuse "$1 names no disk for $ds_slot" \
			'Let select-disks choose as many disks as the layout has.'
		slot_kname "$ds_slot"
		{ [ -n "$REPLY" ] && [ -f "$sys/block/$REPLY/size" ]; } || refuse \
			"$ds_value ($ds_slot) is no whole disk of this machine" 'Connect it, or let select-disks choose again.'
		has_word "$ds_seen" "$REPLY" && refuse "$REPLY stands for two slots" 'Let select-disks choose again.'
		ds_seen="$ds_seen $REPLY"
	done
}

slot_disk() { eval "REPLY=\$slot_$1"; }

slot_kname() {
	slot_disk "$1"
	[ -z "$REPLY" ] || kname_of "$REPLY"
	case $REPLY in *[!A-Za-z0-9_]*) REPLY= ;; esac
}

find_part() {
	slot_kname "${1%:*}"
	fp_disk=$REPLY
	for fp_dir in "$sys/block/$fp_disk/$fp_disk"*; do
		[ -f "$fp_dir/partition" ] || continue
		read_line "$fp_dir/partition"
		[ "$REPLY" = "${1#*:}" ] || continue
		REPLY=${fp_dir##*/}
		return 0
	done
	REPLY=
}

# find_array NAME: an array that lacks a member, or has one too many, is not it.
find_array() {
	field array "$1" members
	fa_members=$REPLY
	fa_array=
	fa_count=0
	for fa_member in $fa_members; do
		find_part "$fa_member"
		fa_part=$REPLY
		fa_holder=
		for fa_dir in "$sys"/block/*/"$fa_part"/holders/md*; do
			[ -e "$fa_dir" ] || [ -L "$fa_dir" ] || continue
			fa_holder=${fa_dir##*/}
		done
		if [ -z "$fa_holder" ] || [ "${fa_array:-$fa_holder}" != "$fa_holder" ]; then
			REPLY=
			return 0
		fi
		fa_array=$fa_holder
		fa_count=$((fa_count + 1))
	done
	read_line "$sys/block/$fa_array/md/array_state"
	case $REPLY in '' | clear | inactive) fa_array= ;; esac
	for fa_dir in "$sys/block/$fa_array"/slaves/*; do
		[ -e "$fa_dir" ] && fa_count=$((fa_count - 1))
	done
	[ "$fa_count" = 0 ] || fa_array=
	REPLY=$fa_array
}

# find_volume GROUP/NAME: device-mapper writes a - in a name twice.
find_volume() {
	replace "${1%/*}" - --
	fv_name=$REPLY
	replace "${1#*/}" - --
	fv_name=$fv_name-$REPLY
	for fv_dir in "$sys"/block/dm-*; do
		read_line "$fv_dir/dm/name"
		[ "$REPLY" = "$fv_name" ] || continue
		# Another machine's group may have the same name; ours lies on our devices.
		volume_is_ours "${1%/*}" "${fv_dir##*/}" || continue
		REPLY=${fv_dir##*/}
		return 0
	done
	REPLY=
}

# volume_is_ours GROUP DM: does all that it lies on belong to the group?
volume_is_ours() {
	vo_dm=$2
	field vg "$1" devices
	vo_ours=
	for vo_device in $REPLY; do
		find_device "$vo_device"
		vo_ours="$vo_ours $REPLY"
	done
	for vo_dir in "$sys/block/$vo_dm"/slaves/*; do
		[ -e "$vo_dir" ] || continue
		has_word "$vo_ours" "${vo_dir##*/}" || return 1
	done
}

find_device() {
	case $1 in
	array:*) find_array "${1#array:}" ;;
	part:*) find_part "${1#part:}" ;;
	lv:*) find_volume "${1#lv:}" ;;
	esac
}

# device_node DEVICE: REPLY = its device file; fails where it is not running. In a rehearsal, where nothing is
# made, the name that it would have.
device_node() {
	if [ -n "$dry_run" ]; then
		planned_node "$1"
		return
	fi
	find_device "$1"
	[ -n "$REPLY" ] && [ -e "$dev/$REPLY" ] || return 1
	REPLY=$dev/$REPLY
}

planned_node() {
	case $1 in
	array:*) REPLY=$dev/md/${1#array:} ;;
	lv:*) REPLY=$dev/${1#lv:} ;;
	part:*)
		pn_part=${1#part:}
		slot_kname "${pn_part%:*}"
		case $REPLY in *[0-9]) REPLY=${REPLY}p ;; esac
		REPLY=$dev/$REPLY${pn_part#*:}
		;;
	esac
}

# member_nodes NAME: REPLY = the device files of an array's members.
member_nodes() {
	field array "$1" members
	mn_nodes=
	for mn_member in $REPLY; do
		device_node "part:$mn_member" || return 1
		mn_nodes="$mn_nodes $REPLY"
	done
	REPLY=${mn_nodes# }
}

# free_md: REPLY = a device file for one more array, from md127 down as the kernel counts.
free_md() {
	fm_n=127
	while [ -e "$sys/block/md$fm_n" ] && [ "$fm_n" -gt 0 ]; do fm_n=$((fm_n - 1)); done
	REPLY=$dev/md$fm_n
}

# lvm_run GROUP COMMAND...: sees the group's own devices and no others, since another machine's disk may hold a
# group of this name. It makes and removes device files itself: where LVM's udev rules are missing it would
# wait for ever.
lvm_run() {
	lr_group=$1
	lr_command=$2
	shift 2
	lr_filter=
	field vg "$lr_group" devices
	for lr_device in $REPLY; do
		device_node "$lr_device" || return 1
		lr_filter="$lr_filter\"a|^$REPLY\$|\", "
	done
	run lvm "$lr_command" --config "devices { filter=[$lr_filter\"r|.*|\"] } activation { udev_sync=0 udev_rules=0 }" "$@"
}

assemble() {
	as_started=
	for as_array in $arrays; do
		find_array "$as_array"
		[ -z "$REPLY" ] || continue
		stop_part_of "$as_array"
		member_nodes "$as_array" || return 1
		as_nodes=$REPLY
		free_md
		# shellcheck disable=SC2086 # words
		run mdadm --assemble --run "$REPLY" $as_nodes || return 1
		as_started=yes
	done
	for as_volume in $volumes; do
		find_volume "$as_volume"
		[ -z "$REPLY" ] || continue
		lvm_run "${as_volume%/*}" vgchange -ay "${as_volume%/*}" || return 1
		as_started=yes
	done
	[ -z "$as_started" ] || settle
}

# stop_part_of NAME: udev leaves an array that it saw one member of half put together.
stop_part_of() {
	field array "$1" members
	for sp_member in $REPLY; do
		find_part "$sp_member"
		for sp_dir in "$sys"/block/*/"$REPLY"/holders/md*; do
			[ -e "$sp_dir" ] || [ -L "$sp_dir" ] || continue
			sp_array=${sp_dir##*/}
			read_line "$sys/block/$sp_array/md/array_state"
			case $REPLY in inactive | clear) run mdadm --stop "$dev/$sp_array" || return 1 ;; esac
		done
	done
}
