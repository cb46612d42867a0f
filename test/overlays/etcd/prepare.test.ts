import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { configOf, Host } from './host.ts';

const MEMBERS = [1, 2, 3].map((n) => ({ name: `e${n}`, address: `10.0.0.${n}` }));
const url = (n: number, port = 2380) => `https://10.0.0.${n}:${port}`;

/** A line of `etcdctl member list`; etcd has names of the first members before they ever start. */
const line = (
  n: number,
  { id = `a${n}`, name = `e${n}`, peer = url(n), started = true, learner = false } = {},
) =>
  `${id}, ${name ? 'started' : 'unstarted'}, ${name}, ${peer}, ${started ? url(n, 2379) : ''}, ${learner}\n`;

const TO_PEERS = 'HTTP/1.0 200 OK\r\nX-Etcd-Cluster-Id: abc\r\n\r\n';
/** What a member without a quorum says on its port for others. */
const DATA = `${TO_PEERS}[{"id":1,"peerURLs":["${url(3)}"],"name":"e3","clientURLs":["${url(3, 2379)}"]}]`;
const FRESH = `${TO_PEERS}[{"id":1,"peerURLs":["${url(3)}"],"name":"e3"}]`;

let host: Host;
beforeEach(() => {
  host = new Host('e2', MEMBERS);
  host.standIn();
});
afterEach(() => host.remove());

const used = () => parse(host.read('run/imgbuild/etcd.conf.yml').replaceAll(host.root, ''));
const changes = () => host.calls().filter((call) => /member (add|remove|update)|^ {2}with/.test(call));

/** A quorum that answers by these members, and what it lists. */
function cluster(list: string, ...answering: number[]): void {
  const ports = (answering.length > 0 ? answering : [1, 3]).map((n) => url(n, 2379));
  host.write('etcd/list', list);
  host.write('etcd/answers', `${ports.join('\n')}\n`);
  host.write('etcd/listening', `${ports.map((each) => each.slice(8)).join('\n')}\n`);
}

/** Members that run without a quorum. */
function peers(saying: Record<number, string>): void {
  const numbers = Object.keys(saying).map(Number);
  host.write('etcd/listening', numbers.map((n) => `10.0.0.${n}:2380\n`).join(''));
  for (const n of numbers) host.write(`etcd/peer-10.0.0.${n}`, saying[n] ?? '');
}

async function prepares(said: string): Promise<void> {
  const { code, err } = await host.run('prepare');
  expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining(said) });
}

async function halts(said: string): Promise<void> {
  const { code, err: lines, out } = await host.run('prepare');
  expect({ code, out }).toEqual({ code: 1, out: '' });
  const err = lines.split('\n').at(-1) ?? '';
  expect(err).toContain(said);
  expect(host.exists('run/imgbuild/etcd.conf.yml')).toBe(false);
  // What status shows, and what it advises.
  const [sentence = '', remedy = ''] = host.read('run/imgbuild/etcd-halted').split('\n');
  expect(err).toBe(`etcd is not started: ${sentence}. ${remedy}`.replaceAll(host.root, ''));
  expect(remedy).not.toBe('');
}

describe('a member with data', () => {
  test('is started as it is configured, and asks nobody', async () => {
    host.write('data/etcd/wal/0-0.wal', '');
    host.write('run/imgbuild/etcd-halted', 'of an earlier try\n\n');
    cluster(line(1) + line(3));
    await prepares('');
    expect(used()).toEqual(parse(host.read('etc/etcd/etcd.conf.yml').replaceAll(host.root, '')));
    expect(host.calls().filter((call) => call.startsWith('etcdctl'))).toEqual([]);
    expect(host.list('run/imgbuild')).toEqual(['etcd.conf.yml']);
  });

  test('is not started beside a quorum that was begun without it, and its data is left alone', async () => {
    host.write('data/etcd/wal/0-0.wal', 'data');
    host.write('var/lib/imgbuild/etcd-was-member', '');
    cluster(line(1) + line(2, { started: false }) + line(3));
    const said = 'the other members have begun a cluster without the data of this one, which is untouched.';
    await halts(said);
    // Not after they were all switched off, either.
    cluster('', 9);
    await halts(said);
    expect(host.read('data/etcd/wal/0-0.wal')).toBe('data');
    expect(host.markers()).toEqual(['outside', 'was-member']);
    // An operator gives it up, or it was no such cluster.
    cluster(line(1) + line(2) + line(3));
    await prepares('');
    expect(host.markers()).toEqual(['was-member']);
    cluster(line(1) + line(2, { started: false }) + line(3));
    host.take('run');
    await halts(said);
    host.take('data/etcd/wal');
    await prepares('joins the cluster that is there and expects it');
  });

  test.each([
    ['that was never part of a quorum', []],
    ['that is on its way into one, as after a restore', ['was-member', 'rejoins']],
  ])('is started where the others do not know it yet: one %s', async (_, markers) => {
    host.write('data/etcd/wal/0-0.wal', '');
    for (const name of markers) host.write(`var/lib/imgbuild/etcd-${name}`, '');
    cluster(line(1) + line(2, { started: false }) + line(3));
    await prepares('');
    expect(used()['initial-cluster-state']).toBe('new');
  });

  test('is the account etcd’s, and so are its keys', async () => {
    host.write('data/etcd/wal/0-0.wal', '');
    await prepares('');
    expect(host.calls().filter((call) => call.startsWith('chown'))).toEqual([
      'chown etcd:etcd /data/etcd /data/etcd/data /data/etcd/wal',
      'chown -R root:etcd /etc/etcd/pki',
    ]);
    host.program('chown', 'exit 1');
    host.take('run');
    await halts("/data/etcd cannot be made the account etcd's");
  });

  test('is not started below a mount point that has nothing on it', async () => {
    host.write('unmounted', '');
    await halts('/data is not mounted. imgbuild-disk status tells why.');
    expect(host.list('data')).toEqual([]);
  });

  test('is not started in the midst of a restore', async () => {
    host.write('data/etcd/wal/0-0.wal', '');
    host.write('data/etcd/restore/id', '');
    await halts('a restore was cut off');
  });
});

describe('a member without data joins the cluster that answers', () => {
  test('as the member that it was to be from the beginning', async () => {
    cluster(line(1) + line(2, { started: false }) + line(3));
    await prepares('joins the cluster that is there and expects it');
    expect(used()).toMatchObject({
      'initial-cluster': `e1=${url(1)},e2=${url(2)},e3=${url(3)}`,
      'initial-cluster-state': 'existing',
      'initial-advertise-peer-urls': url(2),
    });
    expect(changes()).toEqual([]);
    expect(host.markers()).toEqual(['rejoins']);
  });

  test('as a new one where it ran before, and remembers that first', async () => {
    cluster(line(1) + line(2) + line(3));
    await prepares("this member's former self, a2, is taken out");
    expect(changes()).toEqual([
      `etcdctl ${url(1, 2379)} member remove a2`,
      '  with etcd-rejoins',
      `etcdctl ${url(1, 2379)} member add e2 --peer-urls=${url(2)}`,
      '  with etcd-rejoins',
    ]);
    expect(used()).toMatchObject({
      'initial-cluster': `e1=${url(1)},e3=${url(3)},e2=${url(2)}`,
      'initial-cluster-state': 'existing',
    });
  });

  test('as a new one where it was a learner', async () => {
    cluster(line(1) + line(2, { learner: true }) + line(3));
    await prepares('joins');
    expect(changes()[0]).toContain('member remove a2');
  });

  test('as a new one where it was taken out', async () => {
    cluster(line(1) + line(3));
    await prepares('joins the cluster that is there: https://10.0.0.1:2379');
    expect(changes()).toEqual([expect.stringContaining('member add e2'), '  with etcd-rejoins']);
  });

  test('by whichever member answers, under names that the spec or nobody knows', async () => {
    cluster(line(3) + line(9, { name: '' }) + line(2, { name: '', started: false }), 3);
    await prepares('https://10.0.0.3:2379');
    expect(used()['initial-cluster']).toBe(`e3=${url(3)},a9=${url(9)},e2=${url(2)}`);
  });

  test('with all the URLs of a member that has several', async () => {
    cluster(line(1, { peer: `${url(1)},https://192.0.2.1:2380` }) + line(2, { started: false }));
    await prepares('');
    expect(used()['initial-cluster']).toBe(`a1=${url(1)},a1=https://192.0.2.1:2380,e2=${url(2)}`);
  });

  test('in the place of its former self at another address, which is gone', async () => {
    cluster(line(1) + line(2, { peer: url(22) }) + line(3));
    await prepares('former self, a2');
    expect(used()['initial-cluster']).toContain(`e2=${url(2)}`);
    expect(changes()[0]).toContain('member remove a2');
  });

  test('but not in the place of one that still runs', async () => {
    cluster(line(1) + line(2, { peer: url(22) }) + line(3));
    host.write('etcd/listening', `${host.read('etcd/listening')}10.0.0.22:2380\n`);
    host.write('etcd/peer-10.0.0.22', DATA);
    await halts(`another machine is this member already: e2 runs at ${url(22)}`);
    expect(changes()).toEqual([]);
  });

  test('nor of another that had its address', async () => {
    cluster(line(1) + line(3, { peer: url(2) }));
    await halts(`the address of this host is another member's in the cluster: e3, ${url(2)}`);
    expect(changes()).toEqual([]);
  });

  test('nor where two may be it', async () => {
    cluster(line(1) + line(2, { peer: url(22) }) + line(2, { id: 'b2', name: 'old' }));
    await halts('two members of the cluster may be this host: a2 (e2 https://10.0.0.22:2380) and b2 (old');
    expect(changes()).toEqual([]);
  });

  test('when the cluster can stand it, and otherwise says why it cannot', async () => {
    cluster(line(1) + line(2) + line(3));
    host.write('etcd/refuses', 'etcdserver: unhealthy cluster\n');
    await halts('this member cannot be taken out of the cluster now: etcdserver: unhealthy cluster.');
    cluster(line(1) + line(3));
    await halts('this member cannot be added to the cluster now: etcdserver: unhealthy cluster.');
    expect(host.markers()).toEqual(['rejoins']);
  });

  test('but not by names that would write lines of their own', async () => {
    cluster(line(1, { peer: 'https://10.0.0.1:2380|e' }) + line(2, { started: false }));
    await halts('the cluster names its members in a way that is not understood');
  });

  test('before it believes an operator who lets it begin one', async () => {
    cluster(line(1) + line(2) + line(3));
    host.write('var/lib/imgbuild/etcd-may-begin', '');
    await prepares('joins');
  });
});

describe('where no cluster answers', () => {
  const marker = (name: string) => host.write(`var/lib/imgbuild/etcd-${name}`, '');
  const LOST = 'this member has lost its data, and waits for a quorum of the others; no answer: e1, e3.';

  /** After the first look, when the beacon is lit. */
  const meanwhile = (script: string) =>
    host.write('on-sleep', `until grep -q '^beacon' "$ROOT/log"; do /bin/sleep 0.05; done\n${script}\n`);
  const NEW = 'there is no data here, and a cluster is begun by a majority of new members; others so far: ';

  test('a new member begins one with others that are new, as soon as they are a majority', async () => {
    peers({ 3: FRESH });
    await prepares('begins a new cluster of e1 e2 e3');
    expect(used()).toMatchObject({
      'initial-cluster': `e1=${url(1)},e2=${url(2)},e3=${url(3)}`,
      'initial-cluster-state': 'new',
    });
    expect(host.markers()).toEqual([]);
    expect(host.calls().join()).not.toContain('beacon');
  });

  test('alone it waits, and says on its port for others that it is there', async () => {
    // A second of three comes after a while: it waits as well, and says the same.
    meanwhile(
      `echo 10.0.0.3:2380 >"$ROOT/etcd/listening"; printf 'HTTP/1.0 200 ok\r\n\r\n[]' >"$ROOT/etcd/peer-10.0.0.3"`,
    );
    await prepares(`etcd is not started: ${NEW}none; no answer: e1, e3. Start them.`);
    expect(used()['initial-cluster-state']).toBe('new');
    const beacon = host.calls().filter((call) => call.startsWith('beacon'));
    expect(beacon).toEqual(['beacon 10.0.0.2:2380: []', 'beacon ends']);
    expect(host.list('run/imgbuild')).not.toContain('etcd-halted');
  });

  test('what comes may be a cluster as well', async () => {
    meanwhile(`mv "$ROOT"/later/* "$ROOT/etcd/"`);
    cluster(line(1) + line(2, { started: false }) + line(3));
    for (const name of ['list', 'answers', 'listening']) {
      host.write(`later/${name}`, host.read(`etcd/${name}`));
      host.take(`etcd/${name}`);
    }
    await prepares('joins the cluster that is there and expects it');
    expect(host.calls()).toContain('beacon ends');
  });

  test('two of five are no majority', async () => {
    const five = [1, 2, 3, 4, 5].map((n) => ({ name: `e${n}`, address: `10.0.0.${n}` }));
    host.configure(configOf('e2', five));
    peers({ 3: FRESH });
    meanwhile('echo 10.0.0.4:2380 >>"$ROOT/etcd/listening"; cp "$ROOT"/etcd/peer-10.0.0.{3,4}');
    await prepares(`${NEW}e3; no answer: e1, e4, e5.`);
    expect(used()['initial-cluster-state']).toBe('new');
  });

  test.each(['was-member', 'rejoins'])('one that has %s waits', async (name) => {
    marker(name);
    await halts(LOST);
    peers({ 1: FRESH });
    await halts('waits for a quorum of the others; no answer: e3.');
  });

  test('a new one waits beside a member with data, and remembers it', async () => {
    peers({ 3: DATA });
    await halts(
      'this member has no data, and waits for a quorum of the others; without one: e3; no answer: e1.',
    );
    peers({});
    await halts(LOST);
  });

  test.each([
    [
      'the clock is wrong',
      'verify error:num=9:certificate is not yet valid\n',
      'certificate is not yet valid',
    ],
    [
      'the other refuses',
      '40E7D8:error:0A000412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:../ssl/x.c:1586:SSL alert number 42\n',
      'sslv3 alert bad certificate',
    ],
    [
      'an older openssl speaks',
      '139:error:14094412:SSL routines:ssl3_read_bytes:sslv3 alert bad certificate:s3_pkt.c:1493:SSL alert number 42\n',
      'sslv3 alert bad certificate',
    ],
    ['it is another program', 'HTTP/1.0 404 Not Found\r\n\r\n', 'it takes a connection and says nothing'],
    ['nothing comes', '', 'it takes a connection and says nothing'],
  ])('a new one waits beside what it does not understand: %s', async (_, saying, why) => {
    peers({ 1: FRESH, 3: saying });
    await halts(`what runs on e3 (10.0.0.3) may be a cluster, and is not understood: ${why}. `);
    expect(host.markers()).toEqual([]);
  });

  test('a new one waits where a control plane runs, which had etcd before', async () => {
    host.conf({ mounts: '/data', api_servers: 'm1=10.0.1.1 m2=10.0.1.2' });
    host.write('etcd/listening', '10.0.1.2:10250\n');
    await halts(
      'there is no data here, and the control plane m2 runs, which needs a cluster that was there before; no answer: e1, e3.',
    );
    // Those are installed anew as well.
    peers({ 1: FRESH });
    await prepares('begins a new cluster');
  });

  test('an operator lets it begin one all the same, but not beside data', async () => {
    for (const name of ['was-member', 'rejoins', 'may-begin']) marker(name);
    host.conf({ mounts: '/data', api_servers: 'm1=10.0.1.1' });
    host.write('etcd/listening', '10.0.1.1:10250\n');
    await prepares('begins a new cluster');
    host.take('run');
    peers({ 3: DATA });
    await halts('without one: e3');
  });

  test('a member without others waits for its data all the same', async () => {
    host.configure(configOf('e2', [{ name: 'e2', address: '10.0.0.2' }]));
    await prepares('begins a new cluster of e2');
    host.take('run');
    marker('was-member');
    await halts('this member has lost its data, and waits for a quorum of the others. Start');
  });
});

describe('data without its log', () => {
  const member = 'data/etcd/data/member/snap/db';

  test('is what a start that failed early has left', async () => {
    host.write(member, 'x'.repeat(20_480));
    cluster(line(1) + line(2, { started: false }) + line(3));
    await prepares('');
    expect(host.list('data/etcd')).toEqual(['data', 'wal']);
    expect(host.list('data/etcd/data')).toEqual([]);
  });

  test.each([
    ['of a member', 20_480, 'was-member'],
    ['of whomever', 2 ** 21, ''],
  ])('%s is kept, and no part of what comes', async (_, size, name) => {
    host.write(member, 'x'.repeat(size));
    if (name) host.write(`var/lib/imgbuild/etcd-${name}`, '');
    await halts('waits for a quorum of the others');
    const [before = '', ...rest] = host.list('data/etcd');
    expect([before, ...rest]).toEqual([expect.stringMatching(/^before-\d{8}T\d{6}Z$/), 'data', 'wal']);
    expect(host.read(`data/etcd/${before}/member/snap/db`)).toHaveLength(size);
    expect(host.markers()).toContain('rejoins');
    // What the next tries leave is theirs.
    host.write(member, '');
    await halts('waits');
    expect(host.list('data/etcd')).toHaveLength(3);
  });
});

describe('when etcd is part of a quorum', () => {
  test('that is remembered, and what was only for the way there is not', async () => {
    for (const name of ['rejoins', 'may-begin']) host.write(`var/lib/imgbuild/etcd-${name}`, '');
    host.write('run/imgbuild/etcd-halted', '');
    expect(await host.run('started')).toEqual({ code: 0, out: '', err: '' });
    expect(host.markers()).toEqual(['was-member']);
    expect(host.list('run/imgbuild')).toEqual([]);
    const since = host.read('var/lib/imgbuild/etcd-was-member');
    expect(since).toMatch(/^since \d{4}-/);
    host.program('date', 'echo later');
    await host.run('started');
    expect(host.read('var/lib/imgbuild/etcd-was-member')).toBe(since);
  });

  test('the others are told a new address', async () => {
    cluster(line(1) + line(2, { peer: url(22) }) + line(3));
    host.write('etcd/answers', 'https://127.0.0.1:2379\n');
    expect((await host.run('started')).code).toBe(0);
    expect(changes()[0]).toBe(`etcdctl https://127.0.0.1:2379 member update a2 --peer-urls=${url(2)}`);
    // Never at the price of a member that is well.
    host.write('etcd/refuses', 'etcdserver: unhealthy cluster');
    expect((await host.run('started')).code).toBe(0);
  });
});
