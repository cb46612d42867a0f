# shellcheck shell=bash
# Which disk was which slot when it was last seen: whoever stands before the machine has to pull out one that tells nothing
# any more. Kept in /var/lib/imgbuild/disks, a line of SLOT and words for each. Sourced after slots.sh, never run.
#
#   remember_disks   those that are there now
#   last_seen SLOT   REPLY = ' (it was ...)', '' where it was never seen
#
# shellcheck disable=SC2154 # the libraries'

remember_disks() {
  local slot n known lines=''
  known=$(cat "$state/disks" 2>/dev/null)
  for slot in "${slots[@]}"; do
    n=${slot_disk[$slot]}
    if [ -n "$n" ] && [ -z "${slot_others[$slot]}" ]; then
      words_of_disk "$n"
      lines="$lines$slot $REPLY"$'\n'
    elif [[ $'\n'$known =~ $'\n'("$slot "[^$'\n']*) ]]; then
      lines="$lines${BASH_REMATCH[1]}"$'\n'
    fi
  done
  [ "$lines" != "$known"$'\n' ] || return 0
  # A file system that can no longer be written to is told of elsewhere.
  { mkdir -p "$state" && printf '%s' "$lines" >"$state/disks.part" && mv -f "$state/disks.part" "$state/disks"; } 2>/dev/null || :
}

# words_of_disk N: what stands on its label, and where it is plugged in.
words_of_disk() {
  local model serial
  get "$1" model
  printable "${REPLY:-no model}"
  model=$REPLY
  get "$1" serial
  printable "${REPLY:-none}"
  serial=$REPLY
  get "$1" paths
  REPLY="$model, serial $serial${REPLY:+, at ${REPLY%% *}}"
}

last_seen() {
  local slot words
  while read -r slot words; do
    [ "$slot" != "$1" ] || { REPLY=" (it was $words)" && return 0; }
  done 2>/dev/null <"$state/disks"
  REPLY=
}
