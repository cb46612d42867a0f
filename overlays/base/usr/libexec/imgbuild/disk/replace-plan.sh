# shellcheck shell=bash
# What a replacement will do, and whether it is wanted; sourced by imgbuild-disk, never run.
#
# shellcheck disable=SC2154 # the libraries'

show_plan() {
  local pair list=''
  get "$twin" name
  printf '%s is to be on %s, laid out as %s (%s) is.\n' "$slot" "$new_name" "$REPLY" "$twin_slot"
  describe_disk "$new"
  if [ -n "$keep" ]; then
    printf '  It is laid out already, by an earlier run or as the disk that it was: all its data are copied anew.\n'
  elif get "$new" state && [ "$REPLY" = blank ]; then
    printf '  It is blank.\n'
  else
    describe_content
    printf '  ALL THAT IT BEARS IS ERASED: %s.\n' "$REPLY"
  fi
  if [ -n "$old" ]; then
    get "$old" name
    if [ -n "$hot" ]; then
      printf '%s still works: it is copied first, and then taken out.\n' "$REPLY"
    else
      printf '%s is taken out of the arrays.\n' "$REPLY"
    fi
    describe_disk "$old"
    if [ -n "$holes" ] && [ -z "$hot" ]; then
      printf '  It is not erased: it may have what cannot be read from %s. Pull it out before the next start.\n' "$twin_slot"
    else
      printf '  Its RAID superblocks and its partition table are erased, lest it come back as %s.\n' "$slot"
    fi
  fi
  [ -z "$holes" ] || printf 'SOME BLOCKS OF %s ON %s CANNOT BE READ: what lay there is lost where this is the last copy.\n' "$holes" "$twin_slot"
  for pair in $pairs; do list="$list${list:+, }${md_name[${pair#*=}]}"; done
  printf 'Arrays: %s.\n\n' "$list"
}

describe_disk() {
  local size model
  get "$1" sectors
  human $((REPLY * 512))
  size=$REPLY
  get "$1" model
  model=${REPLY:-no model}
  get "$1" serial
  printable "${REPLY:-none}"
  printf '  %s, %s, serial %s\n' "$size" "$model" "$REPLY"
}

confirm() {
  local word=
  [ -z "$yes" ] || return 0
  [ -t 0 ] || refuse 'nobody is there to confirm it' 'Say --yes, or run it on a terminal.'
  printf 'Type yes to go on: '
  read -r word
  [ "$word" = yes ] || refuse 'it was not confirmed' 'Run it again and type yes.'
}
