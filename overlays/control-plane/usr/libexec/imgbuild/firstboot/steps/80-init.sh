# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='the control plane: init or join'
# Etcd, the lock, and other control planes may each take their time before kubeadm begins.
patience=5400
hint='journalctl -u kubelet; crictl ps -a; crictl logs ID'

# shellcheck source=/dev/null
. "$libexec/firstboot/kubeadm.sh"
# shellcheck source=/dev/null
. "$libexec/firstboot/cluster.sh"
# shellcheck source=/dev/null
. "$libexec/firstboot/first.sh"

check() { is_whole && serves && mine_is_told; }

act() {
  lay_pki
  if ended_before; then
    await 1500 'the API server of this host' serves
    # The power may have gone between the end of the init and the word of it.
    tell_done
    return 0
  fi
  if may_init; then
    compose_init "$composed" || fail 'the configuration of kubeadm cannot be put together' "ls -l $stage"
    reset_half_done
    lay_pki
    tell_started
    say 'kubeadm init'
    run_kubeadm init --config "$composed" --skip-token-print
    await 300 'the API server of this host' serves
    tell_done
    return 0
  fi
  if may_take_up; then
    compose_init "$composed" || fail 'the configuration of kubeadm cannot be put together' "ls -l $stage"
    reset_half_done
    lay_pki
    say 'kubeadm init, for the cluster that etcd holds: no control plane serves it'
    # It has its settings, tokens and addons, which may be newer. kubeadm shows no command for a token that it did not make.
    run_kubeadm init --config "$composed" --skip-phases=upload-config,bootstrap-token,addon,show-join-command
    await 300 'the API server of this host' serves
    release_lock
    return 0
  fi
  await_api 1200
  one_at_a_time
  # First: what cannot join again is not reset.
  compose_join "$composed" || fail 'the configuration of kubeadm cannot be put together' "ls -l $stage"
  reset_half_done
  lay_pki
  forget_member
  say 'kubeadm join, as a control plane'
  run_kubeadm join --config "$composed"
  await 300 'the API server of this host' serves
}

# lay_pki: kubeadm's reset takes away what lies in its folder, so each try lays it again; what is there stays.
lay_pki() {
  local file
  while IFS= read -r file; do
    [ -e "$kubernetes/pki/$file" ] || install -D -m 0600 "$stage/pki/$file" "$kubernetes/pki/$file" ||
      fail "$kubernetes/pki/$file cannot be written"
  done < <(cd "$stage/pki" 2>/dev/null && find . -type f)
}

# serves: its own API server answers, and knows this node.
serves() {
  [ -s "$kubernetes/admin.conf" ] || return 1
  own_kubectl get --raw /readyz && own_kubectl get node "$host"
}

own_kubectl() {
  kubectl --kubeconfig "$kubernetes/admin.conf" --server "https://$node_address:6443" --request-timeout 5s "$@"
}
