/** What all machines of QEMU's have in common here. */

/** Emulated, whatever the host: what /dev/kvm does inside another machine differs too much. */
export const EMULATED = ['-accel', 'tcg,thread=multi,tb-size=512'] as const;

/** Nothing but what is asked for; a reboot ends it. */
export const BARE = [
  ...['-nodefaults', '-no-user-config', '-vga', 'none', '-display', 'none', '-no-reboot'],
] as const;

/** For a kernel's command line: spares an emulated machine work that no test looks at. */
export const QUICK = 'quiet mitigations=off nokaslr cryptomgr.notests tsc=reliable no_timer_check';
