# shellcheck shell=bash
# Waits for a rebuild and shows how far it is; sourced by imgbuild-disk, never run.
#
# shellcheck disable=SC2154 # the libraries'

# await_rebuild: until NEW is whole in every array of the slot. Ctrl-C ends the waiting alone.
await_rebuild() {
  local pair md state waiting shown='' idle=0
  [ -z "$dry_run" ] || return 0
  [ -z "$no_wait" ] || leave_rebuild
  trap leave_rebuild INT TERM
  while :; do
    waiting=
    for pair in $pairs; do
      md=${pair#*=}
      new_part "${pair%%=*}"
      member_state "$md" "$REPLY"
      state=$REPLY
      case $state in
        active) continue ;;
        spare) idle_rounds "$md" ;;
        failed | missing)
          new_part "${pair%%=*}"
          broke "$REPLY was thrown out of ${md_name[$md]} while it was being rebuilt" \
            "One of the two disks is broken: journalctl -k, smartctl -a /dev/$new_name. Then replace $slot by another disk."
          ;;
      esac
      waiting="$waiting $md"
    done
    [ -n "$waiting" ] || break
    show_progress
    sleep 2
  done
  trap - INT TERM
  [ ! -t 1 ] || printf '\r%-70s\r' ''
  printf '%s is in sync in every array.\n' "$new_name"
}

# idle_rounds MD: md works on nothing, and NEW has no place in it; for a moment that is so at the beginning.
idle_rounds() {
  attribute "$1" sync_action
  [ "${REPLY:-idle}" = idle ] || { idle=0 && return 0; }
  idle=$((idle + 1))
  [ "$idle" -lt 15 ] || broke "md has given up rebuilding ${md_name[$1]} on $new_name" \
    'Its reason is in journalctl -k; a disk that cannot be read or written is to be replaced.'
}

leave_rebuild() {
  trap - INT TERM
  printf '\nThe rebuild goes on by itself; imgbuild-disk status shows how far it is.\n'
  if [ -n "$hot" ]; then
    again 'takes the old disk out, and puts the boot loader on this one'
  elif [ -n "$loader_left" ]; then
    again 'puts the boot loader on the disks'
  fi
  exit 0
}

again() { printf 'When it is done, this %s:\n  imgbuild-disk replace %s %s%s\n' "$1" "$slot" "$new_name" "${healthy:+ --healthy}"; }

# show_progress: on a terminal one line that changes, elsewhere a line for every ten percent of each array.
show_progress() {
  local each percent text=
  for each in $waiting; do
    progress "$each"
    [ -n "$REPLY" ] || continue
    percent=${REPLY%% *}
    text="${md_name[$each]}: $percent %"
    if [ -n "${REPLY##* }" ]; then
      duration "${REPLY##* }"
      text="$text, $REPLY left"
    fi
    # Arrays on one disk are rebuilt one after the other; those that wait stand at 0.
    [ "$percent" = 0.0 ] || break
  done
  [ -n "$text" ] || return 0
  if [ -t 1 ]; then
    printf '\r%-70s' "$text"
  elif [ "$percent" != 0.0 ] && [ "$shown" != "$each ${percent%?.*}" ]; then
    shown="$each ${percent%?.*}"
    printf '%s\n' "$text"
  fi
}
