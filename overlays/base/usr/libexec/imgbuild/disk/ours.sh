# shellcheck shell=bash
# Which arrays and disks are this host's: another host of the cluster has the same names on its disks, and both may be in
# one machine. Sourced after arrays.sh, never run.
#
#   scan_ours          after scan_arrays: what tells which are ours: mdadm.conf, and what is mounted
#   is_ours MD         is it this host's array? Where mdadm.conf names none, every array may be.
#   is_mounted MD      does a file system of the layout lie on it?
#   uuid_of MD         REPLY = its UUID
#   superblock PART    REPLY = the UUID of the array that a partition belongs to or did, '' where nothing tells
#   is_stranger N SLOT bears the disk the slot's names, and is a disk of other arrays than ours?
#
# shellcheck disable=SC2154 # the libraries'

scan_ours() {
  local conf source at n
  conf=$(cat "$root/etc/mdadm.conf" "$root/etc/mdadm/mdadm.conf" 2>/dev/null | grep -i '^ARRAY' |
    grep -oiE 'UUID=[0-9a-f:]+' | tr 'A-F\n' 'a-f ')
  conf_uuids=${conf//[uU][uU][iI][dD]=/}
  mounted_mds=
  while read -r source at _; do
    for ((n = 0; n < fs_count; n++)); do
      [ "$at" = "${fs_mount[n]}" ] || continue
      kname_of "$source"
      arrays_below "$REPLY"
      mounted_mds="$mounted_mds $REPLY"
    done
  done <"$mounts"
}

# arrays_below KNAME: REPLY = the arrays that a device lies on, or is.
arrays_below() {
  local todo=$1 found='' dir
  while [ -n "$todo" ]; do
    if [ -d "$sys/block/${todo%% *}/md" ]; then found="$found ${todo%% *}"; fi
    for dir in "$sys/block/${todo%% *}/slaves"/*; do
      [ ! -e "$dir" ] || todo="$todo ${dir##*/}"
    done
    case $todo in *' '*) todo=${todo#* } ;; *) todo= ;; esac
  done
  REPLY=$found
}

uuid_of() {
  local dir
  REPLY=$(mdadm --detail --export "/dev/$1" 2>/dev/null | sed -n 's/^MD_UUID=//p' | tr A-F a-f)
  for dir in "$sys/block/$1/md"/dev-*; do
    [ -z "$REPLY" ] || return 0
    [ ! -d "$dir" ] || superblock "${dir##*/dev-}"
  done
}

superblock() { REPLY=$(mdadm --examine --export "/dev/$1" 2>/dev/null | sed -n 's/^MD_UUID=//p' | tr A-F a-f); }

is_mounted() { has_word "$mounted_mds" "$1"; }

is_ours() {
  ! is_mounted "$1" && [ -n "$conf_uuids" ] || return 0
  uuid_of "$1"
  has_word "$conf_uuids" "$REPLY"
}

is_stranger() {
  local name place part md with
  for name in "${layout_arrays[@]}"; do
    md=${array_md[$name]}
    for place in ${array_parts[$name]}; do
      [ "${place%:*}" = "$2" ] || continue
      part_of "$1" "${place#*:}"
      part=$REPLY
      [ -n "$part" ] || continue
      with=${member_md[$part]-}
      if [ -n "$with" ] && [ "$with" = "$md" ]; then return 1; fi
      # A disk that may be dying is asked last: its superblock has to be read.
      superblock "$part"
      [ -n "$REPLY" ] || continue
      part=$REPLY
      if [ -n "$md" ]; then
        uuid_of "$md"
        [ -z "$REPLY" ] || [ "$REPLY" = "$part" ] || return 0
      elif [ -n "$conf_uuids" ]; then
        has_word "$conf_uuids" "$part" || return 0
      fi
    done
  done
  return 1
}
