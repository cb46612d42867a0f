# shellcheck shell=bash
# Asks the members; sourced after common.sh, never run. Changes nothing.
#
#   ctl PAIR ENDPOINT ARGUMENT...   etcdctl of one endpoint, with short time limits; PAIR: which certificate
#   is_healthy                      a request that needs a quorum goes through by this member
#   list_members PAIR ENDPOINT      list_id, list_name, list_peers, list_clients, list_learner; fails where there is no quorum
#   read_list <LINES                the same from what `etcdctl member list` said
#   ask_peer URL                    peer_state and peer_said: what a member says on its port for others, quorum or not
#   others                          numbers of the spec's members but this one
#
# shellcheck disable=SC2034,SC2154 # the libraries'

ctl() {
  local pair=$pki/$1 at=$2
  shift 2
  timeout 10 etcdctl --dial-timeout=2s --command-timeout=4s --cacert="$pki/ca.crt" --cert="$pair.crt" --key="$pair.key" \
    --endpoints="$at" "$@"
}

is_healthy() { ctl healthcheck-client "$endpoint" endpoint health >/dev/null 2>&1; }

# client_of PEER: where that member serves clients.
client_of() { REPLY=${1%:*}:2379; }

# listens ADDRESS PORT: quicker to say no than etcdctl.
listens() {
  # shellcheck disable=SC2016 # the other shell's
  timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/$2"' - "$1" "$2" 2>/dev/null
}

# address_of URL
address_of() {
  REPLY=${1#*://}
  REPLY=${REPLY%:*}
}

others() {
  local n
  for n in "${!member_names[@]}"; do
    [ "${member_names[n]}" = "$name" ] || [ "${member_peers[n]}" = "$peer" ] || printf '%s ' "$n"
  done
}

# Whether a member was ever started its client URLs tell: those of the first configuration have names from the beginning.
list_members() {
  local lines
  lines=$(ctl "$1" "$2" member list -w simple 2>/dev/null) && [ -n "$lines" ] || return 1
  read_list <<<"$lines"
}

read_list() {
  local line id called peers clients learner
  list_id=() list_name=() list_peers=() list_clients=() list_learner=()
  while IFS= read -r line; do
    # Not a blank: fields may be empty.
    IFS=$'\037' read -r id _ called peers clients learner <<<"${line//, /$'\037'}"
    list_id+=("$id")
    list_name+=("$called")
    list_peers+=("$peers")
    list_clients+=("$clients")
    list_learner+=("$learner")
  done
}

# peer_state   silent    nothing listens there
#              fresh     etcd runs, and knows of no member that ever started
#              started   etcd runs, and has the data of a cluster
#              odd       something listens, and is not understood: peer_said is why
# A member without a quorum serves no clients, and says this all the same. peer_cluster: the cluster's ID.
ask_peer() {
  local at=${1#*://} reply
  peer_state=silent peer_said='' peer_cluster=''
  listens "${at%:*}" "${at##*:}" || return 0
  reply=$(printf 'GET /members HTTP/1.0\r\n\r\n' | timeout 5 openssl s_client -quiet -connect "$at" -verify 3 -verify_return_error \
    -CAfile "$pki/ca.crt" -cert "$pki/peer.crt" -key "$pki/peer.key" 2>&1 | tr -d '\r\0')
  case $reply in
    *'"clientURLs":["'*) peer_state=started ;;
    *'HTTP/1.'[01]' 200 '*) peer_state=fresh ;;
    *)
      peer_state=odd
      # Of lines such as `verify error:num=9:REASON` and `40E7...:error:0A00...:SSL routines:where:REASON:file:1889:`.
      peer_said=$(sed -n 's/.*verify error:num=[0-9]*://p; s/.*:error:[0-9A-F]*:[^:]*:[^:]*:\([^:]*\).*/\1/p' <<<"$reply" | head -n 1)
      peer_said=${peer_said:-it takes a connection and says nothing}
      ;;
  esac
  [[ ! $reply =~ X-Etcd-Cluster-[Ii][Dd]:\ ([0-9a-f]+) ]] || peer_cluster=${BASH_REMATCH[1]}
}
