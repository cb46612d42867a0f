# shellcheck shell=bash
# Runs goss; sourced by imgbuild-verify, never run. `root` is '' on a host; tests lay a whole tree elsewhere.
#
#   look_at_everything   sets results (what --json shows) and failed (how many checks); ends with 3 where it cannot
#   keep_results         puts them where later readers find them
#   cannot WHY REMEDY    ends with 3
#
# shellcheck disable=SC2034,SC2154 # the program's; results.sh has them

# In seconds. Each check has a limit of its own: this is for goss itself.
patience=300
kept=$root/var/lib/imgbuild/verify.json

usage() {
  printf '%s\n' "${0##*/}: $* (${0##*/} --help tells how it is used)" >&2
  exit 2
}

# show_help: what stands at the program's head.
show_help() {
  awk 'NR == 1 { next }
    /^# shellcheck|^[^#]|^$/ { exit }
    { sub(/^# ?(Laid by imgbuild. )?/, ""); print }' "$self"
}

cannot() {
  local why=${1//[[:cntrl:]]/ }
  if [ "$show" = brief ]; then
    printf '%s\n' "it cannot be told whether this host is well: $why. What to do: $2"
  else
    printf '%s: %s.\n  %s\n' "${0##*/}" "$why" "$2" >&2
  fi
  exit 3
}

look_at_everything() {
  local file=$root/etc/imgbuild/goss-host.yaml program output remedy code=0
  # A host of a golden image that has no files of its own yet.
  [ -e "$file" ] || file=$root/etc/imgbuild/goss.yaml
  [ -r "$file" ] || cannot "there is no $file" 'This host was not installed by imgbuild, or by one that wrote no such file.'
  remedy="Fetch it as the installation does: bash -c '. $libexec/fetch.sh; fetch_artifact goss && install_programs $root/var/lib/imgbuild/artifacts/goss /usr/local/bin goss'"
  program=$(command -v goss) || cannot 'goss is not there' "$remedy"
  command -v jq >/dev/null || cannot 'jq is not there' 'Install the package jq: the plan has it on every host.'

  # Nothing of the caller's: goss takes options, and a proxy, from variables.
  output=$(env -i PATH="$PATH" HOME=/root TMPDIR="${TMPDIR:-/tmp}" LC_ALL=C \
    timeout --kill-after=10 "$patience" "$program" --gossfile "$file" validate --format json --no-color --max-concurrent 8 2>&1) ||
    code=$?
  case $code in
    124 | 137) cannot "goss did not come to an end within $patience s" 'Is the host overloaded, or does a mount hang? top; journalctl -k' ;;
    126 | 127) cannot "goss cannot be run: $(complaint "$output" "$code")" "$remedy" ;;
  esac
  results=$(grep '^{"results"' <<<"$output" | reduce 2>/dev/null)
  [ -n "$results" ] ||
    cannot "goss refuses $file: $(complaint "$output" "$code")" "Lay the file anew (imgbuild render), or look: goss --gossfile $file validate"
  failed=$(jq '[.checks[] | select(.ok | not)] | length' <<<"$results")
}

# complaint OUTPUT CODE: goss's reason, after its log's date.
complaint() {
  local line
  line=$(grep -v '^ *$' <<<"$1" | tail -n 1)
  line=${line#*Error: }
  printf '%s' "${line:-exit code $2}" | cut -c 1-300
}

# In one step: whoever reads it finds this result or the last one. On a disk that has failed there is none to keep.
keep_results() {
  local part
  {
    mkdir -p "${kept%/*}" && part=$(mktemp "$kept.XXXXXX") && printf '%s\n' "$results" >"$part" && chmod 0644 "$part" &&
      mv -f "$part" "$kept"
  } 2>/dev/null && return
  [ -z "${part-}" ] || rm -f "$part"
  printf '%s\n' "${0##*/}: the result cannot be kept in $kept" >&2
}
