# shellcheck shell=sh
# What a disk bears; sourced after disks.sh, never run. Reads, never writes.
#
#   read_content N   sets dN_state    blank | owned | foreign | unreadable | busy
#                         dN_content  the same in words
#                         dN_groups   the groups that marks of ours on it name
#   marked_groups N  sets only dN_groups, from /sys alone
#
# A disk is blank when /sys knows neither partitions nor anything that lies on it, its first and last
# MiB are zeros, and blkid finds no signature. It is owned when every partition has a name of the form
# imgbuild:<mark>:...; one foreign partition makes the whole disk foreign. What is left of such a table when
# the power went while it was written or erased is ours as well. A read that fails, or ends before the size
# that /sys tells, makes it unreadable.
#
# shellcheck disable=SC2154 # sys, dev, mark: the caller's

read_content() {
	rc_n=$1
	get "$rc_n" state
	[ -z "$REPLY" ] || return 0
	get "$rc_n" name
	rc_name=$REPLY
	rc_dir=$sys/block/$rc_name
	rc_node=$dev/$rc_name
	read_partitions "$rc_n"
	rc_held=
	for rc_holder in "$rc_dir"/holders/*; do
		[ -e "$rc_holder" ] && rc_held="$rc_held${rc_held:+, }${rc_holder##*/}"
	done
	read_ends
	read_signature

	rc_text=
	if [ "$rp_all" -gt 0 ]; then
		rc_text="$rp_all partition"
		[ "$rp_all" = 1 ] || rc_text="${rc_text}s"
		if [ "$rp_ours" = "$rp_all" ]; then
			rc_text="$rc_text of this cluster"
		elif [ -n "$rp_other" ]; then
			rc_text="$rc_text, of another cluster ($rp_other)"
		elif [ "$rp_ours" -gt 0 ]; then
			rc_text="$rc_text, $rp_ours of this cluster, not $rp_first"
		fi
	fi
	[ -z "$rc_held" ] || rc_text="$rc_text${rc_text:+, }in use by $rc_held"
	[ -z "$rc_type" ] || rc_text="$rc_text${rc_text:+, }$rc_type"
	[ -n "$rc_text" ] || [ "$rc_ends" != data ] || rc_text='data of an unknown kind'

	get "$rc_n" mounted
	if [ "$rc_ends" = unreadable ]; then
		rc_state=unreadable
		rc_text='cannot be read'
	elif [ -n "$REPLY" ]; then
		rc_state=busy
		rc_text="mounted at $REPLY"
	elif [ "$rp_all$rc_held$rc_type$rc_ends" = 0zero ]; then
		rc_state=blank
		rc_text=blank
	elif [ "$rp_all" -gt 0 ] && [ "$rp_ours" = "$rp_all" ] && [ -z "$rc_held" ] && [ -z "$rc_type" ]; then
		rc_state=owned
	elif bears_remains; then
		rc_state=owned
		rc_text="what is left of this cluster's partition table"
	else
		rc_state=foreign
	fi
	put "$rc_n" state "$rc_state"
	put "$rc_n" content "$rc_text"
}

marked_groups() { read_partitions "$1"; }

# read_partitions N: rp_all and rp_ours count them; rp_other is another cluster's mark, rp_first the
# first that is not ours.
read_partitions() {
	get "$1" name
	rp_name=$REPLY
	rp_all=0
	rp_ours=0
	rp_other=
	rp_first=
	rp_groups=
	for rp_dir in "$sys/block/$rp_name/$rp_name"*; do
		[ -f "$rp_dir/partition" ] || continue
		rp_all=$((rp_all + 1))
		rp_label=
		while read -r rp_line; do
			case $rp_line in PARTNAME=*) rp_label=${rp_line#PARTNAME=} ;; esac
		done <"$rp_dir/uevent"
		case $rp_label in
		"imgbuild:$mark:"?*)
			rp_ours=$((rp_ours + 1))
			# imgbuild:MARK:system1p3 -> system
			rp_group=${rp_label#"imgbuild:$mark:"}
			rp_group=${rp_group%%[!a-z]*}
			[ -z "$rp_group" ] || has_word "$rp_groups" "$rp_group" || rp_groups="$rp_groups $rp_group"
			;;
		imgbuild:*:?*)
			printable "${rp_label%:*}"
			rp_other=${rp_other:-$REPLY}
			rp_first=${rp_first:-${rp_dir##*/}}
			;;
		*) rp_first=${rp_first:-${rp_dir##*/}} ;;
		esac
	done
	put "$1" groups "${rp_groups# }"
}

# read_ends: are the first and the last MiB zeros?
read_ends() {
	get "$rc_n" sectors
	re_size=512
	re_blocks=$REPLY
	# Blocks of 4096 are quicker; an odd size has its last ones read by the sector.
	if [ $((REPLY % 8)) = 0 ]; then
		re_size=4096
		re_blocks=$((REPLY / 8))
	fi
	re_count=$((1048576 / re_size))
	[ "$re_blocks" -gt "$re_count" ] || re_count=$re_blocks
	rc_ends=zero
	# Elsewhere than in /dev, in a test, a disk may be a plain file.
	[ "$dev" != /dev ] || [ -b "$rc_node" ] || rc_ends=unreadable
	are_zeros 0
	are_zeros $((re_blocks - re_count))
}

# are_zeros SKIP: dd's own message runs along in the stream: with all zeros removed it is all that is
# left of an empty range, and it says whether every block was there. (An installer has no cmp.)
are_zeros() {
	az_out=$(dd if="$rc_node" bs="$re_size" count="$re_count" skip="$1" 2>&1 | tr -d '\000' | tail -c 300)
	az_full="$re_count+0 records in"
	case $az_out in
	# Twice: then the first stands on the disk.
	*"records in"*"records in"*) az_ends=data ;;
	"$az_full"*) az_ends=zero ;;
	*"$az_full"*) az_ends=data ;;
	*) az_ends=unreadable ;;
	esac
	case $az_ends:$rc_ends in
	unreadable:* | data:zero) rc_ends=$az_ends ;;
	esac
}

# bears_remains: is there nothing but, at one end or at both, entries of a GPT that are all ours? Counted in
# entries, 128 bytes each: 128 of them begin with the third sector, and end before the last one.
bears_remains() {
	case $rp_all:$rc_held:$rc_type in '0::' | '0::a partition table without partitions') ;; *) return 1 ;; esac
	get "$rc_n" lbs
	br_sector=$((REPLY / 128))
	get "$rc_n" sectors
	br_end=$((REPLY * 4))
	br_found=
	bears_entries $((br_sector * 2)) 8192 || return 1
	br_copy=$((br_end - br_sector - 128))
	is_empty $((br_end - 8192)) "$br_copy" && bears_entries "$br_copy" $((br_end - br_sector)) && [ -n "$br_found" ]
}

# bears_entries FROM TO: entries of ours, and from the first empty one on zeros.
bears_entries() {
	be_at=$1
	while [ "$be_at" -lt $(($1 + 128)) ] && ! is_empty "$be_at" $((be_at + 1)); do
		be_name=$(dd if="$rc_node" bs=8 skip=$((be_at * 16 + 7)) count=9 2>/dev/null | tr -d '\000')
		case $be_name in "imgbuild:$mark:"?*) br_found=yes ;; *) return 1 ;; esac
		be_at=$((be_at + 1))
	done
	is_empty "$be_at" "$2"
}

is_empty() {
	[ -z "$(dd if="$rc_node" bs=128 skip="$1" count=$(($2 - $1)) 2>/dev/null | tr -d '\000' | tail -c 1)" ]
}

# read_signature: rc_type, what libblkid makes of the disk as a whole; a partition table counts only
# where /sys has no partitions to go with it.
read_signature() {
	rc_type=
	rs_out=
	if command -v blkid >/dev/null 2>&1; then
		rs_out=$(blkid -p -o export "$rc_node" 2>/dev/null)
		# 8: several signatures that contradict each other.
		[ "$?" != 8 ] || rc_type='several signatures'
	elif command -v wipefs >/dev/null 2>&1; then
		# Lines of offset,uuid,label,type.
		rs_out=$(wipefs -p "$rc_node" 2>/dev/null)
	fi
	while read -r rs_line; do
		case $rs_line in
		'#'*) continue ;;
		TYPE=?*) rs_type=${rs_line#TYPE=} ;;
		PTTYPE=?*) rs_type=table ;;
		*,gpt | *,dos | *,PMBR) rs_type=table ;;
		0x*,?*) rs_type=${rs_line##*,} ;;
		*) continue ;;
		esac
		if [ "$rs_type" = table ]; then
			[ "$rp_all" -eq 0 ] || continue
			rs_type='a partition table without partitions'
		fi
		rc_type=${rc_type:-$rs_type}
	done <<END
$rs_out
END
	printable "$rc_type"
	rc_type=$REPLY
}
