# shellcheck shell=bash
# Puts the data of a snapshot in the place of this member's; sourced after snapshot.sh, never run.
#
# What is restored lies whole in /data/etcd/restore before anything is moved, and etcd is not started while that is there (see
# prepare.sh): a run that was cut off anywhere is finished by another.
#
#   /data/etcd/restore/id      the checksum of the snapshot, and the name of where the data of before goes
#   /data/etcd/restore/data, wal
#   /data/etcd/restore/whole   both are whole
#
# shellcheck disable=SC2154 # the libraries'

restore_member() {
  local snapshot=$1 id before state
  umask 077
  { [ -f "$snapshot" ] && [ -r "$snapshot" ]; } || refuse "there is no file $snapshot" 'Name the file of a snapshot.'
  need_mounted "$top"
  state=$(systemctl is-active etcd.service 2>/dev/null)
  case $state in
    inactive | failed) ;;
    *) refuse "etcd runs on this host: ${state:-unknown}" 'Stop it on every member: systemctl stop etcd' ;;
  esac
  id=$(sha256sum <"$snapshot")
  id=${id%% *}
  judge_begun
  if [ -z "$before" ]; then
    judge_snapshot
    judge_stopped
    show_restore
    confirm
    make_copy
  else
    say "goes on with the restore of $snapshot that was cut off"
  fi
  swap
  show_rest
}

# judge_begun: sets before where an earlier run has come so far that it is only to be finished.
judge_begun() {
  local begun=''
  before=
  [ -e "$top/restore/whole" ] || return 0
  { read -r begun && read -r before; } <"$top/restore/id"
  [ "$begun" != "$id" ] || return 0
  # Of another snapshot. Nothing was moved yet?
  { [ -d "$top/restore/data" ] && [ ! -e "$top/$before/data" ]; } ||
    refuse 'a restore from another snapshot was cut off on its way' "Finish that one first. Its SHA-256 is $begun."
  rmdir "$top/$before" 2>/dev/null
  before=
}

judge_snapshot() {
  local bytes said
  bytes=$(stat -c %s "$snapshot")
  if [ -z "$no_hash" ]; then
    has_hash "$snapshot" || refuse "$snapshot does not bear the checksum of what it holds" \
      "It is damaged, or no snapshot. A member's own database, copied from data/member/snap/db, has none: --no-hash."
  fi
  said=$(etcdutl snapshot status "$snapshot" -w fields 2>&1) || refuse "$snapshot cannot be read: $(tail -n 1 <<<"$said")" 'Take another one.'
  revision=$(sed -n 's/^"Revision" *: *//p' <<<"$said")
  keys=$(sed -n 's/^"Keys" *: *//p' <<<"$said")
  # Beside the copy a log of 64 MiB, and as much again for the first snapshot of its own.
  need_room "$top" $((bytes + 268435456))
}

# judge_stopped: no other member goes on with the data of before.
judge_stopped() {
  local n
  for n in $(others); do
    ask_peer "${member_peers[n]}"
    case $peer_state in
      started | odd) refuse "etcd runs on ${member_names[n]}${peer_said:+, and is not understood: $peer_said}" \
        'Stop it there: systemctl stop etcd. Where the others have been restored and serve already, let this member join them instead: imgbuild-etcd --help.' ;;
    esac
  done
}

show_restore() {
  local n servers=''
  printf 'etcd of this cluster goes back to what it held when this was taken:\n  %s\n' "$snapshot"
  printf '  revision %s, %s keys, of %s\n' "$revision" "$keys" "$(date -u -r "$snapshot" '+%Y-%m-%d %H:%M UTC')"
  printf 'Everything that was written since is lost to the cluster. On this host it is kept in %s.\n\n' "$top/before-TIME"
  printf 'Before:\n'
  for n in $api_servers; do servers="$servers${servers:+, }${n%%=*}"; done
  printf '  - The API servers must be down, or they go on with what they remember. On each control plane%s:\n' "${servers:+ ($servers)}"
  printf '      mkdir -p /etc/kubernetes/stopped; mv /etc/kubernetes/manifests/*.yaml /etc/kubernetes/stopped/\n'
  printf '      crictl ps --name "kube-apiserver|kube-controller-manager|kube-scheduler"     until none is left\n'
  printf '  - etcd must be down on every member: systemctl stop etcd\n\n'
}

confirm() {
  local word=
  [ -z "$yes" ] || return 0
  [ -t 0 ] || refuse 'nobody is there to confirm it' 'Say --yes, or run it on a terminal.'
  printf 'Type yes to go on: '
  read -r word
  [ "$word" = yes ] || refuse 'it was not confirmed' 'Run it again and type yes.'
}

# make_copy: a cluster of its own. Its token is the snapshot's, so that its members take nothing from one that was not restored, or
# was restored from another snapshot; and its revisions are far ahead, so that no watcher takes old ones for new (etcd's own
# advice for Kubernetes; etcdutl from 3.5.10 on knows how).
make_copy() {
  local made=$top/restore list=''
  rm -rf "$made"
  mkdir -p "$made" || broke "$made cannot be made"
  aside
  before=$REPLY
  printf '%s\n%s\n' "$id" "$before" >"$made/id"
  list=$(setting initial-cluster)
  etcdutl snapshot restore "$snapshot" ${no_hash:+--skip-hash-check} \
    --name "$name" --initial-cluster "$list" --initial-advertise-peer-urls "$peer" \
    --initial-cluster-token "$(setting initial-cluster-token)-${id:0:12}" \
    --bump-revision 1000000000 --mark-compacted --data-dir "$made/data" --wal-dir "$made/wal" >&2 ||
    broke 'etcdutl cannot restore it' 'Nothing was moved. Look at what it says above.'
  chown -R etcd:etcd "$made/data" "$made/wal" || broke 'the copy cannot be given to the account etcd' 'getent passwd etcd'
  sync
  : >"$made/whole"
  sync
}

# swap: each move is one step on the disk, and done once.
swap() {
  local part made=$top/restore
  for part in data wal; do
    [ -e "$made/$part" ] || continue
    mkdir -p "$top/$before" || broke "$top/$before cannot be made"
    if [ -e "$top/$part" ] && [ ! -e "$top/$before/$part" ]; then
      mv -T "$top/$part" "$top/$before/$part" || broke "$top/$part cannot be moved aside"
    fi
    # Something may have made an empty one since.
    mv -T "$made/$part" "$top/$part" || broke "$made/$part cannot be put in its place"
  done
  # It is not yet known to those that are restored before it.
  keep_file "$joins" "restored from $id" || broke "$joins cannot be written"
  rm -f "$outside"
  sync
  # Out of the way in one step: what is half removed is no restore that was cut off.
  rm -rf "$made.done"
  mv -T "$made" "$made.done" && rm -rf "$made.done"
  sync
}

show_rest() {
  local n rest=''
  for n in $(others); do rest="$rest${rest:+, }${member_names[n]}"; done
  printf '\n%s has the data of %s now; what was there before lies in %s\n\nNow:\n' "$name" "$snapshot" "$top/$before"
  [ -z "$rest" ] || printf '  - The same on %s, with this very file: no other will do, not even of the same minute.\n' "$rest"
  printf '  - When it is done on all members, on each: systemctl start etcd\n'
  printf '  - imgbuild-etcd status\n'
  printf '  - On each control plane: mv /etc/kubernetes/stopped/*.yaml /etc/kubernetes/manifests/\n'
  printf '  - On every node: systemctl restart kubelet\n'
}
