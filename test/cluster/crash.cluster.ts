/** The power goes in the middle of every step of a first boot, one after the other on the same host: it ends as if it had not. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AFTER, BEFORE, Crashes, type Cut, JOIN } from './fleet/crashes.ts';
import { Fleet } from './fleet/fleet.ts';
import { nodes } from './fleet/mend.ts';
import { describeOnHosts } from './rig/describe.ts';

const INIT: Cut[] = [
  ['init', /^init: +\[certs\] Generating/m],
  ['init', /^init: +\[(wait-control-plane|control-plane-check)\]/m],
  ['init', /^init: +\[bootstrap-token\]/m],
  ['init', /^init: +\[addons\]/m],
  ['cni', /^(cni|ready): /m],
];

const JOIN_CONTROL_PLANE: Cut[] = [
  ['init', /^init: kubeadm join/m],
  ['init', /^init: +\[certs\]/m],
  ['init', /^init: +\[kubelet-start\]/m],
  ['init', /^init: +\[(mark-control-plane|control-plane-join)\]/m],
];

/** A host whose lock is still held in its name waits for a minute. */
const TIMEOUT = 1_800_000;

describeOnHosts('a crash at every step', () => {
  let fleet: Fleet;
  const crashes = new Crashes();

  beforeAll(async () => {
    fleet = await Fleet.open({
      ...{ kubernetes: '1.34.2', runtime: 'containerd', etcd: 1, masters: 2, workers: 1 },
    });
  });
  afterAll(() => console.table(crashes.table));

  it(
    'of an etcd host, whose first boot is killed',
    async () => {
      const host = fleet.host('etcd-1');
      await crashes.kills(host, [
        ...BEFORE.slice(0, 2),
        // What was done before is not said again.
        ['docker', /^(data|docker|etcd): /m],
        ['etcd', /^etcd: begins/m],
        ['etcd', /^etcd: (waits|done)/m],
        ...AFTER.slice(1),
      ]);
      expect((await host.exec('imgbuild-etcd status')).code).toBe(0);
    },
    TIMEOUT,
  );

  it(
    'of the master that makes the cluster',
    async () => {
      await crashes.powerCuts(fleet.host('master-1'), [...BEFORE, ...INIT, ...AFTER]);
      expect(await nodes(fleet)).toEqual(['master-1 True']);
    },
    TIMEOUT,
  );

  it(
    'of a master that joins it',
    async () => {
      const cuts = [...BEFORE.slice(4), ...JOIN_CONTROL_PLANE, ...AFTER];
      await crashes.powerCuts(fleet.host('master-2'), cuts);
      expect(await nodes(fleet)).toEqual(['master-1 True', 'master-2 True']);
    },
    TIMEOUT,
  );

  it(
    'of a worker',
    async () => {
      await crashes.powerCuts(fleet.host('worker-1'), [...BEFORE, ...JOIN, ...AFTER]);
      expect(await nodes(fleet)).toEqual(['master-1 True', 'master-2 True', 'worker-1 True']);
    },
    TIMEOUT,
  );
});
