# shellcheck shell=sh
# GRUB's configuration inside a system that was just unpacked; sourced by install-boot, never run.
#
#   configure_grub   writes it where that system's GRUB reads it
#
# shellcheck disable=SC2154 # target, firmware: the caller's

configure_grub() {
	if has_program update-grub; then
		inside update-grub || broke 'GRUB has no configuration'
		return
	fi
	has_program grub2-mkconfig || broke "there is neither update-grub nor grub2-mkconfig in $target"
	cg_mkconfig=$REPLY
	# The command line that later kernels get, where the image's / is still named.
	root_uuid
	if [ -f "$target/etc/kernel/cmdline" ]; then
		inside sed -i "s|root=[^ ]*|root=UUID=$REPLY|" /etc/kernel/cmdline || broke 'etc/kernel/cmdline is not written'
	fi
	cg_file=/boot/grub2/grub.cfg
	cg_options=
	if [ "$firmware" = uefi ]; then
		find_vendor
		[ -n "$REPLY" ] || broke "there is no GRUB in $target/boot/efi/EFI"
		if says "$cg_mkconfig" 'GRUB wrapper'; then
			write_wrapper "$target/boot/efi/EFI/$REPLY/grub.cfg"
		else
			cg_file=/boot/efi/EFI/$REPLY/grub.cfg
		fi
	fi
	# From 9.3 on it leaves the command lines of the boot entries, which name the image's /, alone unless told.
	! says "$cg_mkconfig" update-bls-cmdline || cg_options=--update-bls-cmdline
	# shellcheck disable=SC2086 # a word or none
	inside grub2-mkconfig -o "$cg_file" $cg_options || broke 'GRUB has no configuration'
}

says() { chroot "$target" grep -q -e "$2" "$1" </dev/null; }

# find_vendor: REPLY = the directory on the ESP that has GRUB, not the one for all comers.
find_vendor() {
	REPLY=
	for fv_file in "$target"/boot/efi/EFI/*/grubx64.efi; do
		[ -f "$fv_file" ] || continue
		fv_file=${fv_file%/*}
		[ "${fv_file##*/}" = BOOT ] || REPLY=${fv_file##*/}
	done
}

system_uuid() {
	field fs "$1" device
	device_node "$REPLY" || broke "the device of $1 is not there"
	REPLY=$(blkid -p -o value -s UUID "$REPLY")
	[ -n "$REPLY" ] || broke "blkid tells no UUID for $1"
}

root_uuid() { system_uuid /; }

# write_wrapper FILE: what GRUB finds on the ESP there only says where the rest is.
write_wrapper() {
	ww_file=$1
	ww_boot=/boot
	has_word "$systems" /boot || ww_boot=/
	system_uuid "$ww_boot"
	ww_path=/grub2
	[ "$ww_boot" = /boot ] || ww_path=/boot/grub2
	# shellcheck disable=SC2016 # GRUB's own variables
	printf 'search --no-floppy --fs-uuid --set=dev %s\nset prefix=($dev)%s\nexport $prefix\nconfigfile $prefix/grub.cfg\n' \
		"$REPLY" "$ww_path" >"$ww_file.imgbuild" || broke "cannot write $ww_file"
	run mv -f "$ww_file.imgbuild" "$ww_file" || broke "cannot write $ww_file"
}
