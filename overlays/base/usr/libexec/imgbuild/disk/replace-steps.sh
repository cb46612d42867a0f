# shellcheck shell=bash
# The steps of a replacement; sourced by imgbuild-disk, never run. Each looks at what is there and does what is missing.
#
# shellcheck disable=SC2034,SC2154 # the libraries'

# forget_lost: members whose disk is gone leave the arrays. mdadm calls detached what has no device any more: it must be
# done before partitions of NEW get their names.
forget_lost() {
  local pair md
  for pair in $pairs; do
    md=${pair#*=}
    lost_members "$md"
    [ -n "$REPLY" ] || continue
    run mdadm "/dev/$md" --fail detached --remove detached || :
    lost_members "$md"
    [ -z "$REPLY" ] || [ -n "$dry_run" ] || broke "the lost member $REPLY of ${md_name[$md]} could not be removed"
  done
}

# take_out: what is left of OLD's members leaves the arrays.
take_out() {
  local pair md member
  for pair in $pairs; do
    md=${pair#*=}
    members_of_old "$md"
    # In a rehearsal those that are gone are still among them.
    for member in $REPLY; do is_lost "$md" "$member" || take_member "$md" "$member"; done
  done
}

# erase_old: nothing on it says any more that it is the slot, and it is no disk to start from. Not where it may have the
# last copy of something, nor where its name has become another disk's while the copy was made.
erase_old() {
  local part lbs sectors
  [ -n "$old" ] || return 0
  [ -z "$holes" ] || [ -n "$hot" ] || return 0
  identity "$old"
  if [ "$REPLY" != "$old_identity" ]; then
    get "$old" name
    say "$REPLY is another disk by now: it is left alone."
    return 0
  fi
  [ -n "$dry_run" ] || scan_arrays
  parts_of "$old"
  for part in $REPLY; do
    part=${part#*=}
    # What md would not let go of is not touched.
    if [ -z "$dry_run" ] && [ -n "${member_md[$part]-}" ]; then
      too_broken "/dev/$part, a member of ${member_md[$part]},"
      return 0
    fi
  done
  parts_of "$old"
  for part in $REPLY; do erase_traces "/dev/${part#*=}"; done
  get "$old" lbs
  lbs=$REPLY
  get "$old" sectors
  sectors=$((REPLY * 512 / lbs))
  get "$old" name
  erase_traces "/dev/$REPLY"
  # wipefs leaves the entries of the table, by which the firmware's would still be found.
  clear_ends "$dev/$REPLY" 0 "$sectors" "$lbs" || too_broken "/dev/$REPLY"
}

too_broken() { say "The traces on $1 could not be erased: pull that disk out before the next start."; }

# take_member MD MEMBER
take_member() {
  local try
  member_state "$1" "$2"
  [ "$REPLY" = failed ] || run mdadm "/dev/$1" --fail "/dev/$2" || broke "/dev/$2 could not be failed in ${md_name[$1]}"
  # For a moment the array has requests under way on it.
  for try in 1 2 3 4 5; do
    run mdadm "/dev/$1" --remove "/dev/$2" && return 0
    sleep 1
  done
  broke "/dev/$2 could not be removed from ${md_name[$1]} in $try tries"
}

# erase_traces NODE: of a disk that may be too broken for it.
erase_traces() {
  if command -v wipefs >/dev/null 2>&1; then
    run wipefs -a "$1" || too_broken "$1"
  else
    run mdadm --zero-superblock "$1" || :
  fi
}

# lay_out: what lies where a partition or an array will begin would be found the moment that it does.
lay_out() {
  local part start size node=$dev/$new_name
  parts_of "$new"
  for part in $REPLY; do run wipefs -a "/dev/${part#*=}" || broke "/dev/${part#*=} could not be erased"; done
  while read -r start size _; do
    [ -z "$start" ] || clear_ends "$node" "$start" "$size" "$lbs" || broke "$new_name cannot be written"
  done <<<"$table"
  get "$new" sectors
  clear_ends "$node" 0 $((REPLY * 512 / lbs)) "$lbs" || broke "$new_name cannot be written"
  printf '  write_table %s\n' "$node"
  printf '%s' "$table" | sed 's/^/    /'
  [ -z "$dry_run" ] || return 0
  journal info "write_table $node"
  printf '%s' "$table" | write_table "$node" "$lbs" || broke "$new_name could not be partitioned"
  settle
  await_parts
}

# clear_ends NODE START SIZE SECTOR: the first and the last MiB of a range, in sectors.
clear_ends() {
  local at count=$((1048576 / $4))
  [ "$3" -gt "$count" ] || count=$3
  printf '  zeros at both ends of %s, sectors %s to %s\n' "$1" "$2" "$(($2 + $3 - 1))"
  [ -z "$dry_run" ] || return 0
  # Where the disk is gone, dd would make a file of its name, and the next disk could not have it.
  [ -n "$root" ] || [ -b "$1" ] || return 1
  for at in "$2" $(($2 + $3 - count)); do
    dd if=/dev/zero "of=$1" "bs=$4" "seek=$at" "count=$count" conv=notrunc,fsync 2>/dev/null || return 1
  done
}

# await_parts: udev may be slower than we are.
await_parts() {
  local pair try
  for pair in $pairs; do
    new_part "${pair%%=*}"
    for try in 1 2 3 4 5 6 7 8 9 10; do
      [ ! -e "$dev/$REPLY" ] || continue 2
      [ "$try" != 5 ] || reread_table "$dev/$new_name"
      sleep 1
    done
    broke "/dev/$REPLY does not appear"
  done
}

# put_in: a member each; where OLD still works, it stays until its copy is whole.
put_in() {
  local pair md part member
  for pair in $pairs; do
    md=${pair#*=}
    new_part "${pair%%=*}"
    part=$REPLY
    member_state "$md" "$part"
    if [ "$REPLY" = missing ]; then
      # With its superblock md would copy only what it knows to have changed on the others, and not what was written
      # here while they were away.
      [ -z "$keep" ] || run mdadm --zero-superblock "/dev/$part" || :
      run mdadm "/dev/$md" --add "/dev/$part" || broke "/dev/$part could not be added to ${md_name[$md]}"
    fi
    [ -n "$hot" ] || continue
    members_of_old "$md"
    for member in $REPLY; do
      member_state "$md" "$member"
      [ "$REPLY" = active ] || continue
      read_line "$sys/block/$md/md/dev-$member/state"
      case ,$REPLY, in *,want_replacement,*) continue ;; esac
      run mdadm "/dev/$md" --replace "/dev/$member" --with "/dev/$part" ||
        broke "/dev/$member could not be copied to /dev/$part"
    done
  done
}

# put_loader: on all disks that live, so that GRUB's modules in /boot fit each of them. Sets loader_left where it did not
# succeed: an older GRUB (before 2.12) does not find an array that has a failed or half-built member before a whole one.
put_loader() {
  local other n
  local -a names=()
  loader_left=
  is_boot_slot "$slot" || return 0
  for other in "${slots[@]}"; do
    n=${slot_disk[$other]}
    if [ "$other" = "$slot" ]; then n=$new; fi
    if [ -z "$n" ] || ! is_boot_slot "$other"; then continue; fi
    get "$n" name
    names+=("$REPLY")
  done
  run "$libexec/boot-loader" ${root:+--root "$root"} install "${names[@]}" || loader_left=yes
}

# keep_conf: mdadm.conf names arrays by UUID, which a replacement does not change; one that it does not name, by our array.
keep_conf() {
  local conf=$root/etc/mdadm.conf pair md uuid
  [ -e "$conf" ] || conf=$root/etc/mdadm/mdadm.conf
  [ -e "$conf" ] || return 0
  for pair in $pairs; do
    md=${pair#*=}
    uuid=$(mdadm --detail --export "/dev/$md" 2>/dev/null | sed -n 's/^MD_UUID=//p')
    if [ -z "$uuid" ] || grep -qi "$uuid" "$conf"; then continue; fi
    printf '  %s: ARRAY /dev/md/%s UUID=%s\n' "$conf" "${md_name[$md]}" "$uuid"
    [ -n "$dry_run" ] || printf 'ARRAY /dev/md/%s UUID=%s\n' "${md_name[$md]}" "$uuid" >>"$conf"
  done
}
