# shellcheck shell=bash
# What /sys says of md arrays; sourced, never run.
#
#   scan_arrays      mds = 'md127 ...', and member_md[PARTITION] = the array that a partition is in
#   read_array MD    sets md_level md_state md_action md_total md_working md_pattern md_mismatches md_degraded
#   member_state MD PARTITION   REPLY = active | rebuilding | spare | failed | missing
#   bad_blocks MD MEMBER   does md know blocks on it that cannot be read? It keeps the member all the same.
#   lost_members MD  REPLY = members whose disk the kernel no longer knows
#   progress MD      REPLY = '34.2 720', percent and seconds to go ('' for seconds where it stands still); '' when idle
#
# shellcheck disable=SC2034 # for those who source this
# shellcheck disable=SC2154 # sys: the caller's

declare -A member_md

scan_arrays() {
  local dir member md
  mds=
  member_md=()
  for dir in "$sys"/block/md*/md; do
    [ -d "$dir" ] || continue
    md=${dir%/md}
    md=${md##*/}
    mds="$mds${mds:+ }$md"
    for member in "$dir"/dev-*; do
      [ -d "$member" ] && member_md[${member##*/dev-}]=$md
    done
  done
}

# attribute MD NAME
attribute() { read_line "$sys/block/$1/md/$2"; }

read_array() {
  local slot member
  attribute "$1" level
  md_level=$REPLY
  attribute "$1" array_state
  md_state=$REPLY
  attribute "$1" sync_action
  md_action=${REPLY:-idle}
  attribute "$1" raid_disks
  md_total=${REPLY%% *}
  attribute "$1" degraded
  md_degraded=${REPLY:-0}
  attribute "$1" mismatch_cnt
  md_mismatches=${REPLY:-0}
  md_working=0
  md_pattern=
  is_number "$md_total" || md_total=0
  local -a places=()
  for member in "$sys/block/$1/md"/dev-*; do
    read_line "$member/state"
    case ,$REPLY, in *,in_sync,*) ;; *) continue ;; esac
    case ,$REPLY, in *,faulty,* | *,replacement,*) continue ;; esac
    is_lost "$1" "${member##*/dev-}" && continue
    read_line "$member/slot"
    is_number "$REPLY" && places[REPLY]=U
  done
  for ((slot = 0; slot < md_total; slot++)); do
    md_pattern=$md_pattern${places[slot]:-_}
    [ -z "${places[slot]-}" ] || md_working=$((md_working + 1))
  done
}

member_state() {
  local state
  if is_lost "$1" "$2"; then
    REPLY=missing
    return
  fi
  read_line "$sys/block/$1/md/dev-$2/state"
  state=,$REPLY,
  read_line "$sys/block/$1/md/dev-$2/slot"
  case $state in
    ,,) REPLY=missing ;;
    # Its copy is whole, and the member that it takes over from is still the one that counts.
    *,replacement,*) if is_number "$REPLY"; then REPLY=rebuilding; else REPLY=spare; fi ;;
    *,faulty,*) REPLY=failed ;;
    *,in_sync,*) REPLY=active ;;
    *) if is_number "$REPLY"; then REPLY=rebuilding; else REPLY=spare; fi ;;
  esac
}

bad_blocks() {
  [ -n "$(cat "$sys/block/$1/md/dev-$2/bad_blocks" "$sys/block/$1/md/dev-$2/unacknowledged_bad_blocks" 2>/dev/null)" ]
}

# is_lost MD MEMBER: its disk was pulled out or died; md may not have noticed. A disk that was put in since may have its
# name, but is not held by the array.
is_lost() {
  local dir
  for dir in "$sys/block/$2" "$sys"/block/*/"$2"; do
    if [ -e "$dir/holders/$1" ] || [ -L "$dir/holders/$1" ]; then return 1; fi
  done
}

lost_members() {
  local member found=
  for member in "$sys/block/$1/md"/dev-*; do
    [ -d "$member" ] && is_lost "$1" "${member##*/dev-}" && found="$found${found:+ }${member##*/dev-}"
  done
  REPLY=$found
}

progress() {
  local at end speed permille
  attribute "$1" sync_action
  case ${REPLY:-idle} in
    idle | frozen) REPLY= && return ;;
  esac
  attribute "$1" sync_completed
  at=${REPLY%% *}
  end=${REPLY##* }
  if ! { is_number "$at" && is_number "$end" && [ "$end" -gt 0 ]; }; then
    # Waits for another array on the same disk.
    REPLY='0.0 '
    return
  fi
  permille=$((at * 1000 / end))
  attribute "$1" sync_speed
  speed=$REPLY
  REPLY="$((permille / 10)).$((permille % 10)) "
  # Sectors of 512 bytes, and KiB a second.
  if is_number "$speed" && [ "$speed" -gt 0 ]; then REPLY=$REPLY$(((end - at) / 2 / speed)); fi
}
