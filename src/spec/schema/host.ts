import type { Static } from 'typebox';
import { choice, flag, integer, list, mapOf, object, optional, text, withDefault } from './build.ts';
import { catalogName, globs, hostPath, ipv4, mac, pattern, server, size, sshKey } from './words.ts';

/** The three networks of a host, by what they carry. Only management must exist. */
export const NETWORKS = ['management', 'container', 'storage'] as const;
export type NetworkName = (typeof NETWORKS)[number];

const selector = {
  media: optional(
    choice(
      'What the kernel says of the disk: ssd (NVMe too), hdd, or any (a RAID controller’s virtual disks often say hdd).',
      ['ssd', 'hdd', 'any'],
    ),
  ),
  size: optional(
    object('Sizes that match, both ends included.', {
      min: optional(size('The smallest size that matches.')),
      max: optional(size('The largest size that matches.')),
    }),
  ),
  model: optional(pattern('The model; * and ? are wildcards.')),
  serial: optional(globs('Serial numbers.')),
  wwn: optional(globs('World Wide Names.')),
  path: optional(globs('Names under /dev/disk/by-path, without the folder.')),
  transport: optional(
    choice('How the disk is attached.', ['nvme', 'sata', 'sas', 'scsi', 'virtio', 'iscsi', 'fc', 'mmc']),
  ),
};

const content = {
  filesystem: optional(choice('The file systems (default xfs).', ['xfs', 'ext4'])),
  lvm: optional(
    flag(
      'Put a volume group between the disks and the file systems: further disks can join it, and volumes can be moved. It is filled: / or /data has what the volumes leave.',
    ),
  ),
  volumes: optional(
    list(
      'Further volumes of a fixed size; / and /data have the rest.',
      object('A volume.', {
        mount: text(
          'Where it is mounted.',
          /^(\/[A-Za-z0-9][A-Za-z0-9._-]*)+$/,
          'an absolute path such as /var/log',
        ),
        size: size('Its size.'),
      }),
    ),
  ),
};

export const disks = object(
  'Which disks the installer takes, how they are laid out, and what it may erase.',
  {
    system: optional(
      object('The disks of the operating system: /boot and /.', {
        count: optional(integer('How many disks: 2 are mirrored (RAID-1), 1 is used as it is.', 0, 2)),
        ...selector,
        ...content,
      }),
    ),
    data: optional(
      object('The disks of /data: images, logs, etcd’s data. None: /data is a directory of /.', {
        count: optional(
          integer(
            'How many disks: 2 are mirrored (RAID-1), 4 and more see raid, 1 is used as it is, 0: none.',
            0,
            24,
          ),
        ),
        raid: optional(
          choice(
            'What four and more disks are: raid10, or mirrors: pairs, joined by lvm or mounted at /data, /data2 …',
            ['raid10', 'mirrors'],
          ),
        ),
        ...selector,
        ...content,
      }),
    ),
    wipe: optional(
      choice(
        'What may be erased: blank (only empty disks), owned (empty, or installed earlier for this same cluster; the default), always.',
        ['blank', 'owned', 'always'],
      ),
    ),
    tolerance: optional(
      integer('How much the disks of a group may differ in size, in percent (default 5).', 0, 50),
    ),
    reserve: optional(
      size(
        'What is left free at the end of each mirrored disk, for a slightly smaller replacement (default 1Gi).',
      ),
    ),
  },
);

const file = object('A file laid on the host.', {
  path: hostPath('Where it lies on the host.'),
  content: optional(text('What it holds.')),
  source: optional(text('A file beside the spec that holds it, in place of content.')),
  mode: withDefault(
    text('Its mode, in octal.', /^0?[0-7]{3}$/, 'an octal mode in quotes, such as "0644"'),
    '0644',
  ),
  owner: withDefault(
    text('Its owner and group.', /^[a-z_][a-z0-9_-]*(:[a-z_][a-z0-9_-]*)?$/, 'user or user:group'),
    'root:root',
  ),
});

const post = object('A script that %post runs last, in the installed system.', {
  name: text('A short name for the log.', /^[a-z0-9-]+$/, 'lower-case letters, digits and "-"'),
  script: text('bash, run with set -e; a failure fails the installation.'),
});

const os = object('The operating system.', {
  release: optional(catalogName('A release from images/os, such as rocky-9.')),
  kernel: optional(
    choice(
      'lt: elrepo’s long-term kernel; ml: elrepo’s newest; stock: the release’s own. Default: what the catalogue advises for the release.',
      ['lt', 'ml', 'stock'],
    ),
  ),
  kernelVersion: optional(
    text(
      'The exact version of an elrepo kernel, for a mirror that keeps it (elrepo itself keeps only the newest).',
      /^\d+\.\d+\.\d+-\d+$/,
      'a version and release such as 6.1.122-1',
    ),
  ),
});

/** What may be said for the whole cluster, for a role and for a host; the nearer one wins, lists add up. */
export const settings = {
  os: optional(os),
  firmware: optional(choice('How the host boots.', ['bios', 'uefi'])),
  console: optional(
    text(
      'A serial console as the kernel names it.',
      /^tty(S\d+|\d+|AMA0)(,\d+[noe]?[78]?r?)?$/,
      'a console such as ttyS1,115200n8',
    ),
  ),
  disks: optional(disks),
  packages: optional(
    list(
      'Further packages, installed in %post with signatures checked.',
      text('A package.', /^@?[A-Za-z0-9][A-Za-z0-9+._-]*$/, 'a package name'),
    ),
  ),
  sysctls: optional(
    mapOf(
      'Kernel settings, laid over our own.',
      text('The value.', /^[^\n]+$/, 'one line of text: put numbers in quotes'),
      /^[a-z][a-z0-9_-]*([./][A-Za-z0-9_*:-]+)+$/,
      'the name of a kernel setting such as vm.swappiness',
    ),
  ),
  kernelArgs: optional(
    list(
      'Further arguments on the kernel’s line.',
      text('An argument.', /^[A-Za-z0-9_.,:=/@+-]+$/, 'one word'),
    ),
  ),
  files: optional(list('Further files; the nearest level wins where two write the same path.', file)),
  post: optional(list('Scripts at the end of the installation, in order.', post)),
};

export const roleSettings = object('What differs for one role.', settings);

const link = object('One network interface, or a bond of two.', {
  mac: optional(mac('The MAC address of the one NIC.')),
  macs: optional(
    list('The MAC addresses of the bond’s NICs; the first is preferred.', mac('A MAC address.'), {
      minItems: 2,
    }),
  ),
  bond: optional(
    object('How the NICs are bonded.', {
      name: withDefault(
        text('The bond’s interface name.', /^bond[0-9]{1,3}$/, 'bond and a number, such as bond0'),
        'bond0',
      ),
      mode: withDefault(
        choice('The mode; 802.3ad needs LACP, with fallback, on the switch.', [
          'active-backup',
          '802.3ad',
          'balance-xor',
        ]),
        'active-backup',
      ),
    }),
  ),
  networks: list('Which networks it carries.', choice('A network.', NETWORKS), { minItems: 1 }),
});

const hardware = object(
  'What the machine has; checked in the plan, so that a mistake shows before anything boots.',
  {
    cpus: optional(integer('CPUs, as the system counts them.', 1, 4096)),
    memory: optional(size('Memory.')),
    disks: optional(
      list(
        'Its disks.',
        object('One disk, or several of a kind.', {
          count: withDefault(integer('How many.', 1, 64), 1),
          size: size('The size of each.'),
          media: choice('Flash or spinning.', ['ssd', 'hdd']),
          model: optional(pattern('The model.')),
          serial: optional(text('The serial number.')),
          transport: optional(choice('How it is attached.', ['nvme', 'sata', 'sas', 'scsi', 'virtio'])),
        }),
      ),
    ),
  },
);

export const host = object('One host.', {
  name: text('The host’s name, DNS-1123.'),
  role: catalogName('What it is: a role from images/roles.'),
  serial: optional(
    text(
      'The serial number in its DMI table. Where given, the installer refuses any other machine.',
      /^[!-~][ -~]*$/,
      'printable text on one line',
    ),
  ),
  nics: list('Its network interfaces.', link, { minItems: 1 }),
  addresses: optional(
    object('Its addresses. Those left out are allotted from the subnet.', {
      management: optional(ipv4('On the management network.')),
      container: optional(ipv4('On the container network.')),
      storage: optional(ipv4('On the storage network.')),
    }),
  ),
  hardware: optional(hardware),
  ...settings,
});

export const user = object('An account on every host.', {
  name: text(
    'The login name.',
    /^[a-z_][a-z0-9_-]{0,30}$/,
    'a login name of lower-case letters, digits, "_" and "-"',
  ),
  sshKeys: list('Public keys that may log in.', sshKey('An OpenSSH public key.')),
  sudo: withDefault(
    choice('nopasswd: may do everything; none: may not use sudo.', ['nopasswd', 'none']),
    'none',
  ),
});

export const ntpServers = withDefault(
  list('Time servers.', server('A host name or address.'), { minItems: 1 }),
  ['ntp.aliyun.com', 'ntp.tencent.com', 'cn.pool.ntp.org'],
);

export const breakGlass = object(
  'An account for the console on the day when the network is gone: it has a password, and ssh never takes it.',
  {
    enabled: withDefault(
      flag('Make the account. Its password is made with the other secrets: imgbuild secrets show.'),
      true,
    ),
    user: withDefault(text('Its login name.', /^[a-z_][a-z0-9_-]{0,30}$/, 'a login name'), 'breakglass'),
  },
  { default: {} },
);

export type HostSpec = Static<typeof host>;
export type DisksSpec = Static<typeof disks>;
export type DataDisksSpec = NonNullable<DisksSpec['data']>;
export type DiskGroupSpec = NonNullable<DisksSpec['system']> | DataDisksSpec;
export type VolumeSpec = NonNullable<DiskGroupSpec['volumes']>[number];
export type RoleSettings = Static<typeof roleSettings>;
export type FileSpec = Static<typeof file>;
export type PostSpec = Static<typeof post>;
export type HardwareSpec = Static<typeof hardware>;
