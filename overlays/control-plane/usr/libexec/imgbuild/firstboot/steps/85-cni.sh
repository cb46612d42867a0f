# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='the pod network'
patience=600
hint='kubectl get pods -A -o wide; imgbuild-firstboot skip cni, where you install your own'

check() { [ "$cni" = none ] || admin get daemonset -A -l "imgbuild.io/cni=$cni" -o name | grep -q .; }

act() {
  local manifest=$fleeting/cni.yaml
  "$libexec/cni-manifest" >"$manifest" || fail "the manifest of $cni cannot be used" "$libexec/cni-manifest"
  # Applied once: what an operator changes later stays. Another control plane may be at it as well, which does no harm.
  quietly admin apply -f "$manifest" || fail "the manifest of $cni cannot be applied"
  quietly admin label daemonset --overwrite -A -l "k8s-app in (calico-node,flannel)" "imgbuild.io/cni=$cni" ||
    fail "the daemonset of $cni is not there"
}

admin() { kubectl --kubeconfig "$root/etc/kubernetes/admin.conf" --request-timeout 30s "$@"; }
