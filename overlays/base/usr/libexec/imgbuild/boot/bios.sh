# shellcheck shell=bash
# GRUB for BIOS: boot.img in the first sector, and the core image in the disk's own bios-boot partition.
#
# shellcheck disable=SC2034,SC2154 # the libraries'

install_bios() {
  local n grub
  grub=$(command -v grub2-install || command -v grub-install) ||
    refuse 'there is neither grub2-install nor grub-install' 'Install grub2-pc (EL) or grub-pc (Debian, Ubuntu).'
  for n in "${targets[@]}"; do
    bios_partition "$n" || refuse "$REPLY has no bios-boot partition, which GRUB needs on a GPT" \
      'A disk of this host has one: replace it with imgbuild-disk replace.'
  done
  for n in "${targets[@]}"; do
    get "$n" name
    run "${grub##*/}" --target=i386-pc "$dev/$REPLY" || broke "GRUB could not be put on $REPLY"
  done
  debconf_bios
}

# bios_partition N: sets bios_dir, the directory in /sys of a disk's bios-boot partition; fails where there is none.
# REPLY is the disk's name.
bios_partition() {
  local part lbs name
  bios_dir=''
  get "$1" lbs
  lbs=$REPLY
  get "$1" name
  name=$REPLY
  parts_of "$1"
  for part in $REPLY; do
    gpt_entry "$dev/$name" "$lbs" "${part%%=*}" || continue
    type_word "$gpt_type"
    [ "$REPLY" != biosboot ] || bios_dir=$sys/block/$name/${part#*=}
  done
  REPLY=$name
  [ -n "$bios_dir" ]
}

prepare_check_bios() { :; }

# check_bios N: sets wrong.
check_bios() {
  local node start points
  wrong=
  if ! bios_partition "$1"; then
    wrong='it has no bios-boot partition'
    return
  fi
  node=$dev/$REPLY
  case $(dd if="$node" bs=440 count=1 2>/dev/null | tr -d '\000') in
    *GRUB*) ;;
    *) wrong="there is no GRUB in its first sector" && return ;;
  esac
  read_line "$bios_dir/start"
  start=$REPLY
  # Where boot.img looks for the rest.
  points=$(od -An -tu8 -j92 -N8 "$node" | tr -d ' \n')
  if [ "$points" != "$start" ]; then
    wrong="its first sector looks for GRUB at sector $points, and the bios-boot partition begins at $start"
  elif [ -z "$(dd if="$node" bs=512 skip="$start" count=1 2>/dev/null | tr -d '\000')" ]; then
    wrong='its bios-boot partition is empty'
  fi
}
