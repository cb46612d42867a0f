# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='the clock'
patience=3600
hint='chronyc -n sources; can the time servers of the spec be reached? Certificates are worth nothing with a wrong clock'

# What chrony calls normal is a clock that follows a server; 0.1 s is more than etcd and certificates need.
check() {
  local tracking
  tracking=$(chronyc -n tracking) && [[ $tracking == *'Leap status     : Normal'* ]] || return 1
  awk -F '[:]' '/^System time/ { exit !($2 + 0 < 0.1) }' <<<"$tracking"
}

act() {
  quietly chronyc -n online || :
  # A clock that is hours off is not drifted to the right time.
  chronyc -n makestep >/dev/null 2>&1 || :
  await 3500 "a time server: $ntp" check
}
