# shellcheck shell=bash
# Snapshots of this member; sourced after common.sh, never run.
#
# shellcheck disable=SC2154 # the libraries'

take_snapshot() {
  local file bytes
  umask 077
  case $keep:$keep_days in
    *[!0-9:]* | 0:* | :*) refuse "keep='$keep' keep_days='$keep_days' are no numbers" "Mend $root/etc/imgbuild/etcd.conf." ;;
  esac
  need_mounted "$snapshots"
  mkdir -p "$snapshots" || refuse "$snapshots cannot be made" "ls -ld ${snapshots%/*}"
  # What a run that was killed left.
  rm -f "$snapshots"/etcd-*.part "$snapshots"/etcd-*.part.part
  bytes=$(ctl healthcheck-client "$endpoint" endpoint status -w fields 2>/dev/null | sed -n 's/^"DBSize" *: *//p')
  [ -n "$bytes" ] || refuse 'etcd of this host does not answer' 'imgbuild-etcd status tells why. Another member may have a snapshot taken.'
  # Beside the copy, what the next one and etcd itself may want.
  need_room "$snapshots" $((bytes + bytes / 5 + 268435456))
  file=$snapshots/etcd-$(stamp).db
  partial=$file.part
  trap 'rm -f "$partial" "$partial.part"' EXIT
  # No time limit: a large database on slow disks takes its time.
  etcdctl --dial-timeout=5s --cacert="$pki/ca.crt" --cert="$pki/healthcheck-client.crt" \
    --key="$pki/healthcheck-client.key" --endpoints="$endpoint" snapshot save "$partial" >&2 || broke 'the snapshot cannot be taken'
  has_hash "$partial" || broke 'the snapshot does not have the checksum that it bears'
  etcdutl snapshot status "$partial" >&2 || broke 'the snapshot is not whole'
  sync
  mv "$partial" "$file" || broke "$file cannot be written"
  printf '%s\n' "$file"
  remove_old "$file"
}

# has_hash FILE: the SHA-256 that etcd puts behind the database, whose pages are of 512 bytes or more.
has_hash() {
  local bytes
  bytes=$(stat -c %s "$1")
  [ $((bytes % 512)) = 32 ] && [ "$(tail -c 32 "$1" | od -An -v -tx1 | tr -d ' \n')" = "$(head -c $((bytes - 32)) "$1" | sha256sum | cut -d ' ' -f 1)" ]
}

# remove_old NEW: by their names, which are times; never the new one, whatever the clock was when it was named.
remove_old() {
  local n age files=("$snapshots"/etcd-*Z.db)
  age=$(date -u -d "${keep_days:-0} days ago" +%Y%m%dT%H%M%SZ)
  for n in "${!files[@]}"; do
    [ "${files[n]}" != "$1" ] || continue
    if [ $((${#files[@]} - n)) -gt "$keep" ] || { [ "${keep_days:-0}" != 0 ] && [[ ${files[n]} < $snapshots/etcd-$age.db ]]; }; then
      rm -f "${files[n]}"
    fi
  done
}
