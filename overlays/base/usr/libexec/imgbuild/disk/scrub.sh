# shellcheck shell=bash
# Reads every array through and compares the copies, one array after the other; sourced by imgbuild-disk, never run.
#
# A sector that can no longer be read is found, and written anew from the other copy, while there is one. Differences are
# counted, not mended: which copy is right nobody knows. When and how many is kept in /var/lib/imgbuild/scrub, in lines of
# NAME TIME MISMATCHES.
#
# shellcheck disable=SC2154 # the libraries'

# is_due: the hosts of a cluster have nights of their own, lest all members of etcd be slow at once.
is_due() {
  local day
  day=$(uname -n | cksum)
  [ $((($(date -u +%s) / 86400 + ${day%% *}) % 28)) != 0 ] || return 0
  [ -n "$(find "$state/scrub" -mtime +35 2>/dev/null)" ]
}

scrub_arrays() {
  local md
  read_state
  scrubbing=
  trap stop_scrub INT TERM
  for md in $mds; do scrub_array "$md"; done
  trap - INT TERM
}

# stop_scrub: the kernel would go on without us.
stop_scrub() {
  [ -z "$scrubbing" ] || echo idle >"$sys/block/$scrubbing/md/sync_action"
  say 'imgbuild-disk: stopped; the array that was being checked counts as not checked'
  exit 4
}

scrub_array() {
  local name=${md_name[$1]}
  read_array "$1"
  case $md_level in raid1 | raid4 | raid5 | raid6 | raid10) ;; *) return 0 ;; esac
  # Somebody else's check, of this array or another: two at once only make the disks' heads run.
  while [ "$md_action" = check ]; do
    sleep 10
    read_array "$1"
  done
  if [ "$md_state" = inactive ] || [ "$md_action" != idle ] || [ "$md_degraded" != 0 ]; then
    tell warning "array $name ($1) is not checked: it is degraded, or being rebuilt"
    return 0
  fi
  scrubbing=$1
  if ! echo check 2>/dev/null >"$sys/block/$1/md/sync_action"; then
    scrubbing=
    tell warning "array $name ($1) is not checked: the kernel refuses to"
    return 0
  fi
  tell info "array $name ($1) is being checked"
  while :; do
    sleep 10
    read_array "$1"
    [ "$md_action" = check ] || break
  done
  scrubbing=
  finish_scrub "$1" "$name"
}

# finish_scrub MD NAME
finish_scrub() {
  if [ "$md_action" != idle ] || [ "$md_degraded" != 0 ]; then
    tell warning "the check of array $2 ($1) ended early: it is degraded, or being rebuilt"
    return 0
  fi
  keep_scrub "$2" "$md_mismatches"
  if [ "$md_mismatches" = 0 ]; then
    tell info "array $2 ($1) was checked: no differences"
    return 0
  fi
  tell warning "array $2 ($1) was checked: $md_mismatches sectors differ"
  "$libexec/disk-alert" MismatchesFound "/dev/$1" "$md_mismatches sectors differ between the copies"
}

# tell PRIORITY TEXT
tell() {
  printf '%s\n' "$2"
  journal "$1" "$2"
}

# keep_scrub NAME MISMATCHES: the other arrays' lines stay.
keep_scrub() {
  local file=$state/scrub
  mkdir -p "$state"
  if {
    [ ! -e "$file" ] || grep -v "^$1 " "$file"
    printf '%s %s %s\n' "$1" "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$2"
  } >"$file.part"; then
    mv -f "$file.part" "$file"
  else
    say "imgbuild-disk: $file cannot be written"
  fi
}
