# shellcheck shell=bash
# How this host's disks are, for programs; sourced after inspect.sh and json.sh, never run.
#
# Keys are only ever added. `healthy` says what the exit code says.
#
# shellcheck disable=SC2154 # the libraries'

show_json() {
  local slot last=''
  local -a numbers=() boots=()
  json_text "$(uname -n)"
  printf '{\n  "version": 1,\n  "host": %s,\n' "$REPLY"
  json_text "$mark"
  printf '  "mark": %s,\n' "$REPLY"
  json_text "$firmware"
  printf '  "firmware": %s,\n' "$REPLY"
  truth "$([ "$problem_count" = 0 ] && echo yes)"
  printf '  "healthy": %s,\n' "$REPLY"
  upto "$problem_count"
  list problems json_problem "${numbers[@]}"
  list slots json_slot "${slots[@]}"
  # shellcheck disable=SC2046 # words
  list arrays json_array "${layout_arrays[@]}" $(others)
  upto "$fs_count"
  list filesystems json_filesystem "${numbers[@]}"
  for slot in "${slots[@]}"; do [ -z "${boot_text[$slot]-}" ] || boots+=("$slot"); done
  last=yes
  list bootLoaders json_boot "${boots[@]}"
  printf '}\n'
}

# upto COUNT: numbers = 0 1 2...
upto() {
  local n
  numbers=()
  for ((n = 0; n < $1; n++)); do numbers[n]=$n; done
}

# list NAME FUNCTION WORD...: the function puts a word's object into REPLY.
list() {
  local name=$1 function=$2 comma=''
  shift 2
  printf '  "%s": [' "$name"
  while [ $# -gt 0 ]; do
    "$function" "$1"
    printf '%s\n    { %s }' "$comma" "$REPLY"
    comma=,
    shift
  done
  [ -z "$comma" ] || printf '\n  '
  if [ -n "${last-}" ]; then printf ']\n'; else printf '],\n'; fi
}

truth() { if [ -n "$1" ]; then REPLY=true; else REPLY=false; fi; }

# field NAME VALUE, text NAME TEXT: onto the object that is being made.
field() { object="$object${object:+, }\"$1\": $2"; }
text() {
  json_or_null "$2"
  field "$1" "$REPLY"
}

# others: md devices that the layout does not know.
others() {
  local md
  for md in $mds; do [ "${array_md[${md_name[$md]}]-}" = "$md" ] || printf '%s ' "$md"; done
}

json_problem() {
  local object=
  text kind "${problem_kind[$1]}"
  text name "${problem_name[$1]}"
  text text "${problem_text[$1]}"
  REPLY=$object
}

json_slot() {
  local object='' n=${slot_disk[$1]}
  text slot "$1"
  if [ -z "$n" ]; then
    text state missing
  else
    if [ -z "${slot_others[$1]}" ]; then text state present; else text state doubled; fi
    get "$n" name
    text device "$REPLY"
    get "$n" model
    text model "$REPLY"
    get "$n" serial
    printable "$REPLY"
    text serial "$REPLY"
    get "$n" sectors
    field bytes $((REPLY * 512))
    name_disk "$n"
    text path "${REPLY:+/dev/$REPLY}"
  fi
  REPLY=$object
}

# json_array NAME: one of the layout, or an md device that it does not know.
json_array() {
  local object='' name=$1 md=${array_md[$1]-} place members=''
  [ -n "${array_level[$1]-}" ] || md=$1 name=${md_name[$1]}
  text name "$name"
  text device "$md"
  text level "${array_level[$1]:-${array_level_of[${md:-none}]-}}"
  text pattern "${array_pattern[${md:-none}]-}"
  for place in ${array_parts[$1]-}; do
    json_member "$place" "$md"
    members="$members${members:+, }$REPLY"
  done
  field members "[$members]"
  REPLY=
  [ -z "$md" ] || attribute "$md" sync_action
  text action "$REPLY"
  field percent "${array_percent[${md:-none}]:-null}"
  field secondsLeft "${array_seconds[${md:-none}]:-null}"
  field mismatches "${checked_mismatches[$name]:-null}"
  text checked "${checked_at[$name]-}"
  REPLY=$object
}

# json_member SLOT:NUMBER MD
json_member() {
  local object='' kname=${slot_kname[$1]-}
  text slot "${1%:*}"
  field partition "${1#*:}"
  text device "$kname"
  REPLY=missing
  if [ -n "$kname" ] && [ -n "$2" ]; then member_state "$2" "$kname"; fi
  text state "$REPLY"
  REPLY="{ $object }"
}

json_filesystem() {
  local object=
  text mount "${fs_mount[$1]}"
  text device "${fs_device[$1]}"
  text type "${fs_type[$1]}"
  truth "${fs_mounted[$1]}"
  field mounted "$REPLY"
  REPLY=$object
}

json_boot() {
  local object=
  text slot "$1"
  truth "$([ "${boot_text[$1]}" = ok ] && echo yes)"
  field ok "$REPLY"
  text text "${boot_text[$1]}"
  REPLY=$object
}
