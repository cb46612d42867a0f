# shellcheck shell=bash
# The firmware's boot entries: one for the ESP of each disk, so that the machine starts with any of them gone.
#
#   ensure_entries   adds what is missing, removes ours whose partition is on no disk, and keeps the order
#   read_entries     sets entries_known, boot_order, entry_count, and for each N
#                    entry_number entry_label entry_guid entry_path
#   entry_of GUID    REPLY = the number of the entry that starts our loader from this partition
#
# The order: what was asked for stays. Where an entry of ours is in the order already, others of ours follow it directly,
# so a machine that asks the network first goes on doing so. Where none is, the system has just been installed: ours come
# first, as every installer does it, lest the machine be installed again.
#
# shellcheck disable=SC2034,SC2154 # the libraries'

declare -a entry_number entry_label entry_guid entry_path

# os_release NAME: a value of /etc/os-release.
os_release() {
  # shellcheck source=/dev/null
  (. "$root/etc/os-release" 2>/dev/null && printf '%s' "${!1}")
}

# Each disk's entry has a name of its own: there is firmware that takes entries with one name for one entry.
os_name=$(os_release NAME)
os_name=${os_name:-Linux}
os_id=$(os_release ID)

read_entries() {
  local line
  entries_known='' boot_order='' entry_count=0
  [ -d "$sys/firmware/efi/efivars" ] && [ -n "$(ls "$sys/firmware/efi/efivars")" ] || return 0
  command -v efibootmgr >/dev/null 2>&1 || return 0
  while IFS= read -r line; do
    case $line in
      BootOrder:*) boot_order=${line#*: } && continue ;;
      known) entries_known=yes ;;
    esac
    [[ $line =~ ^Boot([0-9A-Fa-f]{4})[*\ ]\ (.*)$ ]] || continue
    entry_number[entry_count]=${BASH_REMATCH[1]}
    line=${BASH_REMATCH[2]}
    entry_label[entry_count]=${line%%$'\t'*}
    entry_path[entry_count]=${line#*$'\t'}
    entry_guid[entry_count]=
    if [[ $line =~ GPT,([0-9A-Fa-f-]{36}) ]]; then entry_guid[entry_count]=${BASH_REMATCH[1],,}; fi
    entry_count=$((entry_count + 1))
  done < <(efibootmgr -v 2>/dev/null && echo known)
}

entry_of() {
  local i want=${loader,,} path
  REPLY=
  for ((i = 0; i < entry_count; i++)); do
    [ "${entry_guid[i]}" = "$1" ] || continue
    path=${entry_path[i],,}
    case $path in *"$want"*) REPLY=${entry_number[i]} && return ;; esac
  done
}

ensure_entries() {
  local n ours='' slot
  read_entries
  if [ -z "$entries_known" ]; then
    say 'The firmware cannot be told here (no EFI variables, or no efibootmgr): the disks start by way of EFI/BOOT.'
    return 0
  fi
  remove_stale
  for n in "${targets[@]}"; do
    slot=${disk_slot[$n]}
    esp_of "$n"
    read_esp "$n"
    entry_of "$gpt_guid"
    if [ -z "$REPLY" ]; then
      get "$n" name
      run efibootmgr -q -C -d "$dev/$REPLY" -p "$esp_number" -L "$os_name ${slot%_*} ${slot#*_}" -l "$loader" ||
        say "The firmware takes no entry for $REPLY, which then starts only by way of EFI/BOOT."
      read_entries
      entry_of "$gpt_guid"
    fi
    [ -z "$REPLY" ] || ours="$ours${ours:+ }$REPLY"
  done
  order_entries "$ours"
}

# remove_stale: entries with our name whose partition is on no disk of this machine; where a disk cannot be read, it may
# be on that one.
remove_stale() {
  local n i all=' '
  for ((n = 1; n <= disks; n++)); do
    has_medium "$n" || continue
    get "$n" name
    i=$dev/$REPLY
    get "$n" lbs
    gpt_guids "$i" "$REPLY" || return 0
    all="$all$REPLY "
  done
  for ((i = 0; i < entry_count; i++)); do
    if [ -z "${entry_guid[i]}" ] || [[ ${entry_label[i]} != "$os_name"* ]]; then continue; fi
    guid_hex "${entry_guid[i]}"
    [[ $all != *"$REPLY"* ]] || continue
    run efibootmgr -q -B -b "${entry_number[i]}" || say "Entry ${entry_number[i]} (${entry_label[i]}) could not be removed."
  done
  read_entries
}

# order_entries 'NUMBER...'
order_entries() {
  local number order='' last='' missing=''
  for number in $1; do
    if has_word "${boot_order//,/ }" "$number"; then last=$number; else missing="$missing,$number"; fi
  done
  [ -n "$missing" ] || return 0
  if [ -z "$last" ]; then
    order=$missing${boot_order:+,$boot_order}
  else
    for number in ${boot_order//,/ }; do
      order=$order,$number
      [ "$number" != "$last" ] || order=$order$missing
    done
  fi
  run efibootmgr -q -o "${order#,}" || say 'The order of the entries could not be written.'
}
