# shellcheck shell=sh
# Which disks are in use, and which the installer itself came from; sourced after disks.sh, never run.
#
#   find_mounted    puts dN_mounted, and takes out the disks that the installer has mounted
#   find_installer  takes out what the kernel's command line and the label OEMDRV name
#
# shellcheck disable=SC2154 # sys, dev, mounts, cmdline: the caller's

# disks_below KNAME: the numbers of the disks that a disk, partition, md or dm device lies on.
disks_below() {
	REPLY=
	db_found=
	db_todo=$1
	db_seen=
	while [ -n "$db_todo" ]; do
		db_k=${db_todo%% *}
		db_todo=${db_todo#"$db_k"}
		db_todo=${db_todo# }
		has_word "$db_seen" "$db_k" && continue
		db_seen="$db_seen $db_k"
		index_of "$db_k"
		if [ -n "$REPLY" ]; then
			db_found="$db_found $REPLY"
			continue
		fi
		# A partition lies in its disk's directory; class/block would need a newer layout.
		for db_dir in "$sys"/block/*/"$db_k"; do
			[ -f "$db_dir/partition" ] || continue
			db_dir=${db_dir%/*}
			index_of "${db_dir##*/}"
			if [ -n "$REPLY" ]; then
				db_found="$db_found $REPLY"
			else
				db_todo="$db_todo ${db_dir##*/}"
			fi
		done
		for db_dir in "$sys/block/$db_k"/slaves/*; do
			[ -e "$db_dir" ] && db_todo="$db_todo ${db_dir##*/}"
		done
		db_todo=${db_todo# }
	done
	REPLY=${db_found# }
}

# kname_of SPEC: the kernel's name behind a device file, a name in /dev/disk or a LABEL=...; '' if absent.
kname_of() {
	REPLY=
	kn_spec=$1
	replace "$kn_spec" '"' ''
	kn_spec=$REPLY
	REPLY=
	case $kn_spec in
	LABEL=* | CDLABEL=*) kn_file=disk/by-label/${kn_spec#*=} ;;
	UUID=*) kn_file=disk/by-uuid/${kn_spec#*=} ;;
	PARTUUID=*) kn_file=disk/by-partuuid/${kn_spec#*=} ;;
	PARTLABEL=*) kn_file=disk/by-partlabel/${kn_spec#*=} ;;
	*) kn_file=${kn_spec#/dev/} ;;
	esac
	case $kn_file in
	mapper/*)
		for kn_dm in "$sys"/block/dm-*; do
			read_line "$kn_dm/dm/name"
			if [ "$REPLY" = "${kn_file#mapper/}" ]; then
				REPLY=${kn_dm##*/}
				return 0
			fi
		done
		REPLY=
		;;
	esac
	if [ -L "$dev/$kn_file" ]; then
		REPLY=$(readlink -f "$dev/$kn_file")
		REPLY=${REPLY##*/}
	elif [ -e "$dev/$kn_file" ]; then
		REPLY=${kn_file##*/}
	else
		case $kn_file in
		*/*) ;;
		*) for kn_dir in "$sys/block/$kn_file" "$sys"/block/*/"$kn_file"; do
			[ -d "$kn_dir" ] && REPLY=$kn_file
		done ;;
		esac
	fi
}

# find_mounted: marks disks with something mounted on them; the installer's own are out altogether.
find_mounted() {
	[ -r "$mounts" ] || fail 3 "cannot read $mounts, so cannot tell which disks are in use"
	while read -r fm_source fm_at _; do
		case $fm_source in /dev/*) ;; *) continue ;; esac
		kname_of "$fm_source"
		[ -n "$REPLY" ] || continue
		disks_below "$REPLY"
		for fm_n in $REPLY; do
			printable "$fm_at"
			put "$fm_n" mounted "$REPLY"
			case $fm_at in
			/run/install/* | /run/initramfs/* | /mnt/install/*) take_out "$fm_n" ;;
			esac
		done
	done <"$mounts"
}

take_out() {
	get "$1" out
	put "$1" out "${REPLY:-"the installer's own disk"}"
}

# find_installer: what the kernel's command line and the label OEMDRV say of the installer's own disk.
# installer_lost is what the command line names and no device answers to.
find_installer() {
	installer_lost=
	fi_line=
	if [ -r "$cmdline" ]; then
		{ read -r fi_line <"$cmdline" || :; } 2>/dev/null
	fi
	set -f
	# shellcheck disable=SC2086 # words are what is wanted
	set -- $fi_line
	set +f
	for fi_word in "$@"; do
		replace "$fi_word" '"' ''
		fi_word=$REPLY
		case $fi_word in
		*=hd:*) fi_spec=${fi_word#*=hd:} ;;
		*=*,hd:*) fi_spec=${fi_word#*,hd:} ;;
		*=cdrom:*) fi_spec=${fi_word#*=cdrom:} ;;
		root=live:*) fi_spec=${fi_word#root=live:} ;;
		*) continue ;;
		esac
		case $fi_spec in
		http:* | https:* | ftp:* | nfs:* | nfs4:* | tftp:* | '') continue ;;
		esac
		kname_of "${fi_spec%%:*}"
		if [ -n "$REPLY" ]; then
			disks_below "$REPLY"
			for fi_n in $REPLY; do take_out "$fi_n"; done
		else
			printable "${fi_spec%%:*}"
			# shellcheck disable=SC2034 # for the caller
			installer_lost=$REPLY
		fi
	done
	kname_of LABEL=OEMDRV
	[ -z "$REPLY" ] || disks_below "$REPLY"
	for fi_n in $REPLY; do take_out "$fi_n"; done
}
