import { describe, expect, it } from 'vitest';
import { renderKickstart } from '../../src/render/kickstart.ts';
import { pinnedName } from '../../src/render/kickstart-packages.ts';
import { proxyFor } from '../../src/render/proxy.ts';
import { checkKickstart, commands, sections, withLayout } from '../rigs/kickstart-rules.ts';
import { describeWith } from '../rigs/programs.ts';
import { type Handler, ksvalidate } from '../rigs/validators.ts';
import { ARCHIVES, allCases, assets, type Case, kickstartOf, planFor, RELEASES } from './kickstart-cases.ts';

const cases = allCases();
const FIRMWARES = ['bios', 'uefi'] as const;

/** Each case with every firmware it is for, its layout in place. */
function inlined({ title, target, plan }: Case) {
  const text = kickstartOf({ target, plan });
  const firmwares = target.kind === 'host' ? [target.firmware] : FIRMWARES;
  return firmwares.map((firmware) => ({ title, target, firmware, text: withLayout(text, firmware) }));
}

/** A host of a spec, rendered. */
function host(role: string, release: string, more = '', firmware: 'bios' | 'uefi' = 'uefi'): string {
  const plan = planFor(release, firmware, 'docker', more);
  const target = plan.hosts.find((one) => one.role.name === role);
  if (!target) throw new Error(`no ${role}`);
  return kickstartOf({ target, plan });
}

it('covers every release, role, firmware and runtime', () => {
  expect(RELEASES).toHaveLength(7);
  expect(cases).toHaveLength(7 * (2 * 2 * 5 + 2 * 5));
});

describe('our own checks find nothing in', () => {
  it.each(RELEASES)('%s', (release) => {
    for (const one of cases.filter(({ target }) => target.os.name === release)) {
      for (const { title, firmware, text } of inlined(one)) {
        expect(checkKickstart(text, { firmware }), `${title} ${firmware}`).toEqual([]);
      }
    }
  });
});

describeWith(['ksvalidator'], 'ksvalidator', () => {
  /** A mirrored pair for BIOS has a biosboot on each disk, which pykickstart takes for a slip. */
  const EXPECTED = /^line \d+: warning: A partition with the mountpoint biosboot has already been defined\.$/;

  it('accepts every kickstart with the handler of its release', async () => {
    const all = cases.flatMap(inlined);
    const whole = new Set<string>();
    const files = all.map(({ target: { os }, text }) => {
      const handler = os.handler as Handler;
      // The programs are the same in all, and most of the text: one of each release is read with them.
      const content = whole.has(os.name)
        ? text.replace(/^cat >\/tmp\/imgbuild\/[\s\S]*?^END_OF.*\n/gm, '')
        : text;
      whole.add(os.name);
      return { handler, content };
    });
    const verdicts = await ksvalidate(files);
    for (const [index, { messages }] of verdicts.entries()) {
      const { title, firmware, target } = all[index] as (typeof all)[number];
      const unexpected = messages.filter((message) => !EXPECTED.test(message));
      expect(unexpected, `${title} ${firmware}`).toEqual([]);
      const warned = target.kind === 'host' && firmware === 'bios' ? 1 : 0;
      expect(messages, `${title} ${firmware}`).toHaveLength(warned);
    }
  }, 180_000);

  it.each(RELEASES)('accepts RAID-10, pairs and LVM for %s', async (release) => {
    const handler = cases.find(({ target }) => target.os.name === release)?.target.os.handler as Handler;
    const volumes = [{ mount: '/var/log', size: '20G' }];
    for (const [firmware, disks] of [
      ['uefi', { system: { count: 2, lvm: true, volumes }, data: { count: 4, raid: 'mirrors', lvm: true } }],
      ['bios', { system: { count: 2, volumes, filesystem: 'ext4' }, data: { count: 4, raid: 'raid10' } }],
      ['bios', { system: { count: 1, lvm: true }, data: { count: 6, raid: 'mirrors' } }],
    ] as const) {
      const text = withLayout(host('worker', release, JSON.stringify({ disks }), firmware), firmware);
      expect(checkKickstart(text, { firmware })).toEqual([]);
      const [verdict] = await ksvalidate([{ handler, content: text }]);
      expect(verdict?.messages.filter((message) => !EXPECTED.test(message))).toEqual([]);
    }
  });

  it.each(RELEASES)('accepts every other form for %s', async (release) => {
    const handler = cases.find(({ target }) => target.os.name === release)?.target.os.handler as Handler;
    const rich = JSON.stringify({
      proxy: { http: 'http://proxy:3128' },
      console: 'ttyS1,115200n8',
      kernelArgs: ['a=b,c'],
      disks: { system: { count: 1 }, data: { count: 0 } },
      post: [{ name: 'odd', script: '%end\n' }],
    });
    const plan = planFor(release, 'uefi', 'docker', rich);
    const [target] = plan.hosts;
    if (!target) throw new Error('no host');
    const embed = { overlay: Buffer.alloc(5000, 'x'), secrets: Buffer.alloc(5000, 'y') };
    const text = withLayout(renderKickstart(target, plan, assets, { ...ARCHIVES, embed }), 'uefi');
    expect(checkKickstart(text, { firmware: 'uefi' })).toEqual([]);
    expect(await ksvalidate([{ handler, content: text }])).toEqual([{ ok: true, messages: [] }]);
  });

  it('is asked with the right handler', async () => {
    const [rocky] = await ksvalidate([{ handler: 'RHEL7', content: host('etcd', 'rocky-10') }]);
    expect(rocky?.messages.join('\n')).toMatch(/timesource/);
  });
});

it('gives the same bytes for the same input', () => {
  for (const one of cases.slice(0, 12)) expect(kickstartOf(one)).toBe(kickstartOf(one));
});

it('opens with what it is, for whom, and what it erases', () => {
  const more =
    'disks: { wipe: always, system: { size: { min: 200G, max: 1T }, model: "INTEL*" }, data: { serial: [A1, B2] } }';
  const opening = host('worker', 'rocky-8', more).split('\n\n')[0];
  expect(opening).toBe(
    `# Kickstart of worker-1, a host of cluster prod.
# Rendered by imgbuild: change the spec and render again, not this file.
#
#   role         worker (worker)
#   system       Rocky Linux 8, kernel-lt 5.15
#   Kubernetes   1.31.14 with docker
#   firmware     UEFI
#   nic0         52:54:00:00:03:01: management
#   nic1         52:54:00:00:03:02: container
#   management   100.64.0.14/20 through 100.64.0.1
#   container    100.64.16.13/20 through 100.64.16.1, the default route
#
# IT ERASES
#   system: 2 SSDs, 200 GB to 1 TB, model INTEL*, mirrored, for / and /boot
#   data: 2 HDDs, serial A1 or B2, mirrored, for /data
# WHATEVER IS ON THEM IS LOST: the spec says wipe: always.
# It first proves that it runs on this host. No other disk is written to.`,
  );
});

it('asks select-disks for what the spec says', () => {
  const more =
    'disks: { wipe: blank, tolerance: 1, system: { size: { min: 200G }, model: "INTEL SSD*", wwn: ["0x5"] }, data: { count: 1, transport: sas } }';
  const ks = host('worker', 'rocky-9', more);
  expect(
    ks,
  ).toContain(`set -- --mark ${planFor('rocky-9', 'uefi', 'docker').cluster.mark} --wipe blank --tolerance 1 \\
	--group system --count 2 --media ssd --min 200000000000 --model 'INTEL SSD*' --wwn 0x5 \\
	--group data --count 1 --media hdd --min 1075838976 --transport sas
`);
  expect(checkKickstart(withLayout(ks, 'uefi'), { firmware: 'uefi' })).toEqual([]);
  expect(ks).toContain(
    '\npart /data --fstype=xfs --label=data --fsoptions="defaults,nofail" --size=1024 --grow --maxsize=$((data_size - 2)) --ondisk=$data_1\n',
  );
});

it('does without a data array', () => {
  const ks = host('worker', 'rocky-9', 'disks: { data: { count: 0 } }', 'bios');
  expect(checkKickstart(withLayout(ks, 'bios'), { firmware: 'bios' })).toEqual([]);
  expect(ks).not.toContain('data_1');
  expect(ks).toContain('\nmkdir -p /data\n');
});

it('puts console and arguments on the kernel line', () => {
  const ks = host(
    'worker',
    'rocky-9',
    'console: ttyS1,115200n8\nkernelArgs: [systemd.unified_cgroup_hierarchy=1]',
  );
  const line = commands(withLayout(ks, 'uefi')).find(({ name }) => name === 'bootloader');
  expect(line?.options.get('append')).toBe(
    'console=tty0 console=ttyS1,115200n8 systemd.unified_cgroup_hierarchy=1',
  );
});

describe('by release', () => {
  const facts = (ks: string) => ({
    time: commands(ks)
      .filter(({ name }) => name.startsWith('time'))
      .map(({ text }) => text.replace(/=.*/, '')),
    packages: sections(ks).find(({ kind }) => kind === 'packages')?.flags,
    manager: /again (\w+) -y/.exec(ks)?.[1],
    default: /grub2-set-default 0|grubby --set-default/.exec(ks)?.[0],
    line: ks.includes('/etc/kernel/cmdline'),
    ks: ks.includes('| ks=http://*'),
  });

  it.each([
    [
      'centos-7.9',
      ['timezone Asia/Shanghai --utc --ntpservers'],
      '',
      'yum',
      'grub2-set-default 0',
      false,
      true,
    ],
    [
      'rocky-8',
      ['timezone Asia/Shanghai --utc --ntpservers'],
      '--excludeWeakdeps',
      'dnf',
      'grubby --set-default',
      false,
      true,
    ],
    [
      'rocky-9',
      ['timezone Asia/Shanghai --utc', ...Array(3).fill('timesource --ntp-server')],
      '--exclude-weakdeps',
      'dnf',
      'grubby --set-default',
      true,
      false,
    ],
    [
      'almalinux-10',
      ['timezone Asia/Shanghai --utc', ...Array(3).fill('timesource --ntp-server')],
      '--exclude-weakdeps',
      'dnf',
      'grubby --set-default',
      true,
      false,
    ],
  ])('%s', (release, time, packages, manager, chosen, line, ks) => {
    expect(facts(host('worker', release))).toEqual({ time, packages, manager, default: chosen, line, ks });
  });

  it('writes grub.cfg by hand on el7 alone, and there to where its firmware reads it', () => {
    for (const release of RELEASES) {
      const ks = host('worker', release);
      const found = [...ks.matchAll(/config=(\S+)/g)].map(([, path]) => path);
      expect(found, release).toEqual(
        release === 'centos-7.9' ? ['/boot/grub2/grub.cfg', '/boot/efi/EFI/centos/grub.cfg'] : [],
      );
    }
  });
});

describe('Secure Boot', () => {
  it.each([
    ['an elrepo kernel on UEFI', 'rocky-9', 'uefi', '', true],
    ['an elrepo kernel on BIOS', 'rocky-9', 'bios', '', false],
    ['the stock kernel', 'rocky-9', 'uefi', 'os: { release: rocky-9, kernel: stock }', false],
    ['el10, which has no kernel-lt', 'rocky-10', 'uefi', '', false],
  ] as const)('%s', (_, release, firmware, more, asked) => {
    expect(host('worker', release, more, firmware).includes('efivars/SecureBoot')).toBe(asked);
  });
});

describe('what is installed after Anaconda', () => {
  const ks = host('master', 'rocky-9');

  it('names versions exactly and asks for them again', () => {
    for (const name of ['docker-ce-29.8.0-1.el9', 'kubelet-1.31.14-150500.1.1']) {
      expect(ks.split('\n').filter((line) => line.trim().replace(' \\', '') === name)).toHaveLength(2);
    }
  });

  it('keeps pinned packages out of later updates', () => {
    expect(ks).toMatch(/^main_setting exclude '.*\bkubelet\b.*'$/m);
    expect(ks).not.toMatch(/^main_setting exclude '.*kernel-lt/m);
  });

  it('checks every key by its fingerprint and imports the release’s own', () => {
    expect([...ks.matchAll(/^take (\S+) [0-9A-F]{40} /gm)]).toHaveLength(5);
    expect(ks).toMatch(/^rpm --import \/etc\/pki\/rpm-gpg\/RPM-GPG-KEY-Rocky-9$/m);
    expect(ks).not.toMatch(/nogpgcheck|gpgcheck=0/);
  });

  it.each([
    ['kubelet-1.34.1-150500.1.1', 'kubelet'],
    ['docker-ce-3:28.5.2-1.el9', 'docker-ce'],
    ['containerd.io-1.7.29', 'containerd.io'],
    ['kernel-lt-5.4.278-1.el7.elrepo', 'kernel-lt'],
    ['gcc-toolset-12', undefined],
    ['java-1.8.0-openjdk', undefined],
    ['python3.11', undefined],
    ['jq', undefined],
  ])('%s is pinned as %s', (name, pinned) => {
    expect(pinnedName(name)).toBe(pinned);
  });
});

describe('proxy', () => {
  const more = 'proxy: { http: "http://proxy.example.com:3128", noProxy: [example.com] }';

  it('takes Anaconda and downloads through it, and not the installation’s own server', () => {
    const ks = host('worker', 'rocky-9', more);
    expect(ks).toMatch(/^url --url=\S+ --proxy=http:\/\/proxy\.example\.com:3128$/m);
    expect(ks).toMatch(/^repo --name=\S+ --baseurl=\S+ --proxy=http:\/\/proxy\.example\.com:3128$/m);
    const through = sections(ks).filter(({ body }) => /^through_proxy$/m.test(body));
    // What is fetched beside packages goes the way that the overlay's /etc/imgbuild/proxy says.
    expect(through.map(({ flags }) => /post-\d+-(\w+)/.exec(flags)?.[1])).toEqual(['keys']);
    expect(checkKickstart(withLayout(ks, 'uefi'), { firmware: 'uefi' })).toEqual([]);
  });

  it.each([
    ['http://a.example.org/x', 'http://p:1'],
    ['https://a.example.org/x', 'http://s:1'],
    ['http://example.com/x', 'http://p:1'],
    ['https://a.example.com/x', undefined],
    ['http://notexample.com/x', 'http://p:1'],
    ['http://10.0.0.1/x', undefined],
    ['http://10.1.0.1/x', undefined],
    ['http://10.2.0.1/x', 'http://p:1'],
  ])('%s goes by %s', (url, by) => {
    const proxy = {
      http: 'http://p:1',
      https: 'http://s:1',
      noProxy: ['.example.com', '10.0.0.1', '10.1.0.0/16'],
    };
    expect(proxyFor(url, proxy)).toBe(by);
    expect(proxyFor(url, undefined)).toBeUndefined();
  });

  it('names mirrors that are inside: older curls know no ranges', () => {
    const inside = `${more}\nmirrors: { repositories: { docker: "http://100.64.0.9/docker" } }`;
    expect(host('worker', 'rocky-9', inside)).toMatch(/ no_proxy='?\S*,100\.64\.0\.9'?$/m);
  });
});

describe('the spec’s own scripts', () => {
  const script = 'echo "100%"\n%end of nothing\n';
  const more = JSON.stringify({
    post: [
      { name: 'plain', script: "echo '$HOME'\nEND_OF_SCRIPT" },
      { name: 'odd', script },
    ],
  });

  it('run one by one, each with a log, before the end', () => {
    const ks = host('git', 'centos-7.9', more);
    const names = sections(ks)
      .filter(({ kind }) => kind === 'post')
      .map(({ flags }) => /post-\d+-(\S+)\.log/.exec(flags)?.[1]);
    expect(names.slice(-4)).toEqual(['script-plain', 'script-odd', 'finish', 'logs']);
    expect(ks).toContain(`<<'END_OF_SCRIPT_'\necho '$HOME'\nEND_OF_SCRIPT\nEND_OF_SCRIPT_\n`);
    expect(checkKickstart(withLayout(ks, 'uefi'), { firmware: 'uefi' })).toEqual([]);
  });

  it('go in base64 where a line would end the section', () => {
    const ks = host('git', 'centos-7.9', more);
    expect(ks).not.toContain('%end of nothing');
    expect(ks).toContain(`<<'END'\n${Buffer.from(script).toString('base64')}\nEND\n`);
  });
});

describe('archives', () => {
  const plan = planFor('rocky-9', 'uefi', 'docker');
  const target = plan.hosts.find(({ role }) => role.name === 'master');
  if (!target) throw new Error('no master');
  const embed = { overlay: Buffer.alloc(200, 1), secrets: Buffer.alloc(100, 2) };

  it('are fetched from where the kickstart came from, and checked', () => {
    const ks = renderKickstart(target, plan, assets, ARCHIVES);
    expect(ks).toContain(`lay "$work/overlay.tar.gz" ${ARCHIVES.overlaySha256}`);
    expect(ks).toContain(`lay "$work/secrets.tar.gz" ${ARCHIVES.secretsSha256}`);
    expect(ks).not.toContain('SECRET:');
    expect(ks).toMatch(/^network --hostname=master-1$/m);
  });

  it('lie in a self-contained kickstart, which says that it is secret and needs no server of ours', () => {
    const ks = renderKickstart(target, plan, assets, { ...ARCHIVES, embed });
    expect(ks).toContain('# SECRET: it holds keys of this host.');
    expect(ks).not.toMatch(/base_url|100\.64\.0\.5:8080/);
    expect(ks).toMatch(
      /^network --device=52:54:00:00:02:01 --bootproto=dhcp --activate --hostname=master-1$/m,
    );
    expect(ks.split('\n').every((line) => line.length <= 160)).toBe(true);
    expect(checkKickstart(withLayout(ks, 'uefi'), { firmware: 'uefi' })).toEqual([]);
  });

  it('a host without secrets gets none', () => {
    const { overlaySha256 } = ARCHIVES;
    expect(renderKickstart(target, plan, assets, { overlaySha256 })).not.toContain('secrets.tar.gz');
  });
});

describe('a golden image', () => {
  const plan = planFor('rocky-9', 'uefi', 'docker');
  const [role] = plan.roles;
  if (!role) throw new Error('no role');
  const ks = renderKickstart(role, plan, assets, { overlaySha256: ARCHIVES.overlaySha256 });

  it('is of no host, and is sealed', () => {
    expect(ks).not.toMatch(/\.\/prove-host|network --hostname|chpasswd|secrets\.tar/);
    expect(ks).toMatch(/^poweroff$/m);
    expect(ks).toMatch(/^: >\/etc\/machine-id$/m);
    expect(ks).toContain('/etc/ssh/ssh_host_*');
    expect(ks).toContain('hostonly="no"');
  });

  it('has a layout for each firmware', () => {
    expect(withLayout(ks, 'uefi')).toMatch(/^part \/boot\/efi /m);
    expect(withLayout(ks, 'bios')).toMatch(/^part biosboot /m);
  });
});
