/**
 * What may be wrong when hosts boot for the first time: each says so, waits, does no harm, and goes on by itself once it
 * is mended. One etcd, one master, and a worker for each fault.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { Fleet } from './fleet/fleet.ts';
import { failsFor, giveSecrets, log, nodes, says, shows, tellToken, tokensOf } from './fleet/mend.ts';
import { assembled } from './fleet/settle.ts';
import { CLOCK } from './fleet/spec.ts';
import { anotherCa, type Face, Stranger, signerOf } from './fleet/stranger.ts';
import { describeOnHosts } from './rig/describe.ts';
import type { Host } from './rig/host.ts';

/** Each worker by what is wrong. */
const [STRANGERS, TOKEN, PIN, EXPIRED, DISK] = ['worker-1', 'worker-2', 'worker-3', 'worker-4', 'worker-5'];

const STAGE = '/var/lib/imgbuild';

/** No kubelet runs on it, and it has no word for one to begin with. */
async function hasJoinedNothing(host: Host): Promise<void> {
  const { stdout } = await host.exec(
    'systemctl is-active kubelet; ls -d /etc/kubernetes/*.conf /etc/kubernetes/pki/* 2>/dev/null',
  );
  // It is started with nothing to do, and ends, until there is something.
  expect(stdout).toMatch(/^(inactive|activating|failed)\n$/);
}

describeOnHosts('what may be wrong at a first boot', () => {
  let fleet: Fleet;
  let endpoint: string;
  let tokens: Record<string, string>;

  beforeAll(async () => {
    fleet = await Fleet.open({
      ...{ kubernetes: '1.34.2', runtime: 'containerd', etcd: 1, masters: 1, workers: 5 },
      volumes: { [DISK]: [] },
    });
    const { name, port } = fleet.plan.cluster.endpoint;
    endpoint = `${name}:${port}`;
    tokens = await tokensOf(fleet);

    // The way to the time server leads nowhere.
    await fleet.host(TOKEN).write({
      '/etc/systemd/system/no-time.service': `[Unit]\nBefore=chrony.service
        [Service]\nType=oneshot\nExecStart=ip route add blackhole ${CLOCK}\n[Install]\nWantedBy=multi-user.target\n`,
    });
    await fleet.host(TOKEN).chroot('systemctl enable --quiet no-time');
    // A unit as of fstab, whose disk is not there.
    await fleet.host(DISK).write({ '/etc/systemd/system/data.mount': dataMount('size=none') });
    for (const name of ['etcd-1', STRANGERS, TOKEN, DISK]) await fleet.host(name).start();
  });

  /** /data of one host is in memory, since it has no disk. */
  const dataMount = (options: string) =>
    `[Mount]\nWhat=tmpfs\nType=tmpfs\nWhere=/data\nOptions=${options},mode=0755\n`;

  it('nobody at the endpoint: it says so once and then each minute', async () => {
    const host = fleet.host(STRANGERS);
    await says(host, `join: waits for an API server at ${endpoint}`);
    await says(host, `join: still waits for an API server at ${endpoint}, since `, 90);
    await shows(host, `waits for an API server at ${endpoint}, for `);
    expect((await log(host)).match(/join: waits/g)).toHaveLength(1);
    await hasJoinedNothing(host);
  });

  it('a stranger at the endpoint: it is not joined, and is told nothing', async () => {
    const host = fleet.host(STRANGERS);
    const token = tokens[STRANGERS] ?? '';
    const [id] = token.split('.');
    const store = (name: string) => readFile(join(fleet.directory, 'secrets', name), 'utf8');
    const ours = signerOf(await store('pki/ca.crt'), await store('pki/ca.key'));
    const notOurs = `what answers at ${endpoint} is not this cluster: its CA is not the one that this host was given`;
    const faces: [string, Face, string][] = [
      ['one that does not know the token', { ca: await anotherCa(), tokens: [] }, notOurs],
      ['one that guesses it', { ca: await anotherCa(), tokens: [`${id}.0123456789abcdef`] }, notOurs],
      ['one that has stolen it', { ca: await anotherCa(), tokens: [token] }, notOurs],
      // To a host whose clock lags this is the cluster itself: no host of the rig can have a clock of its own.
      [
        'one whose certificate begins later than now',
        { ca: ours, tokens: [token], from: new Date(Date.now() + 3 * 3600_000) },
        'a certificate is not valid at the time that this host believes in',
      ],
    ];

    const stranger = await strangerAt(fleet, endpoint);
    for (const [what, face, reason] of faces) {
      const before = stranger.received.length;
      await stranger.show(face);
      await host.exec('systemctl restart imgbuild-firstboot');
      await failsFor(host, 'join', reason).catch((error: unknown) => {
        throw new Error(`${what}: ${error}`);
      });
      expect(stranger.received.slice(before).join('\n'), what).toContain('configmaps/cluster-info');
      await hasJoinedNothing(host);
    }
    for (const each of Object.values(tokens)) {
      expect(stranger.received.join('\n')).not.toContain(each.split('.')[1]);
    }
    expect(stranger.received.join('\n')).not.toMatch(/authorization/i);
    await fleet.lab.remove('stranger');
  });

  it('and joins the cluster when that is there', async () => {
    await fleet.host(PIN).write({ [`${STAGE}/discovery-hash`]: `sha256:${'0a'.repeat(32)}\n` });
    await fleet.host('master-1').start();
    await fleet.host(PIN).start();
    await assembled(fleet.host(STRANGERS), 300);
    expect((await nodes(fleet)).sort()).toEqual(['master-1 True', `${STRANGERS} True`]);
  });

  it('a disk that is not there: nothing is written in its place', async () => {
    const host = fleet.host(DISK);
    await says(host, 'data: waits for /data to be mounted');
    await shows(host, 'waits for /data to be mounted');
    const { stdout } = await host.exec(
      'systemctl is-active containerd kubelet imgbuild-data; find /data ! -type d',
    );
    expect(stdout).toMatch(/^((inactive|failed)\n){3}$/);
    const { checks } = JSON.parse((await host.exec('imgbuild-verify --json')).stdout);
    const check = (name: string, found: string) => {
      const said = { name, ok: false, found: expect.stringContaining(found) };
      expect(checks).toContainEqual(expect.objectContaining(said));
    };
    check('mount /data', 'not found');
    check('disks', 'data_1 is missing');
  });

  it('a disk that is full: it says how full, and goes on when there is room', async () => {
    const host = fleet.host(DISK);
    await host.write({ '/etc/systemd/system/data.mount': dataMount('size=64m') });
    // systemd does this when a disk appears.
    await host.exec('systemctl daemon-reload; systemctl start data.mount');
    await failsFor(host, 'data', '/data has 64 MiB left, and needs 1024');
    await shows(host, 'see: df -h /data; du -xhd 1 /data');
    expect((await host.exec('find /data ! -type d')).stdout).toBe('');
    await host.exec('mount -o remount,size=4g /data');
    await says(host, 'data: done');
    await says(host, 'containerd: done');
    const { stdout } = await host.exec('stat -f -c %T /data/containerd /var/log/pods');
    expect(stdout).toBe('tmpfs\ntmpfs\n');
  });

  it('no time server: nothing goes on with a clock that nobody vouches for', async () => {
    const host = fleet.host(TOKEN);
    await says(host, `time: waits for a time server: ${CLOCK}`);
    await shows(host, `waits for a time server: ${CLOCK}`);
    expect(await log(host)).not.toContain('data: ');
    await host.write({ [`${STAGE}/bootstrap-token`]: 'abcdef.0123456789abcdef\n' });
    await host.exec(`ip route del blackhole ${CLOCK}`);
    await says(host, 'time: done', 180);
  });

  it('a wrong pin of the CA: it is not joined', async () => {
    const host = fleet.host(PIN);
    await failsFor(host, 'join', `what answers at ${endpoint} is not this cluster`);
    await shows(host, 'who has that address? Or the CA was changed: render and deploy this host anew');
    await hasJoinedNothing(host);
    expect((await nodes(fleet)).join()).not.toContain(PIN);
    await giveSecrets(fleet, PIN);
    await assembled(host, 300);
  });

  it('a wrong token: it says which the cluster does not know', async () => {
    const host = fleet.host(TOKEN);
    await failsFor(host, 'join', "the cluster does not know this host's token, abcdef");
    await shows(host, `see: imgbuild secrets token ${TOKEN} prints what to apply`);
    const [id] = (tokens[TOKEN] ?? '').split('.');
    await host.write({ [`${STAGE}/bootstrap-token`]: `${id}.0123456789abcdef\n` });
    await failsFor(host, 'join', `the cluster has another token by the name of this host's, ${id}`, 180);
    await hasJoinedNothing(host);
    await giveSecrets(fleet, TOKEN);
    await assembled(host, 300);
  });

  it('an expired token: what imgbuild secrets token prints mends it', async () => {
    const host = fleet.host(EXPIRED);
    const [id, secret = ''] = (tokens[EXPIRED] ?? '').split('.');
    const past = JSON.stringify({ stringData: { expiration: '2020-01-01T00:00:00Z' } });
    await fleet.kubectl(`-n kube-system patch secret bootstrap-token-${id} -p '${past}'`);
    await host.start();
    await failsFor(host, 'join', `the cluster does not know this host's token, ${id}`, 240);
    await hasJoinedNothing(host);
    await tellToken(fleet, EXPIRED);
    await assembled(host, 300);
    expect(await log(host)).not.toContain(secret);
    await assembled(fleet.host(DISK), 300);
    expect(await nodes(fleet)).toHaveLength(6);
  });

  it('half of what a join leaves: the host joins again', async () => {
    const host = fleet.host(PIN);
    await host.kill();
    // Of a power cut after kubeadm has begun: it knows the CA, and the kubelet has no certificate of its own yet.
    await host.chroot(`cd /etc/kubernetes && mv kubelet.conf bootstrap-kubelet.conf
      rm -r /var/lib/kubelet/pki ${STAGE}/firstboot/done 2>/dev/null || :`);
    await giveSecrets(fleet, PIN);
    await tellToken(fleet, PIN);
    await host.boot();
    await says(host, 'join: takes away what an earlier try left');
    await assembled(host, 300);
    expect(await nodes(fleet)).toHaveLength(6);
  });

  it('the only master is installed anew: it takes up the cluster that etcd holds', async () => {
    const before = await identities();
    const host = await fleet.reinstall('master-1');
    await host.start();
    await says(host, 'init: kubeadm init, for the cluster that etcd holds', 120);
    await assembled(host, 300);
    expect(await identities()).toBe(before);
    const wait = 'wait --for=condition=Ready node --all --timeout=100s';
    await fleet.kubectl(wait, 'master-1', { seconds: 110 });
  });

  /** What a second cluster would have of its own. */
  async function identities(): Promise<string> {
    const uids = `{range .items[*]}{.kind} {.metadata.name} {.metadata.uid}{"\\n"}{end}`;
    return await fleet.kubectl(`get nodes,namespaces,daemonsets -A -o jsonpath='${uids}'`);
  }
});

/** Switches on a host with the address of the API server, whose port is the stranger's. */
async function strangerAt(fleet: Fleet, endpoint: string): Promise<Stranger> {
  const stranger = new Stranger(endpoint);
  const { address, port } = fleet.plan.cluster.endpoint;
  await fleet.lab.serve(port, stranger.server);
  const relay = `[Service]\nExecStart=socat TCP-LISTEN:${port},fork,reuseaddr TCP:192.0.2.1:${port}
    [Install]\nWantedBy=multi-user.target\n`;
  const host = await fleet.lab.host('stranger', {
    links: [{ name: 'ens1', address: `${address}/24`, network: 'management' }],
    files: { '/etc/systemd/system/relay.service': relay },
    units: ['relay'],
  });
  await host.boot();
  return stranger;
}
