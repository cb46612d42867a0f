# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='the cluster: join'
patience=1800
hint="journalctl -u kubelet; curl -k https://${endpoint-}/readyz, from here"

# shellcheck source=/dev/null
. "$libexec/firstboot/kubeadm.sh"
# shellcheck source=/dev/null
. "$libexec/firstboot/cluster.sh"

# The kubelet has a certificate of its own, and the API server knows the node: files alone say nothing.
check() { is_joined; }

act() {
  await_api 1500
  if ended_before; then
    await 250 'the API server to know this node, which has joined before' is_joined
    return 0
  fi
  # First: what cannot join again is not reset.
  compose_join "$composed" || fail 'the configuration of kubeadm cannot be put together' "ls -l $stage"
  reset_half_done
  say 'kubeadm join'
  run_kubeadm join --config "$composed"
  await 300 'the node to be known to the API server' is_joined
}
