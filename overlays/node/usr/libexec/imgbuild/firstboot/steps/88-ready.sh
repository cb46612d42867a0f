# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='the node is Ready'
patience=1800
hint="kubectl --kubeconfig /etc/kubernetes/kubelet.conf describe node ${host-}; crictl ps -a; journalctl -u kubelet"

# shellcheck source=/dev/null
. "$libexec/firstboot/kubeadm.sh"
# shellcheck source=/dev/null
. "$libexec/firstboot/cluster.sh"

# By then kubeadm has ended on this host, and needs its token no more.
check() { [ "$(ready)" = True ] && token_is_told; }

act() {
  quietly tell_token || fail 'its node cannot be told that the token is used up'
  await 1700 'the kubelet to call this node Ready (its pod network has to run)' check
}

ready() { kubectl_as_node get node "$host" -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'; }
