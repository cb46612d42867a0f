# shellcheck shell=sh
# What is mounted, and taking it off again; sourced after common.sh, never run.
#
#   mounted_from DIR    REPLY = what is mounted there, '' where nothing is
#   unmount_below DIR   DIR and all below it, the last one first; fails where one is busy
#
# shellcheck disable=SC2154 # mounts: the caller's

# The last line counts: it lies over the others.
mounted_from() {
	mf_found=
	replace "$1" ' ' '\040'
	mf_want=$REPLY
	while read -r mf_source mf_at _; do
		[ "$mf_at" != "$mf_want" ] || mf_found=$mf_source
	done <"$mounts"
	REPLY=$mf_found
}

unmount_below() {
	replace "$1" ' ' '\040'
	ub_want=$REPLY
	ub_list=
	while read -r _ ub_at _; do
		case $ub_at in "$ub_want" | "$ub_want"/*) ub_list="$ub_at $ub_list" ;; esac
	done <"$mounts"
	for ub_at in $ub_list; do
		replace "$ub_at" '\040' ' '
		ub_at=$REPLY
		# A program that is just ending, udev's look at a device: busy for a moment.
		for ub_try in 1 2 3 4 5; do
			run umount "$ub_at" && continue 2
			[ "$ub_try" = 5 ] || sleep 1
		done
		return 1
	done
}
