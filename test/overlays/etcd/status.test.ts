import { utimesSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Host } from './host.ts';

const MEMBERS = [1, 2, 3].map((n) => ({ name: `e${n}`, address: `10.0.0.${n}` }));
const client = (n: number) => (n === 1 ? '127.0.0.1:2379' : `10.0.0.${n}:2379`);

const fields = (n: number, { leader = 2, bytes = 4096, cluster = 2748 } = {}) =>
  `"ClusterID" : ${cluster}\n"MemberID" : ${n}\n"Revision" : 9\n"Version" : "3.6.14"\n"DBSize" : ${bytes}\n"Leader" : ${leader}\n`;
const line = (n: number, { peer = `https://10.0.0.${n}:2380`, learner = false } = {}) =>
  `a${n}, started, e${n}, ${peer}, https://10.0.0.${n}:2379, ${learner}\n`;
const peers = (cluster: string, data = true) =>
  `HTTP/1.0 200 OK\r\nX-Etcd-Cluster-Id: ${cluster}\r\n\r\n[{"id":1,${data ? '"clientURLs":["https://x"]' : ''}}]`;

interface Problem {
  kind: string;
  name: string | null;
  text: string;
  remedy: string | null;
}

let host: Host;
beforeEach(() => {
  host = new Host('e1', MEMBERS);
  host.standIn();
  serving(1, 2, 3);
  host.write('etcd/list', line(1) + line(2) + line(3));
  host.write('service', 'active\n');
});
afterEach(() => host.remove());

const listening = (...ports: string[]) =>
  host.write('etcd/listening', ports.map((port) => `${port}\n`).join(''));

/** Members that serve clients; the others are switched off. */
function serving(...numbers: number[]): void {
  host.write('etcd/answers', numbers.map((n) => `https://${client(n)}\n`).join(''));
  listening(...numbers.map(client));
  for (const n of numbers) host.write(`etcd/status-${client(n)}`, fields(n));
}

/** The problems, which text and JSON have alike, as exit code and `healthy` do. */
async function problems(): Promise<Problem[]> {
  const json = await host.run('status', '--json');
  const text = await host.run('status');
  const status = JSON.parse(json.out);
  expect([json.code, text.code]).toEqual(status.healthy ? [0, 0] : [1, 1]);
  expect(text.out.split('\n').flatMap((row) => /^ {2}- (.*)$/.exec(row)?.[1] ?? [])).toEqual(
    status.problems.map((problem: Problem) => problem.text),
  );
  for (const problem of status.problems) expect(problem.remedy).toBeTruthy();
  return status.problems;
}

const only = async (kind: string, text: string) =>
  expect(await problems()).toEqual([expect.objectContaining({ kind, text })]);

const aged = (path: string, days: number) => {
  host.write(path, '');
  const then = new Date(Date.now() - days * 86_400_000);
  utimesSync(join(host.root, path), then, then);
};

test('a cluster that is well', async () => {
  host.write('data/etcd-snapshots/etcd-20260301T001700Z.db', 'x'.repeat(2048));
  expect((await host.run('status')).out.split('\n')).toEqual([
    'All well: 3 of 3 members serve, and e2 leads.',
    '',
    'Members',
    '  e1               10.0.0.1        serves            3.6.14        4 KiB  (this host)',
    '  e2               10.0.0.2        serves    leads   3.6.14        4 KiB',
    '  e3               10.0.0.3        serves            3.6.14        4 KiB',
    '',
    'Snapshots',
    '  /data/etcd-snapshots/etcd-20260301T001700Z.db, 2 KiB, the newest of 1',
  ]);
  expect(JSON.parse((await host.run('status', '--json')).out)).toEqual({
    version: 1,
    host: 'e1',
    healthy: true,
    quorum: true,
    problems: [],
    members: [1, 2, 3].map((n) => ({
      name: `e${n}`,
      address: `10.0.0.${n}`,
      id: `a${n}`,
      state: 'serves',
      self: n === 1,
      started: true,
      leader: n === 2,
      learner: false,
      version: '3.6.14',
      bytes: 4096,
    })),
    snapshot: { path: expect.stringMatching(/T001700Z\.db$/), bytes: 2048, seconds: expect.any(Number) },
    snapshots: 1,
  });
});

describe('what is wrong comes first', () => {
  test('a member that is switched off', async () => {
    serving(1, 2);
    await only('silent', 'e3 (10.0.0.3) does not answer');
  });

  test('no quorum, and who is missing', async () => {
    serving();
    host.write('service', 'activating\n');
    // It has bound its port for clients, and does not serve it.
    listening(client(1), '10.0.0.1:2380');
    host.write('etcd/peer-10.0.0.1', peers('abc'));
    await only('no-quorum', 'there is no quorum; no answer: e2, e3');
    expect((await host.run('status')).out).toContain('  e1               10.0.0.1        no quorum');
  });

  test('etcd of this host is about to start: it is not among those who do not answer', async () => {
    host.write('service', 'activating\n');
    serving(2, 3);
    await only('starting', 'etcd of this host is starting');
    serving();
    expect((await problems()).map(({ text }) => text)).toEqual([
      'there is no quorum; no answer: e2, e3',
      'etcd of this host is starting',
    ]);
  });

  test('why etcd of this host is not started', async () => {
    serving(2, 3);
    host.write('service', 'activating\n');
    host.write('run/imgbuild/etcd-halted', 'this member has lost its data\nDo this.\n');
    expect((await problems())[0]).toEqual({
      kind: 'halted',
      name: 'e1',
      text: 'this member has lost its data',
      remedy: 'Do this.',
    });
    host.write('data/etcd/restore/id', '');
    expect((await problems())[0]).toMatchObject({ kind: 'restore' });
    host.take('data');
    host.write('service', 'failed\n');
    expect((await problems())[0]).toMatchObject({
      kind: 'stopped',
      text: 'etcd of this host does not run: failed',
    });
  });

  test('members that were restored from different snapshots', async () => {
    serving();
    listening('10.0.0.1:2380', '10.0.0.2:2380');
    host.write('etcd/peer-10.0.0.1', peers('abc', false));
    host.write('etcd/peer-10.0.0.2', peers('def', false));
    expect((await problems()).map(({ text }) => text)).toEqual([
      'there is no quorum; no answer: e3',
      'the members are not of one cluster: e1 abc, e2 def',
    ]);
  });

  test('one that runs and takes no part', async () => {
    serving(1, 2);
    listening(client(1), client(2), '10.0.0.3:2380');
    host.write('etcd/peer-10.0.0.3', peers('abc'));
    await only('outside', 'e3 (10.0.0.3) runs, and takes no part in the quorum');
  });

  test('one that is not understood', async () => {
    serving(1, 2);
    listening(client(1), client(2), '10.0.0.3:2380');
    host.write('etcd/peer-10.0.0.3', 'verify error:num=9:certificate is not yet valid\n');
    await only('odd', 'what runs on e3 (10.0.0.3) is not understood: certificate is not yet valid');
  });

  test('one that was taken out, and one that the spec does not know', async () => {
    host.write('etcd/list', line(1) + line(2) + line(9));
    expect((await problems()).map(({ text }) => text)).toEqual([
      'e3 is no member of the cluster',
      'e9 (10.0.0.9) does not answer',
    ]);
  });

  test('a learner, and an address of before', async () => {
    host.write(
      'etcd/list',
      line(1) + line(2, { learner: true }) + line(3, { peer: 'https://10.0.0.33:2380' }),
    );
    expect((await problems()).map(({ text, remedy }) => `${text}: ${remedy}`)).toEqual([
      'e2 is a learner: it has no vote: etcdctl member promote a2',
      expect.stringContaining(
        'the cluster looks for e3 at https://10.0.0.33:2380, the spec has https://10.0.0.3:2380',
      ),
    ]);
  });

  test('an alarm, and a request that fails', async () => {
    host.write('etcd/alarms', 'memberID:1 alarm:NOSPACE \n');
    host.write('etcd/unhealthy', '');
    expect((await problems()).map(({ kind }) => kind)).toEqual(['unhealthy', 'alarm']);
    expect((await host.run('healthy')).code).toBe(1);
  });

  test('a database that is nearly as large as it may be', async () => {
    host.write(`etcd/status-${client(3)}`, fields(3, { bytes: 6_800_000_000 }));
    expect(await problems()).toEqual([]);
    host.write(`etcd/status-${client(3)}`, fields(3, { bytes: 6_900_000_000 }));
    await only('quota', 'the database of e3 takes more than 80 % of what it may');
  });

  test('certificates that end', async () => {
    host.write('etcd/expired', '');
    expect((await problems()).map(({ text }) => text)).toEqual(
      ['server', 'peer', 'healthcheck-client'].map((name) =>
        `the certificate ${host.root}/etc/etcd/pki/${name}.crt ends: Mar  1 12:00:00 2031 GMT`.replaceAll(
          host.root,
          '',
        ),
      ),
    );
  });

  test('snapshots that are not taken', async () => {
    aged('var/lib/imgbuild/etcd-was-member', 0.9);
    expect(await problems()).toEqual([]);
    aged('var/lib/imgbuild/etcd-was-member', 1.1);
    await only('snapshot', 'no snapshot was ever taken on this host');
    aged('data/etcd-snapshots/etcd-20260301T001700Z.db', 1.1);
    await only(
      'snapshot',
      'the newest snapshot is older than a day: /data/etcd-snapshots/etcd-20260301T001700Z.db',
    );
    aged('data/etcd-snapshots/etcd-20260301T061700Z.db', 0.9);
    expect(await problems()).toEqual([]);
  });
});

describe('healthy', () => {
  test('says nothing either way', async () => {
    expect(await host.run('healthy')).toEqual({ code: 0, out: '', err: '' });
    serving(2, 3);
    expect(await host.run('healthy')).toEqual({ code: 1, out: '', err: '' });
  });

  test('asks this member, whatever root’s shell has set', async () => {
    host.calls();
    await host.run('healthy');
    expect(host.calls()).toEqual(['etcdctl https://127.0.0.1:2379 endpoint health']);
  });
});

describe('usage', () => {
  test('--help shows what stands at its head', async () => {
    for (const args of [['--help'], ['-h'], ['help'], ['status', '--help']]) {
      const { code, out } = await host.run(...args);
      expect(code).toBe(0);
      expect(out).toMatch(/^The member of etcd on this host: /);
      expect(out).toContain('\nExit: 0 done, or all is well; 1 ');
      expect(out).not.toContain('shellcheck');
    }
  });

  test.each([
    [[], 'nothing was asked for'],
    [['state'], "unknown command 'state': it is status, healthy, snapshot or restore"],
    [['status', '--yes'], "unknown argument '--yes'"],
    [['snapshot', 'x'], "unknown argument 'x'"],
    [['restore'], 'restore wants one name: the file of a snapshot'],
    [['restore', 'a', 'b'], 'restore wants one name: the file of a snapshot'],
  ])('%j is refused', async (args, said) => {
    expect(await host.run(...args)).toEqual({
      code: 2,
      out: '',
      err: `imgbuild-etcd: ${said} (imgbuild-etcd --help tells how it is used)`,
    });
  });

  test('is no use where etcd is not, or is somebody else’s', async () => {
    host.write('etc/etcd/etcd.conf.yml', 'name: x\n');
    expect((await host.run('status')).err).toContain('lacks name, URLs or initial-cluster');
    host.take('etc/etcd/etcd.conf.yml');
    const { code, err } = await host.run('status');
    expect({ code, err }).toEqual({
      code: 3,
      err: expect.stringContaining('This host is no member of an external etcd.'),
    });
  });
});
