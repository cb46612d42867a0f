# shellcheck shell=bash
# What imgbuild-disk and boot-loader begin with; sourced with root, libexec and self set, and not from within a function.
#
# It sets the paths and sources the installer's libraries and those beside this file. `root` is '' on a host; a test lays
# a whole tree elsewhere. The installer's libraries are POSIX sh: a function leaves its answer in REPLY, and disks have
# numbers (`get N model`).
#
# shellcheck disable=SC2034 # sys, dev, mounts, swaps, cmdline: the libraries'
# shellcheck disable=SC2154 # root, libexec, self, dry_run: the program's

sys=$root/sys
dev=$root/dev
mounts=$root/proc/mounts
swaps=$root/proc/swaps
# No installer runs here: its words on the kernel's line say nothing of this host's disks.
cmdline=/dev/null
layout=$root/etc/imgbuild/layout
state=$root/var/lib/imgbuild
for library in installer/{lib,disks,spared,names,content,partition} disk/{layout,gpt,arrays,ours,slots}; do
  # shellcheck source=/dev/null
  . "$libexec/$library.sh"
done

# show_help: what stands at the program's head.
show_help() {
  awk 'NR == 1 { next }
    /^# shellcheck|^[^#]|^$/ { exit }
    { sub(/^# ?(Laid by imgbuild. )?/, ""); print }' "$self"
}

# usage MESSAGE
usage() { fail 2 "$* (${0##*/} --help tells how it is used)"; }

need_root() {
  [ -n "$root" ] || [ "$(id -u)" = 0 ] || fail 3 'only root may look at disks: run it with sudo'
}

# journal PRIORITY TEXT: what was done is found there when the terminal is long closed.
journal() { [ -n "$dry_run" ] || logger -t imgbuild-disk -p "daemon.$1" -- "$2" 2>/dev/null || :; }

# refuse SENTENCE REMEDY: before anything was changed.
refuse() {
  printable "$1"
  say "${0##*/}: refused, nothing was changed: $REPLY."
  say "  $2"
  exit 3
}

# broke SENTENCE [REMEDY]: on the way.
broke() {
  printable "$1"
  journal err "failed: $REPLY"
  say "${0##*/}: failed on the way: $REPLY."
  say "  ${2:-Look at the messages above, put it right, and run the same command again: it goes on where it stopped.}"
  exit 4
}

# run COMMAND...: shown, and run unless this is a rehearsal.
run() {
  printf '  %s\n' "$*"
  [ -z "$dry_run" ] || return 0
  journal info "$*"
  "$@" >&2
}

settle() {
  [ -n "$dry_run" ] || ! command -v udevadm >/dev/null 2>&1 || udevadm settle --timeout=30 >&2 || :
}
