import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { Cache } from '../../src/artifacts/cache.ts';
import { DownloadError } from '../../src/artifacts/download.ts';
import { compareLock, fromFolder, fromMirrors, lockAll, type Obtain } from '../../src/artifacts/lock.ts';
import {
  type ArtifactLock,
  artifactLockText,
  readArtifactLock,
  writeArtifactLock,
} from '../../src/plan/artifact-lock.ts';
import type { ArtifactPlan } from '../../src/plan/types.ts';
import { ProblemsError } from '../../src/report/errors.ts';
import { scratch } from '../rigs/scratch.ts';
import { bytes, give, serve, sumOf } from './server.ts';

const FILE = bytes(1000);
const SHA256 = sumOf(FILE);
const GOSS: ArtifactPlan = { name: 'goss', version: '0.4.9', urls: ['http://mirror/goss-linux-amd64'] };
const ETCD: ArtifactPlan = { name: 'etcd', version: '3.6.14', urls: ['http://mirror/etcd.tar.gz'] };
const entry = (version: string, sha256 = SHA256) => ({ version, url: 'http://m/x', size: 1000, sha256 });
const NONE = new Set<string>();

describe('the file', () => {
  test('is sorted, says what it is, and is read as it was written', async () => {
    const file = join(await scratch(), 'imgbuild.lock');
    const lock: ArtifactLock = { goss: entry('0.4.9'), etcd: entry('3.6.14', '1'.repeat(64)) };
    expect(await writeArtifactLock(file, {}, lock)).toBe(true);
    const text = readFileSync(file, 'utf8');
    expect(text).toMatch(/^# .*"imgbuild lock"[\s\S]*\netcd:\n {2}version: 3\.6\.14\n[\s\S]*\ngoss:\n/);
    expect((await readArtifactLock(file)).lock).toEqual(lock);
    expect(await writeArtifactLock(file, lock, { ...lock })).toBe(false);
    expect(existsSync(`${file}.new`)).toBe(false);
  });

  test('knows where things stand in it', async () => {
    const dir = await scratch({ 'imgbuild.lock': artifactLockText({ goss: entry('0.4.9') }) });
    const { place } = await readArtifactLock(join(dir, 'imgbuild.lock'));
    expect(place(['imgbuild.lock', 'goss', 'sha256'])).toEqual({ file: 'imgbuild.lock', line: 7, col: 11 });
  });

  test('that is not there, or empty but for comments, locks nothing', async () => {
    const dir = await scratch({ 'imgbuild.lock': artifactLockText({}) });
    expect((await readArtifactLock(join(dir, 'imgbuild.lock'))).lock).toEqual({});
    expect((await readArtifactLock(join(dir, 'none'))).lock).toEqual({});
  });

  test.each([
    ['goss: { version: 0.4.9, url: http://m/x, size: 10, sha256: abc }', /64 hexadecimal digits, not "abc"/],
    ['goss: { version: 0.4, url: http://m/x, size: 10 }', /needs "sha256"/],
    ['goss: { version: 0.4.9, url: x, size: big, sha256: a, md5: b }', /"md5" is not a key/],
    ['- goss', /must be a map/],
    ['goss: [', /./],
  ])('that somebody broke is refused: %s', async (text, said) => {
    const file = join(await scratch({ 'imgbuild.lock': text }), 'imgbuild.lock');
    const error = await readArtifactLock(file).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProblemsError);
    const { problems } = error as ProblemsError;
    expect(problems.map(({ message }) => message).join('\n')).toMatch(said);
    expect(problems[0]?.place).toMatchObject({ file: 'imgbuild.lock', line: 1 });
  });
});

describe('beside what is needed', () => {
  test('each is kept, missing or differs, and what is beyond that is left over', () => {
    const lock = { goss: entry('0.4.9'), etcd: entry('3.6.13'), 'cri-dockerd': entry('0.3.26') };
    const calico: ArtifactPlan = { name: 'calico-manifest', version: '3.32.1', urls: ['http://m/c'] };
    const { wanted, leftOver } = compareLock([calico, ETCD, GOSS], lock);
    expect(wanted.map(({ artifact, state }) => [artifact.name, state])).toEqual([
      ['calico-manifest', 'missing'],
      ['etcd', 'differs'],
      ['goss', 'kept'],
    ]);
    expect(leftOver).toEqual(['cri-dockerd']);
  });

  test('another checksum than the catalogue’s differs', () => {
    const known = { ...GOSS, known: '0'.repeat(64) };
    expect(compareLock([known], { goss: entry('0.4.9') }).wanted[0]?.state).toBe('differs');
  });
});

describe('locking', () => {
  const found: Obtain = async ({ version }) => entry(version, sumOf(version));
  const refused: Obtain = async ({ name }) => {
    throw new DownloadError([`${name}: no`]);
  };

  test('what is locked already is not asked for', async () => {
    const before = { goss: entry('0.4.9') };
    const { wanted } = compareLock([GOSS], before);
    const { lock, outcomes } = await lockAll(wanted, NONE, refused);
    expect(lock).toEqual(before);
    expect(outcomes.map(({ state }) => state)).toEqual(['kept']);
  });

  test('what is missing, of another version or to be fetched anew is asked for; the rest is dropped', async () => {
    const before = { goss: entry('0.4.9'), etcd: entry('3.6.13'), 'cri-dockerd': entry('0.3.26') };
    const { lock, outcomes } = await lockAll(
      compareLock([ETCD, GOSS], before).wanted,
      new Set(['goss']),
      found,
    );
    expect(lock).toEqual({ etcd: entry('3.6.14', sumOf('3.6.14')), goss: entry('0.4.9', sumOf('0.4.9')) });
    expect(outcomes.map(({ state }) => state)).toEqual(['changed', 'changed']);
  });

  test('what fails leaves the entry as it was, and does not keep the others back', async () => {
    const before = { etcd: entry('3.6.13') };
    const only: Obtain = (artifact) => (artifact.name === 'goss' ? found : refused)(artifact);
    const { lock, outcomes } = await lockAll(compareLock([ETCD, GOSS], before).wanted, NONE, only);
    expect(lock).toEqual({ etcd: entry('3.6.13'), goss: entry('0.4.9', sumOf('0.4.9')) });
    expect(outcomes).toMatchObject([{ state: 'failed', reasons: ['etcd: no'] }, { state: 'new' }]);
  });
});

describe('from mirrors', () => {
  async function mirrored(anew = NONE) {
    const { url, requests } = await serve(give(FILE));
    const folder = await scratch();
    const cache = await Cache.at(folder);
    const obtain = fromMirrors(cache, { agentFor: () => undefined, anew, pause: async () => {} });
    return { obtain, requests, folder, artifact: { ...GOSS, urls: [`${url}/goss`] } };
  }

  test('a file is kept by its checksum, and nothing is left of its parts', async () => {
    const { obtain, folder, artifact } = await mirrored();
    expect(await obtain(artifact)).toEqual({
      ...{ version: '0.4.9', url: artifact.urls[0], size: 1000, sha256: SHA256 },
    });
    expect(readFileSync(join(folder, SHA256)).equals(FILE)).toBe(true);
    expect(existsSync(join(folder, 'partial/goss-0.4.9'))).toBe(false);
    expect(existsSync(join(folder, 'partial/goss-0.4.9.json'))).toBe(false);
    expect(existsSync(join(folder, 'partial/goss-0.4.9.lock'))).toBe(false);
  });

  test('one whose checksum is known is not fetched twice, unless it is asked for or was damaged', async () => {
    const { obtain, requests, folder, artifact } = await mirrored();
    const known = { ...artifact, known: SHA256 };
    await obtain(known);
    await obtain(known);
    expect(requests).toHaveLength(1);
    writeFileSync(join(folder, SHA256), 'damaged');
    await obtain(known);
    expect(requests).toHaveLength(2);
    const again = fromMirrors(await Cache.at(folder), { agentFor: () => undefined, anew: new Set(['goss']) });
    await again(known);
    expect(requests).toHaveLength(3);
  });

  test('another than the known one is not locked', async () => {
    const { obtain, artifact } = await mirrored();
    await expect(obtain({ ...artifact, known: '0'.repeat(64) })).rejects.toThrow(DownloadError);
  });

  test('one that another imgbuild is fetching is left to it', async () => {
    const { obtain, folder, artifact } = await mirrored();
    writeFileSync(join(folder, 'partial/goss-0.4.9.lock'), `${process.pid} elsewhere\n`);
    await expect(obtain(artifact)).rejects.toThrow(/another imgbuild fetches the same file/);
  });
});

describe('from a folder', () => {
  test('files are found by the name that they have on their servers', async () => {
    const folder = await scratch({ 'goss-linux-amd64': FILE.toString('latin1') });
    writeFileSync(join(folder, 'goss-linux-amd64'), FILE);
    expect(await fromFolder(folder)(GOSS)).toEqual({
      ...{ version: '0.4.9', url: GOSS.urls[0], size: 1000, sha256: SHA256 },
    });
  });

  test('what is missing, empty, no file or another than the known one is refused', async () => {
    const folder = await scratch({ 'etcd.tar.gz': '' });
    mkdirSync(join(folder, 'goss-linux-amd64'));
    await expect(fromFolder(folder)(ETCD)).rejects.toThrow(/etcd\.tar\.gz is empty/);
    await expect(fromFolder(folder)(GOSS)).rejects.toThrow(/goss-linux-amd64: it is a folder/);
    await expect(fromFolder(join(folder, 'none'))(GOSS)).rejects.toThrow(/there is no such file/);
    writeFileSync(join(folder, 'etcd.tar.gz'), FILE);
    const known = { ...ETCD, known: '0'.repeat(64) };
    await expect(fromFolder(folder)(known)).rejects.toThrow(`has the checksum ${SHA256} instead of 000`);
  });
});
