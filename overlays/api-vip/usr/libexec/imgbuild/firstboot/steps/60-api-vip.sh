# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='the virtual address of the API'
patience=120
hint='systemctl status haproxy keepalived'

check() { systemctl is-active --quiet haproxy.service && systemctl is-active --quiet keepalived.service; }

act() {
  quietly systemctl restart haproxy.service || fail 'haproxy does not start'
  quietly systemctl restart keepalived.service || fail 'keepalived does not start'
  await 60 'haproxy and keepalived' check
}
