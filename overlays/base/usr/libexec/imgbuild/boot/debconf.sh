# shellcheck shell=bash
# What the packages of Debian and Ubuntu are to do when GRUB is updated; sourced, never run. Elsewhere: nothing.
#
# shellcheck disable=SC2154 # the libraries'

# answer LINE...: package, question, type and value.
answer() {
  command -v debconf-set-selections >/dev/null 2>&1 || return 0
  printf '  debconf: %s\n' "$@"
  printf '%s\n' "$@" | debconf-set-selections >&2 || say 'The answers for updates of GRUB could not be stored.'
}

# debconf_bios: all disks that this host starts from, whichever were named.
debconf_bios() {
  local slot list=
  for slot in "${slots[@]}"; do
    if [ -n "${slot_disk[$slot]}" ] && is_boot_slot "$slot"; then
      lasting_name "${slot_disk[$slot]}"
      list="$list${list:+, }$REPLY"
    fi
  done
  answer "grub-pc grub-pc/install_devices multiselect $list" 'grub-pc grub-pc/install_devices_empty boolean false'
}

lasting_name() {
  name_disk "$1"
  if [ -n "$REPLY" ]; then
    REPLY=/dev/$REPLY
  else
    get "$1" name
    REPLY=/dev/$REPLY
  fi
}

# debconf_uefi: the ESP is a mirror, for which grub-install cannot make an entry and fails; the entries are ours. EFI/BOOT
# is laid anew with every update: an old shim there would be the one that firmware without entries starts.
debconf_uefi() {
  local device='' source at link
  while read -r source at _; do [ "$at" != /boot/efi ] || device=$source; done <"$mounts"
  # Ubuntu asks onto which partitions; the mirror's own name is right, its members are busy.
  kname_of "$device"
  for link in "$dev"/disk/by-id/md-uuid-*; do
    [ -e "$link" ] && [ "$(readlink -f "$link")" = "$dev/$REPLY" ] && device=/dev/disk/by-id/${link##*/}
  done
  answer 'grub-efi-amd64 grub2/update_nvram boolean false' \
    'grub-efi-amd64 grub2/force_efi_extra_removable boolean true' \
    'grub-efi-amd64 grub2/no_efi_extra_removable boolean false' \
    "grub-efi-amd64 grub-efi/install_devices multiselect $device"
}
