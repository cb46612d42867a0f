/** etcd on the control planes: members that come together, one that dies, and one that is installed anew. */
import { setTimeout } from 'node:timers/promises';
import { beforeAll, expect, it } from 'vitest';
import { comeBack, longestGap, vanish } from './fleet/etcd.ts';
import { Fleet } from './fleet/fleet.ts';
import { nodes, tellToken } from './fleet/mend.ts';
import { assembled, settled } from './fleet/settle.ts';
import { describeOnHosts } from './rig/describe.ts';

const NAMES = ['master-1', 'master-2', 'master-3'];
const READY = NAMES.map((name) => `${name} True`);

/** Of a host's own member. */
const etcdctl =
  'etcdctl --endpoints https://127.0.0.1:2379 --cacert /etc/kubernetes/pki/etcd/ca.crt --cert /etc/kubernetes/pki/etcd/healthcheck-client.crt --key /etc/kubernetes/pki/etcd/healthcheck-client.key';

describeOnHosts('three masters with etcd', () => {
  let fleet: Fleet;

  /** IDs by name, of members that all have been started and vote. */
  async function members(on: string): Promise<Record<string, string>> {
    const { stdout } = await fleet.host(on).exec(`${etcdctl} member list`);
    const rows = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(', '));
    expect(rows.map(([, state, name, , , learner]) => `${name} ${state} ${learner}`).sort()).toEqual(
      NAMES.map((name) => `${name} started false`),
    );
    return Object.fromEntries(rows.map(([id = '', , name = '']) => [name, id]));
  }

  /** Each member answers, of one cluster. */
  async function well(): Promise<void> {
    for (const name of NAMES) await fleet.host(name).waitFor(`${etcdctl} endpoint health --cluster`, 120);
    const lists = await Promise.all(NAMES.map(members));
    for (const list of lists) expect(list).toEqual(lists[0]);
  }

  beforeAll(async () => {
    fleet = await Fleet.open({
      ...{ kubernetes: '1.34.2', runtime: 'containerd', etcd: 0, masters: 3, workers: 0 },
      more: 'etcd: { topology: stacked }\n',
    });
  });

  it('are one cluster where all are switched on at the same time', async () => {
    await Promise.all(fleet.hosts.map((host) => host.start()));
    await Promise.all(fleet.hosts.map((host) => settled(host)));
    await well();
    for (const name of NAMES) expect(await nodes(fleet, name)).toEqual(READY);
  });

  it('serve without the one that made the cluster, and take it back', async () => {
    const before = await members('master-2');
    const longest = await longestGap(fleet, 'master-2', async () => {
      await vanish(fleet.host('master-1'));
      await setTimeout(30_000);
      await fleet.kubectl('create configmap meanwhile', 'master-3');
      await comeBack(fleet.host('master-1'));
      await well();
    });
    expect(longest).toBeLessThan(60);
    expect(await members('master-1')).toEqual(before);
    await fleet.kubectl('get configmap meanwhile');
  });

  it('take in one that was installed anew', async () => {
    const before = await members('master-2');
    await vanish(fleet.host('master-3'));
    await fleet.reinstall('master-3');
    await fleet.host('master-3').start();
    // Its token was deleted when it was Ready.
    await tellToken(fleet, 'master-3');
    await assembled(fleet.host('master-3'));
    await well();
    expect(await members('master-1')).toEqual({
      ...before,
      'master-3': expect.not.stringMatching(before['master-3'] ?? ''),
    });
    expect(await nodes(fleet, 'master-3')).toEqual(READY);
    await fleet.kubectl('get configmap meanwhile', 'master-3');
  });
});
