# shellcheck shell=sh
# What the programs of a deployment have in common; sourced after ../lib.sh and the rest, never run.
#
#   read_arguments WANTED ARGUMENT...  sets layout, disks_file, target, dry_run, sys, dev, mounts, cmdline;
#                                      WANTED are those that must be there, and dry-run
#   run COMMAND...                     shows it on stdout and runs it, unless this is a rehearsal
#   refuse SENTENCE REMEDY, broke SENTENCE REMEDY   the two ways out: 3 nothing was changed, 4 on the way
#
# shellcheck disable=SC2034,SC2154 # for the programs; firmware is layout.sh's

usage() { fail 2 "$* (usage: see the head of $0)"; }

read_arguments() {
	ar_wanted=$1
	shift
	sys=/sys
	dev=/dev
	mounts=/proc/mounts
	cmdline=/proc/cmdline
	layout=
	disks_file=
	target=
	dry_run=
	while [ $# -gt 0 ]; do
		case $1 in
		--dry-run)
			has_word "$ar_wanted" dry-run || usage "unknown argument '$1'"
			dry_run=yes
			shift
			continue
			;;
		--layout | --disks | --target | --sys | --dev | --mounts | --cmdline) ;;
		*) usage "unknown argument '$1'" ;;
		esac
		[ -n "${2-}" ] || usage "$1 needs a value"
		absolute "$2"
		case $1 in
		--disks) disks_file=$REPLY ;;
		*) eval "${1#--}=\$REPLY" ;;
		esac
		shift 2
	done
	{ [ -n "$layout" ] || ! has_word "$ar_wanted" layout; } || usage '--layout is missing'
	{ [ -n "$disks_file" ] || ! has_word "$ar_wanted" disks; } || usage '--disks is missing'
	{ [ -n "$target" ] || ! has_word "$ar_wanted" target; } || usage '--target is missing'
	[ "$target" != / ] || usage 'the target is this system itself'
}

refuse() {
	printable "$1"
	say "${0##*/}: refused, nothing was changed: $REPLY."
	say "  $2"
	exit 3
}

broke() {
	printable "$1"
	say "${0##*/}: failed on the way: $REPLY."
	say "  ${2:-Look at the messages above, put it right from a shell, and run this again.}"
	exit 4
}

# Nothing may wait for an answer.
run() {
	printf '%s\n' "$*"
	[ -n "$dry_run" ] || "$@" >&2 </dev/null
}

# check_firmware: what the layout makes bootable is what this machine starts with.
check_firmware() {
	cf_here=bios
	[ ! -d "$sys/firmware/efi" ] || cf_here=uefi
	[ "$cf_here" = "$firmware" ] || refuse "the layout is for $firmware, and this machine was started with $cf_here" \
		'Change the boot mode in its setup, or the firmware in the spec.'
}
