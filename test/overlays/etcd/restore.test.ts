import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { Host } from './host.ts';

const MEMBERS = [1, 2, 3].map((n) => ({ name: `e${n}`, address: `10.0.0.${n}` }));
const sha256 = (data: string | Buffer) => createHash('sha256').update(data);

let host: Host;
beforeEach(() => {
  host = new Host('e1', MEMBERS);
  host.standIn();
  host.write('data/etcd/data/member/snap/db', 'old data');
  host.write('data/etcd/wal/0.wal', 'old log');
  put('snapshot.db', 'x'.repeat(4096));
});
afterEach(() => host.remove());

/** A snapshot as etcdctl saves it. */
function put(name: string, database: string): void {
  writeFileSync(join(host.root, name), Buffer.concat([Buffer.from(database), sha256(database).digest()]));
}

const restore = (name: string, ...args: string[]) => host.run('restore', join(host.root, name), ...args);
const database = () => host.read('data/etcd/data/member/snap/db').slice(0, 8);
const log = () => host.read('data/etcd/wal/0.wal').slice(0, 8);
const kept = () => host.list('data/etcd').filter((name) => name.startsWith('before-'));

async function refuses(said: string, ...args: string[]): Promise<void> {
  const { code, err } = await restore('snapshot.db', ...(args.length > 0 ? args : ['--yes']));
  expect({ code, err }).toEqual({
    code: 3,
    err: expect.stringContaining(`refused, nothing was changed: ${said}`),
  });
  expect([database(), log(), kept()]).toEqual(['old data', 'old log', []]);
}

test('the data of the snapshot is there, that of before is kept, and what is left to do is told', async () => {
  host.conf({ mounts: '/data', api_servers: 'm1=10.0.1.1 m2=10.0.1.2' });
  const { code, out } = await restore('snapshot.db', '--yes');
  expect(code).toBe(0);
  expect([database(), log()]).toEqual(['xxxxxxxx', 'snapshot']);
  expect(host.list('data/etcd')).toEqual([kept()[0], 'data', 'wal']);
  expect(host.read(`data/etcd/${kept()[0]}/data/member/snap/db`)).toBe('old data');
  expect(host.read(`data/etcd/${kept()[0]}/wal/0.wal`)).toBe('old log');
  expect(out).toContain('revision 42, 7 keys');
  // Others may be up before it.
  expect(host.markers()).toEqual(['rejoins']);
  for (const said of [
    'On each control plane (m1, m2):\n      mkdir -p /etc/kubernetes/stopped; mv /etc/kubernetes/manifests/*.yaml',
    'The same on e2, e3, with this very file',
    'on each: systemctl start etcd',
    'mv /etc/kubernetes/stopped/*.yaml /etc/kubernetes/manifests/',
  ])
    expect(out).toContain(said);
});

test('a cluster of the snapshot’s own comes of it, far ahead of what watchers have seen', async () => {
  await restore('snapshot.db', '--yes');
  const id = sha256(host.read('snapshot.db').slice(0, 4096)).digest();
  const whole = sha256(Buffer.concat([Buffer.from('x'.repeat(4096)), id])).digest('hex');
  const call = host.calls().find((each) => each.startsWith('etcdutl snapshot restore'));
  expect(call).toBe(
    'etcdutl snapshot restore /snapshot.db --name e1' +
      ' --initial-cluster e1=https://10.0.0.1:2380,e2=https://10.0.0.2:2380,e3=https://10.0.0.3:2380' +
      ` --initial-advertise-peer-urls https://10.0.0.1:2380 --initial-cluster-token etcd-test-${whole.slice(0, 12)}` +
      ' --bump-revision 1000000000 --mark-compacted --data-dir /data/etcd/restore/data --wal-dir /data/etcd/restore/wal',
  );
});

describe('nothing is restored', () => {
  test('while etcd runs here, or is tried again and again', async () => {
    for (const state of ['active', 'activating', 'deactivating']) {
      host.write('service', `${state}\n`);
      await refuses(`etcd runs on this host: ${state}`);
    }
    host.write('service', 'failed\n');
    expect((await restore('snapshot.db', '--yes')).code).toBe(0);
  });

  test('while another member goes on with its data', async () => {
    host.write('etcd/listening', '10.0.0.3:2380\n');
    host.write('etcd/peer-10.0.0.3', 'HTTP/1.0 200 OK\r\n\r\n[{"id":1,"clientURLs":["https://x"]}]');
    await refuses('etcd runs on e3.');
    host.write('etcd/peer-10.0.0.3', 'verify error:num=10:certificate has expired\n');
    await refuses('etcd runs on e3, and is not understood: certificate has expired.');
    // One that was restored before this one and waits for it.
    host.write('etcd/peer-10.0.0.3', 'HTTP/1.0 200 OK\r\n\r\n[{"id":1,"name":"e3"}]');
    expect((await restore('snapshot.db', '--yes')).code).toBe(0);
  });

  test('of a file that is not what it was', async () => {
    host.write('snapshot.db', 'x'.repeat(4096) + 'y'.repeat(32));
    await refuses('/snapshot.db does not bear the checksum of what it holds');
    host.write('snapshot.db', 'x'.repeat(4096));
    await refuses('/snapshot.db does not bear the checksum of what it holds');
    expect((await restore('snapshot.db', '--yes', '--no-hash')).code).toBe(0);
    expect(host.read('log')).toContain('--skip-hash-check');
  });

  test('of a file that etcd cannot read, or that is none', async () => {
    host.write('etcd/unreadable', '');
    await refuses('/snapshot.db cannot be read: Error: invalid database');
    host.take('snapshot.db');
    await refuses('there is no file /snapshot.db');
  });

  test('where there is no room, or no disk', async () => {
    host.program('df', 'printf "Filesystem\\nx 1 2 256 x\\n"');
    await refuses('257 MiB are wanted on /data/etcd, and 256 MiB are left');
    host.write('unmounted', '');
    await refuses('/data is not mounted');
  });

  test('unless somebody says yes', async () => {
    await refuses('nobody is there to confirm it', '--no-hash');
    const program = `bash ${host.root}/usr/sbin/imgbuild-etcd --root ${host.root} restore ${host.root}/snapshot.db`;
    const typed = (input: string) =>
      execa('/usr/bin/script', ['-qec', program, '/dev/null'], {
        reject: false,
        extendEnv: false,
        env: { ...host.env, SHELL: '/bin/sh' },
        input,
      });
    expect((await typed('y\n')).stdout).toContain('refused, nothing was changed: it was not confirmed.');
    expect(database()).toBe('old data');
    expect((await typed('yes\n')).stdout).toContain('e1 has the data of');
    expect(database()).toBe('xxxxxxxx');
  });
});

describe('a restore that is cut off', () => {
  /** From the nth call of these programs on there is no power. */
  function cutAt(n: number): void {
    host.write('count', '0\n');
    for (const name of ['chown', 'etcdutl', 'mkdir', 'mv', 'rm', 'sync']) {
      const real = { etcdutl: join(import.meta.dirname, 'programs/etcdutl'), chown: ':', sync: ':' }[name];
      host.program(
        name,
        `n=$(($(<"$ROOT/count") + 1))\necho $n >"$ROOT/count"\n` +
          `[ $n -lt ${n} ] || { kill -9 $PPID; exit 1; }\n${real ?? `/bin/${name}`} "$@"`,
      );
    }
  }

  test('at any moment is finished by the same command, and etcd is not started before', async () => {
    let cuts = 0;
    for (let n = 1; ; n++) {
      host.remove();
      host = new Host('e1', MEMBERS);
      host.standIn();
      host.write('data/etcd/data/member/snap/db', 'old data');
      host.write('data/etcd/wal/0.wal', 'old log');
      put('snapshot.db', 'x'.repeat(4096));

      cutAt(n);
      const first = await restore('snapshot.db', '--yes');
      cutAt(1000);
      if (first.code === 0) break;
      cuts++;
      // The host starts again.
      const { code, err } = await host.run('prepare');
      const now = [database0(), log0()];
      if (code === 0)
        expect([
          ['old data', 'old log'],
          ['xxxxxxxx', 'snapshot'],
        ]).toContainEqual(now);
      else expect(err).toContain('a restore was cut off. Finish it: imgbuild-etcd restore SNAPSHOT');
      // tmpfiles, or whoever, makes what is missing.
      for (const part of ['data', 'wal']) mkdirSync(join(host.root, 'data/etcd', part), { recursive: true });

      expect((await restore('snapshot.db', '--yes')).code).toBe(0);
      expect([database(), log()]).toEqual(['xxxxxxxx', 'snapshot']);
      // What was there is there once, and whole.
      const texts = kept().flatMap((name) =>
        ['data/member/snap/db', 'wal/0.wal'].flatMap((file) => {
          const path = `data/etcd/${name}/${file}`;
          return host.exists(path) ? [host.read(path)] : [];
        }),
      );
      expect(texts.filter((text) => text.startsWith('old')).sort()).toEqual(['old data', 'old log']);
      expect(host.exists('data/etcd/restore')).toBe(false);
      expect((await host.run('prepare')).code).toBe(0);
    }
    expect(cuts).toBeGreaterThan(12);
  });

  const read0 = (path: string) => (host.exists(path) ? host.read(path).slice(0, 8) : '');
  const database0 = () => read0('data/etcd/data/member/snap/db');
  const log0 = () => read0('data/etcd/wal/0.wal');

  test('is not finished with another snapshot once data was moved, but may be begun with one before', async () => {
    put('other.db', 'z'.repeat(4096));
    host.program('mv', 'kill -9 $PPID; exit 1');
    await restore('snapshot.db', '--yes');
    expect((await restore('other.db', '--yes')).code).not.toBe(0);
    host.take('programs/mv');
    expect((await restore('other.db', '--yes')).code).toBe(0);
    expect(database()).toBe('zzzzzzzz');
    expect(kept()).toHaveLength(1);

    // In the midst of the moves.
    host.program('mv', 'case $* in *restore/wal*) kill -9 $PPID ;; *) exec /bin/mv "$@" ;; esac');
    await restore('snapshot.db', '--yes');
    host.take('programs/mv');
    const { code, err } = await restore('other.db', '--yes');
    expect({ code, err }).toEqual({
      code: 3,
      err: expect.stringContaining('a restore from another snapshot was cut off on its way'),
    });
    expect(err).toContain(
      sha256(Buffer.concat([Buffer.from('x'.repeat(4096)), sha256('x'.repeat(4096)).digest()])).digest('hex'),
    );
    expect(await restore('snapshot.db')).toMatchObject({ code: 0 });
    expect(database()).toBe('xxxxxxxx');
  });
});
