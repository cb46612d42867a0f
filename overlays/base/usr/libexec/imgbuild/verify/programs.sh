# shellcheck shell=bash
# What programs say of themselves and of what they serve; sourced by look, never run.

# is_there PROGRAM: says so where it is not.
is_there() {
  command -v "$1" >/dev/null 2>&1 && return
  echo "$1 is not there"
  return 1
}

# ask COMMAND...: REPLY = what it said; where it fails, the line that says why is told.
ask() {
  local code=0 why
  is_there "$1" || return 1
  # Nobody waits for a daemon that hangs.
  REPLY=$(timeout 20 "$@" 2>&1) || code=$?
  case $code in
    0) return 0 ;;
    124) echo "$* does not come to an end" && return 1 ;;
  esac
  why=$(grep -iE 'error:|cannot|failed|fatal|refused|denied' <<<"$REPLY" | head -n 1)
  [ -n "$why" ] || why=$(grep -v '^ *$' <<<"$REPLY" | tail -n 1)
  echo "${why:-$* ends with exit code $code}"
  return 1
}

look_succeeds() { ask "$@" || :; }

# look_version COMMAND...: the first number of three parts.
look_version() {
  ask "$@" || return 0
  grep -oE '[0-9]+\.[0-9]+\.[0-9]+[^ ,"]*' <<<"$REPLY" | head -n 1
}

# look_field NAME COMMAND...: what stands behind "NAME:" or "NAME =", without quotes.
look_field() {
  local name=$1
  shift
  ask "$@" || return 0
  sed -n "s/^ *$name *[:=] *//p" <<<"$REPLY" | tr -d "\"'" | sort -u
}
