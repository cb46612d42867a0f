# shellcheck shell=bash
# The state of the arrays, and what is wrong with it; sourced after inspect.sh, never run.
#
# shellcheck disable=SC2034,SC2154 # the libraries'

declare -A array_pattern array_note array_percent array_seconds array_level_of
declare -A checked_at checked_mismatches

inspect_arrays() {
  local name md note
  local what_to_do='Look for a failing disk (smartctl -a), then see imgbuild-disk --help'
  for name in "${layout_arrays[@]}"; do
    md=${array_md[$name]}
    [ -n "$md" ] || problem array "$name" \
      "array $name does not run: none of its members is there, or it could not be assembled"
  done
  for md in $mds; do
    read_array "$md"
    array_level_of[$md]=$md_level
    array_pattern[$md]=$md_pattern
    array_percent[$md]='' array_seconds[$md]=''
    describe_action "$md"
    name=${md_name[$md]}
    case $md_state in
      inactive | broken | clear)
        problem array "$name" "array $name ($md) is $md_state: its data cannot be reached"
        continue
        ;;
    esac
    note=${array_note[$md]:+; ${array_note[$md]}}
    [ "$md_working" -ge "$md_total" ] || problem array "$name" \
      "array $name ($md) is degraded: $md_working of $md_total members work [$md_pattern]$note"
    inspect_members "$md" "$name"
    note=${checked_mismatches[$name]:-0}
    [ "$note" = 0 ] || problem array "$name" \
      "the copies in array $name ($md) differ: $note sectors at the last check. $what_to_do"
  done
}

# inspect_members MD NAME: those that are there and do not work.
inspect_members() {
  local place part disk again
  for place in ${array_parts[$2]-}; do
    part=${slot_kname[$place]-}
    [ -n "$part" ] || continue
    member_state "$1" "$part"
    ! bad_blocks "$1" "$part" || problem array "$2" \
      "array $2 ($1) cannot read all of $part of ${place%:*}: that disk is to be replaced ($sys/block/$1/md/dev-$part/bad_blocks)"
    case $REPLY in
      failed) problem array "$2" "array $2 ($1) has thrown out $part of ${place%:*}: that disk is to be replaced" ;;
      missing)
        disk_name "${slot_disk[${place%:*}]}"
        disk=$REPLY
        again="imgbuild-disk replace ${place%:*}"
        [ -n "${slot_others[${place%:*}]}" ] || problem array "$2" \
          "array $2 ($1) lacks $part of ${place%:*}: if that disk is good, put it back: $again $disk"
        ;;
    esac
  done
}

# describe_action MD: what it is doing, in words.
describe_action() {
  local word
  array_note[$1]=
  progress "$1"
  [ -n "$REPLY" ] || return 0
  case $md_action in
    recover) word='being rebuilt' ;;
    resync) word='being brought in sync' ;;
    check) word='being checked' ;;
    repair) word='being repaired' ;;
    *) word=$md_action ;;
  esac
  array_percent[$1]=${REPLY%% *}
  array_seconds[$1]=${REPLY##* }
  array_note[$1]="$word, ${array_percent[$1]} %"
  if [ -n "${array_seconds[$1]}" ]; then
    duration "${array_seconds[$1]}"
    array_note[$1]="${array_note[$1]}, $REPLY left"
  fi
}

# duration SECONDS: as people say it.
duration() {
  local minutes=$((($1 + 59) / 60))
  if [ "$minutes" -lt 60 ]; then REPLY="$minutes min"; else REPLY="$((minutes / 60)) h $((minutes % 60)) min"; fi
}

# read_scrubs: lines of NAME TIME MISMATCHES.
read_scrubs() {
  local name at count
  checked_at=() checked_mismatches=()
  while read -r name at count; do
    checked_at[$name]=$at
    checked_mismatches[$name]=$count
  done 2>/dev/null <"$state/scrub"
}
