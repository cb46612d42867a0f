# shellcheck shell=bash
# Tells the server of the spec how far this host is; sourced after lib.sh, never run. What cannot be told is not told: no step
# waits for it.
#
#   post_event STEP STATE DETAIL   a POST of {host, step, state, detail, time, boot, sequence} to report_url/events, signed with
#                                  the host's own key: X-Imgbuild-Signature: sha256=HMAC of the body
#
# shellcheck disable=SC2154 # the libraries'

post_event() {
  local body key number
  [ -n "${report_url-}" ] && [ -s "$stage/report-key" ] && command -v curl >/dev/null 2>&1 || return 0
  number=$(next_number)
  body=
  event_field host "$host"
  event_field step "${1#[0-9][0-9]-}"
  event_field state "$2"
  event_field detail "$3"
  event_field time "$(date -u +%Y-%m-%dT%H:%M:%SZ)"
  event_field boot "$(cat /proc/sys/kernel/random/boot_id 2>/dev/null)"
  body="{$body,\"sequence\":$number}"
  read -r key <"$stage/report-key"
  [[ $key =~ ^[[:xdigit:]]{64}$ ]] || return 0
  hmac_sha256 "$key" "$body"
  printf '%s' "$body" | curl -gfsS -o /dev/null --connect-timeout 3 --max-time 5 -X POST --data-binary @- \
    -H 'Content-Type: application/json' -H "X-Imgbuild-Signature: sha256=$REPLY" "${report_url%/}/events" >/dev/null 2>&1 9>&- &
}

event_field() {
  json_text "$2"
  body="$body${body:+,}\"$1\":$REPLY"
}

next_number() {
  local number=0
  read -r number 2>/dev/null <"$fleeting/number" || :
  number=$((number + 1))
  echo "$number" >"$fleeting/number"
  echo "$number"
}

# hmac_sha256 KEY TEXT: KEY is 64 hex digits; REPLY = hex. Without a program that would show the key in the process list.
hmac_sha256() {
  local inner='' outer='' byte n sum
  for ((n = 0; n < 64; n++)); do
    byte=0
    [ "$n" -ge 32 ] || byte=$((16#${1:n*2:2}))
    printf -v sum '\\x%02x' $((byte ^ 0x36))
    inner=$inner$sum
    printf -v sum '\\x%02x' $((byte ^ 0x5c))
    outer=$outer$sum
  done
  # shellcheck disable=SC2059 # bytes
  sum=$({ printf "$inner" && printf '%s' "$2"; } | sha256sum)
  sum=${sum%% *}
  for ((n = 0; n < 64; n += 2)); do outer="$outer\\x${sum:n:2}"; done
  # shellcheck disable=SC2059 # bytes
  sum=$(printf "$outer" | sha256sum)
  REPLY=${sum%% *}
}
