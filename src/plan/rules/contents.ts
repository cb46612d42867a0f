import { type Family, familyOf } from '../../catalog/families.ts';
import type { Path } from '../../report/problem.ts';
import { filesOf, levels } from '../../spec/levels.ts';
import type { Plan } from '../types.ts';
import { type Rule, repeated } from './rule.ts';

/** Accounts that a release or a package of ours makes: useradd would fail, or hand the account over. */
const SYSTEM_ACCOUNTS = new Set(
  (
    'root bin daemon adm lp sync shutdown halt mail operator games ftp nobody dbus polkitd sshd tss systemd-network ' +
    'systemd-resolve systemd-coredump systemd-oom docker etcd haproxy keepalived'
  ).split(' '),
);

/** The key of the examples: bytes 0 to 31 in order, of which no private half is known. */
const EXAMPLE_KEY = 'AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f';

/** Links that every release has, and where they lead; each family has more. */
const LINKS: Record<string, string> = {
  '/bin': '/usr/bin',
  '/sbin': '/usr/sbin',
  '/lib': '/usr/lib',
  '/lib64': '/usr/lib64',
  '/var/run': '/run',
  '/var/lock': '/run/lock',
  '/var/mail': '/var/spool/mail',
  '/usr/tmp': '/var/tmp',
};

/** The families that a spec's hosts are of. */
function families({ hosts }: Plan): Family[] {
  return [...new Set(hosts.map(({ os }) => familyOf(os)))];
}

/** Where the installation keeps its own, and the secrets. */
const RESERVED = [
  '/root/imgbuild.sh',
  '/var/lib/imgbuild/',
  '/etc/etcd/pki/',
  '/var/log/imgbuild/',
  '/etc/imgbuild/',
];

/** `/etc/x/y` lies in `/etc/x` and `/etc`. */
function foldersOf(path: string): string[] {
  const parts = path.split('/').slice(1, -1);
  return parts.map((_, index) => `/${parts.slice(0, index + 1).join('/')}`);
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    // The database tells Asia/shanghai from Asia/Shanghai; the formatter does not.
    return name.split('/').every((part) => /^[A-Z]/.test(part));
  } catch {
    return false;
  }
}

/** Accounts, files and settings that a spec puts on its hosts. */
export const contentRules: Rule[] = [
  {
    code: 'user-reserved',
    severity: 'error',
    title: 'An account’s name is taken',
    reason:
      'root stays locked, and the break-glass account is made by imgbuild: a second account of the name would undo that.',
    remedy: 'Choose another name, or another `breakGlass.user`.',
    example: 'users:\n  - { name: root, sshKeys: [] }\n',
    check: ({ cluster, plan }, report) => {
      const { enabled, user: breakGlass } = cluster.breakGlass;
      const accounts = new Set([...SYSTEM_ACCOUNTS, ...families(plan).flatMap((family) => family.accounts)]);
      if (enabled && accounts.has(breakGlass))
        report(['breakGlass', 'user'], `"${breakGlass}" is an account of the system`, 'choose another name');
      for (const [index, { name }] of cluster.users.entries()) {
        if (accounts.has(name))
          report(['users', index, 'name'], `"${name}" is an account of the system`, 'choose another name');
        else if (enabled && name === breakGlass)
          report(
            ['users', index, 'name'],
            `"${name}" is the break-glass account`,
            'choose another name, or another breakGlass.user',
          );
      }
      for (const [, ...others] of repeated([...cluster.users.entries()], ([, user]) => user.name)) {
        for (const [index, user] of others)
          report(
            ['users', index, 'name'],
            `an account "${user.name}" stands further up`,
            'rename or remove one of them',
          );
      }
    },
  },
  {
    code: 'user-locked-out',
    severity: 'error',
    title: 'Nobody can log in',
    reason:
      'root is locked and passwords do not work over ssh: without a key and without the break-glass account the hosts could never be entered.',
    remedy: 'Give an account a key, or leave `breakGlass.enabled` on.',
    example: 'breakGlass: { enabled: false }\nusers:\n  - { name: devops, sshKeys: [] }\n',
    check: ({ cluster }, report) => {
      if (cluster.breakGlass.enabled || cluster.users.some((user) => user.sshKeys.length > 0)) return;
      report(
        ['users'],
        'no account has an ssh key, and there is no break-glass account',
        'add a key under users[].sshKeys',
      );
    },
  },
  {
    code: 'user-no-key',
    severity: 'warning',
    title: 'Nobody can log in over ssh',
    reason:
      'root is locked and passwords do not work over ssh. Without a key of yours the hosts can be entered at their consoles alone.',
    remedy: 'Put your public key under `users[].sshKeys`; the example’s key has no private half.',
    example: 'users:\n  - { name: devops, sshKeys: [] }\n',
    check: ({ cluster }, report) => {
      const keys = cluster.users.flatMap((user) => user.sshKeys);
      if (keys.length > 0 && keys.every((key) => key.includes(EXAMPLE_KEY)))
        report(
          ['users'],
          'the only ssh key is the example’s, whose private half nobody has',
          'replace it by your own: ssh-keygen -t ed25519',
        );
      else if (keys.length === 0 && cluster.breakGlass.enabled)
        report(
          ['users'],
          'no account has an ssh key',
          'add a user with your public key: users: [{ name: devops, sudo: nopasswd, sshKeys: [...] }]',
        );
    },
  },
  {
    code: 'wipe-always',
    severity: 'warning',
    title: 'Disks are erased whatever is on them',
    reason:
      'With `wipe: always` a disk of data that was moved into the machine, or that a selector fits by mistake, is gone without a question.',
    remedy:
      'Use `wipe: owned`; for one machine with old data, `always` on that host alone, and take it back afterwards.',
    example: 'disks: { wipe: always }\n',
    check: ({ cluster }, report) => {
      const fix = 'use wipe: owned, or say always for the one host that needs it and take it back afterwards';
      for (const { settings, path, whose } of levels(cluster)) {
        if (settings.disks?.wipe === 'always')
          report([...path, 'disks', 'wipe'], `${whose} erases its disks whatever is on them`, fix);
      }
    },
  },
  {
    code: 'file-content',
    severity: 'error',
    title: 'A file has no content, or two, or is laid twice',
    reason:
      'A file is what `content` says or what the file named by `source` holds; with both or neither, or two files for one path, it is unclear what should lie on the host.',
    remedy: 'Give one of the two.',
    example: 'files:\n  - { path: /etc/motd }\n',
    check: ({ cluster }, report) => {
      const look = (files: typeof cluster.files, path: Path) => {
        for (const [, ...others] of repeated([...(files ?? []).entries()], ([, file]) => file.path)) {
          for (const [index, file] of others)
            report(
              [...path, 'files', index, 'path'],
              `${file.path} stands further up`,
              'remove one of them; a role’s or a host’s own files may replace the cluster’s',
            );
        }
      };
      for (const { settings, path } of levels(cluster)) look(settings.files, path);
      for (const { file, path } of filesOf(cluster)) {
        if ((file.content === undefined) === (file.source === undefined))
          report(
            path,
            `${file.path} has ${file.content === undefined ? 'neither content nor source' : 'both content and source'}`,
            'give one of the two',
          );
      }
    },
  },
  {
    code: 'file-mode',
    severity: 'warning',
    title: 'A file that others may not read travels in the open',
    reason:
      'The spec’s files lie in the overlay, which every host of the network can fetch, and in golden images. A mode that shuts others out protects them on the host alone.',
    remedy: 'Bring secrets to the hosts by another way; imgbuild keeps only its own apart.',
    example: 'files:\n  - { path: /etc/registry/auth.json, content: "{}", mode: "0600" }\n',
    check: ({ cluster }, report) => {
      for (const { file, path } of filesOf(cluster)) {
        if (Number.parseInt(file.mode, 8) % 8 === 0)
          report(
            [...path, 'mode'],
            `${file.path} is for few eyes, and the overlay that carries it for all`,
            'put nothing secret into it',
          );
      }
    },
  },
  {
    code: 'file-place',
    severity: 'error',
    title: 'A file cannot lie at its path',
    reason:
      'On every release /bin, /sbin, /lib and /lib64 are links into /usr, and /var/run and /var/lock into /run: the installer refuses to unpack through a link. A file cannot stand where a folder does.',
    remedy: 'Use the path that the link leads to, such as `/usr/lib/…`, or `/etc/systemd/system` for units.',
    example: 'files:\n  - { path: /lib/systemd/system/x.service, content: "[Unit]" }\n',
    check: ({ cluster, plan }, report) => {
      const folders = new Set([
        '/usr/bin',
        '/usr/sbin',
        '/usr/lib',
        '/usr/lib64',
        '/etc/ssh',
        '/etc/pki',
        '/var/lib',
        '/var/log',
      ]);
      for (const { files } of [...plan.hosts, ...plan.roles]) {
        for (const { path } of files) for (const folder of foldersOf(path)) folders.add(folder);
      }
      const links = [LINKS, ...families(plan).map((family) => family.links)].flatMap(Object.entries<string>);
      for (const { file, path } of filesOf(cluster)) {
        const at = [...path, 'path'];
        const link = links.find(([from]) => file.path.startsWith(`${from}/`));
        if (link)
          report(at, `${link[0]} is a link to ${link[1]}`, `write ${file.path.replace(link[0], link[1])}`);
        else if (RESERVED.some((prefix) => file.path.startsWith(prefix)))
          report(at, `${file.path} is imgbuild’s own`, 'choose another path');
        else if (folders.has(file.path) || /^\/[^/]+$/.test(file.path))
          report(at, `${file.path} is a folder, or lies in none`, 'name a file in a folder');
        else if (/^\/(proc|sys|dev|run|tmp)\//.test(file.path))
          report(at, `${file.path} is gone after the first boot`, 'name a place that lasts');
      }
    },
  },
  {
    code: 'timezone-unknown',
    severity: 'error',
    title: 'There is no such time zone',
    reason:
      'Anaconda logs that it is not valid and goes on with America/New_York. Zones are named after certain cities: there is an Asia/Shanghai and no Asia/Beijing.',
    remedy: 'Use a name from the tz database: Asia/Shanghai for all of China.',
    example: 'timezone: Asia/Beijing\n',
    check: ({ cluster }, report) => {
      if (isTimeZone(cluster.timezone)) return;
      report(
        ['timezone'],
        `there is no time zone "${cluster.timezone}"`,
        'use a name such as Asia/Shanghai or Etc/UTC; "timedatectl list-timezones" lists them',
      );
    },
  },
  {
    code: 'sysctl-setting',
    severity: 'error',
    title: 'A kernel setting that cannot be set',
    reason:
      'One bad line makes `sysctl --system` fail at every boot: keys that left the kernel (`net.ipv4.tcp_tw_recycle` in 4.12), keys of the 3.10 kernel alone, and two settings on one line, as they stand in many guides.',
    remedy: 'Remove the key, or write one setting to a key.',
    example: 'sysctls: { net.ipv4.tcp_tw_recycle: "0", vm.swappiness: "0 vm.overcommit_memory=1" }\n',
    check: ({ cluster, plan }, report) => {
      const newest = plan.hosts.some((h) => !h.kernel.version.startsWith('3.10'));
      const look = (sysctls: typeof cluster.sysctls, path: Path) => {
        for (const [key, value] of Object.entries(sysctls ?? {})) {
          const at = [...path, 'sysctls', key];
          const name = key.replaceAll('/', '.');
          if (value.includes('='))
            report(at, `"${value}" holds a second setting`, 'give each setting a key of its own');
          if (name === 'net.ipv4.tcp_tw_recycle' && newest)
            report(
              at,
              'net.ipv4.tcp_tw_recycle left the kernel in 4.12',
              'remove it; net.ipv4.tcp_tw_reuse is what remains',
            );
          if (name === 'fs.may_detach_mounts' && newest)
            report(at, 'fs.may_detach_mounts belongs to the 3.10 kernel alone', 'remove it');
          if (name === 'net.netfilter.nf_conntrack_max' && !/^\d+$/.test(value))
            report(at, `${name} must be a number, not "${value}"`, 'write a number in quotes');
        }
      };
      for (const { settings, path } of levels(cluster)) look(settings.sysctls, path);
    },
  },
];
