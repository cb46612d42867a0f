import { release } from 'node:os';
import { beforeEach, expect, test } from 'vitest';
import { describeWith } from '../../rigs/programs.ts';
import { Host } from './host.ts';

let host: Host;
beforeEach(async () => {
  host = await Host.make();
});

describeWith(['bash'], 'look: kernel and units', () => {
  test('modules that are loaded, built in, or neither', () => {
    host.write('sys/module/br_netfilter/refcnt', '0\n');
    host.write(`lib/modules/${release()}/modules.builtin`, 'kernel/fs/overlayfs/overlay.ko\n');
    expect(host.look('modules', 'overlay', 'br_netfilter')).toBe('');
    expect(host.look('modules', 'overlay', 'ip_vs', 'ip_vs_rr')).toBe('not loaded: ip_vs ip_vs_rr');
  });

  test('the kernel of the next start, by grubby', () => {
    host.says('grubby', `/boot/vmlinuz-${release()}\n`);
    expect(host.look('default-kernel')).toBe('');
    host.says('grubby', '/boot/vmlinuz-5.14.0-570.el9.x86_64\n');
    expect(host.look('default-kernel')).toBe(
      `the next start is of /boot/vmlinuz-5.14.0-570.el9.x86_64, and ${release()} runs`,
    );
  });

  test('without grubby it is the newest', () => {
    host.says('uname', '6.1.0-30-amd64\n');
    host.write('boot/vmlinuz-6.1.0-9-amd64', '');
    host.write('boot/vmlinuz-6.1.0-30-amd64', '');
    expect(host.look('default-kernel')).toBe('');
    host.write('boot/vmlinuz-6.1.0-31-amd64', '');
    expect(host.look('default-kernel')).toContain('vmlinuz-6.1.0-31-amd64, and 6.1.0-30-amd64 runs');
  });

  test('arguments of the kernel, whole ones', () => {
    host.write('proc/cmdline', 'root=/dev/md0 console=tty0 console=ttyS1,115200n8 quiet\n');
    expect(host.look('arguments', 'console=ttyS1,115200n8', 'quiet')).toBe('');
    expect(host.look('arguments', 'console=ttyS1', 'nomodeset')).toBe(
      'not among them: console=ttyS1 nomodeset',
    );
  });

  test('settings, by every form of a name that sysctl.d knows', () => {
    host.write('proc/sys/net/ipv4/conf/eth0.1/rp_filter', '2\n');
    host.write('proc/sys/net/ipv4/conf/all/rp_filter', '1\n');
    host.write('proc/sys/net/ipv4/tcp_rmem', '4096\t87380\t6291456\n');
    expect(host.look('sysctl', 'net/ipv4/conf/eth0.1/rp_filter', '2')).toBe('');
    expect(host.look('sysctl', 'net.ipv4.conf.eth0/1.rp_filter', '2')).toBe('');
    expect(host.look('sysctl', 'net.ipv4.tcp_rmem', '4096 87380  6291456')).toBe('');
    expect(host.look('sysctl', 'net.ipv4.conf.*.rp_filter', '2')).toBe('net/ipv4/conf/all/rp_filter: 1');
    expect(host.look('sysctl', 'net/ipv4/none', '2')).toBe('there is no net/ipv4/none');
  });

  test('units that failed, whatever stands before their names', () => {
    host.says('systemctl', '');
    expect(host.look('failed-units')).toBe('');
    // systemd 219 has no bullet, later ones have.
    host.says(
      'systemctl',
      'kdump.service loaded failed failed Crash\n● data.mount loaded failed failed /data\n',
    );
    expect(host.look('failed-units')).toBe('kdump.service\ndata.mount');
    host.says('systemctl', 'Failed to connect to bus\n', 1);
    expect(host.look('failed-units')).toBe('systemctl: Failed to connect to bus');
  });

  test('a unit that has to be active', () => {
    host.says('systemctl', 'active\n');
    expect(host.look('active', 'mdmonitor')).toBe('');
    host.says('systemctl', 'inactive\n', 3);
    expect(host.look('active', 'mdmonitor')).toBe('mdmonitor is inactive');
  });
});

describeWith(['bash', 'jq'], 'look: clock and disks', () => {
  const tracking = (leap: string, offset: string) =>
    `Reference ID    : CB00710F (203.0.113.15)\nSystem time     : ${offset} seconds slow of NTP time\nLeap status     : ${leap}\n`;

  test('the clock', () => {
    expect(host.look('time')).toBe('chronyc is not there');
    host.says('chronyc', tracking('Normal', '0.000123'));
    expect(host.look('time')).toBe('');
    host.says('chronyc', tracking('Normal', '3.500000'));
    expect(host.look('time')).toBe('it is 3.500000 seconds slow of NTP time');
    host.says('chronyc', tracking('Not synchronised', '0.000000'));
    expect(host.look('time')).toBe('it follows no time server');
    host.says('chronyc', '506 Cannot talk to daemon\n', 1);
    expect(host.look('time')).toBe('chrony does not answer: 506 Cannot talk to daemon');
  });

  test('what imgbuild-disk finds wrong', () => {
    host.says('imgbuild-disk', '{"healthy": true, "problems": []}\n');
    expect(host.look('disks')).toBe('');
    host.says(
      'imgbuild-disk',
      '{"problems": [{"text": "system_2 is missing"}, {"text": "array root is degraded"}]}\n',
      1,
    );
    expect(host.look('disks')).toBe('system_2 is missing\narray root is degraded');
    host.says('imgbuild-disk', 'there is no layout\n', 3);
    expect(host.look('disks')).toBe('imgbuild-disk status: there is no layout');
  });
});

describeWith(['bash'], 'look: programs', () => {
  test('versions, as each program tells its own', () => {
    const lines = {
      containerd: 'containerd containerd.io 1.6.33 d2d58213f83a351ca8f528a95fbd145f5654e957',
      upstream:
        'containerd github.com/containerd/containerd v1.7.24 88bf19b2105c8b17560993bee28a01ddc2f97182',
      kubelet: 'Kubernetes v1.34.12',
      kubectl: 'Client Version: v1.34.12\nKustomize Version: v5.7.1',
      etcd: 'etcd Version: 3.6.14\nGit SHA: 1234567\nGo Version: go1.24.1',
      'cri-dockerd': 'cri-dockerd 0.3.26 (HEAD)',
    };
    const versions = Object.entries(lines).map(([name, line]) => {
      host.says(name, `${line}\n`);
      return host.look('version', name, '--version');
    });
    expect(versions).toEqual(['1.6.33', '1.7.24', '1.34.12', '1.34.12', '3.6.14', '0.3.26']);
    expect(host.look('version', 'kubeadm', 'version')).toBe('kubeadm is not there');
  });

  test('a field, or why there is none', () => {
    host.says(
      'docker',
      'Server:\n Server Version: 29.8.0\n Cgroup Driver: systemd\n Docker Root Dir: /data/docker\n',
    );
    expect(host.look('field', 'Docker Root Dir', 'docker', 'info')).toBe('/data/docker');
    host.says('docker', 'Client:\n Version: 29\nERROR: Cannot connect\nerrors pretty printing info\n', 1);
    expect(host.look('field', 'Cgroup Driver', 'docker', 'info')).toBe('ERROR: Cannot connect');
    // containerd 1 and 2 differ in their quotes.
    host.says('containerd', "version = 3\nroot = '/data/containerd'\n[plugins]\n  SystemdCgroup = true\n");
    expect(host.look('field', 'root', 'containerd', 'config', 'dump')).toBe('/data/containerd');
    expect(host.look('field', 'SystemdCgroup', 'containerd', 'config', 'dump')).toBe('true');
    host.says('containerd', 'root = "/data/containerd"\n');
    expect(host.look('field', 'root', 'containerd', 'config', 'dump')).toBe('/data/containerd');
  });

  test('a command that has to succeed', () => {
    host.says('imgbuild-etcd', '');
    expect(host.look('succeeds', 'imgbuild-etcd', 'healthy')).toBe('');
    host.says('imgbuild-etcd', '', 1);
    expect(host.look('succeeds', 'imgbuild-etcd', 'healthy')).toBe(
      'imgbuild-etcd healthy ends with exit code 1',
    );
    host.says('imgbuild-etcd', '', 124);
    expect(host.look('succeeds', 'imgbuild-etcd', 'healthy')).toBe(
      'imgbuild-etcd healthy does not come to an end',
    );
  });
});

describeWith(['bash'], 'look: who may come in', () => {
  test('accounts with a password', () => {
    host.write(
      'etc/shadow',
      'root:!!:1::::::\ndevops:!$6$abc:1::::::\nops:*:1::::::\nanna:$6$abc:1::::::\nempty::1::::::\n',
    );
    expect(host.look('passwords', 'root', 'devops', 'ops')).toBe('');
    expect(host.look('passwords', 'root', 'anna', 'empty')).toBe('with a password: anna empty');
  });

  const settings = [
    'passwordauthentication no',
    'kbdinteractiveauthentication no',
    'permitrootlogin no',
    'pubkeyauthentication yes',
    'denyusers breakglass',
  ];

  test('sshd lets in by key alone', () => {
    host.says('sshd', `${settings.join('\n')}\n`);
    expect(host.look('ssh', 'breakglass')).toBe('');
    expect(host.look('ssh')).toBe('');
    expect(host.look('ssh', 'break')).toBe('break is let in, an account for the console');
  });

  test.each([
    'passwordauthentication yes',
    'permitrootlogin prohibit-password',
    'challengeresponseauthentication yes',
  ])('and not by %s', (line) => {
    host.says('sshd', `${[...settings, line].join('\n')}\n`);
    expect(host.look('ssh', 'breakglass')).toBe(line);
  });

  test('a configuration that sshd refuses', () => {
    host.says('sshd', '/etc/ssh/sshd_config line 3: Bad option\n', 255);
    expect(host.look('ssh')).toBe(
      'sshd cannot read its configuration: /etc/ssh/sshd_config line 3: Bad option',
    );
  });
});

describeWith(['bash'], 'look: addresses and bonds', () => {
  const MAC = '02:00:64:00:07:02';

  /** The NIC ens4 has these. */
  function nic(address: string, { mtu = 1500, mac = MAC } = {}): void {
    host.program(
      'ip',
      `case "$*" in '-4 -o addr show to ${address.split('/')[0]}/32') echo '3: ens4    inet ${address} brd 10.0.0.255 scope global ens4' ;; esac`,
    );
    host.write('sys/class/net/ens4/mtu', `${mtu}\n`);
    host.write('sys/class/net/ens4/address', `${mac}\n`);
  }

  test('an address on its NIC, by whatever name the kernel gives that', () => {
    nic('10.0.0.5/24');
    expect(host.look('address', '10.0.0.5/24', '1500', '02:00:64:00:07:03', MAC)).toBe('');
  });

  test('one that is elsewhere, or otherwise', () => {
    nic('10.0.0.5/16', { mtu: 9000, mac: '02:00:64:00:09:09' });
    expect(host.look('address', '10.0.0.5/24', '1500', MAC).split('\n')).toEqual([
      'it is 10.0.0.5/16 on ens4',
      'ens4 has MTU 9000',
      'it is on ens4, which is 02:00:64:00:09:09',
    ]);
    expect(host.look('address', '10.0.0.6/24', '1500', MAC)).toBe('no interface has it');
  });

  test('a bond: its mode and its ports', () => {
    const port = (name: string, mac: string, state: string) =>
      `\nSlave Interface: ${name}\nMII Status: ${state}\nSpeed: 10000 Mbps\nPermanent HW addr: ${mac}\n`;
    const write = (state: string) =>
      host.write(
        'proc/net/bonding/bond0',
        `Bonding Mode: fault-tolerance (active-backup)\nMII Status: up\n${port('ens4', MAC, 'up')}${port('ens5', '02:00:64:00:07:03', state)}`,
      );
    host.write('sys/class/net/bond0/bonding/mode', 'active-backup 1\n');
    write('up');
    expect(host.look('bond', 'bond0', 'active-backup', MAC, '02:00:64:00:07:03')).toBe('');
    expect(host.look('bond', 'bond0', '802.3ad', MAC, '02:00:64:00:07:04').split('\n')).toEqual([
      'its mode is active-backup',
      '02:00:64:00:07:04 is none of its ports',
    ]);
    write('down');
    expect(host.look('bond', 'bond0', 'active-backup', MAC, '02:00:64:00:07:03')).toBe(
      'its port 02:00:64:00:07:03 (ens5) is down',
    );
    expect(host.look('bond', 'bond1', 'active-backup', MAC)).toBe('there is no bond bond1');
  });
});

describeWith(['bash'], 'look: wrong words', () => {
  test('an unknown check does not pass for one that is well', () => {
    expect(() => host.look('weather')).toThrow(/look knows no check 'weather'/);
  });
});
