# shellcheck shell=bash
# How etcd is; sourced after members.sh, never run. Changes nothing.
#
#   inspect   asks all members at once, and sets for each number of m_name: m_address, m_peer, m_id, m_state (serves, waits, silent,
#             odd), m_version, m_bytes, m_leader, m_learner, m_started; quorum; newest, the last snapshot; and the problems:
#             problem_kind, problem_name, problem_text, problem_remedy
#   show_status
#
# shellcheck disable=SC2034,SC2154 # the libraries'

inspect() {
  local n
  scratch=$(mktemp -d) || exit 4
  trap 'rm -rf "$scratch"' EXIT
  problem_count=0
  m_name=("${member_names[@]}")
  m_peer=("${member_peers[@]}")
  # Each of these takes its whole time where there is no quorum.
  for n in "${!m_name[@]}"; do probe "$n" & done
  { ! is_healthy || : >"$scratch/healthy"; } &
  ctl healthcheck-client "$endpoint" alarm list >"$scratch/alarms" 2>/dev/null &
  wait
  quorum=
  for n in "${!m_name[@]}"; do
    { [ -z "$quorum" ] && [ -s "$scratch/list.$n" ]; } || continue
    quorum=yes
    read_list <"$scratch/list.$n"
    match_list
  done
  for n in "${!m_name[@]}"; do read_member "$n"; done
  find_newest
  judge_service
  judge_quorum
  judge_members
  judge_rest
}

# probe NUMBER: what that member says to clients, else to other members. Each lists the members only by a quorum.
probe() {
  local at
  client_of "${m_peer[$1]}"
  at=$REPLY
  [ "${m_name[$1]}" != "$name" ] || at=$endpoint
  address_of "$at"
  if listens "$REPLY" "${at##*:}" && ctl healthcheck-client "$at" endpoint status -w fields >"$scratch/status.$1" 2>/dev/null; then
    ctl healthcheck-client "$at" member list -w simple >"$scratch/list.$1" 2>/dev/null
    return 0
  fi
  : >"$scratch/status.$1"
  ask_peer "${m_peer[$1]}"
  printf '%s\n%s\n%s\n' "$peer_state" "$peer_cluster" "$peer_said" >"$scratch/peer.$1"
}

# match_list: whom the cluster knows, beside the spec's.
match_list() {
  local n m found
  for n in "${!list_id[@]}"; do
    found=
    for m in "${!m_name[@]}"; do
      [ "${list_peers[n]}" != "${m_peer[m]}" ] && [ "${list_name[n]}" != "${m_name[m]}" ] || found=$m
    done
    if [ -z "$found" ]; then
      found=${#m_name[@]}
      m_name+=("${list_name[n]:-?}")
      m_peer+=("${list_peers[n]%%,*}")
      probe "$found"
    fi
    m_id[found]=${list_id[n]}
    m_learner[found]=${list_learner[n]}
    m_listed[found]=${list_peers[n]}
    m_started[found]=${list_clients[n]:+yes}
  done
}

# answer NUMBER NAME: REPLY = that field of its status.
answer() { REPLY=$(sed -n "s/^\"$2\" *: *\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" "$scratch/status.$1" | head -n 1); }

read_member() {
  address_of "${m_peer[$1]}"
  m_address[$1]=$REPLY
  m_version[$1]='' m_bytes[$1]='' m_leader[$1]='' m_said[$1]=''
  if [ -s "$scratch/status.$1" ]; then
    m_state[$1]=serves
    answer "$1" Version
    m_version[$1]=$REPLY
    answer "$1" DBSize
    m_bytes[$1]=$REPLY
    answer "$1" ClusterID
    printf -v REPLY %x "$REPLY"
    m_cluster[$1]=$REPLY
    answer "$1" MemberID
    m_leader[$1]=$REPLY
    answer "$1" Leader
    if [ "${m_leader[$1]}" = "$REPLY" ]; then m_leader[$1]=yes; else m_leader[$1]=; fi
  else
    { read -r REPLY && read -r "m_cluster[$1]" && read -r "m_said[$1]"; } <"$scratch/peer.$1"
    case $REPLY in
      fresh | started) m_state[$1]=waits ;;
      *) m_state[$1]=$REPLY ;;
    esac
  fi
}

# find_newest: its path, or nothing; newest_bytes, newest_age in seconds, snapshot_count.
find_newest() {
  local file
  newest='' newest_bytes=0 newest_age=0 snapshot_count=0
  for file in "$snapshots"/etcd-*Z.db; do
    [ -e "$file" ] || continue
    newest=$file
    snapshot_count=$((snapshot_count + 1))
  done
  [ -n "$newest" ] || return 0
  newest_bytes=$(stat -c %s "$newest")
  newest_age=$(($(date +%s) - $(stat -c %Y "$newest")))
}

# human BYTES
human() {
  if [ "$1" -lt 1048576 ]; then REPLY="$(($1 / 1024)) KiB"; else REPLY="$(($1 / 1048576)).$(($1 * 10 / 1048576 % 10)) MiB"; fi
}

# paint COLOUR TEXT: on a terminal alone, and not where NO_COLOR is set.
paint() {
  if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then printf '\033[%sm%s\033[0m' "$1" "$2"; else printf '%s' "$2"; fi
}

show_status() {
  local n leader=nobody serving=0
  for n in "${!m_name[@]}"; do
    [ "${m_state[n]}" != serves ] || serving=$((serving + 1))
    [ -z "${m_leader[n]}" ] || leader=${m_name[n]}
  done
  if [ "$problem_count" = 0 ]; then
    paint 32 "All well: $serving of ${#m_name[@]} members serve, and $leader leads."
    printf '\n'
  else
    paint 31 'PROBLEMS'
    printf '\n'
    for ((n = 0; n < problem_count; n++)); do
      printf '  - %s\n' "${problem_text[n]}"
      [ -z "${problem_remedy[n]}" ] || printf '      %s\n' "${problem_remedy[n]}"
    done
  fi
  printf '\nMembers\n'
  for n in "${!m_name[@]}"; do show_member "$n"; done
  printf '\nSnapshots\n'
  human "$newest_bytes"
  if [ -n "$newest" ]; then printf '  %s, %s, the newest of %s\n' "$newest" "$REPLY" "$snapshot_count"; else printf '  none\n'; fi
}

show_member() {
  local what=${m_state[$1]} role=''
  case $what in
    serves) ;;
    waits) what='no quorum' ;;
    silent) what='NO ANSWER' ;;
    odd) what='NOT UNDERSTOOD' ;;
  esac
  [ -z "${m_leader[$1]}" ] || role=leads
  [ "${m_learner[$1]-}" != true ] || role=learner
  REPLY=
  [ -z "${m_bytes[$1]}" ] || human "${m_bytes[$1]}"
  printf '  %-16s %-15s %-9s %-7s %-8s %10s%s\n' "${m_name[$1]}" "${m_address[$1]}" "$what" "$role" "${m_version[$1]}" "$REPLY" \
    "$([ "${m_name[$1]}" != "$name" ] || echo '  (this host)')"
}
