# shellcheck shell=bash
# How far the steps are; sourced after lib.sh, never run. /var/lib/imgbuild/firstboot/state has a line for each step that was
# begun: NAME STATE SECONDS TRIES TIME DETAIL, tabs between them. It is for people: whether a step is done its check says.
#
#   list_steps                        step_names = 10-network 20-time ...
#   read_state                        state_of[NAME] = done | running | failed | skipped, took[NAME], tries[NAME], since[NAME],
#                                     detail[NAME]
#   set_state NAME STATE [DETAIL]     of a step whose tries and took are set; written at once
#
# shellcheck disable=SC2034,SC2154 # the libraries'

declare -A state_of took tries since detail
declare -a step_names

list_steps() {
  local file
  step_names=()
  for file in "$steps"/[0-9][0-9]-*.sh; do
    [ -e "$file" ] || continue
    file=${file##*/}
    step_names+=("${file%.sh}")
  done
}

read_state() {
  local name state seconds count time text
  state_of=() took=() tries=() since=() detail=()
  while IFS=$'\t' read -r name state seconds count time text; do
    state_of[$name]=$state
    took[$name]=$seconds
    tries[$name]=$count
    since[$name]=$time
    detail[$name]=$text
  done 2>/dev/null <"$lasting/state"
}

set_state() {
  local name
  state_of[$1]=$2
  detail[$1]=${3-}
  since[$1]=$(date +%s)
  for name in "${step_names[@]}"; do
    [ -z "${state_of[$name]-}" ] || printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$name" "${state_of[$name]}" "${took[$name]:-0}" \
      "${tries[$name]:-0}" "${since[$name]}" "${detail[$name]-}"
  done >"$lasting/state.part" && mv -f "$lasting/state.part" "$lasting/state"
}

# is_skipped NAME: an operator said so.
is_skipped() { [ -e "$lasting/skip-$1" ]; }

skip_step() {
  list_steps
  local name
  for name in "${step_names[@]}"; do
    if [ "$name" = "$1" ] || [ "${name#*-}" = "$1" ]; then
      mkdir -p "$lasting"
      : >"$lasting/skip-$name" || exit 3
      echo "$name counts as done from its next try on (at once: systemctl restart imgbuild-firstboot); to take that back: rm $lasting/skip-$name"
      return 0
    fi
  done
  usage "there is no step '$1': they are ${step_names[*]}"
}
