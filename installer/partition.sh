# shellcheck shell=sh
# Writes and reads GPT partition tables; sourced after lib.sh, never run. Works under `set -u`.
#
#   write_table NODE SECTOR  stdin: a line START SIZE TYPE NAME for each partition, in sectors of SECTOR
#                            bytes, the first one is number 1. The whole table, and read back.
#   read_table NODE          stdout: the same lines, of what is there
#   reread_table NODE        tells the kernel
#
# TYPE is biosboot, esp, raid, lvm or fs; a type that is none of these is read as it is called there.
# sfdisk does it where it knows GPT (util-linux 2.26), else parted.
#
# A table appears on the disk whole, with its names: were the power cut in between, a partition without
# our mark would be refused by the next installation. sfdisk writes once. parted writes after each of its
# commands, so it works on a file as large as the disk, and empty, whose ends are then copied: first the
# primary table, which says it all, then its copy. (A file has sectors of 512 bytes. On a disk with others
# parted works on the disk itself.)

write_table() {
	wt_lines=
	while read -r wt_line; do
		[ -z "$wt_line" ] || wt_lines="$wt_lines$wt_line
"
	done
	if knows_gpt; then
		write_by_sfdisk "$1" || return 1
	elif command -v parted >/dev/null 2>&1; then
		write_by_parted "$1" "$2" || return 1
	else
		say 'no program can write a GPT: neither sfdisk of util-linux 2.26 or later, nor parted'
		return 1
	fi
	wt_read=$(read_table "$1")
	[ "$wt_read
" = "$wt_lines" ] && return 0
	say "the partition table of $1 is not the one that was written; there is now:"
	say "${wt_read:-nothing}"
	return 1
}

# knows_gpt: is there such an sfdisk? It says `sfdisk from util-linux 2.38.1`.
knows_gpt() {
	kg_version=$(sfdisk --version 2>/dev/null) || return 1
	kg_version=${kg_version##* }
	kg_major=${kg_version%%.*}
	kg_minor=${kg_version#*.}
	kg_minor=${kg_minor%%[!0-9]*}
	is_number "$kg_major" && is_number "$kg_minor" || return 1
	[ "$kg_major" -gt 2 ] || { [ "$kg_major" = 2 ] && [ "$kg_minor" -ge 26 ]; }
}

write_by_sfdisk() {
	{
		printf 'label: gpt\nunit: sectors\n'
		while read -r wt_start wt_size wt_type wt_name; do
			[ -n "$wt_start" ] || continue
			case $wt_type in
			biosboot) wt_type=21686148-6449-6E6F-744E-656564454649 ;;
			esp) wt_type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B ;;
			raid) wt_type=A19D880F-05FC-4D3B-A006-743F0F84911E ;;
			lvm) wt_type=E6D6D379-F507-44C2-A23C-238F2A3DF928 ;;
			fs) wt_type=0FC63DAF-8483-4772-8E79-3D69D8477DE4 ;;
			esac
			printf 'start=%s, size=%s, type=%s, name="%s"\n' "$wt_start" "$wt_size" "$wt_type" "$wt_name"
		done <<END
$wt_lines
END
	} | sfdisk -q "$1" >&2
}

write_by_parted() {
	# A file system in memory takes a sparse file of any size.
	wp_file=${TMPDIR:-/run}/imgbuild-table.$$
	wp_target=$1
	if [ "$2" = 512 ]; then
		table_sectors "$1" || return 1
		wp_target=$wp_file
		dd if=/dev/zero of="$wp_file" bs=512 seek="$((REPLY - 1))" count=1 2>/dev/null || return 1
	fi
	set -- "$1" "$2" mklabel gpt
	wp_n=0
	while read -r wt_start wt_size wt_type wt_name; do
		[ -n "$wt_start" ] || continue
		wp_n=$((wp_n + 1))
		# Without a kind of file system an older parted types it as Windows' own.
		set -- "$@" mkpart "$wt_name" ext2 "${wt_start}s" "$((wt_start + wt_size - 1))s"
		case $wt_type in
		biosboot) set -- "$@" set "$wp_n" bios_grub on ;;
		esp) set -- "$@" set "$wp_n" boot on ;;
		raid | lvm) set -- "$@" set "$wp_n" "$wt_type" on ;;
		esac
	done <<END
$wt_lines
END
	wp_node=$1
	wp_code=0
	shift 2
	parted -s "$wp_target" "$@" </dev/null >&2 || wp_code=1
	if [ "$wp_target" = "$wp_file" ]; then
		# 33 sectors are the copy at the end; the table at the beginning has the protective MBR as well.
		[ "$wp_code" != 0 ] || copy_table 0 34 || wp_code=1
		[ "$wp_code" != 0 ] || copy_table "$((REPLY - 33))" 33 || wp_code=1
		rm -f "$wp_file"
		[ "$wp_code" != 0 ] || reread_table "$wp_node"
	fi
	return "$wp_code"
}

copy_table() {
	dd if="$wp_file" of="$wp_node" bs=512 skip="$1" seek="$1" count="$2" conv=notrunc,fsync 2>/dev/null
}

# table_sectors NODE: REPLY = its size in sectors of 512 bytes.
table_sectors() {
	if [ -f "$1" ]; then
		REPLY=$(($(wc -c <"$1") / 512))
	else
		REPLY=$(readlink -f "$1")
		read_line "/sys/class/block/${REPLY##*/}/size"
	fi
	is_number "$REPLY" && [ "$REPLY" -gt 68 ] && return 0
	say "cannot tell the size of $1"
	return 1
}

read_table() {
	if knows_gpt; then
		sfdisk -d "$1" 2>/dev/null | while read -r rt_line; do read_dump_line "$rt_line"; done
	else
		parted -m -s "$1" unit s print 2>/dev/null </dev/null | while read -r rt_line; do read_print_line "$rt_line"; done
	fi
}

# /dev/sda1 : start=        2048, size=        4096, type=..., uuid=..., name="...", attrs=...
read_dump_line() {
	case $1 in *' : start='*'type='*) ;; *) return 0 ;; esac
	rt_rest=${1#*start=}
	trim "${rt_rest%%,*}"
	rt_start=$REPLY
	rt_rest=${rt_rest#*size=}
	trim "${rt_rest%%,*}"
	rt_size=$REPLY
	rt_type=${rt_rest#*type=}
	rt_type=${rt_type%%,*}
	case $rt_type in
	21686148-6449-6E6F-744E-656564454649) rt_type=biosboot ;;
	C12A7328-F81F-11D2-BA4B-00A0C93EC93B) rt_type=esp ;;
	A19D880F-05FC-4D3B-A006-743F0F84911E) rt_type=raid ;;
	E6D6D379-F507-44C2-A23C-238F2A3DF928) rt_type=lvm ;;
	0FC63DAF-8483-4772-8E79-3D69D8477DE4) rt_type=fs ;;
	esac
	rt_name=
	case $rt_rest in
	*name=\"*)
		rt_name=${rt_rest#*name=\"}
		rt_name=${rt_name%%\"*}
		;;
	esac
	printf '%s %s %s %s\n' "$rt_start" "$rt_size" "$rt_type" "$rt_name"
}

# 1:2048s:4095s:2048s:ext4:imgbuild\:MARK\:system1p1:boot, esp;
read_print_line() {
	case $1 in [0-9]*:*s:*s:*s:*) ;; *) return 0 ;; esac
	rt_rest=${1#*:}
	rt_start=${rt_rest%%s:*}
	rt_rest=${rt_rest#*s:*s:}
	rt_size=${rt_rest%%s:*}
	rt_rest=${rt_rest#*s:}
	# The kind of file system, which is never ours to know.
	rt_rest=${rt_rest#*:}
	rt_flags=${rt_rest##*:}
	replace "${rt_rest%:*}" '\:' :
	rt_name=$REPLY
	case $rt_flags in
	*bios_grub*) rt_type=biosboot ;;
	*boot*) rt_type=esp ;;
	*raid*) rt_type=raid ;;
	*lvm*) rt_type=lvm ;;
	';') rt_type=fs ;;
	*) rt_type=${rt_flags%;} ;;
	esac
	printf '%s %s %s %s\n' "$rt_start" "$rt_size" "$rt_type" "$rt_name"
}

# reread_table NODE: udev looks at a disk that was just written, and for that moment it is busy.
reread_table() {
	[ -b "$1" ] || return 0
	for re_program in 'blockdev --rereadpt' partprobe; do
		command -v "${re_program%% *}" >/dev/null 2>&1 || continue
		# shellcheck disable=SC2086 # words
		$re_program "$1" >/dev/null 2>&1 && return 0
	done
	return 1
}
