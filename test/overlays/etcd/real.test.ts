/** imgbuild-etcd with etcd itself: three members with TLS on one machine, and what befalls them. */
import { copyFileSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { describeWith } from '../../rigs/programs.ts';
import { Cluster, type EtcdVersion, type Member } from './cluster.ts';

/** Three databases on one machine, which may have other things to do. */
const LONG = 600_000;

const VERSIONS: readonly EtcdVersion[] = ['3.5.33', '3.6.14'];

/** What status --json says. */
interface Status {
  healthy: boolean;
  quorum: boolean;
  problems: { kind: string; name: string | null; text: string; remedy: string | null }[];
  members: { name: string; state: string; leader: boolean; version: string | null }[];
  snapshot: { path: string } | null;
}

const statusOf = async (member: Member): Promise<Status> =>
  JSON.parse((await member.run('status', '--json')).out);
const kinds = async (member: Member) => (await statusOf(member)).problems.map(({ kind }) => kind);
const get = (member: Member, key: string) => member.ctl('get', key, '--print-value-only');

/** It does not start etcd, says this, and leaves none running. */
async function halts(member: Member, said: RegExp): Promise<void> {
  const { code, err } = await member.start();
  expect({ code, running: member.running() }).toEqual({ code: 1, running: false });
  expect(err).toMatch(said);
}

/** Until something is so that nobody tells of. */
async function until(so: () => boolean): Promise<void> {
  while (!so()) await new Promise((resolve) => setTimeout(resolve, 100));
}

/** Its data disk is a new one. */
const wipe = (member: Member) => member.take('data/etcd');

VERSIONS.forEach((version, index) => {
  const programs = ['etcd', 'etcdctl', 'etcdutl'].map((name) => `${name}-${version}`);
  describeWith(programs as Parameters<typeof describeWith>[0], `etcd ${version}`, () => {
    let cluster: Cluster;
    let [e1, e2, e3] = [] as unknown as [Member, Member, Member];

    /** One after the other, as each test leaves its cluster to the next. */
    const scenario = (title: string, part: number, tests: () => void) =>
      describe(title, { timeout: LONG }, () => {
        beforeAll(async () => {
          cluster = new Cluster(version, index * 5 + part);
          [e1, e2, e3] = cluster.members as [Member, Member, Member];
          await cluster.certify();
        });
        afterAll(() => cluster.remove());
        tests();
      });

    scenario('members that come and go', 1, () => {
      test('form one cluster in whatever order they come', async () => {
        const third = e3.start();
        // Alone it begins nothing, and says whom it waits for.
        await until(() => e3.exists('run/imgbuild/etcd-halted'));
        expect((await e3.run('healthy')).code).toBe(1);
        const alone = await statusOf(e3);
        expect(alone).toMatchObject({ healthy: false, quorum: false });
        expect(alone.problems[0]?.text).toMatch(
          /by a majority of new members; others so far: none; no answer: e1, e2$/,
        );
        expect(alone.members.map(({ state }) => state)).toEqual(['silent', 'silent', 'waits']);
        expect([e3.markers(), e3.running()]).toEqual([[], false]);

        expect((await e1.start()).err).toContain('begins a new cluster of e1 e2 e3');
        expect((await third).err).toContain('begins a new cluster of e1 e2 e3');
        await e1.ready();
        await e3.ready();
        await e1.ctl('put', 'a', '1');
        expect((await e1.run('healthy')).code).toBe(0);
        const { problems } = await statusOf(e1);
        expect(problems.map(({ text }) => text)).toEqual([
          `e2 (${cluster.plan[1]?.address}) does not answer`,
        ]);

        // Much later: the cluster waits for it under the ID that it always had.
        const expected = await e1.members();
        expect(await e2.serve()).toContain('joins the cluster that is there and expects it');
        expect(await e2.members()).toEqual(expected);
        expect(await get(e2, 'a')).toBe('1');
        for (const member of [e1, e2, e3]) expect(member.markers()).toEqual(['was-member']);
        const { code, out } = await e2.run('status');
        expect({ code, out }).toEqual({
          code: 0,
          out: expect.stringMatching(/^All well: 3 of 3 members serve, and e[13] leads\.\n/),
        });
      });

      test('start again with what they have', async () => {
        const before = await e1.members();
        await cluster.stop();
        await cluster.serve();
        expect(await e3.members()).toEqual(before);
        expect(await get(e3, 'a')).toBe('1');
      });

      test('one that was wiped joins anew under another ID', async () => {
        const before = await e1.members();
        await e2.stop('SIGKILL');
        wipe(e2);
        expect(await e2.serve()).toContain(`former self, ${before.e2}, is taken out`);
        expect(await get(e2, 'a')).toBe('1');
        const after = await e1.members();
        expect(Object.keys(after).sort()).toEqual(['e1', 'e2', 'e3']);
        expect(after.e2).not.toBe(before.e2);
        expect(e2.markers()).toEqual(['was-member']);
        expect((await e2.run('status')).code).toBe(0);
      });

      test('one whose way back was cut off finds it', async () => {
        await e2.stop();
        e2.reinstall();
        await e1.ctl('member', 'remove', (await e1.members()).e2 ?? '');
        expect(await kinds(e1)).toContain('unlisted');
        // Added, and the power failed again before etcd had a log.
        expect((await e2.run('prepare')).code).toBe(0);
        expect(e2.markers()).toEqual(['rejoins']);
        const added = (await e1.members())[''];
        expect(await e2.serve()).toContain('and expects it');
        expect((await e1.members()).e2).toBe(added);
        expect(await get(e2, 'a')).toBe('1');
      });

      test('one that was wiped waits while the others are down, and begins nothing', async () => {
        await cluster.stop();
        wipe(e2);
        await halts(e2, /has lost its data, and waits for a quorum of the others; no answer: e1, e3\./);
        expect(await kinds(e2)).toEqual(['halted', 'no-quorum']);
        // One of them has data and no quorum.
        await e1.start();
        await e1.logs('now serving peer/client/metrics');
        await halts(e2, /waits for a quorum of the others; without one: e1; no answer: e3\./);
        await e3.start();
        await e3.ready();
        await e1.ready();
        await e2.serve();
        expect(await get(e2, 'a')).toBe('1');
      });

      test('one that was installed anew begins nothing beside a member with data', async () => {
        await cluster.stop();
        e2.reinstall();
        e3.reinstall();
        await e1.start();
        await e1.logs('now serving peer/client/metrics');
        for (const member of [e2, e3]) {
          await halts(member, /waits for a quorum of the others; without one: e1/);
          expect(member.markers()).toEqual(['rejoins']);
        }
        // What they saw they know even when it is gone.
        await e1.stop();
        await halts(e2, /no answer: e1, e3/);
      });

      test('two of three without data come back from the database of the third', async () => {
        copyFileSync(join(e1.root, 'data/etcd/data/member/snap/db'), join(cluster.store, 'db'));
        for (const member of [e1, e2, e3]) {
          await member.stop();
          const { code, out } = await member.run('restore', join(cluster.store, 'db'), '--yes', '--no-hash');
          expect({ code, out }).toEqual({ code: 0, out: expect.stringContaining('has the data of') });
        }
        await cluster.serve();
        for (const member of [e1, e2, e3]) expect(await get(member, 'a')).toBe('1');
        expect((await e3.run('status')).code).toBe(0);
      });

      test('three without data wait for somebody to say that an empty cluster is wanted', async () => {
        await cluster.stop();
        for (const member of [e1, e2, e3]) wipe(member);
        for (const member of [e1, e2, e3]) await halts(member, /has lost its data/);
        for (const member of [e1, e2, e3]) member.write('var/lib/imgbuild/etcd-may-begin', '');
        await cluster.serve();
        expect(await get(e2, 'a')).toBe('');
        for (const member of [e1, e2, e3]) expect(member.markers()).toEqual(['was-member']);
      });
    });

    scenario('snapshots', 2, () => {
      let snapshot = '';
      let old: Record<string, string> = {};

      test('are taken of a member that serves, with a quorum or without', async () => {
        await cluster.serve();
        await e1.ctl('put', 'a', 'then');
        old = await e1.members();
        const { code, out } = await e1.run('snapshot');
        expect({ code, out }).toEqual({
          code: 0,
          out: expect.stringMatching(/^\/data\/etcd-snapshots\/etcd-\d{8}T\d{6}Z\.db$/),
        });
        snapshot = join(cluster.store, 'snapshot.db');
        copyFileSync(join(e1.root, out), snapshot);
        expect((await statusOf(e1)).snapshot?.path).toMatch(/\.db$/);
        await e2.stop();
        await e3.stop();
        e1.take('data/etcd-snapshots');
        expect((await e1.run('snapshot')).code).toBe(0);
      });

      test('are not restored beside an etcd that runs', async () => {
        const here = await e1.run('restore', snapshot, '--yes');
        expect({ code: here.code, err: here.err }).toEqual({
          code: 3,
          err: expect.stringContaining('etcd runs on this host: active'),
        });
        const there = await e2.run('restore', snapshot, '--yes');
        expect({ code: there.code, err: there.err }).toEqual({
          code: 3,
          err: expect.stringContaining('etcd runs on e1'),
        });
        expect(e2.list('data/etcd')).toEqual(['data', 'wal']);
      });

      test('bring back what was, as a cluster that has nothing to do with the old one', async () => {
        await e2.serve();
        await e1.ctl('put', 'a', 'now');
        const before = JSON.parse(await e1.ctl('get', 'a', '-w', 'json')).header.revision;
        await cluster.stop();
        for (const member of [e1, e2]) expect((await member.run('restore', snapshot, '--yes')).code).toBe(0);
        // Somebody forgot the third.
        await e3.start();
        await Promise.all([e1.serve(), e2.serve()]);
        expect(await get(e1, 'a')).toBe('then');
        // Later than everything that a watcher may have seen.
        const { header } = JSON.parse(await e1.ctl('get', 'a', '-w', 'json'));
        expect(header.revision).toBeGreaterThan(before + 900_000_000);
        expect(await kinds(e1)).toContain('clusters');
        expect(await kinds(e3)).toEqual(['clusters', 'outside']);
        for (const id of Object.values(await e1.members())) expect(Object.values(old)).not.toContain(id);
        expect(e1.list('data/etcd').filter((name) => name.startsWith('before-'))).toHaveLength(1);
      });

      test('the member that was forgotten joins them without its data', async () => {
        await e3.stop();
        const { code, err } = await e3.run('restore', snapshot, '--yes');
        expect({ code, err }).toEqual({
          code: 3,
          err: expect.stringContaining('let this member join them instead'),
        });
        // As --help has it.
        mkdirSync(join(e3.root, 'data/etcd/old'));
        for (const part of ['data', 'wal'])
          renameSync(join(e3.root, 'data/etcd', part), join(e3.root, 'data/etcd/old', part));
        await e3.serve();
        expect(await get(e3, 'a')).toBe('then');
        expect((await e3.run('status')).code).toBe(0);
      });

      test('a member of a restored cluster that is wiped comes back too', async () => {
        await e1.stop();
        wipe(e1);
        await e1.serve();
        expect(await get(e1, 'a')).toBe('then');
      });
    });

    scenario('what is not as it was', 3, () => {
      test('a member with a new address tells the others', async () => {
        await cluster.serve();
        await e1.ctl('put', 'a', '1');
        await e2.stop();
        await cluster.move('e2', cluster.spare(8));
        expect(await e2.serve()).not.toContain('joins');
        expect(await e1.ctl('member', 'list')).toContain(`e2, https://${cluster.spare(8)}:2380`);
        expect(await get(e2, 'a')).toBe('1');
        expect((await e1.run('status')).code).toBe(0);
      });

      test('one with a new address and no data takes the place of its former self', async () => {
        await e3.stop();
        wipe(e3);
        await cluster.move('e3', cluster.spare(9));
        await e3.serve();
        expect(await get(e3, 'a')).toBe('1');
        expect(Object.keys(await e1.members()).sort()).toEqual(['e1', 'e2', 'e3']);
      });

      test('one that was installed anew while all are off begins nothing, and joins when they come', async () => {
        const before = await e1.members();
        await cluster.stop();
        e2.reinstall();
        const back = e2.serve();
        await until(() => e2.exists('run/imgbuild/etcd-halted'));
        expect(e2.running()).toBe(false);
        await Promise.all([e1.serve(), e3.serve()]);
        expect(await back).toContain('is taken out of the cluster');
        expect((await e1.members()).e2).not.toBe(before.e2);
        expect(await get(e2, 'a')).toBe('1');
      });

      test('what cannot be understood is taken for a cluster', async () => {
        await cluster.stop();
        await e1.start();
        await e1.logs('now serving peer/client/metrics');
        e2.reinstall();
        // By this clock the others' certificates are not valid yet, or by theirs this one's.
        await cluster.certify(new Date(Date.now() + 3 * 365 * 86_400_000));
        await halts(e2, /what runs on e1 .* may be a cluster, and is not understood: .*certificate/);
        expect(e2.markers()).toEqual([]);
      });
    });

    scenario('a majority that was installed anew while one member was off', 4, () => {
      test('begins a cluster without its data, which is left alone', async () => {
        await cluster.serve();
        for (let n = 0; n < 20; n++) await e1.ctl('put', 'a', 'old');
        await cluster.stop();
        e2.reinstall();
        e3.reinstall();
        await Promise.all([e2.serve(), e3.serve()]);
        await e2.ctl('put', 'a', 'new');
        await halts(e1, /have begun a cluster without the data of this one, which is untouched/);
        expect(await kinds(e1)).toEqual(['halted', 'silent']);
        // All are switched off and on again: e1 first.
        await cluster.stop();
        await halts(e1, /which is untouched/);
      });

      test('gets its data back from it', async () => {
        copyFileSync(join(e1.root, 'data/etcd/data/member/snap/db'), join(cluster.store, 'db'));
        await cluster.stop();
        for (const member of [e1, e2, e3]) {
          const { code } = await member.run('restore', join(cluster.store, 'db'), '--yes', '--no-hash');
          expect(code).toBe(0);
        }
        await cluster.serve();
        for (const member of [e1, e2, e3]) {
          expect(await get(member, 'a')).toBe('old');
          expect(member.markers()).toEqual(['was-member']);
        }
      });
    });
  });
});
