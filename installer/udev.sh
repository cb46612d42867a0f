# shellcheck shell=sh
# Makes udev wait, and waits for it; sourced by what has a `run` that shows its command, never run.
#
#   hold_udev      udev looks at nothing until release_udev: of a mirror whose superblock is gone it would find what lay
#                  within, and of an array that is being made a single member, and start that before its turn
#   release_udev   to be called whatever happens; nothing where it is not held
#   settle         until udev has looked at all that there is to look at, half a minute at most

held=

udev_control() {
	command -v udevadm >/dev/null 2>&1 || return 0
	run udevadm control "$1" || :
}

hold_udev() {
	held=yes
	udev_control --stop-exec-queue
}

release_udev() {
	[ -n "$held" ] || return 0
	held=
	udev_control --start-exec-queue
}

# On a busy machine udev may sleep on with its queue full after it was held: any word wakes it.
settle() {
	command -v udevadm >/dev/null 2>&1 || return 0
	run udevadm settle --timeout=15 && return 0
	udev_control --start-exec-queue
	run udevadm settle --timeout=15 || :
}
