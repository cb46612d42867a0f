/** etcd from the first boot on: members in whatever order, members that are lost, and what is left of two that are. */
import { setTimeout } from 'node:timers/promises';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  allWell,
  answers,
  comeBack,
  complains,
  GUARDED,
  idsOf,
  joined,
  longestGap,
  statusOf,
  vanish,
  waits,
} from './fleet/etcd.ts';
import { Fleet } from './fleet/fleet.ts';
import { restore } from './fleet/restore.ts';
import { settled } from './fleet/settle.ts';
import { describeOnHosts } from './rig/describe.ts';
import type { Host } from './rig/host.ts';

const open = async () =>
  await Fleet.open({ kubernetes: '1.34.2', runtime: 'containerd', etcd: 3, masters: 1, workers: 0 });

/** Where the second host is switched on, in seconds after the first has begun to wait; and so the third. */
const ORDERS: [order: string, gaps: [number, number]][] = [
  ['1 3 2', [2, 8]],
  ['2 1 3', [8, 2]],
  ['2 3 1', [70, 5]],
  ['3 1 2', [5, 5]],
  ['3 2 1', [5, 30]],
];

const NO_DATA =
  'there is no data here, and a cluster is begun by a majority of new members; others so far: none; no answer:';

/** What is wrong where a quorum answers. */
const silent = (host: number) => `etcd-${host} (192.0.2.1${host}) does not answer`;

describeOnHosts('etcd', () => {
  describe('of new hosts', () => {
    it.concurrent.each(ORDERS)('comes up in the order %s', async (order, [untilSecond, untilThird]) => {
      const fleet = await open();
      const numbers = order.split(' ').map(Number);
      const [first, second, third] = numbers.map((n) => fleet.host(`etcd-${n}`)) as [Host, Host, Host];
      const others = [1, 2, 3].filter((n) => n !== numbers[0]).map((n) => `etcd-${n}`);
      await first.start();
      await waits(first, `waits for a quorum of etcd: ${NO_DATA} ${others.join(', ')}`);
      await setTimeout(untilSecond * 1000);
      const log = await first.journal('-u', 'imgbuild-firstboot', '-o', 'cat');
      expect(log.includes('etcd: still waits for')).toBe(untilSecond > 60);
      expect((await first.exec('imgbuild-etcd healthy')).code).toBe(1);

      await second.start();
      await Promise.all([joined(first), joined(second)]);
      expect((await statusOf(first)).problems.map(({ text }) => text)).toEqual([silent(numbers[2] ?? 0)]);
      await setTimeout(untilThird * 1000);

      await third.start();
      await joined(third);
      expect(await third.journal('-u', 'etcd', '-o', 'cat')).toContain(
        'joins the cluster that is there and expects it',
      );
      await allWell(fleet.hosts.filter(({ name }) => name.startsWith('etcd-')));
      for (const number of numbers) expect(await answers(first, `192.0.2.1${number}`)).toEqual(GUARDED);
      await fleet.lab.close();
    });
  });

  describe('below Kubernetes', () => {
    let fleet: Fleet;
    const member = (number: number) => fleet.host(`etcd-${number}`);
    const members = () => [1, 2, 3].map(member);
    beforeAll(async () => {
      fleet = await open();
    });

    it('comes up in the order 1 2 3, the third long after the cluster', async () => {
      await member(1).start();
      await waits(member(1), `waits for a quorum of etcd: ${NO_DATA} etcd-2, etcd-3`);
      await Promise.all([member(2).start(), fleet.host('master-1').start()]);
      await settled(fleet.host('master-1'));
      await Promise.all([settled(member(1)), settled(member(2))]);
      await fleet.kubectl('create configmap before-third');

      await member(3).start();
      await settled(member(3));
      await allWell(members());
      for (const number of [1, 2, 3]) expect(await answers(member(1), `192.0.2.1${number}`)).toEqual(GUARDED);
      await fleet.kubectl('get configmap before-third');
    });

    it('takes snapshots by a timer, which etcd.service starts', async () => {
      for (const host of members()) {
        const { stdout } = await host.exec(
          'systemctl is-active etcd-snapshot.timer; date -d "$(systemctl show --value -p NextElapseUSecRealtime etcd-snapshot.timer)" +%s',
        );
        const [state, next] = stdout.split('\n');
        expect(state).toBe('active');
        const hours = (Number(next) - Date.now() / 1000) / 3600;
        expect(hours).toBeGreaterThan(-0.1);
        expect(hours).toBeLessThan(6.1);
      }
      await member(2).waitFor('systemctl start etcd-snapshot.service', 30);
      expect((await statusOf(member(2))).snapshot?.path).toMatch(/^\/data\/etcd-snapshots\/etcd-.*Z\.db$/);
    });

    it('serves while a member is lost, wiped, and comes back by itself', async () => {
      const before = await idsOf(member(1));
      const longest = await longestGap(fleet, 'master-1', async () => {
        await vanish(member(2));
        await member(2).chroot('rm -rf /data/etcd/data /data/etcd/wal');
        await setTimeout(10_000);
        await comeBack(member(2));
        await member(2).waitFor('imgbuild-etcd healthy', 120);
        await allWell(members());
      });
      expect(longest).toBeLessThan(30);
      const after = await idsOf(member(1));
      expect(after).toEqual({ ...before, 'etcd-2': expect.not.stringMatching(before['etcd-2'] ?? '') });
      expect(await member(2).journal('-u', 'etcd', '-o', 'cat')).toContain(
        `this member's former self, ${before['etcd-2']}, is taken out of the cluster: its data is gone`,
      );
    });

    it('serves while a member is installed anew', async () => {
      const before = await idsOf(member(1));
      const longest = await longestGap(fleet, 'master-1', async () => {
        await vanish(member(3));
        await fleet.reinstall('etcd-3');
        await member(3).start();
        await settled(member(3));
        await allWell(members());
      });
      expect(longest).toBeLessThan(30);
      const after = await idsOf(member(1));
      expect(after).toEqual({ ...before, 'etcd-3': expect.not.stringMatching(before['etcd-3'] ?? '') });
    });

    /** New things are seen by whom they are for: an API server, a kubelet and a controller manager. */
    async function works(namespace: string): Promise<void> {
      const kubectl = 'kubectl --kubeconfig /etc/kubernetes/admin.conf';
      const renewed = `${kubectl} -n kube-node-lease get lease master-1 -o jsonpath='{.spec.renewTime}'`;
      const { stdout } = await fleet.host('master-1').exec(renewed);
      await fleet.host('master-1').waitFor(`[ "$(${renewed})" != '${stdout}' ]`, 60);
      await fleet.kubectl(`create namespace ${namespace}`);
      await fleet.host('master-1').waitFor(`${kubectl} -n ${namespace} get serviceaccount default`, 120);
    }

    it('goes back to a snapshot', async () => {
      await fleet.kubectl('create configmap kept --from-literal=a=1');
      const snapshot = (await member(1).exec('imgbuild-etcd snapshot')).stdout.trim();
      expect(snapshot).toMatch(/^\/data\/etcd-snapshots\/etcd-\d{8}T\d{6}Z\.db$/);
      await fleet.kubectl('delete configmap kept');
      await fleet.kubectl('create configmap after-snapshot');
      // It runs: nothing is touched.
      const refused = await member(1).exec(`imgbuild-etcd restore ${snapshot} --yes`);
      expect(refused).toMatchObject({ code: 3, stderr: expect.stringContaining('systemctl stop etcd') });

      await restore(fleet, snapshot, member(1));
      expect(await fleet.kubectl(`get configmap kept -o jsonpath='{.data.a}'`)).toBe('1');
      await expect(fleet.kubectl('get configmap after-snapshot')).rejects.toThrow('not found');
      await works('restored');
    });

    it('is not begun anew where two members lost their data, and comes back from the third', async () => {
      await fleet.kubectl('create configmap last --from-literal=b=2');
      const lost = (other: number) =>
        `this member has no data, and waits for a quorum of the others; without one: etcd-3; no answer: etcd-${other}`;
      await Promise.all([1, 2].map((number) => vanish(member(number))));
      for (const number of [1, 2]) await member(number).chroot('rm -rf /data/etcd/data /data/etcd/wal');
      await Promise.all([1, 2].map((number) => comeBack(member(number))));
      await complains(member(1), lost(2));
      await complains(member(2), lost(1));
      const third = await statusOf(member(3));
      expect(third).toMatchObject({ healthy: false, quorum: false });
      expect(third.problems[0]).toMatchObject({ kind: 'no-quorum' });

      // Installed anew they know nothing of a cluster, and the one that does is out of reach.
      await member(3).cut();
      await Promise.all([1, 2].map((number) => fleet.reinstall(`etcd-${number}`)));
      await Promise.all([1, 2].map((number) => member(number).start()));
      const runs = (silent: string) =>
        `waits for a quorum of etcd: there is no data here, and the control plane master-1 runs, which needs a cluster that was there before; no answer: ${silent}`;
      await Promise.all([waits(member(1), runs('etcd-2, etcd-3')), waits(member(2), runs('etcd-1, etcd-3'))]);
      await member(3).join();
      await Promise.all([
        waits(member(1), `waits for a quorum of etcd: ${lost(2)}`),
        waits(member(2), `waits for a quorum of etcd: ${lost(1)}`),
      ]);
      for (const number of [1, 2]) {
        expect((await member(number).exec('ls /data/etcd/wal')).stdout).toBe('');
      }

      const taken = await member(3).exec('imgbuild-etcd snapshot');
      expect(taken).toMatchObject({ code: 0 });
      await restore(fleet, taken.stdout.trim(), member(3));
      await Promise.all([settled(member(1)), settled(member(2))]);
      expect(await fleet.kubectl(`get configmap last -o jsonpath='{.data.b}'`)).toBe('2');
      await works('rescued');
      await fleet.lab.close();
    });
  });
});
