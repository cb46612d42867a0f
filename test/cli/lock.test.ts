import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { bytes, give, serve, sumOf } from '../artifacts/server.ts';
import { folder, put, specOf } from './folders.ts';
import type { Ran } from './run.ts';
import { cli } from './run.ts';

/** Versions that the catalogue has no checksum of, and where they are to be had. */
const spec = (url: string, versions = '0.4.8') =>
  specOf(
    undefined,
    `etcd: { version: 3.6.99 }
versions: { cni: 0.99.0, goss: ${versions} }
mirrors: { repositories: { etcd: "${url}/etcd/{version}", cni: "${url}/flannel", goss: "${url}/goss/{version}" } }
`,
  );

const FILES: Record<string, Buffer> = {
  '/etcd/3.6.99/etcd-v3.6.99-linux-amd64.tar.gz': bytes(3000),
  '/flannel/kube-flannel.yml': bytes(2000),
  '/goss/0.4.8/goss-linux-amd64': bytes(1000),
  '/goss/0.4.7/goss-linux-amd64': bytes(900),
};

const mirror = (files = FILES) =>
  serve((request, response) => {
    const content = files[request.url ?? ''];
    if (content) give(content)(request, response);
    else response.writeHead(404).end();
  });

async function site(files = FILES) {
  const server = await mirror(files);
  const dir = folder({ 'cluster.yaml': spec(server.url) });
  const lock = (...args: string[]): Promise<Ran> =>
    cli(dir, ['lock', ...args], { env: { XDG_CACHE_HOME: dir } });
  return { ...server, dir, lock, text: () => readFileSync(path.join(dir, 'imgbuild.lock'), 'utf8') };
}

describe('lock', () => {
  test('fetches what is not locked, and says what vouches for it', async () => {
    const { lock, text, dir } = await site();
    const { code, out, err } = await lock();
    expect(err).toBe('');
    expect(code).toBe(0);
    expect(out).toMatch(/^STATE +NAME +VERSION +SIZE +SHA256 +VOUCHED FOR BY\n/);
    expect(out).toMatch(/^new +etcd +3\.6\.99 +3 kB +[0-9a-f]{12} +the mirror alone$/m);
    expect(out).toMatch(/\nimgbuild\.lock: 3 files; commit it with the spec, and render\n$/);
    expect(text()).toContain(`sha256: ${sumOf(bytes(3000))}`);
    expect(existsSync(path.join(dir, 'imgbuild/artifacts', sumOf(bytes(1000))))).toBe(true);
  });

  test('again asks nobody', async () => {
    const { lock, requests, text } = await site();
    await lock();
    const before = text();
    const asked = requests.length;
    const { code, out } = await lock();
    expect({ code, out }).toEqual({ code: 0, out: 'imgbuild.lock: 3 files, nothing changed\n' });
    expect(requests.length).toBe(asked);
    expect(text()).toBe(before);
  });

  test('after a change of a version locks that one anew, and drops what is not needed', async () => {
    const { lock, requests, dir, url, text } = await site();
    await lock();
    put(dir, { 'cluster.yaml': spec(url, '0.4.7').replace('plugin: flannel', 'plugin: none') });
    const asked = requests.length;
    const { code, out } = await lock();
    expect(code).toBe(0);
    expect(out).toMatch(/^changed +goss +0\.4\.7 /m);
    expect(out).toContain('dropped flannel-manifest: no host fetches it any more\n');
    expect(requests.slice(asked).map((request) => request.url)).toEqual(['/goss/0.4.7/goss-linux-amd64']);
    expect(text()).not.toContain('flannel');
  });

  test('--update fetches anew, and tells of another file', async () => {
    const files = { ...FILES };
    const { lock } = await site(files);
    await lock();
    files['/flannel/kube-flannel.yml'] = bytes(2222);
    expect((await lock('--update', 'etcd')).out).toBe('imgbuild.lock: 3 files, nothing changed\n');
    expect((await lock('--update')).out).toMatch(/^changed +flannel-manifest +0\.99\.0 +2\.2 kB/m);
  });

  test('what cannot be had is named with what each mirror did, and the rest is locked', async () => {
    const { '/flannel/kube-flannel.yml': _, ...files } = FILES;
    const { lock, text, url } = await site(files);
    const { code, out, err } = await lock();
    expect(code).toBe(3);
    expect(err).toMatch(/^error: flannel-manifest 0\.99\.0 cannot be had\n {4}http/);
    expect(err).toContain(
      `    ${url}/flannel/kube-flannel.yml answers 404\n    fix: see that a mirror has it`,
    );
    expect(out).toContain('imgbuild.lock: 2 files;');
    expect(text()).toContain('etcd:');
  });

  test('--offline locks files that were fetched by hand', async () => {
    const { lock, requests, dir, text } = await site();
    put(dir, { 'usb/kube-flannel.yml': 'manifest', 'usb/goss-linux-amd64': 'program' });
    const half = await lock('--offline', 'usb');
    expect(half.code).toBe(3);
    expect(half.err).toMatch(
      /error: etcd 3\.6\.99 cannot be had\n {4}\S+usb\/etcd-v3\.6\.99-linux-amd64\.tar\.gz: there is no such file/,
    );
    expect(half.err).toMatch(/\n {4}fix: fetch http:\S+etcd-v3\.6\.99-linux-amd64\.tar\.gz into usb\n$/);
    put(dir, { 'usb/etcd-v3.6.99-linux-amd64.tar.gz': 'archive' });
    const whole = await lock('--offline', 'usb');
    expect(whole).toMatchObject({ code: 0, err: '' });
    expect(whole.out).toMatch(/^new +etcd .* this folder alone: compare it with the project’s checksum$/m);
    expect(text()).toContain(`sha256: ${sumOf('archive')}`);
    expect(requests).toEqual([]);
  });

  test.each(['usb', 'cluster.yaml'])('--offline %s, which is no folder', async (name) => {
    const { lock, dir } = await site();
    const { code, out, err } = await lock('--offline', name);
    expect([code, out]).toEqual([2, '']);
    expect(err).toBe(
      `error: there is no folder ${path.join(dir, name)}\n    fix: name the one with the files: --offline DIR\n`,
    );
  });

  test('--json', async () => {
    const { lock, dir } = await site();
    const { code, out, err } = await lock('--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const said = JSON.parse(out);
    expect(said).toMatchObject({
      ok: true,
      written: true,
      lock: path.join(dir, 'imgbuild.lock'),
      dropped: [],
    });
    expect(said.artifacts[0]).toMatchObject({ name: 'etcd', version: '3.6.99', state: 'new', size: 3000 });
  });

  test('--quiet says nothing but errors', async () => {
    const { lock } = await site();
    expect(await lock('--quiet')).toMatchObject({ code: 0, all: '' });
  });

  test('on a terminal counts bytes after two seconds', async () => {
    const { dir } = await site();
    let asked = 0;
    const { err } = await cli(dir, ['lock'], {
      env: { XDG_CACHE_HOME: dir, NO_COLOR: '1' },
      errIsTerminal: true,
      now: () => new Date(2500 * ++asked),
    });
    expect(err).toMatch(/fetching etcd 3\.6\.99 from 127\.0\.0\.1:\d+: 3 kB of 3 kB/);
    expect(err.endsWith('\r\x1b[K')).toBe(true);
  });

  test('without a spec there is nothing to lock for', async () => {
    const { code, err } = await cli(folder(), ['lock']);
    expect(code).toBe(2);
    expect(err).toContain('fix: write one: imgbuild init');
  });

  test.each([
    [['--update', 'ectd'], /no host of the spec fetches "ectd"[\s\S]*did you mean "etcd"/],
    [['--check', '--update'], /cannot be used with/],
    [['--check', '--offline', 'x'], /cannot be used with/],
    [['--cache', 'x', '--offline', 'y'], /cannot be used with/],
  ])('%j is wrong usage', async (args, said) => {
    const { lock } = await site();
    const { code, err } = await lock(...args);
    expect(err).toMatch(said);
    expect(code).toBe(2);
  });
});

describe('lock --check', () => {
  test('asks nobody, writes nothing, and names what is missing, differs or is left over', async () => {
    const { lock, dir, url, requests } = await site();
    const missing = await lock('--check');
    expect(missing).toMatchObject({ code: 1, err: '' });
    expect(missing.out).toBe(
      'missing: etcd 3.6.99\nmissing: flannel-manifest 0.99.0\nmissing: goss 0.4.8\nrun: imgbuild lock\n',
    );
    expect(requests).toEqual([]);
    expect(existsSync(path.join(dir, 'imgbuild.lock'))).toBe(false);

    await lock();
    expect(await lock('--check')).toMatchObject({ code: 0, out: 'imgbuild.lock has all that hosts fetch\n' });
    expect(await lock('--check', '--quiet')).toMatchObject({ code: 0, all: '' });

    put(dir, { 'cluster.yaml': spec(url, '0.4.7').replace('plugin: flannel', 'plugin: none') });
    expect((await lock('--check')).out).toBe(
      'differs: goss is 0.4.8 instead of 0.4.7\nleft over: flannel-manifest\nrun: imgbuild lock\n',
    );
  });

  test('has nothing against what the catalogue vouches for, and something against the rest', async () => {
    // goss 0.4.9 is in the catalogue, 0.4.8 is not.
    const known = specOf().replace('plugin: flannel', 'plugin: none');
    const dir = folder({ 'cluster.yaml': `${known}versions: { goss: 0.4.9 }\n` });
    const said = await cli(dir, ['lock', '--check']);
    expect(said).toMatchObject({
      code: 0,
      all: 'imgbuild.lock and the catalogue have all that hosts fetch\n',
    });
    const { ok, artifacts } = JSON.parse((await cli(dir, ['lock', '--check', '--json'])).out);
    expect(ok).toBe(true);
    expect(artifacts).toContainEqual(expect.objectContaining({ name: 'goss', state: 'catalogue' }));

    put(dir, { 'cluster.yaml': `${known}versions: { goss: 0.4.8 }\n` });
    expect(await cli(dir, ['lock', '--check'])).toMatchObject({
      code: 1,
      out: 'missing: goss 0.4.8\nrun: imgbuild lock\n',
    });
  });

  test('of a spec that has other mistakes tells of these', async () => {
    const { lock, dir, url } = await site();
    put(dir, { 'cluster.yaml': spec(url).replace('role: worker', 'role: wroker') });
    const { code, err, out } = await lock('--check');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain('[role-unknown]');
  });

  test('--json has the URLs, for fetching by hand', async () => {
    const { lock, url } = await site();
    const { code, out } = await lock('--check', '--json');
    expect(code).toBe(1);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      artifacts: [
        { name: 'etcd', urls: [`${url}/etcd/3.6.99/etcd-v3.6.99-linux-amd64.tar.gz`], state: 'missing' },
        { name: 'flannel-manifest' },
        { name: 'goss' },
      ],
    });
  });
});

describe('a lock that contradicts the catalogue', () => {
  /** goss 0.4.9 is in the catalogue. */
  async function wrong() {
    const files = { ...FILES, '/goss/0.4.9/goss-linux-amd64': bytes(500) };
    const { url } = await mirror(files);
    const dir = folder({ 'cluster.yaml': spec(url, '0.4.9') });
    const ran = await cli(dir, ['lock'], { env: { XDG_CACHE_HOME: dir } });
    return { dir, ran, env: { XDG_CACHE_HOME: dir } };
  }

  test('is not written: what the mirror has is not what the project released', async () => {
    const { ran } = await wrong();
    expect(ran.code).toBe(3);
    expect(ran.err).toMatch(
      /goss 0\.4\.9 cannot be had[\s\S]*sends a file with the checksum [0-9a-f]{64} instead of 87dd36cf/,
    );
  });

  test('is an error with its place; --check names it, --update may mend it', async () => {
    const { dir, env } = await wrong();
    const entry = `goss:\n  version: 0.4.9\n  url: http://m/x\n  size: 5\n  sha256: ${'1'.repeat(64)}\n`;
    put(dir, { 'imgbuild.lock': entry.replace(/1{64}/, (sum) => `"${sum}"`) });
    for (const command of [['check'], ['render'], ['lock']]) {
      const { code, err } = await cli(dir, command, { env });
      expect(err).toMatch(
        /imgbuild\.lock:5:11: error: goss 0\.4\.9 is locked with a checksum .*\[artifact-checksum\]\n {4}fix: run: imgbuild lock --update goss\n/,
      );
      expect(code).toBe(1);
    }
    expect((await cli(dir, ['lock', '--check'], { env })).out).toMatch(
      /^differs: goss 0\.4\.9 has the checksum 1{64} instead of 87dd36cf/m,
    );
    // The mirror still has the wrong one.
    expect((await cli(dir, ['lock', '--update', 'goss'], { env })).code).toBe(3);
  });
});

describe('render', () => {
  test('warns of what is not locked, with the command; hosts get what is', async () => {
    const { lock, dir } = await site();
    const before = await cli(dir, ['render']);
    expect(before.code).toBe(0);
    expect(before.err).toMatch(
      /^cluster\.yaml:\d+:\d+: warning: etcd 3\.6\.99 is not locked: hosts will refuse it \[artifact-unlocked\]\n {4}fix: run: imgbuild lock\n/m,
    );
    await lock();
    rmSync(path.join(dir, 'out'), { recursive: true });
    expect((await cli(dir, ['render'])).err).not.toContain('artifact-unlocked');
    expect((await cli(dir, ['plan', 'etcd-1'])).out).toMatch(/etcd 3\.6\.99 from \S+\.tar\.gz$/m);
  });

  test('with artifacts.allowUnlocked says that hosts take anything', async () => {
    const { dir, url } = await site();
    put(dir, { 'cluster.yaml': `${spec(url)}artifacts: { allowUnlocked: true }\n` });
    const { code, err } = await cli(dir, ['check']);
    expect(code).toBe(0);
    expect(err).toContain('is not locked: hosts take whatever a mirror gives them [artifact-unlocked]');
    expect(err).toContain('[artifact-unchecked]');
  });
});
