# shellcheck shell=sh
# Reads the layout of a host's disks; sourced after ../lib.sh, never run.
#
#   read_layout FILE   sets mark, firmware, and lists in the order of the file:
#                        slots    system_1 ...             parts   SLOT:NUMBER ...
#                        arrays   NAME ...                 groups  the volume groups
#                        volumes  GROUP/NAME ...           systems the file systems, by mount point
#   field KIND KEY FIELD   REPLY =   part SLOT:NUMBER use | size | name
#                                    array NAME level | metadata | members
#                                    vg NAME devices          lv GROUP/NAME size
#                                    fs MOUNT device | type | label | options
#
# A statement a line, words separated by blanks, from a # on it is a comment:
#
#   mark MARK                          disk SLOT                       fs DEVICE TYPE LABEL MOUNT OPTIONS
#   firmware uefi|bios                 part SLOT NUMBER USE SIZE NAME  vg NAME DEVICE...
#   array NAME LEVEL METADATA SLOT:NUMBER...                           lv GROUP NAME SIZE
#
# USE is biosboot, esp, raid, lvm or fs; SIZE is in MiB, -N is the smallest disk of the slot's group less N;
# an lv's may be - for what is left. DEVICE is array:NAME, lv:GROUP/NAME or part:SLOT:NUMBER. What is used
# must have been named on an earlier line, and is used once. Anything else is refused with its line.

read_layout() {
	rl_file=$1
	{ [ -f "$1" ] && [ -r "$1" ]; } || fail 2 "cannot read the layout $1"
	mark=
	firmware=
	slots=
	parts=
	arrays=
	groups=
	volumes=
	systems=
	rl_used=
	rl_line=0
	set -f
	while read -r rl_text || [ -n "$rl_text" ]; do
		rl_line=$((rl_line + 1))
		# shellcheck disable=SC2086 # words are what is wanted
		read_statement ${rl_text%%#*}
	done <"$1"
	set +f
	rl_line=
	[ -n "$mark" ] || wrong 'there is no mark'
	[ -n "$firmware" ] || wrong 'there is no firmware'
	[ -n "$systems" ] || wrong 'there is no file system'
	for rl_slot in $slots; do
		has_word "$parts" "$rl_slot:1" || wrong "$rl_slot has no partitions"
	done
	for rl_part in $parts; do
		rl_slot=${rl_part%:*}
		partition_label "$mark" "${rl_slot%_*}" "${rl_slot#*_}" "${rl_part#*:}"
		[ -n "$REPLY" ] || wrong "no room for the name of partition $rl_part with the mark $mark"
	done
}

wrong() { fail 3 "refused, nothing was changed: $rl_file${rl_line:+, line $rl_line}: $1"; }

# words N KIND...: has the statement N words?
words() { [ "$1" = $(($# - 1)) ] || wrong "$2 takes $(($1 - 1)) words"; }

read_statement() {
	[ $# -gt 0 ] || return 0
	case $1 in
	mark)
		words 2 "$@"
		is_mark "$2" || wrong "'$2' is no mark: 1 to 20 of a-z, 0-9 and -"
		mark=$2
		;;
	firmware)
		words 2 "$@"
		case $2 in uefi | bios) firmware=$2 ;; *) wrong "firmware '$2': uefi or bios" ;; esac
		;;
	disk)
		words 2 "$@"
		is_slot "$2" || wrong "'$2' is no slot: a group and a number, as in system_1"
		only_once disk "$slots" "$2"
		slots="$slots $2"
		;;
	part) read_part "$@" ;;
	array) read_array "$@" ;;
	vg) read_vg "$@" ;;
	lv) read_lv "$@" ;;
	fs) read_fs "$@" ;;
	*) wrong "'$1' is no statement" ;;
	esac
}

# is_slot TEXT: GROUP_N, with the names that select-disks gives to groups.
is_slot() {
	case ${1%_*} in '' | *[!a-z]* | ?????????????*) return 1 ;; esac
	case $1 in *_*) is_number "${1#*_}" && [ "${1#*_}" -gt 0 ] ;; *) return 1 ;; esac
}

# is_name TEXT: of an array, a volume group or a volume; md has room for 32 characters.
is_name() {
	case $1 in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9_-]*) return 1 ;; esac
	[ "${#1}" -le 32 ]
}

is_size() { is_number "$1" && [ "$1" -gt 0 ]; }

only_once() { ! has_word "$2" "$3" || wrong "$1 $3 stands here for the second time"; }

# variable KIND KEY FIELD: REPLY = its name; a key's place in its list is what tells keys apart.
variable() {
	case $1 in
	part) va_list=$parts ;;
	array) va_list=$arrays ;;
	vg) va_list=$groups ;;
	lv) va_list=$volumes ;;
	fs) va_list=$systems ;;
	esac
	va_n=0
	for va_key in $va_list; do
		va_n=$((va_n + 1))
		[ "$va_key" != "$2" ] || break
	done
	REPLY=lo_$1_${va_n}_$3
}

field() {
	variable "$@"
	eval "REPLY=\${$REPLY-}"
}

set_field() {
	variable "$@"
	eval "$REPLY=\$4"
}

read_part() {
	words 6 "$@"
	has_word "$slots" "$2" || wrong "there is no disk $2 above"
	# Numbers in order: so they stand in the table.
	rp_next=1
	while has_word "$parts" "$2:$rp_next"; do rp_next=$((rp_next + 1)); done
	[ "$3" = "$rp_next" ] || wrong "the next partition of $2 is number $rp_next"
	case $4 in biosboot | esp | raid | lvm | fs) ;; *) wrong "use '$4': biosboot, esp, raid, lvm or fs" ;; esac
	is_size "${5#-}" || wrong "'$5' is no size in MiB"
	[ "$6" = - ] || is_name "$6" || wrong "'$6' is no name"
	parts="$parts $2:$3"
	set_field part "$2:$3" use "$4"
	set_field part "$2:$3" size "$5"
	set_field part "$2:$3" name "$6"
}

read_array() {
	[ $# -ge 6 ] || wrong 'array takes a name, a level, a kind of metadata and at least two partitions'
	is_name "$2" || wrong "'$2' is no name"
	only_once array "$arrays" "$2"
	case $3:$# in
	raid1:* | raid10:[89] | raid10:??*) ;;
	raid10:*) wrong 'raid10 takes at least four partitions' ;;
	*) wrong "level '$3': raid1 or raid10" ;;
	esac
	case $4 in 1.0 | 1.2) ;; *) wrong "metadata '$4': 1.0 or 1.2" ;; esac
	ra_name=$2
	ra_metadata=$4
	arrays="$arrays $2"
	set_field array "$2" level "$3"
	set_field array "$2" metadata "$4"
	shift 4
	ra_slots=
	for ra_member in "$@"; do
		only_once "partition" "$rl_used" "part:$ra_member"
		has_word "$parts" "$ra_member" || wrong "there is no partition $ra_member above"
		has_word "$ra_slots" "${ra_member%:*}" && wrong "two members on the disk ${ra_member%:*}"
		field part "$ra_member" use
		case $REPLY:$ra_metadata in
		raid:* | esp:1.0) ;;
		esp:*) wrong 'firmware reads an ESP as if there were no array, which takes metadata 1.0' ;;
		*) wrong "partition $ra_member is for $REPLY, not raid" ;;
		esac
		ra_slots="$ra_slots ${ra_member%:*}"
		rl_used="$rl_used part:$ra_member"
	done
	set_field array "$ra_name" members "$*"
}

# use_device DEVICE USE...: it exists, is not in use, and a partition is meant for this.
use_device() {
	ud_device=$1
	case $1 in
	array:*) has_word "$arrays" "${1#array:}" ;;
	lv:*) has_word "$volumes" "${1#lv:}" ;;
	part:*) has_word "$parts" "${1#part:}" ;;
	*) wrong "'$1' is no device: array:NAME, lv:GROUP/NAME or part:SLOT:NUMBER" ;;
	esac || wrong "there is no $1 above"
	only_once device "$rl_used" "$1"
	rl_used="$rl_used $1"
	case $1 in
	part:*)
		field part "${1#part:}" use
		shift
		has_word "$*" "$REPLY" || wrong "$ud_device is for $REPLY"
		;;
	esac
}

read_vg() {
	[ $# -ge 3 ] || wrong 'vg takes a name and at least one device'
	is_name "$2" || wrong "'$2' is no name"
	only_once vg "$groups" "$2"
	rv_name=$2
	shift 2
	for rv_device in "$@"; do
		case $rv_device in lv:*) wrong 'a volume is no device for a volume group' ;; esac
		use_device "$rv_device" lvm
	done
	groups="$groups $rv_name"
	set_field vg "$rv_name" devices "$*"
}

read_lv() {
	words 4 "$@"
	has_word "$groups" "$2" || wrong "there is no vg $2 above"
	is_name "$3" || wrong "'$3' is no name"
	only_once lv "$volumes" "$2/$3"
	[ "$4" = - ] || is_size "$4" || wrong "'$4' is no size in MiB"
	for rv_other in $volumes; do
		[ "${rv_other%/*}" = "$2" ] || continue
		field lv "$rv_other" size
		[ "$REPLY" != - ] || wrong "$rv_other has all that is left of $2 already"
	done
	volumes="$volumes $2/$3"
	set_field lv "$2/$3" size "$4"
}

read_fs() {
	words 6 "$@"
	use_device "$2" fs esp
	case $3:$4 in
	*:*[!A-Za-z0-9._-]*) wrong "'$4' is no label" ;;
	vfat:????????????* | xfs:?????????????* | ext4:?????????????????*) wrong "the label $4 is too long for $3" ;;
	vfat:* | xfs:* | ext4:*) ;;
	*) wrong "file system '$3': xfs, ext4 or vfat" ;;
	esac
	case $5 in
	/) ;;
	[!/]* | *[!A-Za-z0-9._/-]* | */ | *//* | */./* | */../* | */. | */..) wrong "'$5' is no mount point" ;;
	esac
	case $6 in *[!A-Za-z0-9._=,:+/-]*) wrong "'$6' are no options" ;; esac
	case $5:$systems in
	/:) ;;
	*:) wrong 'the first file system is /' ;;
	esac
	only_once mount "$systems" "$5"
	for rs_mount in $systems; do
		case $rs_mount in "$5"/*) wrong "$rs_mount would be hidden by $5" ;; esac
	done
	systems="$systems $5"
	set_field fs "$5" device "$2"
	set_field fs "$5" type "$3"
	set_field fs "$5" label "$4"
	set_field fs "$5" options "$6"
}
