# shellcheck shell=bash
# How this host's disks are, for people; sourced after inspect.sh, never run. Problems come first.
#
# shellcheck disable=SC2154 # the libraries'

show_status() {
  local n
  if [ "$problem_count" = 0 ]; then
    paint 32 "All well. Disks: ${#slots[@]}, arrays: ${#layout_arrays[@]}."
  else
    paint 31 'PROBLEMS'
    for ((n = 0; n < problem_count; n++)); do printf '  - %s\n' "${problem_text[n]}"; done
  fi
  printf '\nDisks\n'
  for n in "${slots[@]}"; do show_slot "$n"; done
  [ -z "$mds" ] || printf '\nArrays\n'
  for n in "${layout_arrays[@]}"; do [ -z "${array_md[$n]}" ] || show_array "${array_md[$n]}"; done
  for n in $mds; do
    [ "${array_md[${md_name[$n]}]-}" = "$n" ] || show_array "$n"
  done
  printf '\nFile systems\n'
  for ((n = 0; n < fs_count; n++)); do
    printf '  %-16s %-22s %-5s ' "${fs_mount[n]}" "${fs_device[n]}" "${fs_type[n]}"
    if [ -n "${fs_mounted[n]}" ]; then printf 'mounted\n'; else paint 31 'NOT MOUNTED'; fi
  done
  show_boot
}

# paint COLOUR TEXT: on a terminal alone, and not where NO_COLOR is set.
paint() {
  if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then printf '\033[%sm%s\033[0m\n' "$1" "$2"; else printf '%s\n' "$2"; fi
}

show_slot() {
  local n=${slot_disk[$1]} name size model serial
  if [ -z "$n" ]; then
    printf '  %-10s ' "$1"
    paint 31 MISSING
    return
  fi
  get "$n" name
  name=$REPLY
  get "$n" sectors
  human $((REPLY * 512))
  size=$REPLY
  get "$n" model
  model=${REPLY:--}
  get "$n" serial
  printable "${REPLY:--}"
  serial=$REPLY
  printf '  %-10s %-8s %10s  %s, serial %s\n' "$1" "$name" "$size" "$model" "$serial"
  name_disk "$n"
  [ -z "$REPLY" ] || printf '  %-10s /dev/%s\n' '' "$REPLY"
}

show_array() {
  local name=${md_name[$1]} note=${array_note[$1]} members='' place
  for place in ${array_parts[$name]-}; do
    [ -n "${slot_kname[$place]-}" ] || continue
    member_state "$1" "${slot_kname[$place]}"
    members="$members${members:+, }${slot_kname[$place]} $REPLY"
  done
  lost_members "$1"
  for place in $REPLY; do members="$members${members:+, }$place gone"; done
  printf '  %-10s %-8s %-7s [%s]  %s\n' "$name" "$1" "${array_level_of[$1]}" "${array_pattern[$1]}" "${members:--}"
  [ -z "$note" ] || printf '  %-10s %s\n' '' "$note"
  case ${checked_mismatches[$name]-} in
    '') note='never checked yet' ;;
    0) note="last checked ${checked_at[$name]}: no differences" ;;
    *) note="last checked ${checked_at[$name]}: ${checked_mismatches[$name]} sectors differ" ;;
  esac
  printf '  %-10s %s\n' '' "$note"
}

show_boot() {
  local slot head='\nBoot loader\n'
  for slot in "${slots[@]}"; do
    [ -n "${boot_text[$slot]-}" ] || continue
    # shellcheck disable=SC2059 # a constant
    printf "$head"
    head=
    printf '  %-10s ' "$slot"
    if [ "${boot_text[$slot]}" = ok ]; then printf 'ok\n'; else paint 31 "${boot_text[$slot]}"; fi
  done
}
