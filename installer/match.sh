# shellcheck shell=sh
# The groups that are wanted, and which disks fit them; sourced after disks.sh, never run.
#
#   gN_name gN_count gN_media gN_min gN_max              one value each
#   gN_model gN_serial gN_wwn gN_path gN_transport       lists, one entry a line; any of them fits
#   list fit N, list taken N  the disks that fit group N, and those it got
#   match DISK GROUP          REPLY = '' for a disk that fits, otherwise why it does not
#   unmet_selector GROUP LIST REPLY = a serial, WWN or path that none of the disks in LIST has
#   wanted GROUP              REPLY = the group in words

gget() { eval "REPLY=\${g${1}_$2-}"; }
gput() { eval "g${1}_$2=\$3"; }
# gadd GROUP LIST ENTRY
gadd() {
	gget "$1" "$2"
	gput "$1" "$2" "${REPLY:+$REPLY
}$3"
}

list() { eval "REPLY=\${${1}_$2-}"; }

# fits_any VALUE LIST: does one of the globs fit?
fits_any() {
	while read -r fa_glob; do
		# shellcheck disable=SC2254 # a glob is what it is
		case $1 in $fa_glob) return 0 ;; esac
	done <<END
$2
END
	return 1
}

match() {
	ma_n=$1
	ma_g=$2
	get "$ma_n" media
	ma_value=$REPLY
	gget "$ma_g" media
	[ "$REPLY" = any ] || [ "$REPLY" = "$ma_value" ] || { REPLY="is $ma_value, not $REPLY" && return; }

	get "$ma_n" transport
	ma_value=$REPLY
	gget "$ma_g" transport
	if [ -n "$REPLY" ]; then
		fits_any "$ma_value" "$REPLY" || { REPLY="is $ma_value" && return; }
	else
		case $ma_value in
		'fc' | iscsi | srp | nvmeof) REPLY="remote ($ma_value), needs transport: $ma_value" && return ;;
		mmc) REPLY='SD card or eMMC, needs transport: mmc' && return ;;
		esac
	fi

	get "$ma_n" sectors
	ma_value=$((REPLY * 512))
	gget "$ma_g" min
	[ -z "$REPLY" ] || [ "$ma_value" -ge "$REPLY" ] || { human "$REPLY" && REPLY="smaller than $REPLY" && return; }
	gget "$ma_g" max
	[ -z "$REPLY" ] || [ "$ma_value" -le "$REPLY" ] || { human "$REPLY" && REPLY="larger than $REPLY" && return; }

	for ma_field in model serial wwn path; do
		gget "$ma_g" "$ma_field"
		[ -n "$REPLY" ] || continue
		disk_fits "$ma_n" "$ma_field" "$REPLY" || { REPLY="$ma_field differs" && return; }
	done
	REPLY=
}

# disk_fits DISK FIELD LIST: people copy a value from lsblk, from udev's names or from a label, so each
# of its spellings counts.
disk_fits() {
	df_list=$3
	get "$1" "$2"
	df_value=$REPLY
	case $2 in
	wwn) [ -n "$df_value" ] && fits_any "$df_value" "$df_list" ;;
	serial)
		[ -n "$df_value" ] || return 1
		fits_any "$df_value" "$df_list" && return 0
		replace "$df_value" ' ' _
		fits_any "$REPLY" "$df_list"
		;;
	model)
		[ -n "$df_value" ] || return 1
		fits_any "$df_value" "$df_list" && return 0
		replace "$df_value" ' ' _
		fits_any "$REPLY" "$df_list" && return 0
		get "$1" vendor
		fits_any "$REPLY $df_value" "$df_list"
		;;
	path)
		[ -n "$df_value" ] && fits_any "$df_value" "$df_list" && return 0
		get "$1" paths
		for df_path in $REPLY; do
			fits_any "$df_path" "$df_list" && return 0
		done
		return 1
		;;
	esac
}

unmet_selector() {
	for us_field in serial wwn path; do
		gget "$1" "$us_field"
		while read -r us_glob; do
			[ -n "$us_glob" ] || continue
			for us_n in $2; do
				disk_fits "$us_n" "$us_field" "$us_glob" && continue 2
			done
			printable "$us_glob"
			REPLY="$us_field $REPLY"
			return 0
		done <<END
$REPLY
END
	done
	REPLY=
}

wanted() {
	gget "$1" count
	wa_text="$REPLY disk"
	[ "$REPLY" = 1 ] || wa_text="${wa_text}s"
	gget "$1" media
	[ "$REPLY" = any ] || wa_text="$wa_text, $REPLY"
	gget "$1" min
	[ -z "$REPLY" ] || { human "$REPLY" && wa_text="$wa_text, at least $REPLY"; }
	gget "$1" max
	[ -z "$REPLY" ] || { human "$REPLY" && wa_text="$wa_text, at most $REPLY"; }
	for wa_field in transport model serial wwn path; do
		gget "$1" "$wa_field"
		[ -n "$REPLY" ] || continue
		replace "$REPLY" '
' ' or '
		printable "$REPLY"
		wa_text="$wa_text, $wa_field $REPLY"
	done
	REPLY=$wa_text
}
