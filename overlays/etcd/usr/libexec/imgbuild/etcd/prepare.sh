# shellcheck shell=bash
# What etcd is to be started with; sourced after members.sh, never run. etcd.service calls it as root before each start, and
# tries again where it halts.
#
# A member that has a log is started with it, whatever the configuration says. One that has none is new, or was wiped. Were a wiped
# one started as new, it would vote again under its old ID and not know what it had promised; two of them would make a second
# cluster with the IDs of the first, and destroy its data when they meet.
#
# shellcheck disable=SC2154 # the libraries'

prepare() {
  mkdir -p "$root/run/imgbuild" && chmod 0755 "$root/run/imgbuild"
  is_mounted "$top" || halt "$REPLY is not mounted" 'imgbuild-disk status tells why.'
  own_place
  [ ! -e "$top/restore" ] ||
    halt 'a restore was cut off' 'Finish it: imgbuild-etcd restore SNAPSHOT, with the same file.'
  if has_log; then
    judge_own
    use_config ''
    return 0
  fi
  rm -f "$outside"
  clear_leftovers
  while :; do
    if find_cluster; then
      join_cluster
      return 0
    fi
    ! may_begin || break
    sleep 3
  done
  use_config ''
  say "begins a new cluster of ${member_names[*]}"
}

# tell SENTENCE REMEDY: why etcd is not started; status shows it, and the log where it is new.
tell() {
  local before=''
  read -r before 2>/dev/null <"$halted"
  printf '%s\n%s\n' "${1//[[:cntrl:]]/ }" "$2" >"$halted.part" && mv -f "$halted.part" "$halted"
  if [ -z "${told-}" ] || [ "$before" != "${1//[[:cntrl:]]/ }" ]; then say "etcd is not started: $1. $2"; fi
  told=yes
}

# halt SENTENCE REMEDY: and is tried again by systemd.
halt() {
  tell "$@"
  exit 1
}

# own_place: tmpfiles cannot, as the account comes with the first boot; and renewed keys are laid as root's.
own_place() {
  { mkdir -p "$top/data" "$top/wal" && chown etcd:etcd "$top" "$top/data" "$top/wal" && chmod 0700 "$top" "$top/data" "$top/wal"; } ||
    halt "$top cannot be made the account etcd's" 'imgbuild-firstboot status: is the account made, the disk mounted?'
  { chown -R root:etcd "$pki" && chmod 0750 "$pki" && chmod 0640 "$pki"/*.key; } ||
    halt "$pki cannot be made readable to etcd" "ls -l $pki"
}

# has_log: what etcd itself goes by. The log appears whole.
has_log() {
  local file
  for file in "$top/wal"/*.wal; do [ -e "$file" ] && return 0; done
  return 1
}

# judge_own: a quorum that has never seen this member, though it was part of one, has lost its data and begun anew. Its members have the
# IDs of before, and would destroy what is here, which may be all that is left.
judge_own() {
  local n started=
  { [ -e "$was_member" ] && [ ! -e "$joins" ]; } || return 0
  if find_cluster; then
    for n in "${!list_id[@]}"; do
      [ "${list_name[n]}" != "$name" ] || started=${list_clients[n]:-never}
    done
  fi
  case $started in
    https:*) rm -f "$outside" ;;
    never) [ -e "$outside" ] || keep_file "$outside" "others have begun a cluster, said $helper" || halt "$outside cannot be written" 'df -h /var' ;;
  esac
  [ ! -e "$outside" ] ||
    halt 'the other members have begun a cluster without the data of this one, which is untouched' \
      'To go on with it, restore it on all members; to give it up, move it aside: imgbuild-etcd --help has both.'
}

# clear_leftovers: without its log a database is worth nothing to a new member, and would be taken for its own. A start that failed
# early leaves an empty one.
clear_leftovers() {
  local before
  [ -e "$top/data/member" ] || return 0
  if { [ -e "$was_member" ] && [ ! -e "$joins" ]; } || [ -n "$(find "$top/data/member" -type f -size +1024k)" ]; then
    aside
    before=$top/$REPLY
    { mkdir "$before" && mv "$top/data/member" "$before/member"; } ||
      halt "$top/data/member cannot be moved aside" "ls -l $top"
    say "there is data without a log: it was moved to $before"
    remember_cluster 'its log was lost'
  else
    rm -rf "$top/data/member"
  fi
}

# remember_cluster WHY: from here on it begins none of its own, even where the others are gone when it is run again.
remember_cluster() {
  [ -e "$joins" ] || keep_file "$joins" "$1" || halt "$joins cannot be written" "df -h ${joins%/*}"
}

# use_config INITIAL-CLUSTER: by which it joins these; '': etcd's own file.
use_config() {
  if [ -z "$1" ]; then
    cat "$config"
  else
    sed -e "s|^initial-cluster:.*|initial-cluster: \"$1\"|" -e 's|^initial-cluster-state:.*|initial-cluster-state: existing|' "$config"
  fi >"$used.part" || halt "$used cannot be written" 'df -h /run'
  { chmod 0644 "$used.part" && mv -f "$used.part" "$used"; } || halt "$used cannot be written" 'df -h /run'
  rm -f "$halted"
}

# find_cluster: from whichever other member tells, which takes a quorum. Sets helper, its client URL.
find_cluster() {
  local n
  for n in $(others); do
    address_of "${member_peers[n]}"
    listens "$REPLY" 2379 || continue
    helper=https://$REPLY:2379
    ! list_members server "$helper" || return 0
  done
  return 1
}

# started: etcd says so when it was part of a quorum. Never fails: systemd would stop a member that is well.
started() {
  local n own='' count=0
  [ -e "$was_member" ] || keep_file "$was_member" "since $(date -u +%Y-%m-%dT%H:%M:%SZ)" || say "$was_member cannot be written"
  rm -f "$joins" "$permission" "$halted"
  # A new address in the spec: the others look for this member at the old one.
  list_members server "$endpoint" || return 0
  for n in "${!list_id[@]}"; do
    [ "${list_name[n]}" != "$name" ] || own=$n count=$((count + 1))
  done
  [ "$count" = 1 ] && [ "${list_peers[own]}" != "$peer" ] || return 0
  say "the others are told the new address: $peer"
  ctl server "$endpoint" member update "${list_id[own]}" --peer-urls="$peer" >&2 || :
}
