# shellcheck shell=sh
# How large the partitions of a layout are on the disks that were chosen; sourced after devices.sh, never run.
#
#   plan_table SLOT   table = the lines of write_table for its disk, in sectors of pt_sector bytes
#                     places = START:SIZE of each partition, in MiB; pt_disk = the kernel's name
#
# Members of an array are of one size on unlike disks: what a partition has is reckoned from the smallest disk
# of its group.
#
# shellcheck disable=SC2034,SC2154 # for the caller; its own and layout.sh's

# group_size SLOT: REPLY = MiB of the smallest disk of the slot's group.
group_size() {
	gs_size=
	for gs_slot in $slots; do
		[ "${gs_slot%_*}" = "${1%_*}" ] || continue
		slot_kname "$gs_slot"
		read_line "$sys/block/$REPLY/size"
		[ -n "$gs_size" ] && [ "$gs_size" -le "$REPLY" ] || gs_size=$REPLY
	done
	REPLY=$((gs_size / 2048))
}

# plan_table SLOT: table = the lines of write_table; places = START SIZE of each partition, in MiB.
plan_table() {
	slot_kname "$1"
	pt_disk=$REPLY
	read_line "$sys/block/$pt_disk/queue/logical_block_size"
	pt_sector=${REPLY:-512}
	pt_unit=$((1048576 / pt_sector))
	group_size "$1"
	pt_room=$REPLY
	pt_start=1
	table=
	places=
	for pt_part in $parts; do
		[ "${pt_part%:*}" = "$1" ] || continue
		field part "$pt_part" size
		pt_size=$REPLY
		case $pt_size in -*) pt_size=$((pt_room + pt_size)) ;; esac
		# The last MiB has the copy of the table.
		if [ "$pt_size" -lt 1 ] || [ $((pt_start + pt_size)) -ge "$pt_room" ]; then
			refuse "$pt_disk ($1) is too small: partition ${pt_part#*:} does not fit into $pt_room MiB" \
				'Choose larger disks, or let the spec ask for less.'
		fi
		field part "$pt_part" use
		pt_use=$REPLY
		partition_label "$mark" "${1%_*}" "${1#*_}" "${pt_part#*:}"
		table="$table$((pt_start * pt_unit)) $((pt_size * pt_unit)) $pt_use $REPLY
"
		places="$places $pt_start:$pt_size"
		pt_start=$((pt_start + pt_size))
	done
}
