# shellcheck shell=bash
# Kernel, units, clock and disks; sourced by look, never run.
#
# shellcheck disable=SC2154 # root: the program's

look_modules() {
  local name builtin missing=''
  builtin=$root/lib/modules/$(uname -r)/modules.builtin
  for name in "$@"; do
    [ -e "$root/sys/module/${name//-/_}" ] || grep -q "/$name\.ko" "$builtin" 2>/dev/null || missing="$missing $name"
  done
  [ -z "$missing" ] || echo "not loaded:$missing"
}

# Where there is no grubby, the newest kernel starts.
look_default_kernel() {
  local image running
  running=$(uname -r)
  if command -v grubby >/dev/null 2>&1; then
    image=$(grubby --default-kernel 2>&1)
  else
    image=$(find "$root/boot" -maxdepth 1 -name 'vmlinuz-*' ! -name '*rescue*' | sort -V | tail -n 1)
  fi
  [ "${image##*/}" = "vmlinuz-$running" ] || echo "the next start is of ${image:-nothing}, and $running runs"
}

# look_arguments ARGUMENT...: the last of several consoles is the one that counts, and each is asked for by itself.
look_arguments() {
  local line word missing=''
  line=" $(tr '\n' ' ' <"$root/proc/cmdline") "
  for word in "$@"; do
    case $line in *" $word "*) ;; *) missing="$missing $word" ;; esac
  done
  [ -z "$missing" ] || echo "not among them:$missing"
}

# look_sysctl KEY VALUE: a key as sysctl.d(5) has it. Where its first separator is a slash, dots are part of names.
look_sysctl() {
  local key=$1 wanted file found none=yes
  case ${key%%[./]*} in
    "${key%%/*}") ;;
    *) key=$(tr './' '/.' <<<"$key") ;;
  esac
  read -ra wanted <<<"$2"
  # A pattern means every key that there is.
  for file in "$root"/proc/sys/$key; do
    [ -r "$file" ] || continue
    none=
    read -ra found <"$file"
    [ "${found[*]-}" = "${wanted[*]-}" ] || echo "${file#"$root"/proc/sys/}: ${found[*]-}"
  done
  [ -z "$none" ] || echo "there is no $1"
}

look_active() {
  local state
  state=$(systemctl is-active "$1" 2>&1)
  [ "$state" = active ] || echo "$1 is $state"
}

# In other locales there is a bullet that is no ASCII in front.
look_failed_units() {
  local units
  if units=$(LC_ALL=C systemctl --failed --no-legend --no-pager 2>&1); then
    [ -z "$units" ] || sed 's/^[^[:alnum:]-]*//; s/ .*//' <<<"$units"
  else
    echo "systemctl: $units"
  fi
}

# The first boot waits for the same: 0.1 s is more than etcd and certificates need.
look_time() {
  local tracking
  is_there chronyc || return
  tracking=$(chronyc -n tracking 2>&1) || {
    echo "chrony does not answer: $tracking"
    return
  }
  case $tracking in
    *'Leap status     : Normal'*) ;;
    *) echo 'it follows no time server' && return ;;
  esac
  awk -F ': *' '/^System time/ && $2 + 0 >= 0.1 { print "it is " $2 }' <<<"$tracking"
}

look_disks() {
  local report code=0
  is_there imgbuild-disk || return
  report=$(timeout 25 imgbuild-disk status --json 2>&1) || code=$?
  case $code in
    0) ;;
    1) jq -r '.problems[].text' <<<"$report" ;;
    *) echo "imgbuild-disk status: ${report:-exit code $code}" ;;
  esac
}
