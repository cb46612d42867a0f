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
  identities
  if [ -z "$dry_run$yes" ]; then
    confirm
    judge_again "$1" "$2"
  fi
  journal notice "replacing $slot by $new_name"
  if [ -z "$hot" ]; then
    forget_lost
    # Before a copy is given up: NEW may be dead on arrival.
    [ -n "$keep" ] || lay_out
    take_out
    put_in
    erase_old
    put_loader
    [ -z "$loader_left" ] || say 'The boot loader is put on the disks when they are in sync.'
    keep_conf
    await_rebuild
    [ -z "$loader_left" ] || put_loader
  else
    forget_lost
    [ -n "$keep" ] || lay_out
    put_in
    keep_conf
    await_rebuild
    forget_lost
    take_out
    erase_old
    put_loader
  fi
  [ -z "$loader_left" ] || broke 'the boot loader is not on every disk'
  journal notice "$new_name is $slot"
}

# identity N: REPLY = what tells a disk from another that has got its name since.
identity() {
  local name dir
  get "$1" name
  name=$REPLY
  dir=$(readlink -f "$sys/block/$name")
  REPLY="$dir $(stat -c %i "$dir" 2>/dev/null) $(cat "$dir/diskseq" "$dir/size" "$dir/serial" "$dir/wwid" "$dir/device/serial" \
    "$dir/device/wwid" 2>/dev/null | tr '\n' ' ')"
}

identities() {
  identity "$new"
  new_identity=$REPLY
  old_identity=
  if [ -n "$old" ]; then
    identity "$old"
    old_identity=$REPLY
  fi
}

# judge_again OLD NEW: the question may have stood for hours.
judge_again() {
  local before="$new_identity|$old_identity|$slot|$keep|$hot|$table"
  read_state
  judge "$1" "$2"
  identities
  [ "$before" = "$new_identity|$old_identity|$slot|$keep|$hot|$table" ] ||
    refuse 'the disks are not as they were when you were asked' 'Run it again, and look at what it says.'
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
