# shellcheck shell=bash
# What a replacement needs to know, and why it may not be; sourced after inspect.sh, never run. Writes nothing.
#
#   judge OLD NEW   ends the program where it must not be done, and else sets
#     slot                 what NEW becomes
#     old, new, twin       numbers of the disks; old is '' where it is gone, twin bears the copies
#     twin_slot
#     keep                 yes: NEW is laid out already, by an earlier run
#     hot                  yes: OLD works and is copied before it goes
#     holes                arrays whose copy on the twin has blocks that cannot be read
#     table                the lines for write_table
#     pairs                'NUMBER=MD ...': NEW's partitions and the arrays that they go into
#
# shellcheck disable=SC2034,SC2154 # the libraries'

judge() {
  find_old "$1" "$2"
  find_new "$2"
  find_pairs
  find_twin
  judge_old
  plan_table
  judge_new
}

# find_old OLD NEW: a slot, or a disk that bears one.
find_old() {
  local n
  old=
  slot=
  if [ -n "${slot_disk[$1]+there}" ]; then
    slot=$1
    return
  fi
  disk_named "$1"
  n=$REPLY
  [ -n "$n" ] || refuse "there is neither a slot nor a disk called '$1'" \
    "Name a slot of this host: ${slots[*]}. A disk that the kernel no longer sees has no other name."
  slot=${disk_slot[$n]-}
  if [ -z "$slot" ]; then
    disk_named "$2"
    slot=${REPLY:+${disk_slot[$REPLY]-}}
    # An earlier run may have erased it already, and been cut off then.
    refuse "$1 bears no slot of this host's layout" \
      "Name a slot: ${slots[*]}.${slot:+ Where $2 has taken its place already: imgbuild-disk replace $slot $2 finishes it.}"
  fi
  old=$n
}

find_new() {
  local n
  disk_named "$1"
  new=$REPLY
  [ -n "$new" ] || refuse "'$1' is no whole disk of this machine" \
    'Name a disk: sdc, a name in /dev/disk/by-id, or a serial. lsblk -d -o NAME,SIZE,MODEL,SERIAL lists them.'
  get "$new" name
  new_name=$REPLY
  [ "$old" != "$new" ] || refuse "$new_name is the disk that is to be replaced" 'Name the disk that takes its place.'
  # One that was replaced and came back bears a slot's names, but is no longer it.
  n=${disk_slot[$new]-}
  if [ -n "$n" ] && [ "$n" != "$slot" ] && [ "${slot_disk[$n]}" = "$new" ]; then
    refuse "$new_name is $n of this host" 'Name another disk.'
  fi
  n=${slot_disk[$slot]}
  if [ -n "$old" ] && [ "$n" != "$old" ] && [ "$n" != "$new" ]; then
    get "$old" name
    refuse "$REPLY bears the names of $slot, but another disk is in its place already" 'Pull it out, unless imgbuild-disk status shows it in an array.'
  fi
  for n in ${slot_disk[$slot]} ${slot_others[$slot]-}; do
    if [ -z "$old" ] && [ "$n" != "$new" ]; then old=$n; fi
  done
}

# find_pairs: from what the slot's twins are in now, not from what the layout calls it.
find_pairs() {
  local name place md
  pairs=
  for name in "${layout_arrays[@]}"; do
    for place in ${array_parts[$name]}; do
      [ "${place%:*}" = "$slot" ] || continue
      md=${array_md[$name]}
      [ -n "$md" ] || refuse "the array $name does not run" \
        'Start it first: mdadm --assemble --scan --run. Where no member is left its data is lost: install the host anew.'
      pairs="$pairs${pairs:+ }${place#*:}=$md"
    done
  done
  for place in ${slot_parts[$slot]}; do
    case " $pairs" in *" $place="*) continue ;; esac
    [ "${part_use[$slot:$place]}" = biosboot ] || refuse \
      "partition $place of $slot is not mirrored: what it bears exists nowhere else" \
      'Put the disk in, and install the host anew.'
  done
  [ -n "$pairs" ] || refuse "$slot is not mirrored" 'Put the disk in, and install the host anew.'
}

# find_twin: a disk of the same arrays that has all of their data.
find_twin() {
  local name place candidate reason=''
  twin=
  for candidate in "${slots[@]}"; do
    [ "$candidate" != "$slot" ] || continue
    shares_arrays "$candidate" || continue
    if [ -z "${slot_disk[$candidate]}" ]; then
      reason="$reason${reason:+, }$candidate is missing"
      continue
    fi
    if [ -n "$bad" ]; then
      reason="$reason${reason:+, }$candidate is not in sync in $bad"
      continue
    fi
    twin_slot=$candidate
    twin=${slot_disk[$candidate]}
    return
  done
  refuse "no other disk has all that $slot has: ${reason:-none shares its arrays}" \
    'Wait until a running rebuild is done (imgbuild-disk status). Where the other copy is dead as well, install the host anew.'
}

# shares_arrays SLOT: is it in every array that the slot is in? Sets bad, those where its copy is not whole, and holes.
shares_arrays() {
  local pair number place found
  bad=
  holes=
  for pair in $pairs; do
    found=
    for place in ${array_parts[${md_name[${pair#*=}]}]}; do
      [ "${place%:*}" = "$1" ] || continue
      found=yes
      number=${slot_kname[$place]-}
      REPLY=missing
      [ -z "$number" ] || member_state "${pair#*=}" "$number"
      if [ -n "$number" ] && bad_blocks "${pair#*=}" "$number"; then
        holes="$holes${holes:+, }${md_name[${pair#*=}]}"
      fi
      [ "$REPLY" = active ] || bad="$bad${bad:+, }${md_name[${pair#*=}]}"
    done
    [ -n "$found" ] || return 1
  done
}

# members_of_old MD: REPLY = the members that belong to the disk that goes, and those whose disk is gone.
members_of_old() {
  local found='' part
  if [ -n "$old" ]; then
    parts_of "$old"
    for part in $REPLY; do
      [ "${member_md[${part#*=}]-}" != "$1" ] || found="$found${found:+ }${part#*=}"
    done
  fi
  lost_members "$1"
  REPLY=$found${REPLY:+${found:+ }$REPLY}
}

# judge_old: sets hot, where OLD's copies are good and stay until NEW's are: because it was asked for, because that has
# begun, or because nothing was ever thrown out of an array. A disk that works in all of them goes only when asked for.
judge_old() {
  local pair member working=0 failed=0 begun=''
  hot=
  for pair in $pairs; do
    members_of_old "${pair#*=}"
    for member in $REPLY; do
      member_state "${pair#*=}" "$member"
      case $REPLY in
        active) working=$((working + 1)) ;;
        failed) failed=$((failed + 1)) && continue ;;
        *) continue ;;
      esac
      read_line "$sys/block/${pair#*=}/md/dev-$member/state"
      case ,$REPLY, in *,want_replacement,*) begun=yes ;; esac
      only_copy "${pair#*=}"
    done
  done
  [ "$working" -gt 0 ] || return 0
  if [ -n "$healthy$begun" ] || [ "$failed" = 0 ]; then hot=yes; fi
  # shellcheck disable=SC2086 # words
  set -- $pairs
  [ "$working" = $# ] && [ -z "$healthy$begun" ] || return 0
  get "$old" name
  refuse "$REPLY, which is $slot, works in all of its arrays" \
    'To replace it all the same, say --healthy: it is copied before it is taken out, and never is there one copy alone.'
}

# only_copy MD: in RAID-10 each member has one twin alone; all others must be whole while this one goes.
only_copy() {
  read_array "$1"
  [ "$md_level" != raid10 ] || [ "$md_working" = "$md_total" ] || refuse \
    "the array ${md_name[$1]} has lost another member [$md_pattern]" 'Replace that one first.'
  [ "$md_action" != resync ] ||
    refuse "the array ${md_name[$1]} is being brought in sync" 'Wait until it is done: imgbuild-disk status.'
}
