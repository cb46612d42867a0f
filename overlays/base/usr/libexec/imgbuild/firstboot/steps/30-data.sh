# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='the file systems'
patience=300
hint='imgbuild-disk status'

# In MiB: less than this, or than a tenth of a small one, is a disk that something has filled already.
least=1024

check() {
  local mount
  for mount in $mounts; do is_mounted "$mount" && has_room "$mount" || return 1; done
  systemctl is-active --quiet imgbuild-data.service
}

act() {
  local mount
  for mount in $mounts; do
    is_mounted "$mount" || quietly systemctl start "$(systemd-escape --path --suffix=mount "$mount")" || :
    await 240 "$mount to be mounted" is_mounted "$mount"
    has_room "$mount" || fail "$mount is full, or has less than $least MiB and a tenth of itself left" "df -h $mount; du -xhd 1 $mount"
  done
  quietly systemctl restart imgbuild-data.service || fail 'the directories on /data cannot be made' 'systemctl status imgbuild-data'
}

is_mounted() { mountpoint -q "$1"; }

has_room() {
  local room
  room=$(df -Pm "$1" | awk -v least="$least" 'NR == 2 { print $4 - ($2 / 10 < least ? int($2 / 10) : least) }')
  [ "${room:--1}" -ge 0 ] && : >"$1/.imgbuild-written" && rm -f "$1/.imgbuild-written"
}
