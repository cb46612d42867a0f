# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='the file systems'
patience=300
hint='imgbuild-disk status'

# In MiB: less than this is a disk that something has filled already, or one on which no runtime will live.
least=1024

check() {
  local mount
  for mount in $mounts; do is_mounted "$mount" && has_room "$mount" && is_writable "$mount" || return 1; done
  systemctl is-active --quiet imgbuild-data.service
}

act() {
  local mount
  for mount in $mounts; do
    is_mounted "$mount" || quietly systemctl start "$(systemd-escape --path --suffix=mount "$mount")" || :
    await 240 "$mount to be mounted" is_mounted "$mount"
    has_room "$mount" || fail "$mount has $left MiB left, and needs $needs" "df -h $mount; du -xhd 1 $mount"
    is_writable "$mount" || fail "$mount cannot be written to" "findmnt $mount; dmesg | tail"
  done
  quietly systemctl restart imgbuild-data.service || fail 'the directories on /data cannot be made' 'systemctl status imgbuild-data'
}

is_mounted() { mountpoint -q "$1"; }

# Sets `left` and `needs`, in MiB: a volume of the spec may be small, and is full with less than a tenth.
has_room() {
  local size=0
  left=0
  { read -r _ && read -r _ size _ left _; } < <(df -Pm "$1")
  needs=$least
  [ "$1" = /data ] || [ $((size / 10)) -ge $least ] || needs=$((size / 10))
  [ "$left" -ge "$needs" ]
}

is_writable() { : >"$root$1/.imgbuild-written" && rm -f "$root$1/.imgbuild-written"; } 2>/dev/null
