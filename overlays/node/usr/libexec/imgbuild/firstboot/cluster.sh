# shellcheck shell=bash
# What the steps that use kubeadm have in common; sourced by them after kubeadm.sh, never run.
#
#   run_kubeadm ARGUMENT...   its lines go to the log; where it fails, the reason and what to do
#   await_api SECONDS         until an API server answers at the endpoint
#   reset_half_done           takes away what an earlier try left
#   is_whole                  no kubeadm of ours was cut off: its last phases (tokens, addons, roles) leave nothing to look at
#   ended_before              it ran to its end: this host is a node, and is not made one again
#   is_joined                 is_whole, the kubelet has its certificate, and the API server knows the node
#   kubectl_as_node ARGUMENT...
#
# shellcheck disable=SC2034,SC2154 # the steps'; the engine's

kubernetes=$root/etc/kubernetes
# On tmpfs: it holds tokens.
composed=$root/run/imgbuild/kubeadm.yaml
# There while kubeadm is at work, and on the disk before it begins.
began=$lasting/kubeadm-began
joined_with=$lasting/joined-with

run_kubeadm() {
  local line code output=$fleeting/kubeadm.log
  { : >"$began" && sync; } || fail "$began cannot be written" "df $lasting"
  # Whole minutes go by in some of its phases: each line is told when it comes. No token is, whatever it complains of; and what
  # it would have an operator do next is not for this cluster. It would have every member of etcd answer, where a quorum does.
  kubeadm "$@" --ignore-preflight-errors=ExternalEtcdVersion --v=0 2>&1 | sed -uE 's/[a-z0-9]{6}[.][a-z0-9]{16}/(token)/g' |
    tee "$output" | while IFS= read -r line; do
      case $line in
        '['* | *WARNING* | *rror* | *ERROR* | [EWF][0-9][0-9][0-9][0-9]' '*) say "  ${line#"${line%%[![:space:]]*}"}" ;;
      esac
    done
  code=${PIPESTATUS[0]}
  rm -f "$composed"
  [ "$code" = 0 ] || explain "$output"
  rm -f "$output" "$began"
  # Or a power cut would bring it back.
  sync
}

is_whole() { [ ! -e "$began" ]; }

# ended_before: kubeadm has done its work here. Whatever does not answer now, after a power cut of a whole rack for one, there is
# nothing to take away.
ended_before() { is_whole && [ -s "$kubernetes/kubelet.conf" ]; }

# explain FILE: what kubeadm said, in words of this cluster.
explain() {
  local text id=''
  text=$(<"$1")
  # Of a token that is its name, and no secret.
  [ ! -r "$stage/bootstrap-token" ] || read -r -n 6 id <"$stage/bootstrap-token"
  case $text in
    *'[ERROR '*) fail "kubeadm: $(grep -F '[ERROR ' <<<"$text" | sed 's/^[[:blank:]]*//' | head -n 1)" ;;
    *'none of the public keys'*) not_this_cluster ;;
    *'failed to verify JWS signature'*)
      ! shows_another_ca || not_this_cluster
      fail "the cluster has another token by the name of this host's, $id, so neither trusts the other" \
        "imgbuild secrets token $host prints what to apply; is it $id no more, give this host its secrets.tar.gz again"
      ;;
    *'could not find a JWS signature'* | *'is invalid for this cluster or it has expired'* | *Unauthorized*)
      # kubeadm looks at the token first.
      ! shows_another_ca || not_this_cluster
      fail "the cluster does not know this host's token, $id: it is used up, expired, or was never made" \
        "imgbuild secrets token $host prints what to apply; is it not $id, give this host its secrets.tar.gz again"
      ;;
    *'already exists in the cluster'*)
      fail "a Ready node named $host is in the cluster already" "kubectl delete node $host, where it is this host's earlier self"
      ;;
    *'certificate has expired or is not yet valid'*)
      fail 'a certificate is not valid at the time that this host believes in' 'date; chronyc tracking'
      ;;
    *'etcd cluster is not healthy: '*)
      text=${text#*etcd cluster is not healthy: }
      fail "etcd takes no new member while one does not answer: ${text%%$'\n'*}" 'etcdctl endpoint health --cluster, on another control plane'
      ;;
    *'connection refused'* | *'i/o timeout'* | *'no route to host'* | *'context deadline exceeded'*)
      fail "$endpoint does not answer, or no longer" "curl -k https://$endpoint/readyz"
      ;;
  esac
  text=$(grep -E 'ERROR|error' <<<"$text" | grep -v 'To see the stack trace' | tail -n 1)
  fail "kubeadm: ${text:-all that it said is in $1}"
}

not_this_cluster() {
  fail "what answers at $endpoint is not this cluster: its CA is not the one that this host was given. It was not joined" \
    "who has that address? Or the CA was changed: render and deploy this host anew"
}

# shows_another_ca: what answers names a CA, and not the one that is pinned here. For the right words alone: anybody can show a CA.
shows_another_ca() {
  local ca hash
  ca=$(curl -gfks --connect-timeout 3 --max-time 5 "https://$endpoint/api/v1/namespaces/kube-public/configmaps/cluster-info" |
    sed -n 's/.*certificate-authority-data: \([A-Za-z0-9+/=]*\).*/\1/p')
  [ -n "$ca" ] || return 1
  hash=$({ base64 -d <<<"$ca" | openssl x509 -noout -pubkey | openssl pkey -pubin -outform der | sha256sum; } 2>/dev/null)
  [ "sha256:${hash%% *}" != "$(<"$stage/discovery-hash")" ]
}

await_api() {
  look="imgbuild-firstboot status, on the control planes; curl -k https://$endpoint/readyz, from here" \
    await "$1" "an API server at $endpoint" api_answers
}

# Which one it is kubeadm proves by the CA's pin.
api_answers() { curl -gksS -o /dev/null --connect-timeout 3 --max-time 5 "https://$endpoint/readyz"; }

reset_half_done() {
  local file left=
  is_whole || left=yes
  for file in kubelet.conf bootstrap-kubelet.conf admin.conf manifests/kube-apiserver.yaml; do
    [ ! -e "$kubernetes/$file" ] || left=yes
  done
  # On a control plane it is not kubeadm's: the step before has laid it.
  [ -n "$control_plane" ] || [ ! -e "$kubernetes/pki/ca.crt" ] || left=yes
  rm -f "$joined_with"
  [ -n "$left" ] || return 0
  say 'takes away what an earlier try left'
  # Where etcd is stacked this takes its member out of the cluster, and its data away: a half-made one keeps others from a quorum.
  quietly kubeadm reset --force --cri-socket "$cri_socket" ||
    fail 'what an earlier try left cannot be taken away' 'kubeadm reset'
}

is_joined() {
  is_whole && systemctl is-active --quiet kubelet.service && [ -s "$kubernetes/kubelet.conf" ] && kubectl_as_node get node "$host"
}

# The token that this host has joined with, on its node: the control plane deletes it then and not before. With the installation
# that says so, as an earlier self may have said it of the same token; and the time, which makes each telling a new one.
tell_token() {
  local id machine
  [ -s "$stage/bootstrap-token" ] || return 0
  id=$(head -c 6 "$stage/bootstrap-token")
  read -r machine <"$root/etc/machine-id" || return 1
  if ! is_of_token "$id"; then
    printf '%s %s %s\n' "$id" "$machine" "$(date -u +%FT%TZ)" >"$joined_with" || return 1
  fi
  kubectl_as_node annotate --field-manager imgbuild-firstboot --overwrite node "$host" "imgbuild.io/joined-with=$(<"$joined_with")"
}
token_is_told() {
  [ -s "$stage/bootstrap-token" ] || return 0
  is_of_token "$(head -c 6 "$stage/bootstrap-token")" &&
    [ "$(kubectl_as_node get node "$host" -o 'jsonpath={.metadata.annotations.imgbuild\.io/joined-with}')" = "$(<"$joined_with")" ]
}
is_of_token() { [ "$(head -c 6 "$joined_with" 2>/dev/null)" = "$1" ]; }

kubectl_as_node() { kubectl --kubeconfig "$kubernetes/kubelet.conf" --request-timeout 5s "$@"; }
