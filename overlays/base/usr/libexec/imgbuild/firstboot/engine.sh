# shellcheck shell=bash
# Runs the steps; sourced after state.sh and events.sh, never run. Each part of a step is a process of its own, which is killed
# with all that it started when its time is over.
#
# shellcheck disable=SC2004,SC2154 # the libraries'

run_all() {
  local name
  mkdir -p "$lasting" "$fleeting"
  # Anybody who can open the lock can hold it.
  chmod 0700 "$lasting" "$fleeting"
  exec 9>"$fleeting/lock"
  if ! flock -n 9; then
    echo 'another imgbuild-firstboot runs already: imgbuild-firstboot status shows what it does' >&2
    exit 3
  fi
  [ ! -e "$lasting/done" ] || { say 'this host is ready' && return 0; }
  read_conf
  list_steps
  read_state
  post_event '' running "first boot of ${#step_names[@]} steps"
  for name in "${step_names[@]}"; do run_step "$name"; done
  if ! { date -u +%Y-%m-%dT%H:%M:%SZ >"$lasting/done.part" && sync && mv -f "$lasting/done.part" "$lasting/done"; }; then
    step=
    say "$lasting/done cannot be written: df $lasting"
    exit 1
  fi
  step=
  say 'this host is ready'
  post_event '' 'done' 'this host is ready'
  # What is still on its way to the server would end with this service.
  wait
}

# run_step NAME: until it is done.
run_step() {
  local pause=5 reason remedy from told=''
  step=$1
  now
  from=$REPLY
  tries[$step]=0
  while :; do
    if is_skipped "$step"; then
      say 'skipped, as somebody said'
      set_state "$step" skipped
      post_event "$step" skipped ''
      return 0
    fi
    rm -f "$fleeting/reason" "$fleeting/waiting"
    if part check 60; then
      now
      took[$step]=$((REPLY - from))
      [ "${state_of[$step]-}" = 'done' ] || say "done (${took[$step]} s)"
      set_state "$step" 'done'
      post_event "$step" 'done' "${took[$step]} s"
      return 0
    fi
    tries[$step]=$((tries[$step] + 1))
    # Why the last try failed is told until this one ends.
    set_state "$step" running "$told"
    [ "${tries[$step]}" -gt 1 ] || { say "begins: $(step_field title)" && post_event "$step" running "$(step_field title)"; }
    rm -f "$fleeting/reason"
    if part act "$(step_field patience)"; then
      rm -f "$fleeting/waiting"
      ! part check 60 || continue
      reason='all was done, and yet it is not as it should be'
    else
      reason="it took longer than $(step_field patience) s"
      [ "$code" = 124 ] || [ "$code" = 137 ] || reason="exit code $code"
    fi
    remedy=
    if [ -s "$fleeting/reason" ]; then { read -r reason && read -r remedy; } <"$fleeting/reason"; fi
    rm -f "$fleeting/waiting"
    remedy=${remedy:-$(step_field hint)}
    now
    took[$step]=$((REPLY - from))
    say "failed: $reason.${remedy:+ See: $remedy.}"
    told="$reason${remedy:+; see: $remedy}"
    set_state "$step" failed "$told"
    post_event "$step" failed "$reason"
    # Half to one and a half: a rack that lost its switch does not come back as one.
    pause_for "$pause"
    [ "$pause" -ge 300 ] || pause=$((pause * 2 > 300 ? 300 : pause * 2))
  done
}

pause_for() {
  local seconds=$(($1 * (50 + RANDOM % 101) / 100))
  [ "$seconds" -gt 0 ] || seconds=1
  [ "$1" -lt 30 ] || say "tries again in $seconds s (at once: systemctl restart imgbuild-firstboot)"
  sleep "$seconds"
}

# part NAME SECONDS: check or act of the step; sets code. `timeout` has the lock too: whoever kills the engine alone does not start
# a second one beside what it has left.
part() {
  code=0
  timeout --kill-after=10 "$2" bash "$self" ${root:+--root "$root"} part "$step" "$1" || code=$?
  return "$code"
}

run_part() {
  step=$1
  exec 9>&-
  mkdir -p "$fleeting"
  read_conf
  umask 077
  # shellcheck source=/dev/null
  . "$steps/$step.sh" || exit 3
  case $2 in
    check) check >/dev/null 2>&1 ;;
    act) act ;;
    *) exit 2 ;;
  esac
}

# step_field NAME: title, patience or hint of the step.
step_field() {
  (
    # shellcheck source=/dev/null
    . "$steps/$step.sh"
    printf '%s' "${!1}"
  )
}
