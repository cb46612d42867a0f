import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { type ArchiveFile, archive } from '../../src/render/archive.ts';
import { composeParts } from '../../src/render/compose.ts';
import { assets, production } from '../overlays/plans.ts';
import { describeWith, run } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';

const file = (path: string, content: string, more: Partial<ArchiveFile> = {}): ArchiveFile => ({
  ...{ path, mode: 0o644, owner: 'root', group: 'root', content: Buffer.from(content) },
  ...more,
});
const LONG = `/etc/${'a-long-name/'.repeat(12)}end`;
const shared = [
  file('/etc/hosts', 'x'.repeat(5000)),
  file('/etc/chrony.conf', 'ntp\n'),
  file(LONG, 'long\n'),
];
const own = [
  file('/etc/hostname', 'one\n'),
  file('/etc/sudoers.d/a', 'a\n', { mode: 0o440, owner: 'etcd', group: 'wheel' }),
];

describe('bytes', () => {
  test('are the same for the same files, in whatever order they come', async () => {
    const once = await archive(shared, own);
    expect(await archive([...shared].reverse(), [...own].reverse())).toEqual(once);
    expect(await archive(shared, own)).toEqual(once);
  });

  test('have no time in them, and one end', async () => {
    const bytes = await archive(shared, own);
    expect(bytes.subarray(4, 10).toString('hex')).toMatch(/^00000000..ff$/);
    const tar = gunzipSync(bytes);
    expect(tar.length % 512).toBe(0);
    expect(tar.subarray(-1024).every((byte) => byte === 0)).toBe(true);
    expect(tar.subarray(-1536, -1024).every((byte) => byte === 0)).toBe(false);
  });

  test('of the shared part are made once', async () => {
    const one = await archive(shared, own);
    const other = await archive(shared, [file('/etc/hostname', 'two\n')]);
    let same = 0;
    while (one[same] === other[same]) same++;
    expect(same).toBeGreaterThan(200);
  });
});

test.each([
  ['relative', 'etc/x'],
  ['upwards', '/etc/../x'],
  ['a folder', '/etc/x/'],
])('a path that is %s is refused', async (_, path) => {
  await expect(archive([file(path, '')])).rejects.toThrow('is not a path on a host');
});

test('a path twice is refused', async () => {
  await expect(archive([file('/etc/x', '1'), file('/etc/x', '2')])).rejects.toThrow(
    '/etc/x is in the archive twice',
  );
});

describe('programs read it as one stream', () => {
  let folder = '';
  let path = '';
  const expected = [...shared, ...own].map((f) => f.path.slice(1)).sort();
  const names = (text: string) =>
    text
      .split('\n')
      .filter((line) => line !== '' && !line.endsWith('/'))
      .sort();

  beforeAll(async () => {
    folder = await scratch();
    path = join(folder, 'overlay.tar.gz');
    writeFileSync(path, await archive(shared, own));
  });

  test('GNU tar', () => {
    expect(names(execFileSync('tar', ['-tzf', path], { encoding: 'utf8' }))).toEqual(expected);
    expect(execFileSync('tar', ['-tvzf', path], { encoding: 'utf8' })).toMatch(
      /^-r--r----- etcd\/wheel +2 .* etc\/sudoers\.d\/a$/m,
    );
  });

  test('gzip says nothing of it', () => {
    expect(execFileSync('gzip', ['-tv', path], { encoding: 'utf8', stdio: 'pipe' })).toBe('');
  });

  describeWith(['busybox'], 'busybox', () => {
    test('tar', async () => {
      expect(names((await run('busybox', ['tar', '-tzf', path])).stdout)).toEqual(expected);
    });
  });

  test("Python's tarfile and gzip", () => {
    const script =
      'import sys, tarfile; print("\\n".join(m.name for m in tarfile.open(sys.argv[1], "r:gz") if m.isfile()))';
    expect(names(execFileSync('python3', ['-c', script, path], { encoding: 'utf8' }))).toEqual(expected);
  });

  test('folders that are missing get 0755 whatever the umask, folders that are there keep theirs', () => {
    const root = join(folder, 'root');
    mkdirSync(join(root, 'etc/sudoers.d'), { recursive: true });
    chmodSync(join(root, 'etc/sudoers.d'), 0o750);
    execFileSync('sh', [
      '-c',
      'umask 077; tar -xpzf "$1" -C "$2" --no-overwrite-dir --no-same-owner',
      'sh',
      path,
      root,
    ]);
    const mode = (name: string) => statSync(join(root, name)).mode & 0o777;
    expect(mode('etc/sudoers.d')).toBe(0o750);
    expect(mode('etc/a-long-name')).toBe(0o755);
    expect(mode('etc/sudoers.d/a')).toBe(0o440);
    expect(readFileSync(join(root, 'etc/hosts'), 'utf8')).toHaveLength(5000);
  });
});

test('hosts of one kind share their first part, packed once', async () => {
  const plan = await production();
  const host = plan.hosts.find(({ role }) => role.name === 'worker');
  if (!host) throw new Error('no worker');
  const parts = (name: string) => composeParts({ ...host, name }, plan.cluster, assets);
  const [one, other] = [parts('worker-1'), parts('worker-2')];
  expect(other.shared).toBe(one.shared);
  // The same bytes, to the end of the first gzip member.
  const first = await archive(one.shared);
  const shared = first.length - (await archive([])).length;
  for (const { shared: files, own } of [one, other])
    expect((await archive(files, own)).subarray(0, shared).equals(first.subarray(0, shared))).toBe(true);
});
