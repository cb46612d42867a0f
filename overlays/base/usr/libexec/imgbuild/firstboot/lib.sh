# shellcheck shell=bash
# What steps of the first boot use; sourced, never run. `root` is '' on a host; tests lay a whole tree elsewhere.
#
#   say TEXT                       a line for the log
#   waiting TEXT                   what the step waits for: status shows it, and the log at once and then once a minute
#   await SECONDS TEXT COMMAND...  until COMMAND succeeds; fails after so many seconds. TEXT is what it waits for, and `look` before it
#                                  (look=WHERE await ...) what to look at, where that is not the step's hint.
#   fail REASON [REMEDY]           ends the try
#   quietly COMMAND...             its output is shown only where it fails
#
# A step is a file of steps/, with a title, patience (seconds that a try may take), a hint (what to look at when it fails),
# check (0: done already; quick, and changes nothing) and act (does it, from wherever an earlier try was cut off).
#
# shellcheck disable=SC2034,SC2154 # the steps'; the program's

conf=$root/etc/imgbuild/firstboot.conf
lasting=$root/var/lib/imgbuild/firstboot
fleeting=$root/run/imgbuild/firstboot
stage=$root/var/lib/imgbuild
steps=$libexec/firstboot/steps

usage() {
  printf '%s\n' "${0##*/}: $* (${0##*/} --help tells how it is used)" >&2
  exit 2
}

# show_help: what stands at the program's head.
show_help() {
  awk 'NR == 1 { next }
    /^[^#]|^$/ { exit }
    { sub(/^# ?(Laid by imgbuild. )?/, ""); print }' "$self"
}

# Control characters would let a message from elsewhere write lines of its own.
say() { printf '%s\n' "${step:+${step#*-}: }${*//[[:cntrl:]]/ }"; }

read_conf() {
  [ -r "$conf" ] || {
    echo "there is no $conf: this host was not installed by imgbuild" >&2
    exit 3
  }
  # shellcheck source=/dev/null
  . "$conf"
}

# now: seconds of a clock that nobody sets, for durations; `date` for people.
now() { read -r REPLY _ <"/proc/uptime" && REPLY=${REPLY%.*}; }

waiting() {
  local text=${*//[[:cntrl:]]/ } minute
  now
  minute=$(((REPLY - ${waits_from:-REPLY}) / 60))
  if [ "$text" != "${waits_for-}" ]; then
    waits_for=$text
    waits_since=$(date +%H:%M:%S)
    waits_from=$REPLY
    minute=0
    say "waits for $text"
    printf '%s %s\n' "$(date +%s)" "$text" >"$fleeting/waiting.part" && mv -f "$fleeting/waiting.part" "$fleeting/waiting"
    post_event "${step-}" waiting "$text"
  elif [ "$minute" != "${waits_minute-}" ]; then
    say "still waits for $text, since $waits_since ($(((REPLY - waits_from) / 60)) min)"
  fi
  waits_minute=$minute
}

# The pause grows: what is not there after a minute is not there in two seconds.
await() {
  local left=$1 text=$2 from pause=1
  shift 2
  now
  from=$REPLY
  while ! "$@" >/dev/null 2>&1; do
    now
    [ $((REPLY - from)) -lt "$left" ] || fail "waited $left s for $text" "${look-}"
    waiting "$text"
    sleep "$pause"
    [ "$pause" -ge 10 ] || pause=$((pause + 1))
  done
}

fail() {
  printf '%s\n%s\n' "${1//[[:cntrl:]]/ }" "${2-}" >"$fleeting/reason"
  exit 1
}

quietly() {
  local output code=0
  output=$("$@" 2>&1) || code=$?
  [ "$code" = 0 ] || printf '%s\n' "$output"
  return "$code"
}
