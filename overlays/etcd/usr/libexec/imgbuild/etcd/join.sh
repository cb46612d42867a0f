# shellcheck shell=bash
# A member without data joins a cluster that is there; sourced after prepare.sh, never run.
#
# It joins under a new ID: whatever its former self voted for or had written is not its own. It may be cut off anywhere and run again.
#
# shellcheck disable=SC2154 # the libraries'

join_cluster() {
  local own
  remember_cluster "saw a cluster at $helper"
  find_own
  if [ -n "$own" ] && { [ -n "${list_clients[own]}" ] || [ "${list_peers[own]}" != "$peer" ]; }; then
    take_out "$own"
    own=
  fi
  say "joins the cluster that is there${own:+ and expects it}: $helper"
  if [ -z "$own" ]; then
    change "cannot be added to the cluster" member add "$name" --peer-urls="$peer"
  fi
  list_members server "$helper" || halt "$helper does not answer any longer" 'It is tried again.'
  initial_cluster
  use_config "$REPLY"
}

# find_own: own = the number of this host in the list, by its name or its URL, or nothing.
find_own() {
  local n other
  own=
  for n in "${!list_id[@]}"; do
    [ "${list_name[n]}" = "$name" ] || [[ ,${list_peers[n]}, == *,"$peer",* ]] || continue
    [ -z "$own" ] ||
      halt "two members of the cluster may be this host: ${list_id[own]} (${list_name[own]} ${list_peers[own]}) and ${list_id[n]} (${list_name[n]} ${list_peers[n]})" \
        "Take out the one that is not, on a member that serves: etcdctl member remove ID"
    own=$n
  done
  [ -n "$own" ] || return 0
  for other in "${member_names[@]}"; do
    if [ "$other" != "$name" ] && [ "$other" = "${list_name[own]}" ]; then
      halt "the address of this host is another member's in the cluster: $other, ${list_peers[own]}" \
        "Let $other tell its new address first: restart etcd on it"
    fi
  done
}

# take_out NUMBER: this host's former self, which is certain to be gone where it had this very address.
take_out() {
  local url
  for url in ${list_peers[$1]//,/ }; do
    [ "$url" != "$peer" ] || continue
    ask_peer "$url"
    [ "$peer_state" = silent ] ||
      halt "another machine is this member already: $name runs at $url" 'Switch it off first, or give this host a name of its own.'
  done
  say "this member's former self, ${list_id[$1]}, is taken out of the cluster: its data is gone"
  change "cannot be taken out of the cluster" member remove "${list_id[$1]}"
}

# change WHAT ARGUMENT...: of the membership, where the cluster can stand it.
change() {
  local what=$1 said
  shift
  said=$(ctl server "$helper" "$@" 2>&1) && return 0
  said=$(grep '^Error:' <<<"$said" || tail -n 1 <<<"$said")
  halt "this member $what now: ${said#Error: }" 'All others must be well first: imgbuild-etcd status, on one of them.'
}

# initial_cluster: REPLY = NAME=URL,... of all. Of the names only this host's own matters to etcd: where the spec has no member
# with that URL, its ID will do.
initial_cluster() {
  local n m called url list=''
  for n in "${!list_id[@]}"; do
    called=${list_id[n]}
    for m in "${!member_peers[@]}"; do
      [ "${member_peers[m]}" != "${list_peers[n]}" ] || called=${member_names[m]}
    done
    for url in ${list_peers[n]//,/ }; do list="$list${list:+,}$called=$url"; done
  done
  [[ ! $list =~ [^A-Za-z0-9._:/=,-] ]] || halt "the cluster names its members in a way that is not understood: $list" 'etcdctl member list'
  REPLY=$list
}
