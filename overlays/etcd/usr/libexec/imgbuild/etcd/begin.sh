# shellcheck shell=bash
# May a member without data begin a cluster? Sourced after prepare.sh, never run.
#
# Together with a majority that has no data either, and not before: what a cluster has ever promised is in a majority of its members,
# so that either nothing was promised, or it is lost anyway. Where a member is switched off that may have data, a minority cannot
# tell, and waits. While it waits it says on its port for others that it is here and new, as etcd itself would.
#
# shellcheck disable=SC2154 # the libraries'

# may_begin: fails where it is to ask again; does not return where there is a reason against it.
may_begin() {
  local fresh='' seen='' silent='' count=0
  ask_others
  judge_others
  if [ -e "$permission" ] || [ "$count" -ge $((${#member_names[@]} / 2)) ]; then
    beacon_off
    return 0
  fi
  tell "there is no data here, and a cluster is begun by a majority of new members; others so far: ${fresh:-none}; no answer: $silent" \
    'Start them. One with data among them is joined when it has a quorum. Does none come, and is an empty cluster what you want: imgbuild-etcd --help.'
  beacon_on
  return 1
}

# ask_others: fresh, seen (those with data) and silent, and how many are fresh.
ask_others() {
  local n
  for n in $(others); do
    ask_peer "${member_peers[n]}"
    case $peer_state in
      fresh) fresh="$fresh${fresh:+, }${member_names[n]}" count=$((count + 1)) ;;
      started) seen="$seen${seen:+, }${member_names[n]}" ;;
      silent) silent="$silent${silent:+, }${member_names[n]}" ;;
      odd)
        address_of "${member_peers[n]}"
        halt "what runs on ${member_names[n]} ($REPLY) may be a cluster, and is not understood: $peer_said" \
          'Is the clock right on both (date)? Are their certificates of one authority (ls -l /etc/etcd/pki)?'
        ;;
    esac
  done
}

# judge_others: no quorum answers. Does anything speak of a cluster that was there before?
judge_others() {
  local n none=${silent:+; no answer: $silent} remedy='Start the others. If their data is lost for good: imgbuild-etcd --help tells the ways out.'
  if [ -n "$seen" ]; then
    remember_cluster "$seen had data"
    halt "this member has no data, and waits for a quorum of the others; without one: $seen$none" "$remedy"
  fi
  [ ! -e "$permission" ] || return 0
  if [ -e "$was_member" ] || [ -e "$joins" ]; then
    halt "this member has lost its data, and waits for a quorum of the others$none" "$remedy"
  fi
  for n in $api_servers; do
    listens "${n#*=}" 10250 || continue
    halt "there is no data here, and the control plane ${n%%=*} runs, which needs a cluster that was there before$none" \
      'Start the members with data. If a new, empty cluster is what you want: imgbuild-etcd --help tells how.'
  done
}

# beacon_on: answers `GET /members` of other members. Now and then anew, as one client that says nothing would hold it up.
beacon_on() {
  local folder=$root/run/imgbuild/etcd-beacon at
  ! kill -0 "$beacon" 2>/dev/null || return 0
  address_of "$peer"
  at=$REPLY:2380
  # Of before 1.1, which takes no address: EL 7.
  [[ $(openssl version) != 'OpenSSL 1.0'* ]] || at=2380
  mkdir -p "$folder" && printf '[]\n' >"$folder/members" || return 0
  (
    cd "$folder" && exec timeout 30 openssl s_server -quiet -WWW -accept "$at" -Verify 3 -verify_return_error \
      -CAfile "$pki/ca.crt" -cert "$pki/peer.crt" -key "$pki/peer.key"
  ) </dev/null >"$folder.log" 2>&1 &
  beacon=$!
  trap beacon_off EXIT
}

# beacon_off: etcd wants the port.
beacon_off() {
  [ -n "$beacon" ] || return 0
  kill "$beacon" 2>/dev/null
  wait "$beacon" 2>/dev/null
  beacon=
}
beacon=
