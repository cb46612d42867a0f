# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='containerd'
patience=600
hint='systemctl status containerd; journalctl -u containerd'

check() { crictl --timeout 5s info; }

act() {
  quietly systemctl start containerd.service || fail 'containerd does not start'
  await 120 'containerd' crictl --timeout 5s info
}
