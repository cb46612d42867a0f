# shellcheck shell=bash
# What is wrong with etcd, the worst first; sourced after status.sh, never run.
#
# shellcheck disable=SC2034,SC2154 # the libraries'

# problem KIND NAME TEXT REMEDY. Kinds are for programs: they are only ever added.
problem() {
  problem_kind[problem_count]=$1
  problem_name[problem_count]=$2
  problem_text[problem_count]=$3
  problem_remedy[problem_count]=$4
  problem_count=$((problem_count + 1))
}

# judge_service: is etcd of this host started at all? Sets starting where it is about to be.
judge_service() {
  local text='' remedy=''
  starting=
  service=$(systemctl is-active etcd.service 2>/dev/null)
  service=${service:-unknown}
  [ "$service" != active ] || return 0
  if [ -e "$top/restore" ]; then
    problem restore "$name" 'a restore on this host was cut off' 'Finish it: imgbuild-etcd restore SNAPSHOT, with the same file.'
  elif [ "$service" = activating ] && [ -r "$halted" ]; then
    { read -r text && read -r remedy; } <"$halted"
    problem halted "$name" "$text" "$remedy"
  elif [ "$service" != activating ]; then
    problem stopped "$name" "etcd of this host does not run: $service" 'journalctl -u etcd; systemctl start etcd'
  else
    starting=$name
  fi
}

judge_quorum() {
  local n silent='' clusters='' which=''
  for n in "${!m_name[@]}"; do
    # Of this host judge_service has told.
    if [ "${m_state[n]}" = silent ] && { [ "${m_name[n]}" != "$name" ] || [ "$service" = active ]; }; then
      silent="$silent${silent:+, }${m_name[n]}"
    fi
    [ -n "${m_cluster[n]-}" ] || continue
    which="$which${which:+, }${m_name[n]} ${m_cluster[n]}"
    [[ " $clusters " == *" ${m_cluster[n]} "* ]] || clusters="$clusters ${m_cluster[n]}"
  done
  [ -n "$quorum" ] || problem no-quorum '' "there is no quorum${silent:+; no answer: $silent}" \
    'Start the members that do not answer. If their data is lost for good: imgbuild-etcd --help tells the ways out.'
  # shellcheck disable=SC2086 # words
  set -- $clusters
  [ $# -le 1 ] || problem clusters '' "the members are not of one cluster: $which" \
    'Was one snapshot restored on all of them? Restore it on those that differ, or let them join: imgbuild-etcd --help.'
}

judge_members() {
  local n
  for n in "${!m_name[@]}"; do
    case ${m_state[n]}:${m_name[n]} in
      silent:"$starting" | odd:"$starting") problem starting "$name" 'etcd of this host is starting' 'journalctl -u etcd' ;;
      silent:*) [ -z "$quorum" ] || problem silent "${m_name[n]}" "${m_name[n]} (${m_address[n]}) does not answer" \
        'There: imgbuild-etcd status; journalctl -u etcd' ;;
      odd:*) problem odd "${m_name[n]}" "what runs on ${m_name[n]} (${m_address[n]}) is not understood: ${m_said[n]}" \
        'Is the clock right on both (date)? Are their certificates of one authority?' ;;
    esac
    [ -n "$quorum" ] || continue
    [ "${m_state[n]}" != waits ] || problem outside "${m_name[n]}" "${m_name[n]} (${m_address[n]}) runs, and takes no part in the quorum" \
      'There: journalctl -u etcd. It may be starting yet.'
    if [ -z "${m_id[n]-}" ]; then
      problem unlisted "${m_name[n]}" "${m_name[n]} is no member of the cluster" \
        'It was taken out. To let it join again, there: imgbuild-etcd --help, "taken out by hand".'
    elif [ "${m_learner[n]}" = true ]; then
      problem learner "${m_name[n]}" "${m_name[n]} is a learner: it has no vote" "etcdctl member promote ${m_id[n]}"
    elif [ -n "${m_listed[n]}" ] && [ "${m_listed[n]}" != "${m_peer[n]}" ]; then
      problem address "${m_name[n]}" "the cluster looks for ${m_name[n]} at ${m_listed[n]}, the spec has ${m_peer[n]}" \
        'It tells its new address when it is started: systemctl restart etcd, there.'
    fi
  done
  [ "$service" != active ] || [ -z "$quorum" ] || [ -e "$scratch/healthy" ] ||
    problem unhealthy "$name" 'a request through this member fails' 'journalctl -u etcd; etcdctl alarm list'
}

judge_rest() {
  local n quota line date
  while IFS= read -r line; do
    [ -z "$line" ] || problem alarm '' "an alarm is raised: $line" \
      'NOSPACE: compact, etcdctl defrag on each member, etcdctl alarm disarm. CORRUPT: let that member join anew (imgbuild-etcd --help).'
  done <"$scratch/alarms"
  quota=$(setting quota-backend-bytes)
  for n in "${!m_name[@]}"; do
    [ -z "${m_bytes[n]}" ] || [ "${quota:-0}" = 0 ] || [ $((m_bytes[n] / 100)) -lt $((quota / 125)) ] ||
      problem quota "${m_name[n]}" "the database of ${m_name[n]} takes more than 80 % of what it may" \
        'etcdctl defrag on one member after the other; what fills it? etcdctl get / --prefix --keys-only'
  done
  for n in server peer healthcheck-client; do
    openssl x509 -noout -checkend 2592000 -in "$pki/$n.crt" >/dev/null 2>&1 && continue
    date=$(openssl x509 -noout -enddate -in "$pki/$n.crt" 2>/dev/null)
    problem certificate "$n" "the certificate $pki/$n.crt ends: ${date#*=}" 'imgbuild secrets renew, and lay the new ones on this host'
  done
  judge_snapshots
}

# judge_snapshots: four a day are taken; the first day of a member has none yet.
judge_snapshots() {
  local remedy='systemctl status etcd-snapshot.timer etcd-snapshot.service'
  if [ -n "$newest" ]; then
    [ "$newest_age" -lt 86400 ] || problem snapshot '' "the newest snapshot is older than a day: $newest" "$remedy"
  elif [ -e "$was_member" ] && [ $(($(date +%s) - $(stat -c %Y "$was_member"))) -ge 86400 ]; then
    problem snapshot '' 'no snapshot was ever taken on this host' "$remedy"
  fi
}
