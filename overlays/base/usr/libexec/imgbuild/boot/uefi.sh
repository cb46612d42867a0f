# shellcheck shell=bash
# The EFI system partition: its files, its type in the GPT, and (nvram.sh) the firmware's entries.
#
# shellcheck disable=SC2034,SC2154 # the libraries'

install_uefi() {
  local n
  efi_mounted || refuse '/boot/efi is not mounted' 'Mount it: mount /boot/efi.'
  for n in "${targets[@]}"; do
    get "$n" name
    esp_of "$n" || refuse "$REPLY has no EFI system partition" \
      'A disk of this host has one: replace it with imgbuild-disk replace.'
  done
  grub_uefi
  find_loader || broke "there is no boot loader in /boot/efi/EFI" \
    'Reinstall shim-x64 and grub2-efi-x64 (EL), or grub-efi-amd64 (Debian, Ubuntu).'
  ensure_fallback
  for n in "${targets[@]}"; do type_esp "$n"; done
  ensure_entries
}

# grub_uefi: on EL the signed files of shim-x64 and grub2-efi-x64 are the loader, and grub2-install would put an unsigned
# one in their place. Debian's packages bring the files, and grub-install lays them.
grub_uefi() {
  local -a options=(--target=x86_64-efi --efi-directory=/boot/efi --no-nvram)
  # An installed grub-install of EL is called grub2-install.
  command -v grub-install >/dev/null 2>&1 && command -v dpkg >/dev/null 2>&1 || return 0
  # Ubuntu's has no such option: it lays EFI/BOOT unless told otherwise.
  case $(grub-install --help 2>&1) in *--force-extra-removable*) options+=(--force-extra-removable) ;; esac
  run grub-install "${options[@]}" || broke 'GRUB could not be put on /boot/efi'
  debconf_uefi
}

# efi_mounted: sets efi_members, the kernel's names of what /boot/efi lies on: members of a mirror, or one partition.
efi_mounted() {
  local source at device='' member
  efi_members=
  while read -r source at _; do
    [ "$at" != /boot/efi ] || device=$source
  done <"$mounts"
  [ -n "$device" ] || return 1
  kname_of "$device"
  device=$REPLY
  for member in "$sys/block/$device/md"/dev-*; do
    [ -d "$member" ] && efi_members="$efi_members ${member##*/dev-}"
  done
  efi_members=${efi_members:-$device}
}

# esp_of N: sets esp_number, the partition of a disk that /boot/efi lies on, or the layout's. REPLY is the disk's name.
esp_of() {
  local part slot=${disk_slot[$1]} number
  esp_number=
  parts_of "$1"
  for part in $REPLY; do
    if has_word "$efi_members" "${part#*=}"; then esp_number=${part%%=*}; fi
  done
  for number in ${slot_parts[$slot]}; do
    if [ -z "$esp_number" ] && [ "${part_use[$slot:$number]}" = esp ]; then esp_number=$number; fi
  done
  get "$1" name
  [ -n "$esp_number" ]
}

# find_loader: sets vendor and loader, the path as firmware writes it.
find_loader() {
  local file folder
  vendor='' loader=''
  for file in shimx64.efi grubx64.efi; do
    for folder in "$root/boot/efi/EFI/$os_id" "$root"/boot/efi/EFI/*; do
      case ${folder##*/} in [Bb][Oo][Oo][Tt]) continue ;; esac
      [ -f "$folder/$file" ] || continue
      vendor=${folder##*/}
      loader="\\EFI\\$vendor\\$file"
      return 0
    done
  done
  return 1
}

# ensure_fallback: firmware without entries starts this, and shim looks for GRUB beside itself.
ensure_fallback() {
  local from=$root/boot/efi/EFI/$vendor to=$root/boot/efi/EFI/BOOT file
  [ ! -f "$to/BOOTX64.EFI" ] || return 0
  run mkdir -p "$to"
  for file in grubx64.efi mmx64.efi; do
    [ ! -f "$from/$file" ] || run cp "$from/$file" "$to/$file" || broke "$to/$file could not be written"
  done
  run cp "$from/${loader##*\\}" "$to/BOOTX64.EFI" || broke "$to/BOOTX64.EFI could not be written"
}

# type_esp N: installers leave a member of a mirror typed as RAID, and firmware looks only into partitions typed ESP.
# The kernel knows no types, so nothing needs to read the table again.
type_esp() {
  local node
  esp_of "$1"
  node=$dev/$REPLY
  read_esp "$1" && return 0
  if command -v sfdisk >/dev/null 2>&1 && sfdisk --help 2>&1 | grep -q -e --part-type; then
    run sfdisk --no-reread --part-type "$node" "$esp_number" "${GPT_ESP^^}"
    read_esp "$1" && return 0
  fi
  if command -v parted >/dev/null 2>&1; then
    run parted -s "$node" set "$esp_number" boot on
    read_esp "$1" && return 0
  fi
  if command -v sgdisk >/dev/null 2>&1; then
    run sgdisk "--typecode=$esp_number:$GPT_ESP" "$node"
    read_esp "$1" && return 0
  fi
  broke "partition $esp_number of ${node##*/} keeps its type" 'Install parted, and run this again.'
}

# read_esp N: sets gpt_guid and so on of partition esp_number; fails where it is not typed as ESP.
read_esp() {
  local node
  get "$1" name
  node=$dev/$REPLY
  get "$1" lbs
  gpt_entry "$node" "$REPLY" "$esp_number" && [ "$gpt_type" = "$GPT_ESP" ]
}

prepare_check_uefi() {
  common=
  if ! efi_mounted; then
    common='/boot/efi is not mounted'
  elif ! find_loader; then
    common='there is no boot loader in /boot/efi/EFI'
  elif [ ! -f "$root/boot/efi/EFI/BOOT/BOOTX64.EFI" ]; then
    common='/boot/efi/EFI/BOOT/BOOTX64.EFI is missing'
  fi
  read_entries
}

# check_uefi N: sets wrong.
check_uefi() {
  wrong=$common
  if ! esp_of "$1"; then
    wrong='it has no EFI system partition'
    return
  fi
  if ! read_esp "$1"; then
    wrong="${wrong:+$wrong; }its partition $esp_number is not typed as an EFI system partition"
  elif [ -n "$entries_known" ]; then
    entry_of "$gpt_guid"
    has_word "${boot_order//,/ }" "${REPLY:-none}" || wrong="${wrong:+$wrong; }the firmware's boot order has no entry for it"
  fi
}
