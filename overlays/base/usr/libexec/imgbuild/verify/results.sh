# shellcheck shell=bash
# What goss found, reduced and told; sourced by imgbuild-verify, never run.
#
#   reduce                                goss's JSON to ours: {version, host, time, checks: [{name, ok, expected, found, see}]}
#   show_words | show_brief | show_json   tells results
#
# shellcheck disable=SC2154 # run.sh's

# goss has a result for each property of each thing. Those of one title are one check; what was skipped because something
# before it failed says nothing.
# shellcheck disable=SC2016 # jq's
reduction='
def clean: explode | map(if . < 32 or (. >= 127 and . < 160) then 32 else . end) | implode
  | split(" ") | map(select(. != "")) | join(" ") | if length > 300 then .[:297] + "..." else . end;
def words: if . == null then "" elif type == "string" then .
  elif . == true then "yes" elif . == false then "no"
  elif type == "array" then map(words) | join(", ") else tojson end | clean;
def listed: if length > 5 then .[:5] + ["and \(length - 5) more"] else . end | join("; ");

# What a result is about, where that is not the check itself.
def subject($many): if ."resource-type" == "Command" or ."resource-type" == "KernelParam" then ""
  else (if $many then ."resource-id" + " " else "" end) + .property + ": " end;
def found: ."matcher-result" as $m
  | if .err != null then .err | words
    elif ($m.actual | type) == "string" and ($m.actual | startswith("object: ")) then "lacks " + ($m."missing-elements" | words)
    elif .property == "exit-status" then "exit code \($m.actual)"
    else $m.actual | words end;

def check:
  (map(."resource-id") | unique | length > 1) as $many
  | map(select(.successful | not)) as $wrong
  # What a command says is more than its exit code.
  | ($wrong | map(select(.property != "exit-status" and (found != "")))) as $telling
  | (map(select(.property == "stdout" or ."resource-type" == "KernelParam")) | first) as $value
  | {
      name: (first | if (.title // "") == "" then ."resource-id" else .title end | clean),
      ok: ($wrong == []),
      expected: ((map(.meta.expected // empty) | first) // (map(."matcher-result".expected) | first) | words),
      found: (
        if $wrong != [] then
          (if $telling == [] then $wrong else $telling end | map(subject($many) + found) | map(select(. != "")) | unique | listed)
        elif $many or $value == null then null
        else $value | found end),
      see: ((map(.meta.see // empty) | first) // null)
    }
  | .found = (if .ok and (.found // "") == "" then .expected elif .found == "" then "nothing" else .found end);

{
  version: 1,
  host: $host,
  time: (now | todate),
  checks: (.results | group_by(if (.title // "") == "" then ."resource-id" else .title end) | map(check))
}'

reduce() { jq --arg host "$(uname -n)" "$reduction"; }

show_json() { printf '%s\n' "$results"; }

show_brief() {
  jq -r '
    def short: if length > 100 then .[:97] + "..." else . end;
    [.checks[] | select(.ok | not)] as $wrong
    | if $wrong == [] then "all \(.checks | length) checks are well"
      else "\($wrong | length) of \(.checks | length) checks failed: " +
        ($wrong | map("\(.name) (found \(.found | short), expected \(.expected | short))") |
          if length > 5 then .[:5] + ["and \(length - 5) more"] else . end | join("; "))
      end' <<<"$results"
}

show_words() {
  local name expected found see total
  total=$(jq '.checks | length' <<<"$results")
  if [ "$failed" = 0 ]; then
    paint 32 "All well: $total checks."
    return
  fi
  paint 31 "$failed of $total checks failed."
  while IFS=$'\x1f' read -r name expected found see; do
    printf '\n'
    paint 31 "$name"
    printf '  found:    %s\n  expected: %s\n' "$found" "$expected"
    [ -z "$see" ] || printf '  see:      %s\n' "$see"
  done < <(jq -r '.checks[] | select(.ok | not) | [.name, .expected, .found, .see // ""] | join("\u001f")' <<<"$results")
}

# paint COLOUR TEXT: on a terminal alone, and not where NO_COLOR is set.
paint() {
  if [ -t 1 ] && [ -z "${NO_COLOR-}" ]; then printf '\033[%sm%s\033[0m\n' "$1" "$2"; else printf '%s\n' "$2"; fi
}
