import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { type Group, resolve, type Stub, stubRepository } from './dnf-stubs.ts';
import { describeWith, type Program, type Verdict } from './programs.ts';
import { scratch } from './scratch.ts';
import {
  bashN,
  busyboxN,
  dashN,
  dnsmasq,
  haproxy,
  keepalived,
  ksvalidate,
  ksvalidator,
  nginx,
  nmKeyfiles,
  packerValidate,
  shellcheck,
  sysctlKeys,
  systemdVerify,
  visudo,
} from './validators.ts';

const fine: Verdict = { ok: true, messages: [] };

/** Write one file and check it. */
async function on(content: string, check: (file: string) => Promise<Verdict>): Promise<Verdict> {
  return check(join(await scratch({ file: content }), 'file'));
}

/** A validator of single files: it passes the good text, and says `expected` of it after each edit. */
function alive(
  program: Program,
  check: (file: string) => Promise<Verdict>,
  good: string,
  faults: [from: string, to: string, expected: RegExp][],
): void {
  describeWith([program], program, () => {
    test('passes what is good', async () => {
      expect(await on(good, check)).toEqual(fine);
    });
    test.each(faults)('catches %j → %j', async (from, to, expected) => {
      expect(good).toContain(from);
      const { ok, messages } = await on(good.replace(from, to), check);
      expect(ok).toBe(false);
      expect(messages.join('\n')).toMatch(expected);
    });
  });
}

alive('bash', bashN, 'diff <(ls) <(ls)\n', [['ls)', 'ls', /unexpected EOF/]]);
alive('dash', dashN, 'for x in a b; do echo "$x"; done\n', [['a b', '(a b)', /Syntax error/]]);
alive('busybox', busyboxN, 'for x in a b; do echo "$x"; done\n', [['done', 'doen', /syntax error/]]);

alive('visudo', visudo, 'devops ALL=(ALL) NOPASSWD: ALL\n', [
  ['(ALL)', '(ALL', /syntax error/],
  ['devops', 'Defaults nosuch\ndevops', /unknown defaults entry/],
]);

alive(
  'haproxy',
  haproxy,
  `defaults
  mode tcp
  timeout connect 5s
  timeout client 1m
  timeout server 1m
frontend api
  bind 100.64.0.10:8443
  default_backend masters
backend masters
  option httpchk GET /readyz
  server m1 100.64.0.1:6443 check check-ssl verify none
`,
  [
    ['default_backend masters', 'default_backend master', /unable to find required default_backend/],
    ['option httpchk', 'option httpcheck', /unknown option/],
    ['timeout client 1m', '', /missing timeouts/], // a warning
  ],
);

alive(
  'keepalived',
  keepalived,
  `global_defs {
  enable_script_security
  script_user root
}
vrrp_script check {
  script "/nosuch/check.sh"
}
vrrp_instance api {
  interface bond7
  virtual_router_id 51
  priority 100
  virtual_ipaddress {
    100.64.0.10/24
  }
  track_script {
    check
  }
}
`,
  [
    ['priority', 'priorty', /Line 11\) Unknown keyword 'priorty'/],
    ['100.64.0.10', '100.64.0.510', /invalid IP/],
    ['router_id 51', 'router_id 351', /outside range/],
    ['    check\n', '    chek\n', /chek/],
  ],
);

alive(
  'nginx',
  nginx,
  `user nosuch;
error_log /nosuch/error.log warn;
pid /nosuch/nginx.pid;
events {}
stream {
  upstream api { server 100.64.0.1:6443 max_fails=3; }
  server { listen 100.64.0.10:443; proxy_pass api; }
}
http {
  access_log /nosuch/access.log;
  server { listen 8080; }
}
`,
  [
    ['proxy_pass api', 'proxy_pas api', /unknown directive "proxy_pas"/],
    ['max_fails=3;', 'max_fails=3', /unexpected "}"/],
    ['listen 8080', 'listen 80800', /invalid port/],
  ],
);

alive('dnsmasq', dnsmasq, 'port=0\ndhcp-range=100.64.0.0,proxy,255.255.255.0\n', [
  ['proxy', 'porxy', /bad dhcp-range/],
  ['port=0', 'prot=0', /bad option/],
]);

const keyfile = `[connection]
id=bond0
type=bond
interface-name=bond0

[bond]
mode=active-backup

[ipv4]
method=manual
address1=100.64.0.10/24
dns=100.64.0.2;100.64.0.3;
route1=100.64.16.0/20,100.64.0.1,100
route1_options=table=100
routing-rule1=priority 100 from 100.64.0.10 table 100
may-fail=true

[ipv6]
method=disabled
`;
const nmKeyfile = async (file: string) => (await nmKeyfiles([file]))[0] as Verdict;
alive('libnm', nmKeyfile, keyfile, [
  ['id=bond0', 'id', /not a key-value pair/],
  ['[bond]', '[bnd]', /invalid setting name/],
  ['active-backup', 'active-bakup', /invalid value/],
  ['100.64.0.10/24', '100.64.0.510/24', /Invalid IPv4 address/],
  ['may-fail', 'may-fial', /may-fial: unknown key/],
  ['table=100', 'tabel=100', /tabel=100: unknown option/],
  ['rule1=priority', 'rule1=prioty', /unsupported key/],
]);

const template = `source "qemu" "host" {
  iso_url      = "/nosuch.iso"
  iso_checksum = "sha256:${'0'.repeat(64)}"
  communicator = "none"
  disk_size    = "10G"
  cd_label     = "OEMDRV"
  cd_content   = { "ks.cfg" = var.kickstart }
}
variable "kickstart" { type = string }
build { sources = ["source.qemu.host"] }
`;
const packer = async (file: string) => {
  const dir = await scratch({ 'host.pkr.hcl': readFileSync(file, 'utf8') });
  return packerValidate(dir, { kickstart: 'reboot' });
};
alive('packer', packer, template, [
  ['disk_size', 'dsk_size', /"dsk_size" is not expected here/],
  ['variable "kickstart" {', 'variable "kickstrat" {', /kickstart/],
  ['"10G"', '"ten"', /Invalid disk size/],
]);

describeWith(['shellcheck'], 'shellcheck', () => {
  test('checks many files at once', async () => {
    const dir = await scratch({
      'a.sh': 'echo "$1"\n',
      'b.sh': 'echo $1\n',
      'c.sh': '[[ $1 = a* ]]\n',
    });
    const files = ['a.sh', 'b.sh', 'c.sh'].map((name) => join(dir, name));
    const { ok, findings } = await shellcheck(files, { shell: 'sh' });
    expect(ok).toBe(false);
    expect(findings.map(({ file, code }) => [file, code])).toEqual([
      [files[1], 2086],
      [files[2], 3010],
    ]);
    expect(await shellcheck(files, { shell: 'bash', exclude: ['SC2086'] })).toEqual({
      ...fine,
      findings: [],
    });
  });

  test('throws for a file that is not there', async () => {
    await expect(shellcheck(['/nosuch.sh'])).rejects.toThrow('/nosuch.sh');
  });
});

describeWith(['ksvalidator'], 'ksvalidator', () => {
  const good = 'text\nzerombr\n%include /tmp/disks.ks\n%packages\n@core\n%end\n';
  const bad: [handler: 'RHEL7' | 'RHEL8' | 'RHEL9' | 'RHEL10', content: string, messages: string[]][] = [
    ['RHEL9', `${good}frobnicate\n`, ['line 7: Unknown command: frobnicate']],
    ['RHEL7', 'timesource --ntp-disable\n', ['line 1: Unknown command: timesource']],
    ['RHEL8', '%post\necho\n', ['line 2: Section %post does not end with %end.']],
    ['RHEL9', '%pakages\n%end\n', ['line 1: Unknown kickstart section: %pakages']],
    ['RHEL9', 'text "\n', ['No closing quotation']],
    // Several faults in one file, and warnings among them.
    [
      'RHEL9',
      'network --device=a\nnetwork --device=a\nfrobnicate\n',
      [
        'line 2: warning: A network device with the name a has already been defined.',
        'line 3: Unknown command: frobnicate',
      ],
    ],
    [
      'RHEL8',
      'authconfig --enableshadow\n',
      ['line 1: warning: The authconfig command will be deprecated, use authselect instead.'],
    ],
  ];
  const flat = (text: string) => text.replace(/\s+/g, ' ');

  test('passes what is good, in every release', async () => {
    const handlers = ['RHEL7', 'RHEL8', 'RHEL9', 'RHEL10'] as const;
    const verdicts = await ksvalidate(handlers.map((handler) => ({ handler, content: good })));
    expect(verdicts).toEqual(handlers.map(() => fine));
  });

  test('catches faults, file by file', async () => {
    const verdicts = await ksvalidate(bad.map(([handler, content]) => ({ handler, content })));
    expect(verdicts).toEqual(bad.map(([, , messages]) => ({ ok: false, messages })));
  });

  test('the program itself says the same', async () => {
    for (const [handler, content, messages] of [['RHEL9', good, []] as const, ...bad]) {
      const path = join(await scratch({ 'ks.cfg': content }), 'ks.cfg');
      let said = flat(await ksvalidator(path, handler));
      for (const message of messages) {
        const text = message.replace(/^line \d+: /, '').replace(/^warning: /, '');
        expect(said).toContain(text);
        said = said.replace(text, '');
      }
      const line = 'The following problem occurred on line \\d+ of the kickstart file:';
      const rest = new RegExp(`Checking kickstart file ${path}|${line}|General error in input file:`, 'g');
      expect(said.replace(rest, '').trim()).toBe('');
      expect(await ksvalidate([{ handler, path }])).toEqual([{ ok: messages.length === 0, messages }]);
    }
  });
});

describeWith(['systemd-analyze'], 'systemd-analyze', () => {
  const dropIn = 'etc/systemd/system/docker.service.d/10-data.conf';
  const units: Record<string, string> = {
    [dropIn]: '[Unit]\nRequiresMountsFor=/srv\n[Service]\nExecStart=\nExecStart=/usr/bin/dockerd-nosuch\n',
    'etc/systemd/system/join.service': '[Service]\nType=oneshot\nExecStart=/usr/local/sbin/join\n',
    'etc/systemd/system/backup@.service': '[Service]\nExecStart=/usr/local/sbin/backup %i\n',
    'usr/lib/systemd/system/docker.service': '[Service]\nType=notify\nExecStart=/usr/bin/dockerd\n',
  };
  const all = Object.keys(units);

  test('passes what is good, though its commands are not here', async () => {
    expect(await systemdVerify(all, await scratch(units))).toEqual(fine);
  });

  test('makes up the unit that a drop-in belongs to', async () => {
    const root = await scratch({ [dropIn]: units[dropIn] as string });
    expect(await systemdVerify([dropIn], root)).toEqual(fine);
    expect(await systemdVerify([join(root, dropIn)])).toEqual(fine);
  });

  test.each([
    [dropIn, 'RequiresMountsFor', 'RequireMountsFor', /10-data\.conf:2: Unknown key.*RequireMountsFor/],
    [dropIn, 'ExecStart=\n', '', /more than one ExecStart=/],
    ['etc/systemd/system/join.service', 'oneshot', 'oneshoot', /Failed to parse service type/],
    [
      'etc/systemd/system/backup@.service',
      'ExecStart',
      'ExecStrat',
      /backup@.service:2: Unknown key.*ExecStrat/,
    ],
  ])('catches in %s: %j → %j', async (file, from, to, expected) => {
    const text = (units[file] as string).replace(from, to);
    const { ok, messages } = await systemdVerify(all, await scratch({ ...units, [file]: text }));
    expect(ok).toBe(false);
    expect(messages.join('\n')).toMatch(expected);
  });

  test('a unit that is not there is a fault', async () => {
    const { messages } = await systemdVerify(['etc/systemd/system/nosuch.service'], await scratch(units));
    expect(messages).toEqual(['Unit nosuch.service not found.']);
  });
});

describe('sysctl', () => {
  test('knows which keys this kernel has', () => {
    expect(sysctlKeys(['vm.swappiness', 'net/ipv4/conf/lo/rp_filter', 'net.ipv4.conf.lo.rp_filter'])).toEqual(
      fine,
    );
    expect(sysctlKeys(['vm.swappiness', 'net.ipv4.tcp_tw_recycle'])).toEqual({
      ok: false,
      messages: ['no such key: net.ipv4.tcp_tw_recycle'],
    });
  });
});

describeWith(['dnf', 'rpmbuild', 'createrepo_c'], 'dnf', () => {
  const stub = (name: string, more: Partial<Stub> = {}): Stub => ({
    name,
    version: '1.0',
    release: '1.el9',
    arch: 'x86_64',
    ...more,
  });
  const stubs: Stub[] = [
    stub('bash', { provides: ['/bin/sh'] }),
    stub('setup', { arch: 'noarch' }),
    stub('docker-ce', { epoch: 3, version: '29.0.1', requires: ['containerd.io >= 2.0', '/bin/sh'] }),
    stub('containerd.io', { version: '2.1.0' }),
    stub('kubelet', { version: '1.31.13' }),
    stub('kubelet', { version: '1.31.14' }),
    stub('broken', { requires: ['nosuch'] }),
    // Hundreds, to see that it stays quick.
    ...Array.from({ length: 400 }, (_, index) =>
      stub(`stub-with-a-rather-long-name-that-no-table-has-room-for-${index}`),
    ),
  ];
  const groups: Group[] = [
    { id: 'core', packages: ['bash', 'setup'] },
    { id: 'minimal-environment', groups: ['core'] },
  ];
  let repository = '';
  const dnf = (...install: string[]) => resolve({ repository, install, releasever: '9' });

  beforeAll(async () => {
    repository = await stubRepository(stubs, groups);
  });

  test('resolves names, dependencies, groups, pins and globs', async () => {
    expect(await dnf('docker-ce', 'kubelet-1.31.13-1.el9', 'stub-*-399')).toEqual({
      ...fine,
      packages: [
        'bash-1.0-1.el9.x86_64',
        'containerd.io-2.1.0-1.el9.x86_64',
        'docker-ce-3:29.0.1-1.el9.x86_64',
        'kubelet-1.31.13-1.el9.x86_64',
        'stub-with-a-rather-long-name-that-no-table-has-room-for-399-1.0-1.el9.x86_64',
      ],
    });
    expect((await dnf('kubelet')).packages).toEqual(['kubelet-1.31.14-1.el9.x86_64']);
    const core = ['bash-1.0-1.el9.x86_64', 'setup-1.0-1.el9.noarch'];
    expect(await dnf('@core')).toEqual({ ...fine, packages: core });
    expect(await dnf('@^minimal-environment')).toEqual({ ...fine, packages: core });
    expect((await dnf('@core', '-setup')).packages).toEqual(['bash-1.0-1.el9.x86_64']);
  });

  test.each([
    ['a misspelt package', ['bash', 'dockre-ce'], /Unable to find a match: dockre-ce/],
    ['a version that is not there', ['kubelet-1.31.15-1.el9'], /Unable to find a match: kubelet-1\.31\.15/],
    ['a missing dependency', ['bash', 'broken'], /nothing provides nosuch needed by broken/],
    ['an excluded dependency', ['docker-ce', '-containerd.io'], /containerd\.io.* is filtered out/],
    ['an unknown group', ['bash', '@croe'], /Module or Group 'croe' is not available/],
    ['an unknown group alone', ['@croe'], /Module or Group 'croe' is not available/],
  ])('fails for %s', async (_, install, expected) => {
    const { ok, messages } = await dnf(...install);
    expect(ok).toBe(false);
    expect(messages.join('\n')).toMatch(expected);
  });
});
