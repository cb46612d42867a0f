# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='addresses and routes'
patience=600
hint='ip addr; is each NIC the one whose MAC the spec names, and its cable in the right switch port?'

check() {
  local address
  for address in $addresses; do has_address "$address" || return 1; done
  has_route && [ "$(uname -n)" = "$host" ]
}

act() {
  local address
  [ "$(uname -n)" = "$host" ] || quietly hostnamectl set-hostname --static "$host" || fail "its name cannot be set to $host"
  for address in $addresses; do await 500 "the address $address on a NIC" has_address "$address"; done
  await 500 'a default route' has_route
}

has_address() {
  local found
  found=$(ip -4 -o addr show to "$1/32")
  [ -n "$found" ]
}

# Where the plan has no gateway there is no route to wait for.
has_route() { [ -z "$gateway" ] || ip -4 route show default | grep -q .; }
