# shellcheck shell=bash
# Laid by imgbuild. What is fetched beside packages, each file with its checksum; sourced by the installation's steps, by
# those of the first boot and by cni-manifest. `root` is '' on a host; tests lay a whole tree elsewhere.
#
#   fetch_artifact NAME [FILE]                     fetches it, unless FILE is there and right. 1: could not be fetched; 2: refused
#   install_programs ARCHIVE FOLDER NAME MEMBER... installs programs of an archive; without MEMBER the file is the program
#
# /etc/imgbuild/artifacts says what there is: NAME SHA256 SIZE URL... Any of the URLs will do: the checksum decides.
# /etc/imgbuild/proxy, where there is one, says the way out.

fetch_folder=${root-}/var/lib/imgbuild/artifacts
fetch_list=${root-}/etc/imgbuild/artifacts
fetch_proxy=${root-}/etc/imgbuild/proxy
# Mirrors fail now and then: how often all of them are asked.
fetch_rounds=${fetch_rounds:-5}

fetch_say() { printf 'imgbuild: %s\n' "$*" >&2; }

fetch_artifact() {
  local name=$1 file=${2:-$fetch_folder/$1} known sha256 size allowed='' url urls round
  known=$(awk -v name="$name" '$1 == name { print; exit }' "$fetch_list") || known=''
  if [ -z "$known" ]; then
    fetch_say "$fetch_list has no $name"
    return 2
  fi
  read -r _ sha256 size known <<<"$known"
  case $known in 'allowed '*) allowed=yes known=${known#* } ;; esac
  if [ "$sha256" = - ] && [ -z "$allowed" ]; then
    fetch_say "$name is not locked, and is not taken unchecked: \"imgbuild lock\" where the spec is, render, and lay the files anew"
    return 2
  fi
  ! fetch_is_right "$file" "$sha256" "$size" 2>/dev/null || return 0

  mkdir -p "${file%/*}" || return
  read -ra urls <<<"$known"
  for ((round = 1; round <= fetch_rounds; round++)); do
    for url in "${urls[@]}"; do
      fetch_from "$url" "$file.part" "$sha256" "$size" || continue
      chmod 0644 "$file.part" && mv -f "$file.part" "$file"
      return
    done
    [ "$round" = "$fetch_rounds" ] || sleep $((round * 5))
  done
  fetch_say "$name cannot be had from any of: $known"
  return 1
}

# fetch_from URL PART SHA256 SIZE: goes on where an earlier try was cut off, at whichever mirror. What comes out wrong is
# thrown away and fetched whole.
fetch_from() {
  local code=0 status
  # Without a checksum nothing tells whether two parts fit together.
  [ "$3" != - ] || rm -f "$2"
  if [ -s "$2" ]; then
    status=$(fetch_curl "$1" "$2" "$4") || code=$?
    ! fetch_is_right "$2" "$3" "$4" 2>/dev/null || return 0
    # Nothing is behind this part (416), or there are no ranges (33, 36): it begins anew. Cut off again: it is kept.
    if [ "$code" != 0 ] && [ "$code" != 33 ] && [ "$code" != 36 ] && [ "$status" != 416 ]; then
      fetch_failed "$1" "$code" "$status"
      return 1
    fi
    rm -f "$2"
    code=0
  fi
  status=$(fetch_curl "$1" "$2" "$4") || code=$?
  if [ "$code" != 0 ]; then
    # Too large, or no room: no part of what is wanted.
    case $code in 23 | 63 | 1??) rm -f "$2" ;; esac
    fetch_failed "$1" "$code" "$status"
    return 1
  fi
  fetch_is_right "$2" "$3" "$4" && return
  fetch_say "not taken from $1"
  rm -f "$2"
  return 1
}

fetch_failed() {
  case $2 in
    22) fetch_say "$1 answers $3" ;;
    *) fetch_say "$1: curl ended with $2" ;;
  esac
}

# fetch_curl URL PART SIZE: prints what the server answered.
fetch_curl() (
  # shellcheck source=/dev/null
  [ ! -r "$fetch_proxy" ] || . "$fetch_proxy"
  limit=$3
  [ "$limit" != - ] || limit=1073741824
  # Where a server does not say how much it sends.
  ulimit -f $((limit / 1024 + 1)) || :
  # A mirror that says nothing any more would be waited for, for ever.
  exec curl -fgsSL --max-redirs 5 --connect-timeout 20 --speed-limit 1000 --speed-time 60 --max-filesize "$limit" \
    -C - -o "$2" -w '%{http_code}' "$1"
)

# fetch_is_right FILE SHA256 SIZE: - is anything.
fetch_is_right() {
  local size sum
  [ -f "$1" ] || return
  size=$(stat -c %s "$1") || return
  if [ "$3" != - ] && [ "$size" != "$3" ]; then
    fetch_say "${1##*/} has $size bytes instead of $3"
    return 1
  fi
  [ "$2" != - ] || return 0
  sum=$(sha256sum <"$1") || return
  if [ "${sum%% *}" != "$2" ]; then
    fetch_say "${1##*/} has the checksum ${sum%% *} instead of $2"
    return 1
  fi
}

install_programs() {
  local archive=$1 folder=$2 name=$3 work member
  shift 3
  mkdir -p "$folder" || return
  if [ $# = 0 ]; then
    install_program "$archive" "$folder/$name"
    return
  fi
  work=$(mktemp -d) || return
  if ! tar -xzf "$archive" -C "$work" --no-same-owner; then
    rm -rf "$work"
    return 1
  fi
  if [ "$1" = '*' ]; then
    set --
    for member in "$work"/*; do [ ! -f "$member" ] || [ ! -x "$member" ] || set -- "$@" "${member##*/}"; done
  fi
  for member; do
    if ! install_program "$work/$member" "$folder/${member##*/}"; then
      rm -rf "$work"
      return 1
    fi
  done
  rm -rf "$work"
  [ $# -gt 0 ]
}

# A program that runs while it is replaced, or a power cut, never meets half of one.
install_program() {
  install -m 0755 "$1" "$2.new" && mv -f "$2.new" "$2"
}
