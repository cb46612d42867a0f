# shellcheck shell=bash
# The layout of this host's disks, /etc/imgbuild/layout; sourced, never run.
#
#   read_layout   sets mark, firmware and
#                 slots            (system_1 system_2 ...)
#                 slot_parts[SLOT] 'NUMBER...'      part_use[SLOT:NUMBER]   part_label[SLOT:NUMBER], its name in the GPT
#                 layout_arrays    (efi boot ...)   array_level[NAME]       array_parts[NAME] 'SLOT:NUMBER...'
#                 fs_count, and for each N: fs_device[N] fs_type[N] fs_mount[N]
#
# shellcheck disable=SC2034 # for those who source this
# shellcheck disable=SC2154 # layout: the caller's

declare -A slot_parts part_use part_label array_level array_parts
declare -a slots layout_arrays fs_device fs_type fs_mount

read_layout() {
  local word one two three four rest
  mark='' firmware='' fs_count=0 slots=() layout_arrays=()
  [ -r "$layout" ] || refuse "there is no $layout, which says how this host's disks are laid out" \
    'This host was not installed by imgbuild, or by one that wrote no layout.'
  while read -r word one two three four rest; do
    case $word in
      mark) mark=$one ;;
      firmware) firmware=$one ;;
      disk)
        slots+=("$one")
        slot_parts[$one]=
        ;;
      part)
        slot_parts[$one]="${slot_parts[$one]-}${slot_parts[$one]:+ }$two"
        part_use[$one:$two]=$three
        ;;
      array)
        layout_arrays+=("$one")
        array_level[$one]=$two
        array_parts[$one]="$four${rest:+ $rest}"
        ;;
      fs)
        fs_device[fs_count]=$one
        fs_type[fs_count]=$two
        fs_mount[fs_count]=$four
        fs_count=$((fs_count + 1))
        ;;
    esac
  done <"$layout"
  { is_mark "$mark" && [ ${#slots[@]} -gt 0 ]; } || refuse "$layout names no mark or no disks" 'Restore it from its backup.'
  name_parts
}

name_parts() {
  local slot number
  for slot in "${slots[@]}"; do
    for number in ${slot_parts[$slot]}; do
      partition_label "$mark" "${slot%_*}" "${slot#*_}" "$number"
      part_label[$slot:$number]=$REPLY
    done
  done
}

# is_boot_slot SLOT: does the machine start from this disk?
is_boot_slot() {
  local number
  for number in ${slot_parts[$1]}; do
    case ${part_use[$1:$number]} in biosboot | esp) return 0 ;; esac
  done
  return 1
}
