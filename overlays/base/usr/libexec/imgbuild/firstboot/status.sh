# shellcheck shell=bash
# How far the first boot is, for people and for programs; sourced after state.sh, never run. Exit 1: not done yet.
#
# shellcheck disable=SC2154 # the libraries'

# ago TIME: how long since a second of `date +%s`.
ago() {
  local seconds=$(($(date +%s) - $1))
  if [ "$seconds" -lt 120 ]; then
    REPLY="$seconds s"
  elif [ "$seconds" -lt 7200 ]; then
    REPLY="$((seconds / 60)) min"
  else REPLY="$((seconds / 3600)) h $((seconds % 3600 / 60)) min"; fi
}

# paint COLOUR TEXT: on a terminal alone, and not where NO_COLOR is set.
paint() {
  if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then printf '\033[%sm%s\033[0m' "$1" "$2"; else printf '%s' "$2"; fi
}

show_status() {
  local name
  read_conf
  list_steps
  read_state
  if [ -e "$lasting/done" ]; then
    printf '%s is ready since %s.\n' "$host" "$(cat "$lasting/done")"
  elif is_running; then
    printf '%s (%s) is on its way.\n' "$host" "$role"
  else
    printf '%s (%s) is not done, and imgbuild-firstboot.service does not run.\n' "$host" "$role"
    printf '  systemctl start imgbuild-firstboot; journalctl -u imgbuild-firstboot\n'
  fi
  for name in "${step_names[@]}"; do show_step "$name"; done
  [ -e "$lasting/done" ]
}

is_running() {
  [ -e "$fleeting/lock" ] && ! flock -n "$fleeting/lock" true
}

show_step() {
  # shellcheck disable=SC2034 # step_field's
  local step=$1 title at text
  title=$(step_field title)
  case ${state_of[$1]-} in
    done) printf '  %s %-14s %s (%s s)\n' "$(paint 32 'done   ')" "${1#*-}" "$title" "${took[$1]}" ;;
    skipped) printf '  %s %-14s %s\n' "$(paint 33 skipped)" "${1#*-}" "$title" ;;
    running)
      printf '  %s %-14s %s, try %s\n' "$(paint 36 running)" "${1#*-}" "$title" "${tries[$1]}"
      if read -r at text 2>/dev/null <"$fleeting/waiting"; then
        ago "$at"
        printf '          %-14s waits for %s, for %s\n' '' "$text" "$REPLY"
      fi
      [ -z "${detail[$1]-}" ] || printf '          %-14s the try before: %s\n' '' "${detail[$1]}"
      ;;
    failed)
      ago "${since[$1]}"
      printf '  %s %-14s %s, try %s, %s ago\n' "$(paint 31 'FAILED ')" "${1#*-}" "$title" "${tries[$1]}" "$REPLY"
      printf '          %-14s %s\n' '' "${detail[$1]}"
      ;;
    *) printf '  %s %-14s %s\n' '-      ' "${1#*-}" "$title" ;;
  esac
}

show_status_json() {
  local name at text comma=''
  read_conf
  list_steps
  read_state
  json_text "$host"
  printf '{\n  "version": 1,\n  "host": %s,\n' "$REPLY"
  json_text "$role"
  printf '  "role": %s,\n' "$REPLY"
  if [ -e "$lasting/done" ]; then
    json_text "$(cat "$lasting/done")"
    printf '  "done": %s,\n' "$REPLY"
  else printf '  "done": null,\n'; fi
  printf '  "steps": ['
  for name in "${step_names[@]}"; do
    json_text "${name#*-}"
    printf '%s\n    { "step": %s, ' "$comma" "$REPLY"
    json_text "${state_of[$name]:-pending}"
    printf '"state": %s, "tries": %s, "seconds": %s, ' "$REPLY" "${tries[$name]:-0}" "${took[$name]:-0}"
    text=${detail[$name]-}
    if [ "${state_of[$name]-}" = running ]; then read -r at text 2>/dev/null <"$fleeting/waiting" || text=; fi
    json_or_null "$text"
    printf '"detail": %s }' "$REPLY"
    comma=,
  done
  printf '\n  ]\n}\n'
  [ -e "$lasting/done" ]
}
