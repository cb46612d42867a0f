# shellcheck shell=bash
# What NEW is to look like, and why it may not be taken; sourced by imgbuild-disk after refuse.sh, never run.
#
# shellcheck disable=SC2034,SC2154 # the libraries'

# plan_table: the twin's, with the slot's names. The last partition may be smaller where NEW is, as long as its array
# finds room: disks of one kind differ by a few sectors.
plan_table() {
  local start size type number=0 room align least=0 node
  table=
  get "$twin" lbs
  lbs=$REPLY
  align=$((1048576 / lbs))
  get "$twin" name
  node=$dev/$REPLY
  get "$new" sectors
  # The copy of the table lies in the last 33 sectors; a MiB is left for it.
  room=$((REPLY * 512 / lbs - align))
  while read -r start size type _; do
    number=$((number + 1))
    least=$((start + size))
    if [ "$number" = "${slot_parts[$slot]##* }" ] && [ "$least" -gt "$room" ]; then
      smallest_end "$start" "$number" "$least"
      least=$REPLY
      [ "$least" -gt "$room" ] || size=$(((room - start) / align * align))
      [ $((start + size)) -ge "$least" ] || size=$((least - start))
    fi
    table="$table$start $size $type ${part_label[$slot:$number]-}
"
  done < <(read_table "$node")
  needed_sectors=$((least + align))
  [ "$number" = "${slot_parts[$slot]##* }" ] || refuse "the table of ${node##*/}, which is $twin_slot, is not the layout's" \
    "Compare it with $layout: sfdisk -d $node."
}

# smallest_end START NUMBER END: where the partition may end at the earliest; only metadata 1.1 and 1.2 lie before the data.
smallest_end() {
  local md='' pair offset
  for pair in $pairs; do
    [ "${pair%%=*}" != "$2" ] || md=${pair#*=}
  done
  REPLY=
  [ -z "$md" ] || attribute "$md" metadata_version
  case $REPLY in 1.1 | 1.2) ;; *) REPLY=$3 && return ;; esac
  read_line "$sys/block/$md/md/dev-${slot_kname[$twin_slot:$2]}/offset"
  offset=$REPLY
  attribute "$md" component_size
  if is_number "$offset" && is_number "$REPLY"; then
    # KiB, and units of 512 bytes.
    REPLY=$(($1 + (REPLY * 2 + offset) * 512 / lbs))
  else
    REPLY=$3
  fi
}

judge_new() {
  get "$new" out
  [ -z "$REPLY" ] || refuse "$new_name cannot be used: $REPLY" 'Name another disk.'
  get "$new" lbs
  [ "$REPLY" = "$lbs" ] || refuse "$new_name has sectors of $REPLY bytes, and $twin_slot has sectors of $lbs" \
    'Take a disk with the same sectors; some can be formatted otherwise (nvme format, sg_format).'
  is_laid_out
  judge_use
  [ -z "$keep" ] || return 0
  get "$new" sectors
  [ $((REPLY * 512 / lbs)) -ge "$needed_sectors" ] || too_small
  read_content "$new"
  get "$new" state
  case $REPLY in
    blank) ;;
    unreadable) refuse "$new_name cannot be read" 'Take another disk: this one is broken.' ;;
    *)
      describe_content
      [ -n "$erase" ] || refuse "$new_name is not blank: it bears $REPLY" \
        'Look at it (lsblk -f, sfdisk -d). Where nothing on it is wanted, say --erase.'
      ;;
  esac
}

too_small() {
  local has=$((REPLY * 512)) needs=$((needed_sectors * lbs)) small
  small=$(((needs - has + 1048575) / 1048576))
  human "$has"
  refuse "$new_name is too small: it has $has bytes ($REPLY), and what $twin_slot bears needs $needs: $small MiB more" \
    'Take a larger disk.'
}

# describe_content: REPLY = what NEW bears, and whose it may be.
describe_content() {
  get "$new" content
  case $REPLY in
    *'of another cluster'*) ;;
    *'of this cluster'*) REPLY="$REPLY, perhaps of another of its hosts" ;;
  esac
}

# is_laid_out: sets keep where an earlier run has written the table already.
is_laid_out() {
  keep=
  [ "${disk_slot[$new]-}" = "$slot" ] || return 0
  [ "$(read_table "$dev/$new_name")
" != "$table" ] || keep=yes
}

# judge_use: in use by something, and be it a stray array that udev made of an old member.
judge_use() {
  local part holder
  get "$new" mounted
  # What lies on its arrays is mounted when it is in them already.
  [ -n "$keep" ] || [ -z "$REPLY" ] ||
    refuse "$new_name is in use: it is mounted at $REPLY" 'Unmount it, or name another disk.'
  swapped_on "$new" && refuse "$new_name is in use: $REPLY is swap" 'swapoff it, or name another disk.'
  parts_of "$new"
  for part in '' $REPLY; do
    part=${part#*=}
    for holder in "$sys/block/$new_name${part:+/$part}/holders"/*; do
      [ -e "$holder" ] || [ -L "$holder" ] || continue
      holder=${holder##*/}
      [ -n "$keep" ] && is_pair "$part" "$holder" && continue
      case $holder in
        md*)
          refuse "$new_name is in use: ${part:-it} is a member of the array $holder" \
            "Stop it if it is not wanted: mdadm --stop /dev/$holder."
          ;;
        *) refuse "$new_name is in use by $holder" 'Take that down (LVM: vgchange -an GROUP), or name another disk.' ;;
      esac
    done
  done
  [ -z "$keep" ] || judge_failed
}

# is_pair PARTITION MD: is it where it belongs already?
is_pair() {
  local number
  read_line "$sys/block/$new_name/$1/partition"
  number=$REPLY
  has_word "$pairs" "$number=$2"
}

# judge_failed: a disk that md has just thrown out is not what replaces it.
judge_failed() {
  local pair part
  for pair in $pairs; do
    parts_of "$new"
    for part in $REPLY; do
      [ "${part%%=*}" = "${pair%%=*}" ] || continue
      member_state "${pair#*=}" "${part#*=}"
      [ "$REPLY" != failed ] || refuse \
        "$new_name is the disk that failed: ${part#*=} was thrown out of ${md_name[${pair#*=}]}" \
        "Name another disk. Where it was the cable: mdadm /dev/${pair#*=} --remove /dev/${part#*=}, and run this again."
    done
  done
}

# swapped_on N: REPLY = a swap area that lies on it.
swapped_on() {
  local source on
  while read -r source _; do
    case $source in /dev/*) ;; *) continue ;; esac
    kname_of "$source"
    [ -n "$REPLY" ] || continue
    disks_below "$REPLY"
    on=$REPLY
    if has_word "$on" "$1"; then
      REPLY=$source
      return 0
    fi
  done 2>/dev/null <"$swaps"
  return 1
}
