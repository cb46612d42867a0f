# shellcheck shell=bash
# A replacement, step by step; sourced by imgbuild-disk after the judges, never run. Each step looks at what is there and
# does what is missing, so that a run that was cut off anywhere is finished by another.
#
# shellcheck disable=SC2154 # the libraries'

replace_disk() {
  read_state
  judge "$1" "$2"
  if [ -n "$keep" ] && is_whole; then
    say "$new_name is $slot already, and whole."
    return 0
  fi
  show_plan
  [ -n "$dry_run" ] || confirm
  journal notice "replacing $slot by $new_name"
  if [ -z "$hot" ]; then
    take_out
    [ -n "$keep" ] || lay_out
    put_in
    erase_old
    put_loader
    keep_conf
    await_rebuild
  else
    [ -n "$keep" ] || lay_out
    put_in
    put_loader
    keep_conf
    await_rebuild
    take_out
    erase_old
    # Only now is there no trace of OLD for the firmware's entries.
    put_loader
  fi
  journal notice "$new_name is $slot"
}

# is_whole: nothing is left to do?
is_whole() {
  local pair part
  for pair in $pairs; do
    members_of_old "${pair#*=}"
    [ -z "$REPLY" ] || return 1
    new_part "${pair%%=*}"
    part=$REPLY
    member_state "${pair#*=}" "$part"
    [ "$REPLY" = active ] || return 1
  done
  is_boot_slot "$slot" || return 0
  "$libexec/boot-loader" ${root:+--root "$root"} check "$new_name" >/dev/null
}

# new_part NUMBER: REPLY = the kernel's name of NEW's partition.
new_part() {
  case $new_name in *[0-9]) REPLY=${new_name}p$1 ;; *) REPLY=$new_name$1 ;; esac
}

show_plan() {
  local pair list=''
  get "$twin" name
  printf '%s is to be on %s, laid out as %s (%s) is.\n' "$slot" "$new_name" "$REPLY" "$twin_slot"
  describe_disk "$new"
  if [ -n "$keep" ]; then
    printf '  Its partitions are laid out already: nothing on it is erased.\n'
  elif get "$new" state && [ "$REPLY" = blank ]; then
    printf '  It is blank.\n'
  else
    describe_content
    printf '  ALL THAT IT BEARS IS ERASED: %s.\n' "$REPLY"
  fi
  if [ -n "$old" ]; then
    get "$old" name
    if [ -n "$hot" ]; then
      printf '%s still works: it is copied first, and then taken out.\n' "$REPLY"
    else
      printf '%s is taken out of the arrays.\n' "$REPLY"
    fi
    describe_disk "$old"
    printf '  Its RAID superblocks and its partition table are erased, lest it come back as %s.\n' "$slot"
  fi
  for pair in $pairs; do list="$list${list:+, }${md_name[${pair#*=}]}"; done
  printf 'Arrays: %s.\n\n' "$list"
}

describe_disk() {
  local size model
  get "$1" sectors
  human $((REPLY * 512))
  size=$REPLY
  get "$1" model
  model=${REPLY:-no model}
  get "$1" serial
  printable "${REPLY:-none}"
  printf '  %s, %s, serial %s\n' "$size" "$model" "$REPLY"
}

confirm() {
  local word=
  [ -z "$yes" ] || return 0
  [ -t 0 ] || refuse 'nobody is there to confirm it' 'Say --yes, or run it on a terminal.'
  printf 'Type yes to go on: '
  read -r word
  [ "$word" = yes ] || refuse 'it was not confirmed' 'Run it again and type yes.'
}

# take_out: OLD's members leave the arrays. Before NEW is partitioned: it may have the name of the disk that was pulled
# out, and md has that name until it has let go of the member.
take_out() {
  local pair md member lost
  for pair in $pairs; do
    md=${pair#*=}
    lost_members "$md"
    lost=$REPLY
    members_of_old "$md"
    for member in $REPLY; do
      has_word "$lost" "$member" || take_member "$md" "$member"
    done
    [ -z "$lost" ] || take_lost "$md"
  done
}

# take_lost MD: mdadm calls detached what has no device any more; where another disk has the device's number by now, only
# the kernel knows which is which.
take_lost() {
  local member
  run mdadm "/dev/$1" --fail detached --remove detached || :
  [ -z "$dry_run" ] || return 0
  lost_members "$1"
  for member in $REPLY; do
    echo faulty >"$sys/block/$1/md/dev-$member/state"
    sleep 1
    echo remove >"$sys/block/$1/md/dev-$member/state" || broke "the lost member $member of ${md_name[$1]} could not be removed"
  done
}

# erase_old: nothing on it says any more that it is the slot, and it is no disk to start from.
erase_old() {
  local part
  [ -n "$old" ] || return 0
  [ -n "$dry_run" ] || scan_arrays
  parts_of "$old"
  for part in $REPLY; do
    part=${part#*=}
    # What md would not let go of is not touched.
    if [ -n "$dry_run" ] || [ -z "${member_md[$part]-}" ]; then erase_traces "/dev/$part"; fi
  done
  get "$old" name
  erase_traces "/dev/$REPLY"
}

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
    run wipefs -a "$1" || say "The traces on $1 could not be erased: pull that disk out before the next start."
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
    [ -z "$start" ] || clear_ends "$node" "$start" "$size"
  done <<<"$table"
  get "$new" sectors
  clear_ends "$node" 0 $((REPLY * 512 / lbs))
  printf '  write_table %s\n' "$node"
  printf '%s' "$table" | sed 's/^/    /'
  [ -z "$dry_run" ] || return 0
  journal info "write_table $node"
  printf '%s' "$table" | write_table "$node" "$lbs" || broke "$new_name could not be partitioned"
  settle
  await_parts
}

# clear_ends NODE START SIZE: the first and the last MiB of a range, in sectors.
clear_ends() {
  local at count=$((1048576 / lbs))
  [ "$3" -gt "$count" ] || count=$3
  printf '  zeros at both ends of %s, sectors %s to %s\n' "$1" "$2" "$(($2 + $3 - 1))"
  [ -z "$dry_run" ] || return 0
  for at in "$2" $(($2 + $3 - count)); do
    dd if=/dev/zero "of=$1" "bs=$lbs" "seek=$at" "count=$count" conv=notrunc,fsync 2>/dev/null || broke "$1 cannot be written"
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
    [ "$REPLY" != missing ] || run mdadm "/dev/$md" --add "/dev/$part" ||
      broke "/dev/$part could not be added to ${md_name[$md]}"
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

# put_loader: on all disks that live, so that GRUB's modules in /boot fit each of them.
put_loader() {
  local other n
  is_boot_slot "$slot" || return 0
  local -a names=()
  for other in "${slots[@]}"; do
    n=${slot_disk[$other]}
    if [ "$other" = "$slot" ]; then n=$new; fi
    if [ -z "$n" ] || ! is_boot_slot "$other"; then continue; fi
    get "$n" name
    names+=("$REPLY")
  done
  run "$libexec/boot-loader" ${root:+--root "$root"} install "${names[@]}" || broke 'the boot loader is not on every disk'
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
