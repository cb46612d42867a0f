import { familyOf } from '../../catalog/families.ts';
import { suggest } from '../../report/did-you-mean.ts';
import { levels } from '../../spec/levels.ts';
import { hasKickstart } from '../kickstart.ts';
import { type Rule, repeated } from './rule.ts';

/** DNS-1123 label: what a Kubernetes node's name and a host name have in common. */
const DNS_1123 = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

/** What resolvers take for an address and ask nobody about. */
const ADDRESS = /^[0-9.]+$/;

export const nameRules: Rule[] = [
  {
    code: 'host-name',
    severity: 'error',
    title: 'A host’s name is not DNS-1123',
    reason:
      'The host’s name becomes the node’s name, and Kubernetes takes only lower-case letters, digits and "-", beginning and ending with a letter or digit, at most 63 of them. `k8s_1` would install well and never join.',
    remedy: 'Choose another name, such as `k8s-1`.',
    example:
      'hosts:\n  - { name: k8s_1, role: worker, nics: [{ mac: "52:54:00:00:00:09", networks: [management] }] }\n',
    check: ({ cluster }, report) => {
      for (const [index, { name }] of cluster.hosts.entries()) {
        if (DNS_1123.test(name)) continue;
        const better = name
          .toLowerCase()
          .replace(/[^a-z0-9-]+/g, '-')
          .replace(/^-+|-+$/g, '')
          .slice(0, 63);
        report(
          ['hosts', index, 'name'],
          `"${name}" is not a DNS-1123 name`,
          `use lower-case letters, digits and "-"${DNS_1123.test(better) ? `, such as "${better}"` : ''}`,
        );
      }
    },
  },
  {
    code: 'host-name-duplicate',
    severity: 'error',
    title: 'Two hosts have one name',
    reason: 'The name finds a host’s files, certificates and node: the second would overwrite the first.',
    remedy: 'Rename one of them.',
    example:
      'hosts:\n  - { name: twin, role: worker, nics: [{ mac: "52:54:00:00:00:08", networks: [management] }] }\n  - { name: twin, role: worker, nics: [{ mac: "52:54:00:00:00:09", networks: [management] }] }\n',
    check: ({ cluster }, report) => {
      for (const [, ...others] of repeated([...cluster.hosts.entries()], ([, host]) => host.name)) {
        for (const [index, host] of others) {
          report(
            ['hosts', index, 'name'],
            `a host named "${host.name}" stands further up`,
            'rename one of them',
          );
        }
      }
    },
  },
  {
    code: 'host-name-endpoint',
    severity: 'error',
    title: 'The name of the API endpoint is a host’s, or none',
    reason: '/etc/hosts would give the name two addresses, and clients would take either.',
    remedy: 'Rename the host, or choose another `kubernetes.endpoint.name`.',
    example: 'kubernetes: { endpoint: { name: kmaster } }\n',
    check: ({ cluster, plan }, report) => {
      if (plan.cluster.endpoint.name === 'localhost')
        report(
          ['kubernetes', 'endpoint', 'name'],
          '"localhost" is every host itself',
          'choose another, such as api.example',
        );
      if (ADDRESS.test(plan.cluster.endpoint.name))
        report(
          ['kubernetes', 'endpoint', 'name'],
          `${plan.cluster.endpoint.name} is an address, and no name`,
          'choose a name, such as api.example; the address of a load balancer goes into endpoint.address',
        );
      for (const [index, host] of cluster.hosts.entries()) {
        if (host.name !== plan.cluster.endpoint.name) continue;
        report(
          ['hosts', index, 'name'],
          `"${host.name}" is the name of the API endpoint`,
          'choose another kubernetes.endpoint.name, such as api.example',
        );
      }
    },
  },
  {
    code: 'host-name-reserved',
    severity: 'error',
    title: 'A host’s name means something else',
    reason:
      '`localhost` is every host’s own name for itself, and `all` stands for all bootstrap tokens in the secrets’ store.',
    remedy: 'Rename the host.',
    example:
      'hosts:\n  - { name: localhost, role: worker, nics: [{ mac: "52:54:00:00:00:09", networks: [management] }] }\n',
    check: ({ cluster }, report) => {
      for (const [index, { name }] of cluster.hosts.entries()) {
        if (name === 'localhost' || name === 'all')
          report(
            ['hosts', index, 'name'],
            name === 'all'
              ? 'the secrets’ store uses the name "all" for all tokens'
              : 'every host calls itself "localhost"',
            'rename the host',
          );
      }
    },
  },
  {
    code: 'cluster-id',
    severity: 'warning',
    title: 'The cluster has no id',
    reason:
      'Disks are marked as this cluster’s by its name and id. Without an id the mark follows from the management network, and another cluster of the same name and network would take these disks for its own.',
    remedy: 'Add six hexadecimal digits of your own (`openssl rand -hex 3`) before anything is installed.',
    example: 'name: lab\n',
    check: ({ cluster }, report) => {
      if (!cluster.id)
        report(
          ['name'],
          'the cluster has no id',
          'add id: with six hexadecimal digits in quotes (openssl rand -hex 3)',
        );
    },
  },
  {
    code: 'role-unknown',
    severity: 'error',
    title: 'A role is not in the catalogue',
    reason: 'What a host gets follows from its role.',
    remedy: 'Use a role from `images/roles`, or add one of your own in `images/roles` beside the spec.',
    example: 'hosts:\n  - { name: knode1, role: wroker }\n',
    check: ({ cluster, catalog }, report) => {
      const known = [...catalog.roles.keys()];
      for (const [index, { role }] of cluster.hosts.entries()) {
        if (!catalog.roles.has(role))
          report(['hosts', index, 'role'], `there is no role "${role}"`, suggest(role, known));
      }
      for (const role of Object.keys(cluster.roles)) {
        if (!catalog.roles.has(role))
          report(['roles', role], `there is no role "${role}"`, suggest(role, known));
      }
    },
  },
  {
    code: 'os-unknown',
    severity: 'error',
    title: 'An operating system is not in the catalogue',
    reason:
      'Repositories, package names, kernels and the installer’s dialect differ from release to release; an unknown one cannot be rendered.',
    remedy: 'Use a release from `images/os`, or add one of your own in `images/os` beside the spec.',
    example: 'os: { release: rocky9 }\n',
    check: ({ cluster, catalog }, report) => {
      const known = [...catalog.os.keys()];
      for (const { settings, path } of levels(cluster)) {
        const release = settings.os?.release;
        if (release !== undefined && !catalog.os.has(release))
          report([...path, 'os', 'release'], `there is no release "${release}"`, suggest(release, known));
      }
    },
  },
  {
    code: 'mirror-unknown',
    severity: 'error',
    title: 'A mirror set is not in the catalogue',
    reason: 'Every repository’s URL follows from it.',
    remedy:
      'Use `upstream`, `aliyun` or `tuna`, or add a set of your own in `images/mirrors` beside the spec.',
    example: 'mirrors: { set: aliyum }\n',
    check: ({ cluster, catalog }, report) => {
      const { set } = cluster.mirrors;
      if (!catalog.mirrors.has(set)) {
        report(
          ['mirrors', 'set'],
          `there is no mirror set "${set}"`,
          suggest(set, [...catalog.mirrors.keys()]),
        );
      }
    },
  },
  {
    code: 'mirror-layout',
    severity: 'error',
    title: 'The URL of a mirror cannot be right',
    reason:
      'A base URL is where a kind of repository begins. `{major}` (9), `{minor}` (1.34), `{format}` (rpm or deb) and `{version}` are filled in; anything else in braces would be asked for as it stands. Two releases cannot install from one tree, no repository holds both RPMs and debs, and two kinds cannot lie at one place.',
    remedy:
      'Write `{major}` where releases differ, `{format}` where families do, and give each kind the folder that the schema describes.',
    example: 'mirrors: { repositories: { os: "http://10.0.0.5/{release}" } }\n',
    check: ({ cluster, plan }, report) => {
      const urls = Object.entries(cluster.mirrors.repositories).filter(
        (entry): entry is [string, string] => entry[1] !== undefined,
      );
      const majors = new Set(plan.hosts.filter(hasKickstart).map((host) => host.os.major));
      const formats = new Set(plan.hosts.map((host) => familyOf(host.os).format));
      for (const [kind, url] of urls) {
        const path = ['mirrors', 'repositories', kind];
        const odd = (url.match(/\{\w*\}/g) ?? []).find(
          (word) => !['{major}', '{minor}', '{format}', '{version}'].includes(word),
        );
        if (odd) report(path, `${odd} means nothing in a URL`, 'use {major}, {minor}, {format} or {version}');
        else if (kind === 'os' && majors.size > 1 && !url.includes('{major}'))
          report(
            path,
            `EL ${[...majors].sort().join(' and ')} would install from one tree`,
            'write {major} where their trees differ',
          );
        else if (kind === 'kubernetes' && formats.size > 1 && !url.includes('{format}'))
          report(
            path,
            'RPMs and debs would come from one repository',
            'write {format} where they differ: it stands for rpm or deb',
          );
      }
      for (const [first, ...others] of repeated(urls, ([, url]) => url.replace(/\/+$/, ''))) {
        for (const [kind] of others)
          report(
            ['mirrors', 'repositories', kind],
            `${first?.[0]} and ${kind} have one base URL`,
            'give each kind its own folder',
          );
      }
    },
  },
  {
    code: 'serial-duplicate',
    severity: 'error',
    title: 'Two hosts have one serial number',
    reason:
      'The serial number proves to the installer which machine it runs on; two hosts cannot be one machine.',
    remedy: 'Correct one of them.',
    example: 'hosts:\n  - { name: knode1, serial: ABC123 }\n  - { name: knode2, serial: abc123 }\n',
    check: ({ cluster }, report) => {
      const key = ([, host]: [number, (typeof cluster.hosts)[number]]) => host.serial?.toLowerCase();
      for (const [first, ...others] of repeated([...cluster.hosts.entries()], key)) {
        for (const [index, host] of others) {
          report(
            ['hosts', index, 'serial'],
            `${first?.[1].name} has the serial number ${host.serial} too`,
            'correct one of them',
          );
        }
      }
    },
  },
];
