# shellcheck shell=bash
# The state of this host's disks, and what is wrong with it; sourced after slots.sh, never run.
#
#   inspect   reads everything, and sets
#     problem_kind[N] problem_name[N] problem_text[N]   slot, array, filesystem or boot; N < problem_count
#     array_pattern[MD] array_note[MD] array_percent[MD] array_seconds[MD] array_level_of[MD], and from the last scrub
#     checked_at[NAME] checked_mismatches[NAME]         inspect-arrays.sh
#     fs_mounted[N]                                     yes or ''
#     boot_text[SLOT]                                   'ok', or what is wrong
#
# shellcheck disable=SC2034 # for those who source this
# shellcheck disable=SC2154 # the libraries'

declare -A boot_text
declare -a problem_kind problem_name problem_text fs_mounted

# problem KIND NAME TEXT
problem() {
  problem_kind[problem_count]=$1
  problem_name[problem_count]=$2
  problem_text[problem_count]=$3
  problem_count=$((problem_count + 1))
}

# read_state: what replace needs; inspect looks further.
read_state() {
  read_layout
  unset_states
  scan_disks
  find_slots
}

# unset_states: the installer's libraries remember what a disk bears, and a number may be another disk's by now.
unset_states() {
  local n field
  for ((n = 1; n <= ${disks:-0}; n++)); do
    for field in state links paths mounted name; do put "$n" "$field" ''; done
  done
}

inspect() {
  problem_count=0
  read_state
  read_scrubs
  inspect_slots
  remember_disks
  inspect_arrays
  inspect_filesystems
  inspect_boot
}

disk_name() { get "$1" name; }

inspect_slots() {
  local slot n names
  for n in $strangers; do
    slot=${n#*:}
    disk_name "${n%%:*}"
    problem slot "$slot" \
      "$REPLY bears the names of $slot, and is a disk of another host of this cluster: pull it out (nothing is done to it unless it is named)"
  done
  for slot in "${slots[@]}"; do
    [ -n "${slot_disk[$slot]}" ] || inspect_missing "$slot"
    [ -n "${slot_others[$slot]}" ] || continue
    disk_name "${slot_disk[$slot]}"
    names=$REPLY
    for n in ${slot_others[$slot]}; do
      disk_name "$n"
      names="$names and $REPLY"
    done
    problem slot "$slot" \
      "$names both bear the names of $slot: finish the replacement (run it again), or pull out the disk that was replaced"
  done
}

# inspect_missing SLOT: what to do depends on whether its data are anywhere else.
inspect_missing() {
  local name place lost=''
  for name in "${layout_arrays[@]}"; do
    case " ${array_parts[$name]} " in *" $1:"*) ;; *) continue ;; esac
    runs "$name" || lost="$lost${lost:+, }$name"
  done
  for place in ${slot_parts[$1]}; do
    case ${part_use[$1:$place]} in fs | lvm) lost="$lost${lost:+, }partition $place" ;; esac
  done
  last_seen "$1"
  if [ -n "$lost" ]; then
    problem slot "$1" "$1 is missing$REPLY, and no other disk has what it bore ($lost): put that disk back, or install the host anew"
  else
    problem slot "$1" "$1 is missing$REPLY. Put a blank disk in and run: imgbuild-disk replace $1 DISK"
  fi
}

# runs NAME: an array of the layout, with its data.
runs() {
  [ -n "${array_md[$1]}" ] || return 1
  read_array "${array_md[$1]}"
  case $md_state in inactive | broken | clear) return 1 ;; esac
}

inspect_filesystems() {
  local n at points=' '
  while read -r _ at _; do points="$points$at "; done <"$mounts"
  for ((n = 0; n < fs_count; n++)); do
    fs_mounted[n]=yes
    has_word "$points" "${fs_mount[n]}" && continue
    fs_mounted[n]=
    problem filesystem "${fs_mount[n]}" \
      "${fs_mount[n]} (${fs_device[n]}) is not mounted. See: systemctl status '${fs_mount[n]}'"
  done
}

# inspect_boot: the boot loader's own program judges it.
inspect_boot() {
  local slot line
  local -a names=()
  local -A of=()
  boot_text=()
  for slot in "${slots[@]}"; do
    if [ -z "${slot_disk[$slot]}" ] || ! is_boot_slot "$slot"; then continue; fi
    disk_name "${slot_disk[$slot]}"
    names+=("$REPLY")
    of[$REPLY]=$slot
    boot_text[$slot]='could not be checked'
  done
  [ ${#names[@]} -gt 0 ] || return 0
  while IFS= read -r line; do
    slot=${of[${line%%:*}]-}
    [ -z "$slot" ] || boot_text[$slot]=${line#*: }
  done < <("$libexec/boot-loader" ${root:+--root "$root"} check "${names[@]}")
  for slot in "${slots[@]}"; do
    case ${boot_text[$slot]-ok} in ok) ;; *) problem boot "$slot" \
      "the machine may not start from $slot: ${boot_text[$slot]}. Run: $libexec/boot-loader install ${names[*]}" ;; esac
  done
}
