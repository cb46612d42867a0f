# shellcheck shell=sh
# What /sys says of every disk of this machine; sourced after lib.sh and with
# spared.sh, never run.
#
#   scan_disks      reads $sys and $dev, numbers the disks 1...$disks and sets for each N
#                   dN_name    sda                 dN_sectors  size in units of 512 bytes, always
#                   dN_path    its place below $sys, symlinks resolved
#                   dN_media   ssd or hdd          dN_transport  nvme sata sas raid scsi virtio xen mmc
#                                                                fc iscsi srp nvmeof
#                   dN_vendor dN_model dN_serial   dN_wwn      as udev writes it, without 'wwn-'
#                   dN_lbs     logical sector      dN_links dN_paths  names in by-id, by-path
#                   dN_out     why it can never be installed on; '' for a disk that can
#                   dN_mounted where it, or something that lies on it, is mounted
#   disk get        `get N model` puts dN_model into REPLY, `put N model TEXT` sets it
#
# It needs sys, dev, mounts and cmdline to be set. A serial is read where it is most certain:
# NVMe device/serial, virtio block/X/serial, SCSI and SATA VPD page 0x80; where a kernel
# (3.10) has no such page, the end of the name udev gave: ata-<model>_<serial>.
#
# shellcheck disable=SC2154 # sys, dev, mounts, cmdline: the caller's

get() { eval "REPLY=\${d${1}_$2-}"; }
put() { eval "d${1}_$2=\$3"; }

# index_of KNAME: the number of a disk, '' for anything else.
index_of() {
	REPLY=
	case $1 in '' | *[!A-Za-z0-9_]*) return 0 ;; esac
	eval "REPLY=\${index_$1-}"
}

scan_disks() {
	disks=0
	cd -P "$sys" || fail 3 "cannot read $sys"
	scan_root=$PWD
	[ "$scan_root" = / ] && scan_root=
	for scan_dir in "$sys"/block/*; do
		scan_name=${scan_dir##*/}
		case $scan_name in
		# Of the kernel's own making; every machine has dozens.
		loop[0-9]* | ram[0-9]* | zram[0-9]* | dm-[0-9]* | md* | '*') continue ;;
		esac
		[ -f "$scan_dir/size" ] || continue
		disks=$((disks + 1))
		read_disk "$disks" "$scan_dir"
	done
	cd /
	read_links by-id links
	read_links by-path paths
	scan_n=0
	while [ "$scan_n" -lt "$disks" ]; do
		scan_n=$((scan_n + 1))
		complete_from_links "$scan_n"
		judge_disk "$scan_n"
	done
	find_mounted
	find_installer
}

# read_disk N DIR: everything one directory of /sys/block tells.
read_disk() {
	rd_n=$1
	rd_dir=$2
	rd_name=${2##*/}
	put "$rd_n" name "$rd_name"
	case $rd_name in
	*[!A-Za-z0-9_]*) ;;
	*) eval "index_$rd_name=$rd_n" ;;
	esac
	rd_path=
	cd -P "$rd_dir" 2>/dev/null && rd_path=${PWD#"$scan_root"}

	read_line "$rd_dir/size"
	is_number "$REPLY" || REPLY=0
	put "$rd_n" sectors "$REPLY"
	read_line "$rd_dir/queue/logical_block_size"
	put "$rd_n" lbs "${REPLY:-512}"
	read_line "$rd_dir/queue/rotational"
	case $REPLY in
	0) put "$rd_n" media ssd ;;
	*) put "$rd_n" media hdd ;;
	esac
	read_line "$rd_dir/device/vendor"
	printable "$REPLY"
	put "$rd_n" vendor "$REPLY"
	read_line "$rd_dir/device/model"
	printable "$REPLY"
	put "$rd_n" model "$REPLY"

	rd_transport=scsi
	rd_serial=
	rd_wwn=
	case $rd_name in
	nvme*) read_nvme ;;
	sd[a-z]*) read_scsi ;;
	vd[a-z]*)
		rd_transport=virtio
		put "$rd_n" vendor ''
		read_line "$rd_dir/serial"
		rd_serial=$REPLY
		;;
	xvd[a-z]*) rd_transport=xen ;;
	mmcblk[0-9]*)
		rd_transport=mmc
		read_line "$rd_dir/device/name"
		printable "$REPLY"
		put "$rd_n" model "$REPLY"
		read_line "$rd_dir/device/serial"
		rd_serial=$REPLY
		;;
	esac
	put "$rd_n" path "$rd_path"
	put "$rd_n" transport "$rd_transport"
	put "$rd_n" serial "$rd_serial"
	plain_wwn "$rd_wwn"
	put "$rd_n" wwn "$REPLY"
}

read_nvme() {
	rd_transport=nvme
	put "$rd_n" media ssd
	put "$rd_n" vendor ''
	read_line "$rd_dir/device/serial"
	rd_serial=$REPLY
	for rd_file in wwid nguid eui; do
		read_line "$rd_dir/$rd_file"
		rd_wwn=$REPLY
		[ -n "$rd_wwn" ] && break
	done
	read_line "$rd_dir/device/transport"
	[ -z "$REPLY" ] || [ "$REPLY" = pcie ] || rd_transport=nvmeof
	case $rd_path in
	*/nvme-subsystem/*)
		# With native multipath the disk hangs below a virtual subsystem; the place where
		# it is plugged in, and how, is its controllers'.
		for rd_ctrl in "$rd_dir"/device/nvme[0-9]*; do
			[ -f "$rd_ctrl/transport" ] || continue
			read_line "$rd_ctrl/transport"
			[ "$REPLY" = pcie ] || rd_transport=nvmeof
			case $rd_path in
			*/nvme-subsystem/*) cd -P "$rd_ctrl" && rd_path=${PWD#"$scan_root"}/$rd_name ;;
			esac
		done
		;;
	*/nvme-fabrics/*) rd_transport=nvmeof ;;
	esac
}

read_scsi() {
	read_line "$rd_dir/device/wwid"
	rd_wwn=$REPLY
	if [ -r "$rd_dir/device/vpd_pg80" ]; then
		# Four bytes of header, then the serial.
		rd_serial=$(dd if="$rd_dir/device/vpd_pg80" bs=4 skip=1 2>/dev/null | tr -d '\000')
		trim "$rd_serial"
		rd_serial=$REPLY
	fi
	read_line "$rd_dir/device/raid_level"
	rd_level=$REPLY
	get "$rd_n" vendor
	case $rd_path in
	*/rport-*) rd_transport='fc' ;;
	*/session[0-9]*/*) rd_transport=iscsi ;;
	*/ata[0-9]*/*) rd_transport=sata ;;
	*/virtio[0-9]*/*) rd_transport=virtio ;;
	*) case $REPLY:$rd_level in
		*:RAID*) rd_transport=raid ;;
		# A SATA disk behind a SAS controller.
		ATA:*) rd_transport=sata ;;
		*) case $rd_path in
			*/end_device-*) rd_transport=sas ;;
			*) scsi_by_driver ;;
			esac ;;
		esac ;;
	esac
}

# Which driver the SCSI host has: says raid and srp apart from the rest.
scsi_by_driver() {
	rd_host=${rd_path#*/host}
	rd_host=host${rd_host%%/*}
	rd_driver=
	case $rd_host in
	host[0-9]*)
		read_line "$sys/class/scsi_host/$rd_host/proc_name"
		rd_driver=$REPLY
		;;
	esac
	# .../target0:2:0/0:2:0:0/block/sda: the second number is the channel.
	rd_channel=${rd_path#*/target*:}
	rd_channel=${rd_channel%%:*}
	case $rd_driver:$rd_channel in
	# Channels 0 and 1 hold single disks, the rest what the controller made of them.
	megaraid_sas:[01]) rd_transport=sas ;;
	megaraid* | aacraid:0 | 3w-* | arcmsr:* | mvumi:*) rd_transport=raid ;;
	ib_srp:*) rd_transport=srp ;;
	esac
}

# plain_wwn TEXT: the one spelling that /sys, udev and people's notes can be compared in.
plain_wwn() {
	REPLY=$1
	for pw_prefix in /dev/ disk/ by-id/ wwn- nvme- 0x naa. eui. uuid.; do
		REPLY=${REPLY#"$pw_prefix"}
	done
	case $REPLY in
	*[A-Z]*) case $REPLY in *[!0-9A-Fa-f-]*) ;; *) REPLY=$(printf '%s' "$REPLY" | tr A-F a-f) ;; esac ;;
	esac
	case $REPLY in *[!0-9a-f]*) ;; ????????????????*) return 0 ;; esac
	# t10... and nvme.... are no numbers; they serve to tell disks apart.
	printable "$REPLY"
}

# read_links DIRECTORY ATTRIBUTE: udev's names for whole disks, one `ls` for all of them.
read_links() {
	[ -d "$dev/disk/$1" ] || return 0
	while read -r rl_line; do
		case $rl_line in *' -> '*) ;; *) continue ;; esac
		rl_name=${rl_line%% -> *}
		rl_name=${rl_name##* }
		rl_target=${rl_line##* -> }
		index_of "${rl_target##*/}"
		[ -n "$REPLY" ] || continue
		# A kickstart is split like a shell's line: a name that would need quoting is no use.
		case $rl_name in *[!A-Za-z0-9._:+=@%-]*) continue ;; esac
		rl_n=$REPLY
		get "$rl_n" "$2"
		put "$rl_n" "$2" "${REPLY:+$REPLY }$rl_name"
	done <<END
$(ls -l "$dev/disk/$1" 2>/dev/null)
END
}

# complete_from_links N: what an older kernel's /sys does not tell.
complete_from_links() {
	get "$1" links
	for cl_link in $REPLY; do
		case $cl_link in
		wwn-0x*)
			get "$1" wwn
			[ -n "$REPLY" ] && continue
			plain_wwn "$cl_link"
			put "$1" wwn "$REPLY"
			;;
		ata-*)
			get "$1" serial
			if [ -z "$REPLY" ]; then
				REPLY=${cl_link##*_}
				put "$1" serial "$REPLY"
			fi
			# /sys cuts a model at 16 characters; udev has it whole.
			replace "$REPLY" ' ' _
			cl_model=${cl_link#ata-}
			case $cl_model in
			?*"_$REPLY")
				replace "${cl_model%"_$REPLY"}" _ ' '
				put "$1" model "$REPLY"
				;;
			esac
			;;
		esac
	done
}

# judge_disk N: sets dN_out for what must never be installed on, whatever the spec says.
judge_disk() {
	get "$1" name
	jd_name=$REPLY
	jd_dir=$sys/block/$REPLY
	get "$1" path
	jd_path=$REPLY
	jd_out=
	case $jd_name in
	nvme*c[0-9]*n[0-9]*) jd_out='one path of an NVMe disk, not the disk' ;;
	mmcblk[0-9]*boot* | mmcblk*rpmb | mmcblk*gp*) jd_out='a special area of an eMMC' ;;
	nvme[0-9]*n[0-9]* | sd[a-z]* | vd[a-z]* | xvd[a-z]* | mmcblk[0-9]*) ;;
	sr[0-9]* | scd[0-9]*) jd_out='an optical drive' ;;
	fd[0-9]*) jd_out='a floppy drive' ;;
	*) jd_out='not a kind of disk that is installed on' ;;
	esac
	case $jd_path in
	*/usb[0-9]*/*) jd_out=${jd_out:-'on USB'} ;;
	*/fw[0-9]*/*) jd_out=${jd_out:-'on FireWire'} ;;
	*/pseudo_[0-9]*/* | */devices/virtual/nvme-fabrics/*) ;;
	*/devices/virtual/*) jd_out=${jd_out:-'virtual, no hardware'} ;;
	esac
	case $jd_path in
	*/pseudo_[0-9]*/*) jd_out=${jd_out:-'virtual, no hardware'} ;;
	esac
	get "$1" sectors
	[ "$REPLY" -gt 0 ] || jd_out=${jd_out:-'empty: no medium'}
	read_line "$jd_dir/hidden"
	[ "${REPLY:-0}" = 0 ] || jd_out=${jd_out:-'hidden by the kernel'}
	read_line "$jd_dir/removable"
	[ "${REPLY:-0}" = 0 ] || jd_out=${jd_out:-'removable'}
	read_line "$jd_dir/ro"
	[ "${REPLY:-0}" = 0 ] || jd_out=${jd_out:-'read-only'}
	case $jd_name in
	sd*)
		read_line "$jd_dir/device/type"
		[ "${REPLY:-0}" = 0 ] || jd_out=${jd_out:-"not a plain disk (SCSI type $REPLY)"}
		;;
	esac
	read_line "$jd_dir/queue/zoned"
	[ "$REPLY" != host-managed ] || jd_out=${jd_out:-'zoned, host-managed'}
	get "$1" model
	jd_model=$REPLY
	get "$1" vendor
	if is_console_medium "$REPLY" "$jd_model"; then
		jd_out=${jd_out:-"virtual media of the machine's management controller"}
	fi
	for jd_holder in "$jd_dir"/holders/*; do
		jd_holder=${jd_holder##*/}
		read_line "$sys/block/$jd_holder/dm/uuid"
		case $REPLY in
		mpath-*) jd_out=${jd_out:-"one path of the multipath device $jd_holder"} ;;
		esac
	done
	put "$1" out "$jd_out"
}

# is_console_medium VENDOR MODEL: what BMCs call the drives they pretend to be. Hypervisors' 'Virtual
# disk' is a real one.
is_console_medium() {
	case $1 in AMI | [Ii][Dd][Rr][Aa][Cc]* | LCDRIVE* | PepperC | OpenBMC) return 0 ;; esac
	case "$1 $2" in
	*LCDRIVE* | *[Ii][Dd][Rr][Aa][Cc]* | *' iLO'* | *[Ii]LO\ Virtual* | *vKVM* | *'File-Stor Gadget'*) return 0 ;;
	*[Vv][Ii][Rr][Tt][Uu][Aa][Ll]*[Ff][Ll][Oo][Pp][Pp][Yy]*) return 0 ;;
	*[Vv][Ii][Rr][Tt][Uu][Aa][Ll]*[Cc][Dd]*) return 0 ;;
	*[Vv][Ii][Rr][Tt][Uu][Aa][Ll]*[Hh][Dd]isk*) return 0 ;;
	*[Vv][Ii][Rr][Tt][Uu][Aa][Ll]*[Mm][Ee][Dd][Ii][Aa]*) return 0 ;;
	esac
	return 1
}
