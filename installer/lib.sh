# shellcheck shell=sh
# Small helpers for the programs beside this file; sourced, never run.
#
# POSIX sh without `local`: a function leaves its answer in REPLY and keeps its own variables behind
# a prefix. Nothing here starts another program in the usual case: an installer's machine is slow and
# /sys has many files.

# Byte-wise patterns and ranges, English messages from dd; whatever the caller's environment says.
LC_ALL=C
export LC_ALL
unset IFS CDPATH

say() { printf '%s\n' "$*" >&2; }

# fail CODE MESSAGE...: the message, named after the program, and out.
fail() {
	fail_code=$1
	shift
	say "${0##*/}: $*"
	exit "$fail_code"
}

# read_line FILE: its first line without the blanks around it; '' where there is none.
read_line() {
	REPLY=
	[ -f "$1" ] && [ -r "$1" ] || return 0
	# Some attributes of /sys fail on read; that says as much as a missing one.
	{ read -r REPLY <"$1" || :; } 2>/dev/null
}

# trim TEXT: without the blanks around it.
trim() {
	REPLY=${1#"${1%%[! 	]*}"}
	REPLY=${REPLY%"${REPLY##*[! 	]}"}
}

# is_number TEXT: one that sh can reckon with: 18 digits, not octal.
is_number() {
	case $1 in '' | *[!0-9]* | 0?* | ???????????????????*) return 1 ;; esac
}

# is_mark TEXT: what may name a cluster on a disk.
is_mark() {
	case $1 in '' | *[!a-z0-9-]* | ?????????????????????*) return 1 ;; esac
}

# partition_label MARK GROUP NUMBER PARTITION: REPLY = the name in the GPT by which we know a partition of ours,
# imgbuild:MARK:<group><number>p<partition>. It holds 36 characters: with a long MARK the group's name is cut;
# REPLY is '' where there is no room at all.
partition_label() {
	pl_rest=$3p$4
	pl_room=$((36 - ${#1} - 10 - ${#pl_rest}))
	REPLY=
	[ "$pl_room" -ge 1 ] || return 0
	pl_group=$2
	while [ "${#pl_group}" -gt "$pl_room" ]; do pl_group=${pl_group%?}; done
	REPLY=imgbuild:$1:$pl_group$pl_rest
}

# has_word LIST WORD: is WORD one of the blank-separated LIST?
has_word() {
	case " $1 " in *" $2 "*) return 0 ;; esac
	return 1
}

# replace TEXT ONE OTHER: every ONE becomes OTHER.
replace() {
	REPLY=
	replace_rest=$1
	while :; do
		case $replace_rest in
		*"$2"*)
			REPLY=$REPLY${replace_rest%%"$2"*}$3
			replace_rest=${replace_rest#*"$2"}
			;;
		*) break ;;
		esac
	done
	REPLY=$REPLY$replace_rest
}

# quote TEXT: as one word of sh.
quote() {
	replace "$1" "'" "'\\''"
	REPLY="'$REPLY'"
}

# printable TEXT: hardware may say anything, a terminal should not obey it.
printable() {
	REPLY=$1
	case $REPLY in
	*[!\ -~]*) REPLY=$(printf '%s' "$REPLY" | tr -c ' -~' '?') ;;
	esac
}

# human BYTES: as the label on a disk has it (1 GB = 10^9).
human() {
	human_unit=MB
	human_n=$(($1 / 100000))
	for human_next in GB TB; do
		[ "$human_n" -lt 10000 ] && break
		human_n=$((human_n / 1000))
		human_unit=$human_next
	done
	REPLY="$((human_n / 10)).$((human_n % 10)) $human_unit"
}

# absolute PATH: as seen from the root, so that `cd` elsewhere does not lose it.
absolute() {
	case $1 in
	/*) REPLY=$1 ;;
	*) REPLY=$PWD/$1 ;;
	esac
	[ "$REPLY" = / ] || REPLY=${REPLY%/}
}
