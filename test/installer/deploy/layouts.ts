/** Layouts of each kind, as a host would have them. */
export const MARK = 'prod-3f9a1c';

export const layouts: Record<string, string> = {
  uefi: `mark ${MARK}
firmware uefi
disk system_1
disk system_2
disk data_1
disk data_2
part system_1 1 esp 100 efi
part system_1 2 raid 1024 boot
part system_1 3 raid -1400 root
part system_2 1 esp 100 efi
part system_2 2 raid 1024 boot
part system_2 3 raid -1400 root
part data_1 1 raid -256 data
part data_2 1 raid -256 data
array efi raid1 1.0 system_1:1 system_2:1
array boot raid1 1.2 system_1:2 system_2:2
array root raid1 1.2 system_1:3 system_2:3
array data raid1 1.2 data_1:1 data_2:1
fs array:root xfs root / defaults
fs array:boot xfs boot /boot defaults
fs array:efi vfat EFI /boot/efi umask=0077,shortname=winnt
fs array:data xfs data /data nofail,x-systemd.device-timeout=90s
`,
  bios: `mark ${MARK}
firmware bios
disk system_1
disk system_2
disk data_1
disk data_2
part system_1 1 biosboot 1 -
part system_1 2 raid 512 boot
part system_1 3 raid -800 root
part system_2 1 biosboot 1 -
part system_2 2 raid 512 boot
part system_2 3 raid -800 root
part data_1 1 raid -256 data
part data_2 1 raid -256 data
array boot raid1 1.2 system_1:2 system_2:2
array root raid1 1.2 system_1:3 system_2:3
array data raid1 1.2 data_1:1 data_2:1
fs array:root ext4 root / defaults
fs array:boot ext4 boot /boot defaults
fs array:data xfs data /data nofail,x-systemd.device-timeout=90s
`,
  one: `mark ${MARK}
firmware uefi
disk system_1
part system_1 1 esp 100 efi
part system_1 2 fs 512 boot
part system_1 3 fs -800 root
fs part:system_1:3 xfs root / defaults
fs part:system_1:2 xfs boot /boot defaults
fs part:system_1:1 vfat EFI /boot/efi umask=0077,shortname=winnt
`,
  raid10: `mark ${MARK}
firmware bios
disk system_1
disk data_1
disk data_2
disk data_3
disk data_4
part system_1 1 biosboot 1 -
part system_1 2 fs -256 root
part data_1 1 raid -256 data
part data_2 1 raid -256 data
part data_3 1 raid -256 data
part data_4 1 raid -256 data
array data raid10 1.2 data_1:1 data_2:1 data_3:1 data_4:1
fs part:system_1:2 xfs root / defaults
fs array:data xfs data /data nofail,x-systemd.device-timeout=90s
`,
  lvm: `mark ${MARK}
firmware bios
disk system_1
disk data_1
disk data_2
disk data_3
disk data_4
part system_1 1 biosboot 1 -
part system_1 2 lvm -256 system
part data_1 1 raid -256 data
part data_2 1 raid -256 data
part data_3 1 raid -256 data2
part data_4 1 raid -256 data2
array data raid1 1.2 data_1:1 data_2:1
array data2 raid1 1.2 data_3:1 data_4:1
vg system part:system_1:2
lv system log 512
lv system root -
vg data array:data array:data2
lv data data -
fs lv:system/root ext4 root / defaults
fs lv:system/log ext4 log /var/log defaults
fs lv:data/data xfs data /data nofail,x-systemd.device-timeout=90s
`,
};
