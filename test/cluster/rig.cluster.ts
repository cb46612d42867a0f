/** The rig itself: hosts that boot, reach each other, lose power and links, and run containers. */
import { existsSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { scratch } from '../rigs/scratch.ts';
import { writeImage } from './programs/image.ts';
import { buildBase } from './rig/base.ts';
import { Cgroup } from './rig/cgroups.ts';
import { describeOnHosts } from './rig/describe.ts';
import { pack } from './rig/files.ts';
import type { ExecOptions, Host } from './rig/host.ts';
import { Lab } from './rig/lab.ts';
import { fileServer } from './rig/serve.ts';

/** What a command that has to succeed prints. */
async function output(host: Host, command: string, options?: ExecOptions): Promise<string> {
  const { code, stdout, stderr } = await host.exec(command, options);
  expect(code, `${command}\n${stdout}${stderr}`).toBe(0);
  return stdout;
}

describeOnHosts('hosts', () => {
  let lab: Lab;
  let a: Host;
  let b: Host;
  let c: Host;

  beforeAll(async () => {
    lab = await Lab.open();
    const network = '[Match]\nName=eth0\n[Network]\nAddress=192.0.2.13/24\nGateway=192.0.2.1\n';
    const settings = 'vm.swappiness = 0\nfs.nr_open = 52706963\nnet.ipv4.ip_forward = 1\n';
    a = await lab.host('a', {
      address: '192.0.2.11/24',
      archives: [await pack({ '/etc/kept': 'archive\n', '/etc/replaced': 'archive\n' })],
      files: {
        '/etc/replaced': { content: 'file\n', mode: 0o640, group: 'www-data' },
        '/etc/chrony/chrony.conf': 'local stratum 8\nallow all\n',
      },
      units: ['chrony'],
    });
    b = await lab.host('b', {
      address: '192.0.2.12/24',
      files: {
        '/etc/sysctl.d/90-test.conf': settings,
        '/etc/modules-load.d/90-test.conf': 'overlay\nbr_netfilter\nnf_conntrack\n',
        '/etc/chrony/chrony.conf': 'server 192.0.2.11 iburst\nmakestep 1.0 3\nrtcsync\n',
      },
      units: ['chrony'],
    });
    c = await lab.host('c', {
      files: { '/etc/systemd/network/10-eth0.network': network },
      units: ['systemd-networkd'],
    });
    await Promise.all([a, b, c].map((host) => host.boot()));
  });

  it('have their names, and nothing failed', async () => {
    for (const host of [a, b, c]) {
      expect(await output(host, 'hostname; systemctl --failed --no-legend --plain')).toBe(`${host.name}\n`);
    }
  });

  it('reach each other, by what the rig or their own files set', async () => {
    for (const host of [a, b, c]) {
      for (const address of ['192.0.2.11', '192.0.2.12', '192.0.2.13']) {
        await host.waitFor(`ping -c 1 -W 1 ${address}`, 30);
      }
      expect(await output(host, 'ip route get 198.51.100.1')).toContain('via 192.0.2.1 ');
    }
  });

  it('run commands', async () => {
    const result = await a.exec('cat; echo err >&2; exit 7', { input: 'in' });
    expect(result).toEqual({ code: 7, stdout: 'in', stderr: 'err\n' });
    expect((await a.exec('sleep 60', { seconds: 1 })).code).toBe(137);
    await expect(a.waitFor('echo what it said; false', 1)).rejects.toThrow('what it said');
    // What a daemon holds open is not waited for.
    expect((await a.exec('echo begun; sleep 30 &')).stdout).toBe('begun\n');
  });

  it('have the files that they were given', async () => {
    expect(await output(a, 'cat /etc/kept /etc/replaced; stat -c "%a %U %G" /etc/replaced')).toBe(
      'archive\nfile\n640 root www-data\n',
    );
    await a.write({ '/srv/new/program': { content: '#!/bin/sh\necho ran\n', mode: 0o755 } });
    expect(await output(a, '/srv/new/program; stat -c %a /srv/new')).toBe('ran\n755\n');
  });

  it('set what is the kernel’s for themselves alone', async () => {
    const files = ['/proc/sys/vm/swappiness', '/proc/sys/fs/nr_open', '/proc/sys/net/ipv4/ip_forward'];
    expect(await output(b, `cat ${files.join(' ')}`)).toBe('0\n52706963\n1\n');
    expect(await output(a, `cat ${files.join(' ')}`)).not.toContain('52706963');
    expect(await readFile('/proc/sys/fs/nr_open', 'utf8')).not.toBe('52706963\n');
  });

  it('follow each other’s clock, and set none', async () => {
    await b.waitFor('chronyc -n tracking | grep -q "Leap status     : Normal"', 60);
    // To what it is: a rig that lets hosts set it would set the machine's.
    expect((await b.exec('date -s "@$(date +%s.%N)"')).stderr).toContain('Operation not permitted');
  });

  it('fetch from a server of the test', async () => {
    const directory = await scratch({ 'a file': 'x'.repeat(100_000) });
    await lab.serve(80, fileServer(directory));
    expect((await output(c, 'curl -fsS http://192.0.2.1/a%20file')).length).toBe(100_000);
    expect((await c.exec('curl -fsS http://192.0.2.1/../other')).code).toBe(22);
  });

  it('lose a link and get it back', async () => {
    await b.cut();
    expect((await a.exec('ping -c 1 -W 1 192.0.2.12')).code).not.toBe(0);
    await b.waitFor('! ip link show eth0 | grep -q LOWER_UP', 10);
    await b.join();
    await a.waitFor('ping -c 1 -W 1 192.0.2.12', 10);
  });

  it('start again after a power cut, with all but /run', async () => {
    await a.exec('echo written >/etc/written; echo volume >/data/written; echo gone >/run/written');
    await a.cut();
    await a.kill();
    await expect(a.exec('true')).rejects.toThrow('a is off');
    expect(await a.journal('-u', 'systemd-logind')).toContain('Started');
    await a.boot();
    expect(await output(a, 'cat /etc/written /data/written; ls /run/written || :')).toBe('written\nvolume\n');
    expect(await output(a, 'journalctl --list-boots | grep -c "^ *-\\?[0-9]"')).toBe('2\n');
    expect((await b.exec('ping -c 1 -W 1 192.0.2.11')).code).not.toBe(0);
    await a.join();
    await b.waitFor('ping -c 1 -W 1 192.0.2.11', 10);
    expect((await a.console()).match(/Welcome to/g)).toHaveLength(2);
  });

  it('reboot, and go off', async () => {
    const boots = 'journalctl --list-boots | wc -l';
    const before = Number(await output(c, boots));
    await c.exec('systemctl reboot');
    await c.waitFor(`[ "$(${boots})" -gt ${before} ]`, 60);
    await c.exec('systemctl poweroff');
    await c.off(60);
    await expect(c.waitFor('true', 60)).rejects.toThrow('c is off');
    await expect(c.exec('true')).rejects.toThrow('c is off');
    await c.boot();
  });
});

describeOnHosts('hosts of containers', () => {
  const name = 'rig.test/busybox:1';
  let host: Host;
  let image: Buffer;

  beforeAll(async () => {
    const lab = await Lab.open();
    const docker = { 'data-root': '/data/docker', 'exec-opts': ['native.cgroupdriver=systemd'] };
    host = await lab.host('a', {
      address: '192.0.2.11/24',
      files: { '/etc/docker/daemon.json': JSON.stringify({ ...docker, 'storage-driver': 'overlay2' }) },
      units: ['containerd', 'docker'],
    });
    const file = join(await scratch(), 'image.tar');
    const { busybox } = await buildBase();
    await writeImage(file, { name, files: { '/bin/busybox': busybox }, links: { '/bin/sh': 'busybox' } });
    image = await readFile(file);
    await host.boot();
  });

  it('run them with docker, and again after a power cut', async () => {
    await output(host, 'docker load', { input: image });
    const options = '--restart always --memory 64m --oom-score-adj -500 --publish 80:80';
    const command = 'sh -c "echo served >/tmp/index.html; exec busybox httpd -f -h /tmp"';
    await output(host, `docker run --detach --name web ${options} ${name} ${command}`);
    await host.waitFor('curl -fsS http://192.0.2.11 | grep served', 30);
    const id = (await output(host, 'docker inspect --format {{.Id}} web')).trim();
    const limit = `/sys/fs/cgroup/memory/system.slice/docker-${id}.scope/memory.limit_in_bytes`;
    expect(await output(host, `cat ${limit}`)).toBe(`${64 * 2 ** 20}\n`);
    await host.kill();
    await host.boot();
    await host.waitFor('curl -fsS http://192.0.2.11 | grep served', 60);
  });

  it('run them with containerd', async () => {
    await output(host, 'ctr image import -', { input: image });
    const cgroup = '--cgroup system.slice:rig:held --runc-systemd-cgroup';
    await output(host, `ctr run --detach ${cgroup} ${name} held busybox sleep 1000`);
    expect(await output(host, 'cat /sys/fs/cgroup/pids/system.slice/rig-held.scope/cgroup.procs')).not.toBe(
      '',
    );
    expect(await output(host, 'ctr task exec --exec-id 1 held busybox true; ctr task ls')).toContain(
      'RUNNING',
    );
  });
});

describeOnHosts('hosts of proxies', () => {
  it('run what EL has, under the limits of this machine', async () => {
    const lab = await Lab.open({ networks: { lan: '192.0.2.1/24', pods: '198.51.100.1/24' } });
    const host = await lab.host('a', {
      links: [
        { name: 'ens1', address: '192.0.2.11/24', mac: '02:12:34:56:78:9a' },
        { name: 'ens2', address: '198.51.100.11/24', network: 'pods' },
      ],
      files: {
        '/etc/haproxy/haproxy.cfg': `global\n  maxconn 20000\ndefaults\n  mode http\n  timeout client 5s\n  timeout server 5s\n  timeout connect 5s\nfrontend a\n  bind *:8080\n  http-request return status 200\n`,
        '/etc/nginx.conf': `load_module /usr/lib/nginx/modules/ngx_stream_module.so;\nuser www-data;\nevents {}\nstream { server { listen 8081; proxy_pass 127.0.0.1:8080; } }\n`,
        '/etc/keepalived/keepalived.conf': `vrrp_instance a {\n  interface ens1\n  virtual_router_id 7\n  priority 100\n  advert_int 1\n  virtual_ipaddress {\n    192.0.2.100/24\n  }\n}\n`,
      },
      units: ['haproxy', 'keepalived'],
    });
    const other = await lab.host('b', {
      links: [{ name: 'ens2', address: '198.51.100.12/24', network: 'pods' }],
    });
    await Promise.all([host.boot(), other.boot()]);
    await output(host, 'nginx -c /etc/nginx.conf');
    await host.waitFor('curl -fsS http://192.0.2.100:8081', 30);
    await other.waitFor('ping -c 1 -W 1 198.51.100.11', 10);
    expect(await output(host, 'cat /sys/class/net/ens1/address')).toBe('02:12:34:56:78:9a\n');
    // Networks are apart.
    expect(
      (await other.exec('ip route add default via 198.51.100.1; ping -c 1 -W 1 192.0.2.11')).code,
    ).not.toBe(0);
  });
});

describeOnHosts('a lab', () => {
  it('leaves nothing', async () => {
    const lab = await Lab.open();
    await (await lab.host('a')).start();
    const [cgroup = ''] = (await readFile(join(lab.directory, 'cgroups'), 'utf8')).split('\n');
    expect(existsSync(cgroup)).toBe(true);
    await lab.close();
    expect([existsSync(cgroup), existsSync(lab.directory)]).toEqual([false, false]);
  });

  it('clears away what a run left that was killed', async () => {
    // A process of that number there is, but it started at another time.
    const name = `imgbuild-lab-${process.pid}-1-1`;
    const directory = join(tmpdir(), name);
    const cgroup = (await Cgroup.own()).child(name);
    await cgroup.make();
    await mkdir(directory);
    await writeFile(join(directory, 'cgroups'), cgroup.directories.join('\n'));
    await (await Lab.open()).close();
    expect([directory, ...cgroup.directories].filter((path) => existsSync(path))).toEqual([]);
  });
});
