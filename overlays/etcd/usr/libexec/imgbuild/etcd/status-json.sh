# shellcheck shell=bash
# How etcd is, for programs; sourced after status.sh and json.sh, never run. Keys are only ever added. `healthy` says what the exit
# code says.
#
# shellcheck disable=SC2154 # the libraries'

show_json() {
  local n comma=''
  json_text "$name"
  printf '{\n  "version": 1,\n  "host": %s,\n' "$REPLY"
  printf '  "healthy": %s,\n  "quorum": %s,\n' "$(truth "$([ "$problem_count" != 0 ] || echo yes)")" "$(truth "$quorum")"
  printf '  "problems": ['
  for ((n = 0; n < problem_count; n++)); do
    object=
    text kind "${problem_kind[n]}"
    text name "${problem_name[n]}"
    text text "${problem_text[n]}"
    text remedy "${problem_remedy[n]}"
    printf '%s\n    { %s }' "$comma" "$object"
    comma=,
  done
  printf '%s],\n  "members": [' "${comma:+$'\n  '}"
  comma=
  for n in "${!m_name[@]}"; do
    object=
    text name "${m_name[n]}"
    text address "${m_address[n]}"
    text id "${m_id[n]-}"
    text state "${m_state[n]}"
    field self "$(truth "$([ "${m_name[n]}" != "$name" ] || echo yes)")"
    field started "$(truth "${m_started[n]-}")"
    field leader "$(truth "${m_leader[n]}")"
    field learner "$(truth "${m_learner[n]-}")"
    text version "${m_version[n]}"
    field bytes "${m_bytes[n]:-null}"
    printf '%s\n    { %s }' "$comma" "$object"
    comma=,
  done
  printf '\n  ],\n  "snapshot": '
  if [ -n "$newest" ]; then
    object=
    text path "$newest"
    field bytes "$newest_bytes"
    field seconds "$newest_age"
    printf '{ %s },\n' "$object"
  else printf 'null,\n'; fi
  printf '  "snapshots": %s\n}\n' "$snapshot_count"
}

truth() {
  case $1 in
    '' | false) echo false ;;
    *) echo true ;;
  esac
}

# field NAME VALUE, text NAME TEXT: onto the object that is being made.
field() { object="$object${object:+, }\"$1\": $2"; }
text() {
  json_or_null "$2"
  field "$1" "$REPLY"
}
