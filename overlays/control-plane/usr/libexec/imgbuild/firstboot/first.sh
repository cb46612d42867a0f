# shellcheck shell=bash
# Which control plane makes the cluster, and that only one does: what they agree on lies in etcd, since no host may wait for
# one particular other. Sourced by 80-init, never run.
#
#   may_init        this host makes the cluster: nobody has, and nobody does. Keeps the lock until the try is over.
#   may_take_up     the cluster is in etcd, and no control plane is left that serves it. Keeps the lock as well.
#   tell_started, tell_done   the word that is kept in etcd (stacked: that this host's permission is used up)
#   mine_is_told    nothing is left to be told
#   one_at_a_time   stacked etcd takes one new member at a time
#   forget_member   stacked etcd: a member of this host whose data is gone is one no more
#
# External etcd: /imgbuild/MARK/init is absent, `started HOST`, or `done HOST`. Where it says started and nobody has the lock,
# an init was cut off; the next one goes on with it, which kubeadm allows. Where it is absent and Kubernetes' own keys are there, the
# cluster came from somewhere else (a snapshot), and is joined.
#
# Stacked etcd: there is nothing to ask before the first init, so one host alone has a permission. It is worth nothing where
# any other control plane answers.
#
# shellcheck disable=SC2154 # the engine's

look_at_etcd='imgbuild-etcd status, on an etcd host'
[ "$etcd_topology" = external ] || look_at_etcd='crictl ps -a --name etcd; crictl logs ID, on a control plane that has joined'
used_up=$stage/init-used
# What was staged, or where it was laid once the cleanup has taken that away.
pki=$stage/pki
[ -e "$pki/ca.crt" ] || pki=$kubernetes/pki
word=/imgbuild/$mark/init

may_init() {
  if [ "$etcd_topology" = external ]; then may_init_external; else may_init_stacked; fi
}

may_init_external() {
  local told keys
  look=$look_at_etcd await 1500 "etcd: $etcd_endpoints" etcd_answers
  hold_lock 1500
  # No answer is not the answer that nothing is there.
  told=$(etcd_get "$word") || fail 'etcd does not answer any more' "$look_at_etcd"
  case $told in
    'done '*) release_lock && return 1 ;;
    'started '*)
      say "an init was begun by ${told#* } and cut off: it is gone on with here"
      return 0
      ;;
  esac
  keys=$(etcd_client get /registry/ --prefix --keys-only --limit 1) ||
    fail 'etcd does not answer any more' "$look_at_etcd"
  [ -n "$keys" ] || return 0
  say 'etcd holds a cluster that was not made by this host or its fellows: it is joined'
  release_lock
  return 1
}

may_init_stacked() {
  local round
  [ -n "$first_init" ] && [ ! -e "$used_up" ] || return 1
  # One that begins to answer a moment later would be another cluster's.
  for round in 1 2 3 4; do
    ! fellow_answers || return 1
    [ "$round" = 4 ] || sleep 5
  done
}

# may_take_up: etcd holds the cluster, and there is nobody to be joined: all control planes were installed anew, or the only one.
may_take_up() {
  [ "$etcd_topology" = external ] || return 1
  if [ -n "$(fellows)" ] && (await 300 "another control plane: $(fellows)" fellow_answers); then return 1; fi
  hold_lock 1500
  fellow_answers || return 0
  release_lock
  return 1
}

fellows() {
  local server others=''
  for server in $api_servers; do
    [ "${server#*=}" = "$node_address" ] || others="$others ${server#*=}"
  done
  printf '%s' "${others# }"
}

fellow_answers() {
  local address
  for address in $(fellows); do ! answers "$address" || return 0; done
  return 1
}

# answers ADDRESS: an API server of this cluster's CA, whatever it answers: one that is not ready is one.
answers() {
  curl -gsS --connect-timeout 3 --max-time 5 --cacert "$pki/ca.crt" --resolve "${endpoint%:*}:6443:$1" \
    "https://${endpoint%:*}:6443/readyz" >/dev/null 2>&1
}

tell_started() { [ "$etcd_topology" != external ] || etcd_put "$word" "started $host"; }

tell_done() {
  if [ "$etcd_topology" = external ]; then
    case $(etcd_get "$word") in
      'done '*) ;;
      *) etcd_put "$word" "done $host" ;;
    esac
    release_lock
  else
    { : >"$used_up" && sync; } || fail "$used_up cannot be written" "df $stage"
  fi
}

mine_is_told() {
  local told
  if [ "$etcd_topology" != external ]; then
    [ -z "$first_init" ] || [ -e "$used_up" ]
    return
  fi
  told=$(etcd_get "$word") || return 1
  # A cluster from elsewhere has no word of ours.
  case $told in '' | 'done '*) ;; *) return 1 ;; esac
}

one_at_a_time() {
  [ "$etcd_topology" = external ] || hold_lock 1500
}

# forget_member: what it had promised under its ID nobody knows. And kubeadm adds none while one that is listed does not answer.
forget_member() {
  local list id peers file
  [ "$etcd_topology" != external ] || return 0
  for file in "$root"/data/etcd/data/member/wal/*.wal; do [ ! -e "$file" ] || return 0; done
  list=$(etcd_client member list) || fail 'no quorum of etcd answers' 'start the other control planes'
  while IFS=, read -r id _ _ peers _; do
    [ "$peers" = " https://$node_address:2380" ] || continue
    say "this host's former member of etcd, $id, is taken out: its data is gone"
    etcd_client member remove "$id" >/dev/null || fail "the member $id cannot be taken out of etcd now" 'etcdctl endpoint health --cluster'
  done <<<"$list"
}

# etcd_client ARGUMENT...: with what this host was given; where etcd is stacked, with a certificate for this hour.
etcd_client() {
  local cert=$pki/apiserver-etcd-client endpoints=$etcd_endpoints
  if [ "$etcd_topology" != external ]; then
    cert=$fleeting/etcd-client
    [ -s "$cert.crt" ] || make_client "$cert"
  fi
  ${becomes-} etcdctl --endpoints "$endpoints" --cacert "$pki/etcd/ca.crt" --cert "$cert.crt" --key "$cert.key" \
    --dial-timeout 3s --command-timeout 10s "$@"
}

make_client() {
  openssl req -new -newkey rsa:2048 -nodes -subj /CN=imgbuild-firstboot -keyout "$1.key" -out "$1.csr" 2>/dev/null &&
    openssl x509 -req -in "$1.csr" -CA "$pki/etcd/ca.crt" -CAkey "$pki/etcd/ca.key" -set_serial "0x$(openssl rand -hex 8)" \
      -days 1 -out "$1.crt" -extfile <(echo extendedKeyUsage=clientAuth) 2>/dev/null
}

etcd_answers() { etcd_client get "$word"; }
etcd_get() { etcd_client get "$1" --print-value-only; }
etcd_put() { etcd_client put "$1" "$2" >/dev/null || fail "etcd does not keep $1" "$look_at_etcd"; }

# hold_lock SECONDS: until this process ends, or release_lock. Whoever loses its power loses it after a minute.
hold_lock() {
  # The process is etcdctl itself: one between would end and leave it, with the lock.
  coproc lock { exec 9>&-; becomes='exec'; etcd_client --command-timeout 0s lock "/imgbuild/$mark/lock" --ttl 60 2>/dev/null; }
  lock_process=$lock_PID
  trap release_lock EXIT
  now
  local from=$REPLY
  while ! read -r -t 5 _ <&"${lock[0]}"; do
    kill -0 "$lock_process" 2>/dev/null || fail 'etcd gives no lock' "$look_at_etcd"
    now
    [ $((REPLY - from)) -lt "$1" ] || fail "waited $1 s for the lock in etcd, which $(holder) has" 'imgbuild-firstboot status, there'
    waiting "$(holder), which makes the cluster or joins it"
  done
}

# holder: who has the lock, as far as its word tells.
holder() {
  local told
  told=$(etcd_get "$word" 2>/dev/null) || told=
  case $told in
    "started $host") echo 'an earlier try of this very host, for another minute' ;;
    'started '*) echo "the control plane ${told#* }" ;;
    *) echo 'another control plane' ;;
  esac
}

release_lock() {
  [ -n "${lock_process-}" ] || return 0
  kill "$lock_process" 2>/dev/null
  wait "$lock_process" 2>/dev/null
  lock_process=
}
