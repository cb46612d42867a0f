# shellcheck shell=bash
# What the stubs beside this file share: a log of calls, and a kernel that keeps /sys in step. ROOT is the host's tree,
# REAL where the real programs are.
#
# shellcheck disable=SC2154

# The libraries of a host run with few programs of their own: everything else comes from there.
PATH=$REAL

log() { printf '%s\n' "${0##*/} $*" | sed "s|$ROOT||g" >>"$ROOT/log"; }

# on DISK: the kernel reads its table.
read_parts() {
  local name=$1 dir start size number uuid_line part separator=
  dir=$(readlink -f "$ROOT/sys/block/$name")
  case $name in *[0-9]) separator=p ;; esac
  for part in "$dir/$name"*/; do
    [ ! -f "$part/partition" ] || [ -n "$(ls "$part/holders")" ] || rm -rf "$part" "$ROOT/dev/$(basename "$part")"
  done
  number=0
  sfdisk -d "$ROOT/dev/$name" 2>/dev/null | grep ' : start=' | while read -r uuid_line; do
    number=$((number + 1))
    part=$name$separator$number
    start=$(sed 's/.*start= *\([0-9]*\).*/\1/' <<<"$uuid_line")
    size=$(sed 's/.*size= *\([0-9]*\).*/\1/' <<<"$uuid_line")
    mkdir -p "$dir/$part/holders"
    echo "$number" >"$dir/$part/partition"
    echo "$start" >"$dir/$part/start"
    echo "$size" >"$dir/$part/size"
    sed -n 's/.*name="\([^"]*\)".*/PARTNAME=\1/p' <<<"$uuid_line" >"$dir/$part/uevent"
    : >"$ROOT/dev/$part"
  done
}

# part_dir PARTITION
part_dir() { readlink -f "$ROOT"/sys/block/*/"$1"; }

# join MD PARTITION STATE SLOT
join() {
  local dir=$ROOT/sys/block/$1/md/dev-$2 part
  mkdir -p "$dir"
  echo "$3" >"$dir/state"
  echo "$4" >"$dir/slot"
  echo 2048 >"$dir/offset"
  part=$(part_dir "$2")
  [ -z "$part" ] || ln -sfn "$ROOT/sys/devices/virtual/block/$1" "$part/holders/$1"
}

leave() {
  local part
  rm -rf "$ROOT/sys/block/$1/md/dev-$2"
  part=$(part_dir "$2")
  [ -z "$part" ] || rm -f "$part/holders/$1"
}

# count MD: degraded follows from the members.
count() {
  local md=$ROOT/sys/block/$1/md total
  total=$(cat "$md/raid_disks")
  echo $((total - $(cat "$md"/dev-*/state 2>/dev/null | grep -c in_sync))) >"$md/degraded"
}

# free_slot MD
free_slot() {
  local n=0
  while grep -qsx "$n" "$ROOT/sys/block/$1/md"/dev-*/slot; do n=$((n + 1)); done
  echo "$n"
}

# tick: a rebuild goes on by half; one array after the other.
tick() {
  local md dir old
  for md in "$ROOT"/sys/block/md*/md; do
    case $(cat "$md/sync_action") in
      recover)
        if [ "$(cat "$md/sync_completed")" = none ]; then
          echo '1000 / 2000' >"$md/sync_completed"
          return
        fi
        for dir in "$md"/dev-*; do
          case $(cat "$dir/state") in
            spare | replacement)
              for old in "$md"/dev-*; do
                case $(cat "$old/state") in *want_replacement*)
                  echo faulty >"$old/state"
                  echo none >"$old/slot" ;;
                esac
              done
              echo in_sync >"$dir/state"
              ;;
          esac
        done
        ;;
      check) [ ! -e "$ROOT/differ" ] || cp "$ROOT/differ" "$md/mismatch_cnt" ;;
      *) continue ;;
    esac
    echo idle >"$md/sync_action"
    echo none >"$md/sync_completed"
    count "$(basename "${md%/md}")"
    return
  done
}
