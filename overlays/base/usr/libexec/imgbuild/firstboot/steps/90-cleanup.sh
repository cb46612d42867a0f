# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='secrets that are used up'
patience=60
hint="ls -lR $stage"

# What the installation and the steps before left: tokens, staged keys, configurations with tokens, and Anaconda's copies of the
# kickstart. The key for reports stays, and so does everything that a service reads from its own place.
check() {
  local path
  for path in $(leftovers); do [ ! -e "$path" ] || return 1; done
}

act() {
  local path
  for path in $(leftovers); do rm -rf "$path" || fail "$path cannot be removed"; done
}

leftovers() {
  local stage=$root/var/lib/imgbuild
  printf '%s\n' "$stage"/{pki,bootstrap-token,bootstrap-tokens,discovery-hash,console-password} \
    "$root"/run/imgbuild/{kubeadm.yaml,firstboot/etcd-client.key,firstboot/etcd-client.crt,firstboot/etcd-client.csr} \
    "$root"/root/{anaconda-ks.cfg,original-ks.cfg} "$root"/var/log/anaconda/ks-script-* "$root"/run/install
}
