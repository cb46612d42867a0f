# shellcheck shell=bash
# What imgbuild-etcd begins with; sourced with root, libexec and self set. `root` is '' on a host; tests lay a whole tree elsewhere.
#
# shellcheck disable=SC2034,SC2154 # the program's and the libraries'

config=$root/etc/etcd/etcd.conf.yml
pki=$root/etc/etcd/pki
# What etcd is started with, and why it is not: on tmpfs.
used=$root/run/imgbuild/etcd.conf.yml
halted=$root/run/imgbuild/etcd-halted
top=$root/data/etcd
snapshots=$root/data/etcd-snapshots
# This member was part of a quorum; it has seen a cluster that it is to join; the others have begun one without it; an operator
# lets it begin a new one.
was_member=$root/var/lib/imgbuild/etcd-was-member
joins=$root/var/lib/imgbuild/etcd-rejoins
outside=$root/var/lib/imgbuild/etcd-outside
permission=$root/var/lib/imgbuild/etcd-may-begin

# sudo leaves out where etcd's programs are.
PATH=$PATH:/usr/local/bin
# A shell of root's may name other endpoints.
unset ETCDCTL_ENDPOINTS ETCDCTL_CACERT ETCDCTL_CERT ETCDCTL_KEY

# say TEXT: control characters would let a message from elsewhere write lines of its own.
say() { printf '%s\n' "${*//[[:cntrl:]]/ }" >&2; }

usage() {
  say "${0##*/}: $* (${0##*/} --help tells how it is used)"
  exit 2
}

# show_help: what stands at the program's head.
show_help() {
  awk 'NR == 1 { next }
    /^# shellcheck|^[^#]|^$/ { exit }
    { sub(/^# ?(Laid by imgbuild. )?/, ""); print }' "$self"
}

# refuse SENTENCE REMEDY: before anything was changed.
refuse() {
  say "${0##*/}: refused, nothing was changed: $1."
  say "  $2"
  exit 3
}

# broke SENTENCE [REMEDY]: on the way.
broke() {
  say "${0##*/}: failed on the way: $1."
  say "  ${2:-Look at the messages above, put it right, and run the same command again: it goes on where it stopped.}"
  exit 4
}

# setting NAME: of etcd's configuration.
setting() { sed -n "s/^$1: *//p" "$config" | tr -d "\"'"; }

# begin: reads what this host is. Sets name, peer (its URL for the others), endpoint (where this host reaches it), and member_names
# and member_peers of all members of the spec.
begin() {
  local entry list
  [ -n "$root" ] || [ "$(id -u)" = 0 ] || refuse 'only root may do this' 'Run it with sudo.'
  [ -r "$config" ] || refuse "there is no $config" 'This host is no member of an external etcd.'
  name=$(setting name)
  peer=$(setting initial-advertise-peer-urls)
  endpoint=$(setting listen-client-urls)
  endpoint=${endpoint##*,}
  member_names=()
  member_peers=()
  IFS=, read -r -a list <<<"$(setting initial-cluster)"
  for entry in "${list[@]}"; do
    member_names+=("${entry%%=*}")
    member_peers+=("${entry#*=}")
  done
  { [ -n "$name" ] && [ -n "$peer" ] && [ -n "$endpoint" ] && [ ${#member_names[@]} -gt 0 ]; } ||
    refuse "$config lacks name, URLs or initial-cluster" 'Render this host anew.'
  read_conf
}

# read_conf: api_servers and mounts from what the first boot knows, keep and keep_days from an operator.
read_conf() {
  local known=$root/etc/imgbuild/firstboot.conf own=$root/etc/imgbuild/etcd.conf
  api_servers='' mounts='' keep=28 keep_days=''
  if [ -r "$known" ]; then
    # It has names that mean other things here.
    # shellcheck source=/dev/null
    { read -r api_servers && read -r mounts; } < <(. "$known" && printf '%s\n%s\n' "${api_servers-}" "${mounts-}")
  fi
  # shellcheck source=/dev/null
  [ ! -r "$own" ] || . "$own"
}

# alone: a snapshot and a restore, or two of one kind, do not go together.
alone() {
  mkdir -p "$root/run"
  exec 9>"$root/run/imgbuild-etcd.lock"
  flock -n 9 || refuse 'another imgbuild-etcd is at work' 'Wait for it: ps -C imgbuild-etcd shows it.'
}

# is_mounted PATH: what is written below a mount point that has nothing on it fills the system disk. REPLY = that mount point.
is_mounted() {
  for REPLY in $mounts; do
    case $1/ in "$root$REPLY"/*) mountpoint -q "$root$REPLY" || return 1 ;; esac
  done
}

need_mounted() { is_mounted "$1" || refuse "$REPLY is not mounted" 'imgbuild-disk status tells why.'; }

# need_room PATH BYTES: on the file system of PATH.
need_room() {
  local room wanted=$((($2 + 1048575) / 1048576))
  room=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
  [ "${room:-0}" -ge "$wanted" ] ||
    refuse "$wanted MiB are wanted on $1, and ${room:-0} MiB are left" "df -h $1; du -xhd 1 $1"
}

# stamp: a time that is a name.
stamp() { date -u +%Y%m%dT%H%M%SZ; }

# aside: REPLY = a name in /data/etcd for what is moved out of the way.
aside() {
  local name n=1
  name=before-$(stamp)
  REPLY=$name
  while [ -e "$top/$REPLY" ]; do
    n=$((n + 1))
    REPLY=$name-$n
  done
}

# keep_file FILE TEXT: it is there whole, and still there when the power fails.
keep_file() {
  mkdir -p "${1%/*}" && printf '%s\n' "$2" >"$1.part" && mv -f "$1.part" "$1" && sync
}
