# shellcheck shell=bash
# Addresses and routes; sourced by look, never run. NICs are found by what the plan knows of them: the kernel may give them
# other names.
#
# shellcheck disable=SC2154 # root: the program's

# holder ADDRESS: REPLY = the interface that has it, prefix = ADDRESS/PREFIX.
holder() {
  local line
  line=$(ip -4 -o addr show to "$1/32" 2>/dev/null | head -n 1)
  read -r _ REPLY _ prefix _ <<<"$line"
  REPLY=${REPLY%%@*}
  [ -n "$REPLY" ]
}

look_address() {
  local wanted=$1 mtu=$2 prefix='' device mac found
  shift 2
  holder "${wanted%/*}" || {
    echo 'no interface has it'
    return
  }
  device=$REPLY
  [ "$prefix" = "$wanted" ] || echo "it is $prefix on $device"
  found=$(<"$root/sys/class/net/$device/mtu")
  [ "$found" = "$mtu" ] || echo "$device has MTU $found"
  # A bond and its VLANs have the address of one of the ports.
  mac=$(<"$root/sys/class/net/$device/address")
  for found in "$@"; do [ "$found" != "$mac" ] || return 0; done
  echo "it is on $device, which is $mac"
}

look_bond() {
  local name=$1 wanted=$2 mac mode state
  local status=$root/proc/net/bonding/$1
  shift 2
  [ -r "$status" ] || {
    echo "there is no bond $name"
    return
  }
  read -r mode _ <"$root/sys/class/net/$name/bonding/mode"
  [ "$mode" = "$wanted" ] || echo "its mode is $mode"
  for mac in "$@"; do
    state=$(awk -v mac="$mac" '
      /^Slave Interface:/ { port = $3 }
      /^MII Status:/ { up[port] = $3 }
      /^Permanent HW addr:/ && $4 == mac { print port, up[port] }' "$status")
    case $state in
      *' up') ;;
      '') echo "$mac is none of its ports" ;;
      *) echo "its port $mac (${state% *}) is ${state##* }" ;;
    esac
  done
}

# look_route TO FROM|- BY: without a source, the kernel has to choose BY.
look_route() {
  local to=$1 from=$2 by=$3 prefix device route got way
  local -a source=()
  [ "$from" = - ] || source=(from "$from")
  way="to $to${source[*]+ from $from}"
  holder "$by" || {
    echo "no interface has $by"
    return
  }
  device=$REPLY
  route=$(ip -4 route get "$to" ${source[@]+"${source[@]}"} 2>&1) || {
    echo "$way: $route"
    return
  }
  got=$(sed -n 's/.* dev \([^ ]*\).*/\1/p' <<<"$route" | head -n 1)
  if [ "$got" != "$device" ]; then
    echo "$way: by ${got:-nothing}, where $device has $by"
  elif [ "$from" = - ]; then
    got=$(sed -n 's/.* src \([^ ]*\).*/\1/p' <<<"$route" | head -n 1)
    [ "$got" = "$by" ] || echo "$way: from ${got:-no address}, where $by is meant"
  fi
}
