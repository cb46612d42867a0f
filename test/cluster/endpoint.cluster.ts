/** Losing any one control plane loses no client, whichever way leads to the API. */
import { readFile } from 'node:fs/promises';
import { beforeAll, expect, it } from 'vitest';
import { Client, type Outage } from './fleet/client.ts';
import { Fleet } from './fleet/fleet.ts';
import { Heartbeats } from './fleet/heartbeats.ts';
import { settled } from './fleet/settle.ts';
import { describeOnHosts } from './rig/describe.ts';
import type { Host } from './rig/host.ts';

const MASTERS = ['master-1', 'master-2', 'master-3'];
const CLUSTER = {
  kubernetes: '1.34.2',
  runtime: 'containerd',
  etcd: 1,
  masters: 3,
  workers: 1,
} as const;
const API = 'api.rig:8443';
const VIP = '192.0.2.9';
const KUBECTL = 'kubectl --kubeconfig /etc/kubernetes/admin.conf';
/** The beginning of a path of kubectl's, in a node. */
const READY = '{.status.conditions[?(@.type=="Ready")]';

/** The first boot of five hosts, on a machine that does more. */
const ASSEMBLY = 1_500_000;

async function assemble(endpoint?: string, prepare?: (fleet: Fleet) => Promise<unknown>): Promise<Fleet> {
  const fleet = await Fleet.open({ ...CLUSTER, ...(endpoint === undefined ? {} : { endpoint }) });
  await prepare?.(fleet);
  await Promise.all(fleet.hosts.map((host) => host.start()));
  await Promise.all(fleet.hosts.map((host) => settled(host, 1200)));
  return fleet;
}

/** As others see it when the power goes: nothing says goodbye. The kernel, which is the machine's, would. */
async function powerCut(host: Host): Promise<void> {
  await host.cut();
  await host.kill();
}

async function powerOn(host: Host): Promise<void> {
  await host.join();
  await host.boot();
}

const others = (name: string) => MASTERS.filter((master) => master !== name);

function addressOf(fleet: Fleet, name: string): string {
  return fleet.plan.hosts.find((host) => host.name === name)?.addresses.management?.address ?? '';
}

/** What a client may suffer when a master dies: what was on its way there is lost, and nobody waits for long. */
function isLittle({ failed, gap }: Outage): void {
  expect(failed).toBeLessThanOrEqual(10);
  expect(gap).toBeLessThan(5);
}

/** Kubernetes before 1.32 calls a node NotReady after 40 s; a kubelet speaks every 10. */
function isAlive(silence: Record<string, number>): void {
  for (const seconds of Object.values(silence)) expect(seconds).toBeLessThan(35);
}

/** Waits until its own API server is ready, and its node. */
async function serves(fleet: Fleet, name: string, seconds = 240): Promise<void> {
  const kubectl = `${KUBECTL} --server https://${addressOf(fleet, name)}:6443`;
  await fleet
    .host(name)
    .waitFor(
      `${kubectl} get --raw /readyz && ${kubectl} wait --for=condition=Ready node/${name} --timeout=5s`,
      seconds,
    );
}

/** Since when nodes are Ready, but for one. */
async function readySince(fleet: Fleet, on: string, but: string): Promise<string[]> {
  const node = String.raw`{.metadata.name} ${READY}.status} ${READY}.lastTransitionTime}{"\n"}`;
  const lines = (await fleet.kubectl(`get nodes -o jsonpath='{range .items[*]}${node}{end}'`, on)).split(
    '\n',
  );
  return lines.filter((line) => line !== '' && !line.startsWith(`${but} `));
}

/** A load balancer that is nobody's host, as docs/first-boot.md says that one should be. */
async function balancer(fleet: Fleet): Promise<Host> {
  const docs = await readFile(new URL('../../docs/first-boot.md', import.meta.url), 'utf8');
  const sample = /```haproxy\n(.*?)```/s.exec(docs)?.[1] ?? '';
  const servers = MASTERS.map((name) => `  server ${name} ${addressOf(fleet, name)}:6443\n`);
  const host = await fleet.lab.host('balancer', {
    links: [{ name: 'ens1', address: `${VIP}/24`, network: 'management' }],
    files: { '/etc/haproxy/haproxy.cfg': sample.replace(/^ {2}server .*\n/gm, '') + servers.join('') },
    units: ['haproxy'],
  });
  await host.boot();
  return host;
}

/**
 * A power cut of a master, until its node counts as gone: any other that had lost its way would be NotReady too.
 * How long the others' kubelets were silent.
 */
async function loses(fleet: Fleet, name: string): Promise<Record<string, number>> {
  const [witness = ''] = others(name);
  const before = await readySince(fleet, witness, name);
  const heartbeats = await Heartbeats.watch(fleet, witness);
  await powerCut(fleet.host(name));
  const gone = `${KUBECTL} get node ${name} -o jsonpath='${READY}.status}' | grep -x Unknown`;
  await fleet.host(witness).waitFor(gone, 180);
  const after = await readySince(fleet, witness, name);
  const { [name]: _, ...silence } = await heartbeats.stop();
  expect(after).toEqual(before);
  return silence;
}

describeOnHosts('three masters behind the proxy of each node', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await assemble();
  }, ASSEMBLY);

  for (const name of MASTERS) {
    it(`loses no client with ${name}, and uses it again`, async () => {
      const worker = fleet.host('worker-1');
      const client = await Client.start(worker, API);
      // kube-proxy's way, which pods take. It learns of the dead from Kubernetes alone.
      const pod = await Client.start(worker, '10.96.0.1:443');
      const silence = await loses(fleet, name);
      const during = await pod.stop();
      await powerOn(fleet.host(name));
      await serves(fleet, name);
      // With connections of its own to none, it is the next that nginx takes.
      await worker.waitFor(`ss -Htnp dst ${addressOf(fleet, name)}:6443 | grep -q nginx`, 30);
      const outage = await client.stop();
      isLittle(outage);
      isAlive(silence);
      // A third of new connections, until the dead one's lease is over and kube-proxy has heard of it.
      expect(during.gap).toBeLessThan(10);
      expect(during.trouble).toBeLessThan(90);
    });
  }

  it('says that all masters are dead, and goes on by itself', async () => {
    const worker = fleet.host('worker-1');
    const client = await Client.start(worker, API);
    await Promise.all(MASTERS.map((name) => powerCut(fleet.host(name))));
    await worker.waitFor("journalctl -u api-proxy --since -2min | grep 'no live upstreams'", 60);
    for (const name of MASTERS) {
      await worker.waitFor(
        `journalctl -u api-proxy --since -2min | grep 'upstream: "${addressOf(fleet, name)}:6443"'`,
        60,
      );
    }
    await Promise.all(MASTERS.map((name) => powerOn(fleet.host(name))));
    await Promise.any(MASTERS.map((name) => serves(fleet, name)));
    const from = Date.now();
    await client.content(60);
    expect(Date.now() - from).toBeLessThan(30_000);
  });
});

describeOnHosts('three masters that hold a virtual address', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await assemble(`{ via: vip, vip: ${VIP} }`);
  }, ASSEMBLY);

  /** The masters that have the address. */
  async function holders(of = MASTERS): Promise<string[]> {
    const has = await Promise.all(
      of.map(async (name) => (await fleet.host(name).exec(`ip -4 -o address show to ${VIP}/32`)).stdout),
    );
    return of.filter((_, index) => has[index] !== '');
  }

  async function holder(): Promise<string> {
    const found = await holders();
    expect(found).toHaveLength(1);
    return found[0] ?? '';
  }

  /** Waits until one of these has the address, and no other of these: which one, and how long that took. */
  async function moved(to: string[]): Promise<[string, number]> {
    const from = Date.now();
    for (;;) {
      const [name, more] = await holders(to);
      if (name !== undefined && more === undefined) return [name, (Date.now() - from) / 1000];
      if (Date.now() - from > 60_000) throw new Error(`after a minute ${VIP} is on none of ${to} alone`);
    }
  }

  it('moves from a master that dies, once', async () => {
    const first = await holder();
    const worker = fleet.host('worker-1');
    const client = await Client.start(worker, API);
    const losing = loses(fleet, first);
    losing.catch(() => {});
    await fleet.host(first).off(120);
    const [second, seconds] = await moved(others(first));
    const silence = await losing;
    await powerOn(fleet.host(first));
    await serves(fleet, first);
    const outage = await client.stop();
    expect(await holder()).toBe(second);
    const said = await fleet
      .host(second)
      .exec('journalctl -b -u keepalived | grep -c "Entering MASTER STATE"');
    expect(said.stdout).toBe('1\n');
    expect(seconds).toBeLessThan(8);
    expect(outage.gap).toBeLessThan(10);
    expect(outage.failed).toBeLessThanOrEqual(50);
    isAlive(silence);
  });

  it('loses no client with a master that does not hold it', async () => {
    const [name = ''] = others(await holder());
    const client = await Client.start(fleet.host('worker-1'), API);
    const silence = await loses(fleet, name);
    await powerOn(fleet.host(name));
    await serves(fleet, name);
    // Connections through haproxy come from the holder's own address.
    await fleet
      .host(name)
      .waitFor(
        `ss -Htn state established '( sport = :6443 )' dst ${addressOf(fleet, await holder())} | grep -q .`,
        60,
      );
    const outage = await client.stop();
    isLittle(outage);
    isAlive(silence);
  });

  it('moves from a master whose haproxy has ended', async () => {
    const first = await holder();
    const client = await Client.start(fleet.host('worker-1'), API);
    await fleet.host(first).exec('systemctl stop haproxy');
    const [second, seconds] = await moved(others(first));
    await fleet.host(first).exec('systemctl start haproxy');
    await client.content(60);
    // Time enough for it to be wanted back.
    await fleet
      .host(first)
      .waitFor('journalctl -u keepalived --since -1min | grep "Entering BACKUP STATE"', 30);
    const outage = await client.stop();
    expect(await holder()).toBe(second);
    expect(seconds).toBeLessThan(15);
    expect(outage.gap).toBeLessThan(15);
  });
});

describeOnHosts('three masters behind a load balancer of another make', () => {
  const EXTERNAL = 'api.rig:6443';
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await assemble(`{ via: external, address: ${VIP} }`, balancer);
  }, ASSEMBLY);

  it('have no proxy of their own', async () => {
    for (const name of ['master-1', 'worker-1']) {
      const { stdout } = await fleet
        .host(name)
        .exec('systemctl is-enabled api-proxy haproxy keepalived; getent hosts api.rig');
      expect(stdout).not.toContain('enabled');
      expect(stdout).toContain(VIP);
    }
  });

  it('lose no client with one of them', async () => {
    const client = await Client.start(fleet.host('worker-1'), EXTERNAL);
    const silence = await loses(fleet, 'master-1');
    await powerOn(fleet.host('master-1'));
    await serves(fleet, 'master-1');
    const outage = await client.stop();
    isLittle(outage);
    isAlive(silence);
  });
});
