import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Host } from './host.ts';

const MEMBERS = [1, 2, 3].map((n) => ({ name: `e${n}`, address: `10.0.0.${n}` }));
const FOLDER = 'data/etcd-snapshots';

let host: Host;
beforeEach(() => {
  host = new Host('e1', MEMBERS);
  host.standIn();
  host.write('etcd/answers', 'https://127.0.0.1:2379\n');
  host.write('etcd/status', '"MemberID" : 1\n"DBSize" : 4096\n');
});
afterEach(() => host.remove());

async function refuses(said: string): Promise<void> {
  const { code, err } = await host.run('snapshot');
  expect({ code, err }).toEqual({
    code: 3,
    err: expect.stringContaining(`refused, nothing was changed: ${said}`),
  });
}

test('one is saved, checked and named by its time', async () => {
  const { code, out } = await host.run('snapshot');
  expect({ code, out }).toEqual({
    code: 0,
    out: expect.stringMatching(/^\/data\/etcd-snapshots\/etcd-\d{8}T\d{6}Z\.db$/),
  });
  expect(host.list(FOLDER)).toEqual([out.split('/').at(-1)]);
  const calls = host.calls().filter((call) => call.includes('snapshot'));
  expect(calls).toEqual([
    `etcdctl https://127.0.0.1:2379 snapshot save ${out}.part`,
    `etcdutl snapshot status ${out}.part`,
  ]);
});

describe('old ones', () => {
  const day = (n: number) => `etcd-202001${String(n).padStart(2, '0')}T000000Z.db`;

  beforeEach(() => {
    for (let n = 1; n <= 31; n++) host.write(`${FOLDER}/${day(n)}`, '');
    host.write(`${FOLDER}/mine.db`, '');
  });

  test('are removed but for the newest 28', async () => {
    expect((await host.run('snapshot')).code).toBe(0);
    const left = host.list(FOLDER);
    expect(left).toHaveLength(29);
    expect(left.slice(0, 2)).toEqual([day(5), day(6)]);
    expect(left.at(-1)).toBe('mine.db');
  });

  test('are removed by their age and number as an operator says', async () => {
    host.write('etc/imgbuild/etcd.conf', 'keep=3\n');
    expect((await host.run('snapshot')).code).toBe(0);
    expect(host.list(FOLDER).slice(0, 2)).toEqual([day(30), day(31)]);
    host.write('etc/imgbuild/etcd.conf', 'keep=100\nkeep_days=7\n');
    expect((await host.run('snapshot')).code).toBe(0);
    expect(host.list(FOLDER).join()).not.toContain('202001');
    host.write('etc/imgbuild/etcd.conf', 'keep=many\n');
    await refuses("keep='many' keep_days='' are no numbers");
  });

  test('do not drive out a new one that a wrong clock has named', async () => {
    host.program('date', 'if [ "$3" = -d ]; then exec /usr/bin/date "$@"; else echo 19700101T000000Z; fi');
    const { code, out } = await host.run('snapshot');
    expect(code).toBe(0);
    expect(host.list(FOLDER)[0]).toBe(out.split('/').at(-1));
  });

  test('stay where the new one fails', async () => {
    for (const [flaw, said] of [
      ['unsaved', 'the snapshot cannot be taken'],
      ['damaged', 'the snapshot does not have the checksum that it bears'],
      ['unreadable', 'the snapshot is not whole'],
    ]) {
      host.write(`etcd/${flaw}`, '');
      const { code, err } = await host.run('snapshot');
      expect({ code, err }).toEqual({ code: 4, err: expect.stringContaining(`failed on the way: ${said}`) });
      host.take(`etcd/${flaw}`);
      expect(host.list(FOLDER)).toHaveLength(32);
    }
  });

  test('that were never whole are removed', async () => {
    for (const name of ['etcd-20200101T000000Z.db.part', 'etcd-20200101T000000Z.db.part.part'])
      host.write(`${FOLDER}/${name}`, '');
    expect((await host.run('snapshot')).code).toBe(0);
    expect(host.list(FOLDER).filter((name) => name.endsWith('.part'))).toEqual([]);
  });
});

describe('none is taken', () => {
  test('where /data is not mounted', async () => {
    host.write('unmounted', '');
    await refuses('/data is not mounted');
    expect(host.list('data')).toEqual([]);
  });

  test('where there is no room for it', async () => {
    host.program('df', 'printf "Filesystem\\nx 1 2 256 x\\n"');
    await refuses('257 MiB are wanted on /data/etcd-snapshots, and 256 MiB are left');
    host.program('df', 'printf "Filesystem\\nx 1 2 257 x\\n"');
    expect((await host.run('snapshot')).code).toBe(0);
  });

  test('where etcd does not answer', async () => {
    host.take('etcd/answers');
    await refuses('etcd of this host does not answer');
  });

  test('beside another', async () => {
    host.program('flock', 'exit 1');
    await refuses('another imgbuild-etcd is at work');
  });
});
