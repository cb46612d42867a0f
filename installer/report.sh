# shellcheck shell=sh
# What select-disks tells people; sourced after the rest, never run. Prints to stdout.
#
#   show_disks    every disk, what it bears, and why it was taken or passed over
#   show_wanted   the groups in words
#   show_advice   what to do about $problem_kind, with lines for the spec
#
# shellcheck disable=SC2154 # disks, groups, fit_N, taken_N, wipe, problem_kind: the caller's

show_disks() {
	printf 'Disks of this machine:\n'
	sd_n=0
	while [ "$sd_n" -lt "$disks" ]; do
		sd_n=$((sd_n + 1))
		show_disk "$sd_n"
	done
	[ "$disks" -gt 0 ] || printf '  none\n'
}

# show_disk N: the numbers on one line, what is long on the next ones.
show_disk() {
	get "$1" sectors
	human $((REPLY * 512))
	sh_size=$REPLY
	get "$1" name
	printable "$REPLY"
	sh_name=$REPLY
	get "$1" media
	sh_media=$REPLY
	get "$1" transport
	sh_transport=$REPLY
	get "$1" vendor
	sh_model=$REPLY
	get "$1" model
	sh_model=${sh_model:+$sh_model }$REPLY
	get "$1" out
	# Drives that are out anyway are neither read nor described at length.
	case $REPLY in 'an optical'* | 'a floppy'* | 'empty'*) sh_media=- ;; esac
	verdict "$1"
	printf '  %-10s %10s  %s  %-7s %s\n    -> %s\n' "$sh_name" "$sh_size" "$sh_media" "$sh_transport" "$sh_model" "$REPLY"
	get "$1" out
	sh_out=$REPLY
	sh_line=
	for sh_field in serial wwn; do
		get "$1" "$sh_field"
		[ -n "$REPLY" ] || continue
		printable "$REPLY"
		sh_line="$sh_line$sh_field $REPLY  "
	done
	get "$1" paths
	[ -z "$REPLY" ] || sh_line="${sh_line}path ${REPLY%% *}"
	[ -z "$sh_line" ] || printf '       %s\n' "$sh_line"
	if [ -z "$sh_out" ]; then
		read_content "$1"
		get "$1" content
		printf '       content: %s\n' "$REPLY"
	fi
}

# verdict N: REPLY = what became of a disk, in words.
verdict() {
	get "$1" out
	if [ -n "$REPLY" ]; then
		REPLY="never: $REPLY"
		return
	fi
	ve_text=
	ve_g=0
	while [ "$ve_g" -lt "$groups" ]; do
		ve_g=$((ve_g + 1))
		gget "$ve_g" name
		ve_name=$REPLY
		list taken "$ve_g"
		if has_word "$REPLY" "$1"; then
			REPLY="taken for $ve_name"
			return
		fi
		list fit "$ve_g"
		if has_word "$REPLY" "$1"; then
			ve_why="fits $ve_name"
		else
			match "$1" "$ve_g"
			ve_why="not for $ve_name: $REPLY"
		fi
		ve_text="$ve_text${ve_text:+; }$ve_why"
	done
	REPLY=$ve_text
}

show_wanted() {
	printf 'Wanted:\n'
	sw_g=0
	while [ "$sw_g" -lt "$groups" ]; do
		sw_g=$((sw_g + 1))
		wanted "$sw_g"
		sw_text=$REPLY
		gget "$sw_g" name
		printf '  %s: %s\n' "$REPLY" "$sw_text"
	done
	case $wipe in
	blank) printf '  wipe: blank (only disks that bear nothing)\n' ;;
	owned) printf '  wipe: owned (only disks that bear nothing, or nothing but partitions of this cluster, %s)\n' "$mark" ;;
	always) printf '  wipe: always (whatever they bear)\n' ;;
	esac
}

# yaml_word TEXT: plain where YAML reads it as text, else quoted; a glob's own signs match literally.
yaml_word() {
	printable "$1"
	yw_text=
	yw_rest=$REPLY
	while [ -n "$yw_rest" ]; do
		yw_char=${yw_rest%"${yw_rest#?}"}
		yw_rest=${yw_rest#?}
		case $yw_char in
		'*' | '[' | \\) yw_text="$yw_text\\$yw_char" ;;
		*) yw_text=$yw_text$yw_char ;;
		esac
	done
	case $yw_text in
	[A-Za-z]*[0-9]*) case $yw_text in
		*[!A-Za-z0-9._-]*) ;;
		*) REPLY=$yw_text && return ;;
		esac ;;
	esac
	replace "$yw_text" "'" "''"
	REPLY="'$REPLY'"
}

# spec_line GROUP DISK...: the line that names exactly these disks.
spec_line() {
	gget "$1" name
	sl_name=$REPLY
	shift
	sl_field=serial
	for sl_n in "$@"; do
		get "$sl_n" serial
		{ [ -n "$REPLY" ] && ! serial_is_shared "$sl_n"; } || sl_field=path
	done
	if [ "$sl_field" = path ]; then
		sl_field=wwn
		for sl_n in "$@"; do
			get "$sl_n" wwn
			[ -n "$REPLY" ] || sl_field=path
		done
	fi
	sl_text=
	for sl_n in "$@"; do
		get "$sl_n" "$sl_field"
		if [ "$sl_field" = path ]; then
			sl_path=$REPLY
			get "$sl_n" paths
			REPLY=${REPLY%% *}
			REPLY=${REPLY:-$sl_path}
		fi
		yaml_word "$REPLY"
		sl_text="$sl_text${sl_text:+, }$REPLY"
	done
	printf '    %s: { %s: [%s] }\n' "$sl_name" "$sl_field" "$sl_text"
}

# spec_lines: a line for every group, no disk in two of them.
spec_lines() {
	printf '  disks:\n'
	sp_used=
	sp_g=0
	while [ "$sp_g" -lt "$groups" ]; do
		sp_g=$((sp_g + 1))
		list fit "$sp_g"
		sp_fit=$REPLY
		gget "$sp_g" count
		sp_left=$REPLY
		sp_list=
		# First what only this group can take.
		list fit $((3 - sp_g))
		sp_other=$REPLY
		without "$sp_fit" "$sp_other"
		sp_order=$REPLY
		common "$sp_fit" "$sp_other"
		for sp_n in $sp_order $REPLY; do
			[ "$sp_left" -gt 0 ] || break
			has_word "$sp_used" "$sp_n" && continue
			sp_used="$sp_used $sp_n"
			sp_list="$sp_list $sp_n"
			sp_left=$((sp_left - 1))
		done
		# shellcheck disable=SC2086 # words
		[ -z "$sp_list" ] || spec_line "$sp_g" $sp_list
	done
}

show_advice() {
	printf 'What to do:\n'
	case $problem_kind in
	many | ambiguous)
		printf "  Say which disks to take, by serial, wwn or path, in this host's entry under hosts: in the spec; for example\n"
		spec_lines
		;;
	few)
		printf '  Look above for a disk that is missing or was passed over: is it dead, unplugged, or behind a\n'
		printf '  controller that hides it? Otherwise let the spec ask for what is there: count, media, size, model.\n'
		;;
	selector)
		printf '  The spec names a disk that is not there or cannot be used. Connect it, or name the one that\n'
		printf '  took its place; the disks that can be used are listed above.\n'
		;;
	size)
		printf '  Choose members of one size, or allow a larger difference (tolerance).\n'
		;;
	content)
		printf '  Where these are not the disks you meant: name others by serial. Where they are, and nothing of what\n'
		printf '  is named above is wanted any more, this erases it for good (--dry-run shows how); then start again:\n'
		printf '  sh %s/clean-disks%s\n' "$home" "$unwanted"
		printf "  To erase whatever the chosen disks bear, now and at every later install, in this host's entry under hosts::\n"
		printf '  disks:\n    wipe: always\n'
		;;
	broken)
		printf '  Replace the disk, or name others in the spec.\n'
		;;
	same)
		printf '  Unplug or switch off the second path, or name other disks in the spec; installing on multipath\n'
		printf '  devices is not supported.\n'
		;;
	busy)
		printf '  Unmount it and start again, or name other disks in the spec.\n'
		;;
	installer)
		printf '  Boot the installer again with an address that a device answers to; a blank in a label is \\x20.\n'
		;;
	esac
}
