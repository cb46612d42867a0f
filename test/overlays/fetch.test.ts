import { existsSync, readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { bytes, cut, give, serve, sumOf } from '../artifacts/server.ts';
import { scratch } from '../rigs/scratch.ts';

const LIBRARY = 'overlays/base/usr/libexec/imgbuild/fetch.sh';
const FILE = bytes(200_000);
const SHA256 = sumOf(FILE);
const KEPT = 'var/lib/imgbuild/artifacts/goss';

interface Host {
  root: string;
  /** What the library does with a command, under the options that steps run with. */
  run: (command: string) => Promise<{ code: number; said: string }>;
  kept: () => Buffer;
}

/** A host whose list has one line. */
async function host(line: string, files: Record<string, string> = {}): Promise<Host> {
  const root = await scratch({ 'etc/imgbuild/artifacts': `# a comment\n${line}\n`, ...files });
  const run = async (command: string) => {
    const script = `set -euo pipefail\nroot=${root}\nfetch_rounds=1\n. ${LIBRARY}\n${command}`;
    const { exitCode, all } = await execa('bash', ['-c', script], { reject: false, all: true });
    return { code: exitCode ?? -1, said: all };
  };
  return { root, run, kept: () => readFileSync(join(root, KEPT)) };
}

const line = (...urls: string[]) => `goss ${SHA256} ${FILE.length} ${urls.join(' ')}`;

describe('fetch_artifact', () => {
  test('fetches, checks and puts in its place; a second time asks nobody', async () => {
    const { url, requests } = await serve(give(FILE));
    const { run, kept, root } = await host(line(`${url}/goss`));
    expect(await run('fetch_artifact goss')).toEqual({ code: 0, said: '' });
    expect(kept().equals(FILE)).toBe(true);
    expect(existsSync(join(root, `${KEPT}.part`))).toBe(false);
    expect(statSync(join(root, KEPT)).mode & 0o777).toBe(0o644);
    expect(await run('fetch_artifact goss')).toEqual({ code: 0, said: '' });
    expect(requests).toHaveLength(1);
  });

  test('to a place of the caller’s own', async () => {
    const { url } = await serve(give(FILE));
    const { run, root } = await host(line(url));
    expect((await run(`fetch_artifact goss ${root}/else/where`)).code).toBe(0);
    expect(readFileSync(join(root, 'else/where')).equals(FILE)).toBe(true);
  });

  test('what has been damaged since is fetched again', async () => {
    const { url } = await serve(give(FILE));
    const { run, kept } = await host(line(url), { [KEPT]: 'damaged' });
    expect((await run('fetch_artifact goss')).code).toBe(0);
    expect(kept().equals(FILE)).toBe(true);
  });

  test('asks the next mirror where one has nothing', async () => {
    const bad = await serve((_, response) => response.writeHead(404).end());
    const good = await serve(give(FILE));
    const { run, kept } = await host(line(`${bad.url}/x`, `${good.url}/x`));
    const { code, said } = await run('fetch_artifact goss');
    expect(code).toBe(0);
    expect(said).toContain(`imgbuild: ${bad.url}/x answers 404`);
    expect(kept().equals(FILE)).toBe(true);
  });

  test('goes on with what was cut off, at another mirror too', async () => {
    const bad = await serve(give(FILE, { cutAfter: 150_000 }));
    const good = await serve(give(FILE));
    const { run, kept } = await host(line(bad.url, good.url));
    expect((await run('fetch_artifact goss')).code).toBe(0);
    expect(kept().equals(FILE)).toBe(true);
    expect(good.requests[0]?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
  });

  test('goes on in a later run', async () => {
    let isUp = false;
    const { url, requests } = await serve((request, response) =>
      give(FILE, isUp ? {} : { cutAfter: 100_000 })(request, response),
    );
    const { run, kept, root } = await host(line(url));
    expect((await run('fetch_artifact goss')).code).toBe(1);
    expect(statSync(join(root, `${KEPT}.part`)).size).toBeGreaterThan(0);
    expect(existsSync(join(root, KEPT))).toBe(false);
    isUp = true;
    expect((await run('fetch_artifact goss')).code).toBe(0);
    expect(requests.at(-1)?.headers.range).toMatch(/^bytes=[1-9]\d*-$/);
    expect(kept().equals(FILE)).toBe(true);
  });

  test.each([
    ['a part of another file', 'not the beginning of it', {}],
    ['a part longer than the file', `${'x'.repeat(FILE.length)}x`, {}],
    ['a server that knows no ranges', FILE.subarray(0, 99).toString('latin1'), { ranges: false }],
  ])('begins anew with %s', async (_, part, behaviour) => {
    const { url } = await serve(give(FILE, behaviour));
    const { run, kept } = await host(line(url), { [`${KEPT}.part`]: part });
    expect((await run('fetch_artifact goss')).code).toBe(0);
    expect(kept().equals(FILE)).toBe(true);
  });

  test('begins anew where nothing is behind a part, with a curl that takes that for an error', async () => {
    const { url } = await serve(give(FILE));
    // Newer ones take 416 for the end of the file.
    const curl =
      '#!/bin/sh\nout=$(/usr/bin/curl "$@")\ncode=$?\nprintf %s "$out"\n[ "$out" != 416 ] || exit 22\nexit $code\n';
    const { run, kept, root } = await host(line(url), {
      [`${KEPT}.part`]: `${'x'.repeat(FILE.length)}x`,
      'bin/curl': curl,
    });
    await chmod(join(root, 'bin/curl'), 0o755);
    expect((await run(`PATH=${root}/bin:$PATH; fetch_artifact goss`)).code).toBe(0);
    expect(kept().equals(FILE)).toBe(true);
  });

  test.each([
    ['another checksum', Buffer.from(FILE).fill(0, 7, 8), /has the checksum [0-9a-f]{64} instead of/],
    ['another size', FILE.subarray(1), /has 199999 bytes instead of 200000/],
    ['too many bytes', bytes(300_000), /curl ended with 63|has 300000 bytes/],
  ])('throws away a file with %s, and says so', async (_, content, said) => {
    const { url } = await serve(give(content));
    const { run, root } = await host(line(url));
    const ran = await run('fetch_artifact goss');
    expect(ran.code).toBe(1);
    expect(ran.said).toMatch(said);
    expect(ran.said).toContain(`imgbuild: goss cannot be had from any of: ${url}`);
    expect(existsSync(join(root, KEPT))).toBe(false);
    expect(existsSync(join(root, `${KEPT}.part`))).toBe(false);
  });

  test('is not flooded by a server that does not say how much it sends', async () => {
    const { url } = await serve((_, response) => {
      const more = () => {
        if (!response.destroyed) response.write(FILE, () => setImmediate(more));
      };
      more();
    });
    const { run, root } = await host(line(url));
    expect((await run('fetch_artifact goss')).code).toBe(1);
    expect(existsSync(join(root, `${KEPT}.part`))).toBe(false);
  });

  test('refuses what is not locked, and asks nobody for it', async () => {
    const { url, requests } = await serve(give(FILE));
    const { run } = await host(`goss - - ${url}`);
    const { code, said } = await run('fetch_artifact goss');
    expect(code).toBe(2);
    expect(said).toContain('goss is not locked, and is not taken unchecked: "imgbuild lock"');
    expect(requests).toHaveLength(0);
  });

  test('takes what is not locked where the line says allowed, and puts no parts together', async () => {
    let asked = 0;
    const { url, requests } = await serve((request, response) => {
      if (asked++ > 0) return give(FILE)(request, response);
      response.writeHead(200, { 'Content-Length': FILE.length });
      cut(response, FILE.subarray(0, 1000));
    });
    const { run, kept } = await host(`goss - - allowed ${url}/one ${url}/two`);
    expect((await run('fetch_artifact goss')).code).toBe(0);
    expect(kept().equals(FILE)).toBe(true);
    expect(requests.map(({ headers }) => headers.range)).toEqual([undefined, undefined]);
  });

  test('knows nothing that is not in the list', async () => {
    const { run, root } = await host(line('http://127.0.0.1:1/x'));
    expect(await run('fetch_artifact gos')).toEqual({
      ...{ code: 2, said: `imgbuild: ${root}/etc/imgbuild/artifacts has no gos` },
    });
  });

  test('goes by the proxy of /etc/imgbuild/proxy', async () => {
    const proxy = await serve(give(FILE));
    const files = {
      'etc/imgbuild/proxy': `export http_proxy=${proxy.url}\nexport no_proxy=inside.example.com\n`,
    };
    const { run } = await host(line('http://mirror.invalid/goss'), files);
    expect((await run('fetch_artifact goss')).code).toBe(0);
    expect(proxy.requests[0]?.url).toBe('http://mirror.invalid/goss');
  });
});

describe('install_programs', () => {
  async function archive(
    files: Record<string, string>,
  ): Promise<{ root: string; file: string } & Pick<Host, 'run'>> {
    const { root, run } = await host('');
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(root, 'made', path)), { recursive: true });
      await writeFile(join(root, 'made', path), text);
      if (text.startsWith('#!')) await chmod(join(root, 'made', path), 0o700);
    }
    await execa('tar', ['-czf', join(root, 'archive'), '-C', join(root, 'made'), '.']);
    return { root, run, file: join(root, 'archive') };
  }
  const has = (root: string, path: string) =>
    existsSync(join(root, path)) ? (statSync(join(root, path)).mode & 0o777).toString(8) : 'none';

  test('installs those that are named, and no others', async () => {
    const { root, run, file } = await archive({
      'v1/etcd': '#!etcd',
      'v1/etcdctl': '#!ctl',
      'v1/README': 'x',
    });
    expect(await run(`install_programs ${file} ${root}/bin etcd v1/etcd`)).toEqual({ code: 0, said: '' });
    expect([has(root, 'bin/etcd'), has(root, 'bin/etcdctl'), has(root, 'bin/etcd.new')]).toEqual([
      ...['755', 'none', 'none'],
    ]);
  });

  test('installs all programs where * is asked for', async () => {
    const { root, run, file } = await archive({ bridge: '#!a', portmap: '#!b', LICENSE: 'text' });
    expect((await run(`install_programs ${file} ${root}/opt/cni/bin cni-plugins '*'`)).code).toBe(0);
    expect(['bridge', 'portmap', 'LICENSE'].map((name) => has(root, `opt/cni/bin/${name}`))).toEqual([
      ...['755', '755', 'none'],
    ]);
  });

  test('installs a file that is the program itself', async () => {
    const { root, run, file } = await archive({ any: 'file' });
    expect((await run(`install_programs ${file} ${root}/bin goss`)).code).toBe(0);
    expect(readFileSync(join(root, 'bin/goss')).equals(readFileSync(file))).toBe(true);
  });

  test.each([
    ['a program that is not in it', 'etcd v1/etcdutl'],
    ['no program at all', "x '*'"],
  ])('fails for %s', async (_, what) => {
    const { root, run, file } = await archive({ 'v1/etcd': '#!etcd' });
    expect((await run(`install_programs ${file} ${root}/bin ${what}`)).code).not.toBe(0);
  });

  test('fails for what is no archive', async () => {
    const { root, run } = await host('');
    await writeFile(join(root, 'archive'), 'text');
    expect((await run(`install_programs ${root}/archive ${root}/bin etcd etcd`)).code).not.toBe(0);
  });
});
