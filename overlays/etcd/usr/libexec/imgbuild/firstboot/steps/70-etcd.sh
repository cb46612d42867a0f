# shellcheck shell=bash disable=SC2034,SC2154 # the engine's
title='etcd'
patience=3600
hint='imgbuild-etcd status; journalctl -u etcd'

# etcd.service is not started before this is there: the first boot has seen to the clock and the disks by then.
permission=$root/var/lib/imgbuild/etcd-account

# A proposal goes through: there is a quorum, and this member is part of it.
check() { [ -e "$permission" ] && systemctl is-active --quiet etcd.service && imgbuild-etcd healthy; }

act() {
  make_account
  systemctl is-active --quiet etcd.service || quietly systemctl start --no-block etcd.service || fail 'etcd does not start'
  # It is ready only with a quorum, and the others may come up much later.
  until check; do
    waiting "$(what_is_wrong)"
    sleep 5
  done
}

make_account() {
  getent group etcd >/dev/null || quietly groupadd --system etcd || fail 'the group etcd cannot be made'
  getent passwd etcd >/dev/null ||
    quietly useradd --system --gid etcd --no-create-home --home-dir /data/etcd --shell /sbin/nologin --comment etcd etcd ||
    fail 'the account etcd cannot be made'
  { mkdir -p "${permission%/*}" && : >"$permission"; } || fail "$permission cannot be written"
}

# what_is_wrong: the first that status names, such as who does not answer.
what_is_wrong() {
  local wrong
  wrong=$(imgbuild-etcd status 2>/dev/null | sed -n 's/^  - //p' | head -n 1)
  printf '%s' "a quorum of etcd${wrong:+: $wrong}"
}
