# shellcheck shell=bash
# Which disk is which slot of the layout; sourced after layout.sh, gpt.sh, arrays.sh and ours.sh,
# never run.
#
#   find_slots   slot_disk[SLOT]    number of its disk (see installer/disks.sh), '' where it is missing
#                slot_others[SLOT]  further disks that bear its names
#                disk_slot[N]       the slot whose names a disk bears
#                slot_kname[SLOT:NUMBER]  the kernel's name of a partition, of slot_disk alone
#                array_md[NAME]     the md device of an array of the layout, '' where none runs
#                md_name[MD]        its name in the layout, or in /dev/md, or its own
#                strangers          'N:SLOT ...': disks that bear a slot's names, and are another host's
#   parts_of N   REPLY = 'NUMBER=KNAME ...' of a disk's partitions
#   part_of N NUMBER REPLY = the kernel's name of one of them, '' where there is none
#   disk_named TEXT  REPLY = the number of the disk with this kernel's name, path or serial, '' where there is none
#
# shellcheck disable=SC2034 # for those who source this
# shellcheck disable=SC2154 # sys, dev, disks, mark, slots...: the libraries'

declare -A slot_disk slot_others disk_slot slot_kname array_md md_name

parts_of() {
  local dir found=
  get "$1" name
  for dir in "$sys/block/$REPLY/$REPLY"*; do
    [ -f "$dir/partition" ] || continue
    read_line "$dir/partition"
    found="$found${found:+ }$REPLY=${dir##*/}"
  done
  REPLY=$found
}

# label_of N NUMBER KNAME: the kernel's own copy spares a read of a disk that may be dying; it is old where the name was
# written after the table was read.
label_of() {
  local line name=
  get "$1" name
  while read -r line; do
    case $line in PARTNAME=*) name=${line#PARTNAME=} ;; esac
  done 2>/dev/null <"$sys/block/$REPLY/$3/uevent"
  case $name in
    "imgbuild:$mark:"?*) ;;
    *)
      line=$dev/$REPLY
      get "$1" lbs
      gpt_entry "$line" "$REPLY" "$2" && name=$gpt_name
      ;;
  esac
  REPLY=$name
}

part_of() {
  local part
  parts_of "$1"
  for part in $REPLY; do
    [ "${part%%=*}" != "$2" ] || { REPLY=${part#*=} && return 0; }
  done
  REPLY=
}

find_slots() {
  local n part slot place
  local -A slot_of
  slot_disk=() slot_others=() disk_slot=() slot_kname=()
  for place in "${!part_label[@]}"; do slot_of[${part_label[$place]}]=${place%:*}; done
  scan_arrays
  scan_ours
  for ((n = 1; n <= disks; n++)); do
    has_medium "$n" || continue
    parts_of "$n"
    for part in $REPLY; do
      label_of "$n" "${part%%=*}" "${part#*=}"
      [ -n "$REPLY" ] || continue
      slot=${slot_of[$REPLY]-}
      [ -n "$slot" ] || continue
      disk_slot[$n]=$slot
      slot_others[$slot]="${slot_others[$slot]-}${slot_others[$slot]:+ }$n"
      break
    done
  done
  find_arrays
  put_strangers_aside
  for slot in "${slots[@]}"; do choose_disk "$slot"; done
}

# has_medium N: can it be read? What NVMe shows of each path has no device file.
has_medium() {
  get "$1" out
  case $REPLY in 'an optical'* | 'a floppy'* | 'empty'* | 'one path of an NVMe'* | 'hidden'*) return 1 ;; esac
}

# find_arrays: of several that bear a name the one that is mounted, else one that runs; one that udev made of a single
# stray member is not it where there is a better.
find_arrays() {
  local name place n md link rank best
  array_md=() md_name=()
  for name in "${layout_arrays[@]}"; do
    array_md[$name]=
    best=0
    for place in ${array_parts[$name]}; do
      for n in ${slot_others[${place%:*}]-}; do
        part_of "$n" "${place#*:}"
        md=${REPLY:+${member_md[$REPLY]-}}
        if [ -z "$md" ] || [ "$md" = "${array_md[$name]}" ] || ! is_ours "$md"; then continue; fi
        read_array "$md"
        case $md_state in inactive | clear) rank=1 ;; *) rank=2 ;; esac
        ! is_mounted "$md" || rank=3
        [ "$rank" -gt "$best" ] || continue
        array_md[$name]=$md
        best=$rank
      done
    done
    [ -z "${array_md[$name]}" ] || md_name[${array_md[$name]}]=$name
  done
  for link in "$dev"/md/*; do
    md=$(readlink "$link") && md=${md##*/}
    [ -z "$md" ] || [ -n "${md_name[$md]-}" ] || md_name[$md]=${link##*/}
  done
  for md in $mds; do md_name[$md]=${md_name[$md]:-$md}; done
}

put_strangers_aside() {
  local slot n left
  strangers=
  for slot in "${slots[@]}"; do
    left=
    for n in ${slot_others[$slot]-}; do
      if is_stranger "$n" "$slot"; then
        strangers="$strangers${strangers:+ }$n:$slot"
        disk_slot[$n]=
      else
        left="$left${left:+ }$n"
      fi
    done
    slot_others[$slot]=$left
  done
}

# choose_disk SLOT: of several disks that bear its names the one that our arrays work with.
choose_disk() {
  local n part best='' most=-1 count others=''
  for n in ${slot_others[$1]-}; do
    count=0
    parts_of "$n"
    for part in $REPLY; do
      part=${part#*=}
      is_array_of_ours "${member_md[$part]-}" || continue
      member_state "${member_md[$part]}" "$part"
      [ "$REPLY" != active ] || count=$((count + 1))
    done
    if [ "$count" -gt "$most" ]; then
      [ -z "$best" ] || others="$others $best"
      best=$n most=$count
    else
      others="$others $n"
    fi
  done
  slot_disk[$1]=$best
  slot_others[$1]=${others# }
  [ -n "$best" ] || return 0
  parts_of "$best"
  for part in $REPLY; do slot_kname[$1:${part%%=*}]=${part#*=}; done
}

# is_array_of_ours MD: is it one of the layout's?
is_array_of_ours() { [ -n "$1" ] && [ "${array_md[${md_name[$1]-none}]-}" = "$1" ]; }

disk_named() {
  local n found=
  kname_of "$1"
  index_of "$REPLY"
  [ -z "$REPLY" ] || return 0
  for ((n = 1; n <= disks; n++)); do
    get "$n" serial
    if [ -z "$REPLY" ] || [ "$REPLY" != "$1" ]; then continue; fi
    [ -z "$found" ] || refuse "$1 is the serial of several disks" 'Name the disk by its name in /dev/disk/by-id.'
    found=$n
  done
  REPLY=$found
}
