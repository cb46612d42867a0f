# shellcheck shell=bash
# Which disk is which slot of the layout; sourced after layout.sh, gpt.sh and arrays.sh, never run.
#
#   find_slots   slot_disk[SLOT]    number of its disk (see installer/disks.sh), '' where it is missing
#                slot_others[SLOT]  further disks that bear its names
#                disk_slot[N]       the slot whose names a disk bears
#                slot_kname[SLOT:NUMBER]  the kernel's name of a partition, of slot_disk alone
#                array_md[NAME]     the md device of an array of the layout, '' where none runs
#                md_name[MD]        its name in the layout, or in /dev/md, or its own
#   parts_of N   REPLY = 'NUMBER=KNAME ...' of a disk's partitions
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

find_slots() {
  local n part slot place
  local -A slot_of
  slot_disk=() slot_others=() disk_slot=() slot_kname=()
  for place in "${!part_label[@]}"; do slot_of[${part_label[$place]}]=${place%:*}; done
  scan_arrays
  for ((n = 1; n <= disks; n++)); do
    get "$n" out
    case $REPLY in 'an optical'* | 'a floppy'* | 'empty'*) continue ;; esac
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
  for slot in "${slots[@]}"; do choose_disk "$slot"; done
  find_arrays
}

# choose_disk SLOT: of several disks that bear its names the one that arrays work with.
choose_disk() {
  local n part best='' most=-1 count others=''
  for n in ${slot_others[$1]-}; do
    count=0
    parts_of "$n"
    for part in $REPLY; do
      part=${part#*=}
      [ -n "${member_md[$part]-}" ] || continue
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

find_arrays() {
  local name place md link
  array_md=() md_name=()
  for name in "${layout_arrays[@]}"; do
    array_md[$name]=
    for place in ${array_parts[$name]}; do
      md=${slot_kname[$place]-}
      md=${md:+${member_md[$md]-}}
      [ -n "$md" ] || continue
      # An array whose members are of this array; one that udev made of a single stray member is not it.
      array_md[$name]=$md
      read_array "$md"
      case $md_state in inactive | clear) ;; *) break ;; esac
    done
    [ -z "${array_md[$name]}" ] || md_name[${array_md[$name]}]=$name
  done
  for link in "$dev"/md/*; do
    md=$(readlink "$link") && md=${md##*/}
    [ -z "$md" ] || [ -n "${md_name[$md]-}" ] || md_name[$md]=${link##*/}
  done
  for md in $mds; do md_name[$md]=${md_name[$md]:-$md}; done
}

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
