# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='this host is as it should be'
patience=600
hint='imgbuild-verify'

# It is what this step does: looked at each time.
check() { [ -e "$fleeting/verified" ]; }

act() {
  local report
  report=$(imgbuild-verify --brief 2>&1) || fail "$report"
  : >"$fleeting/verified"
}
