import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { DownloadError, type DownloadOptions, download } from '../../src/artifacts/download.ts';
import { LIMITS } from '../../src/artifacts/transfer.ts';
import { scratch } from '../rigs/scratch.ts';
import { bytes, cut, give, serve, serveTls, sumOf } from './server.ts';

const FILE = bytes(200_000);
const SHA256 = sumOf(FILE);
/** Where a connection is cut, some of what was sent may not arrive. */
const FROM_WITHIN = /^bytes=[1-9]\d*-$/;

/** Downloads into a folder of the test's own, without waiting between tries. */
async function fetched(urls: string[], options: Partial<DownloadOptions> = {}, folder?: string) {
  const dir = folder ?? (await scratch());
  const part = join(dir, 'part');
  const got = await download({ urls, part, agentFor: () => undefined, pause: async () => {}, ...options });
  return { ...got, content: readFileSync(part), dir };
}

async function reasons(promise: Promise<unknown>): Promise<readonly string[]> {
  const error = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(DownloadError);
  return (error as DownloadError).reasons;
}

describe('a whole file', () => {
  test('is taken, with its size and checksum', async () => {
    const { url, requests } = await serve(give(FILE));
    const got = await fetched([`${url}/file`]);
    expect(got).toMatchObject({ url: `${url}/file`, size: FILE.length, sha256: SHA256 });
    expect(got.content.equals(FILE)).toBe(true);
    expect(requests).toHaveLength(1);
    expect(requests[0]?.headers).toMatchObject({ 'accept-encoding': 'identity' });
  });

  test('of unknown length is taken where the end of it is marked, or its checksum is known', async () => {
    const chunked = await serve((_, response) => response.writeHead(200).end(FILE));
    expect((await fetched([chunked.url])).sha256).toBe(SHA256);
    const open = await serve((_, response) => {
      response.shouldKeepAlive = false;
      response.useChunkedEncodingByDefault = false;
      response.writeHead(200, { Connection: 'close' }).end(FILE);
    });
    expect((await fetched([open.url], { sha256: SHA256 })).sha256).toBe(SHA256);
    expect(await reasons(fetched([open.url]))).toEqual([
      `${open.url} does not say how long the file is, and nothing tells whether it is whole`,
    ]);
  });

  test('tells how far it is', async () => {
    const { url } = await serve(give(FILE));
    const told: [number, number | undefined][] = [];
    await fetched([url], { onBytes: (_, done, all) => told.push([done, all]) });
    expect(told.at(-1)).toEqual([FILE.length, FILE.length]);
  });
});

describe('a connection that is cut', () => {
  test('is gone on with, by the ETag', async () => {
    const { url, requests } = await serve(give(FILE, { cutAfter: 70_000, headers: { ETag: '"one"' } }));
    expect((await fetched([url])).content.equals(FILE)).toBe(true);
    expect(requests.length).toBeGreaterThan(2);
    for (const { headers } of requests.slice(1)) {
      expect(headers.range).toMatch(FROM_WITHIN);
      expect(headers['if-range']).toBe('"one"');
    }
  });

  test('is gone on with by the date where the ETag is a weak one', async () => {
    const date = 'Fri, 20 Nov 2026 10:00:00 GMT';
    const headers = { ETag: 'W/"one"', 'Last-Modified': date };
    const { url, requests } = await serve(give(FILE, { cutAfter: 120_000, headers }));
    expect((await fetched([url])).content.equals(FILE)).toBe(true);
    expect(requests[1]?.headers['if-range']).toBe(date);
  });

  test('begins anew where the file has changed meanwhile', async () => {
    let asked = 0;
    const { url } = await serve((request, response) => {
      asked++;
      const old = bytes(150_000).reverse();
      if (asked === 1) give(old, { cutAfter: 50_000, headers: { ETag: '"old"' } })(request, response);
      else give(FILE, { headers: { ETag: '"new"' } })(request, response);
    });
    expect((await fetched([url])).content.equals(FILE)).toBe(true);
    expect(asked).toBe(2);
  });

  test('begins anew where the server knows no ranges', async () => {
    let asked = 0;
    const { url } = await serve((request, response) => {
      const more = asked++ === 0 ? { cutAfter: 50_000 } : {};
      give(FILE, { ranges: false, headers: { ETag: '"one"' }, ...more })(request, response);
    });
    expect((await fetched([url])).content.equals(FILE)).toBe(true);
  });

  test('begins anew where nothing tells that the file is still the same', async () => {
    let asked = 0;
    const { url, requests } = await serve((request, response) =>
      give(FILE, asked++ === 0 ? { cutAfter: 50_000 } : {})(request, response),
    );
    await fetched([url]);
    expect(requests[1]?.headers.range).toBeUndefined();
  });

  test('is gone on with at another mirror where the checksum is known', async () => {
    const bad = await serve((request, response) =>
      request.headers.range
        ? response.writeHead(404).end()
        : give(FILE, { cutAfter: 90_000 })(request, response),
    );
    const good = await serve(give(FILE));
    const got = await fetched([bad.url, good.url], { sha256: SHA256 });
    expect(got).toMatchObject({ url: good.url, sha256: SHA256 });
    expect(good.requests[0]?.headers.range).toMatch(FROM_WITHIN);
  });

  test('is gone on with by a later run', async () => {
    const dir = await scratch();
    const headers = { ETag: '"one"' };
    let down = false;
    const { url, requests } = await serve((request, response) => {
      if (down) return void response.writeHead(503).end();
      down = true;
      give(FILE, { cutAfter: 60_000, headers })(request, response);
    });
    expect(await reasons(fetched([url], {}, dir))).toEqual([`${url} answers 503`]);
    const later = await serve(give(FILE, { headers }));
    expect(requests.length).toBeGreaterThan(2);
    // The same address, as far as the part knows.
    writeFileSync(join(dir, 'part.json'), JSON.stringify({ url: later.url, validator: '"one"' }));
    expect((await fetched([later.url], {}, dir)).content.equals(FILE)).toBe(true);
    expect(later.requests[0]?.headers.range).toMatch(FROM_WITHIN);
  });

  test('again and again without a byte is given up', async () => {
    const { url, requests } = await serve((_, response) => response.socket?.destroy());
    expect(await reasons(fetched([url]))).toEqual([`${url} breaks off`]);
    expect(requests).toHaveLength(3);
  });

  test('in the middle of a chunked answer is no end of the file', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200);
      cut(response, FILE.subarray(0, 1000));
    });
    expect(await reasons(fetched([url]))).toEqual([`${url} breaks off`]);
  });
});

describe('a wrong file', () => {
  test('is thrown away, and the next mirror asked', async () => {
    const wrong = Buffer.from(FILE).fill(0, 5, 6);
    const bad = await serve(give(wrong));
    const good = await serve(give(FILE));
    expect((await fetched([bad.url, good.url], { sha256: SHA256 })).url).toBe(good.url);
    const dir = await scratch();
    expect(await reasons(fetched([bad.url], { sha256: SHA256 }, dir))).toEqual([
      `${bad.url} sends a file with the checksum ${sumOf(wrong)} instead of ${SHA256}`,
    ]);
    expect(existsSync(join(dir, 'part'))).toBe(false);
  });

  test('that was gone on with is fetched whole before the server is blamed', async () => {
    const dir = await scratch({ part: 'not the beginning of it' });
    const { url, requests } = await serve(give(FILE));
    expect((await fetched([url], { sha256: SHA256 }, dir)).content.equals(FILE)).toBe(true);
    expect(requests.map(({ headers }) => headers.range)).toEqual(['bytes=23-', undefined]);
  });

  test('longer than the whole file is thrown away too', async () => {
    const dir = await scratch({ part: `${'x'.repeat(FILE.length)}x` });
    const { url } = await serve(give(FILE));
    expect((await fetched([url], { sha256: SHA256 }, dir)).content.equals(FILE)).toBe(true);
  });

  test.each([
    ['of another size', { size: FILE.length + 1 }, /has 200000 bytes instead of 200001$/],
    ['that is too large', { limits: { ...LIMITS, bytes: 1000 } }, /sends more than 1000 bytes$/],
  ])('%s is refused before it is fetched', async (_, options, said) => {
    const { url } = await serve(give(FILE));
    expect((await reasons(fetched([url], options)))[0]).toMatch(said);
  });

  test('that never ends is not fetched for ever', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200);
      const more = () => {
        if (!response.destroyed) response.write(FILE, () => setImmediate(more));
      };
      more();
    });
    const limits = { ...LIMITS, bytes: 1_000_000 };
    expect(await reasons(fetched([url], { limits }))).toEqual([`${url} sends more than 1000000 bytes`]);
  });

  test('that is packed on its way is refused: its checksum would be that of the packed one', async () => {
    const { url } = await serve(give(FILE, { headers: { 'Content-Encoding': 'gzip' } }));
    expect(await reasons(fetched([url]))).toEqual([`${url} sends it as gzip`]);
  });
});

describe('a server that does not give it', () => {
  test('is passed over: 404 here, the file there', async () => {
    const bad = await serve((_, response) => response.writeHead(404).end('no'));
    const good = await serve(give(FILE));
    expect((await fetched([bad.url, good.url])).url).toBe(good.url);
    expect(bad.requests).toHaveLength(1);
  });

  test('is asked again where it may come to itself', async () => {
    let asked = 0;
    const { url } = await serve((request, response) =>
      asked++ < 2 ? response.writeHead(503).end() : give(FILE)(request, response),
    );
    expect((await fetched([url])).sha256).toBe(SHA256);
  });

  test('stands still: given up after its time', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'Content-Length': FILE.length });
      response.write(FILE.subarray(0, 10));
    });
    const limits = { ...LIMITS, stallMs: 50 };
    expect(await reasons(fetched([url], { limits }))).toEqual([`${url} sends nothing for 0.05 s`]);
    const silent = await serve(() => {});
    expect(await reasons(fetched([silent.url], { limits }))).toEqual([
      `${silent.url} sends nothing for 0.05 s`,
    ]);
  });

  test('is slow, and is waited for as long as something comes', async () => {
    const { url } = await serve((_, response) => {
      response.writeHead(200, { 'Content-Length': FILE.length });
      const send = (from: number): void => {
        response.write(FILE.subarray(from, from + 20_000));
        if (from + 20_000 < FILE.length) setTimeout(send, 150, from + 20_000);
      };
      send(0);
    });
    const limits = { ...LIMITS, stallMs: 1000 };
    expect((await fetched([url], { limits })).sha256).toBe(SHA256);
  });

  test('is not there', async () => {
    const url = 'http://127.0.0.1:1/file';
    expect(await reasons(fetched([url]))).toEqual([`${url} refuses connections`]);
  });
});

describe('a redirect', () => {
  test('is followed five times, and goes on with what is there', async () => {
    const target = await serve(give(FILE, { cutAfter: 150_000, headers: { ETag: '"one"' } }));
    const { url } = await serve((request, response) => {
      const hop = Number(request.url?.slice(1));
      const location = hop < 4 ? `/${hop + 1}` : `${target.url}/file`;
      response.writeHead(302, { Location: location }).end('elsewhere');
    });
    const got = await fetched([`${url}/0`]);
    expect(got).toMatchObject({ url: `${url}/0`, sha256: SHA256 });
    expect(target.requests[1]?.headers.range).toMatch(FROM_WITHIN);
    expect(target.requests[1]?.headers['if-range']).toBe('"one"');
  });

  test('from https to http is not followed', async () => {
    const plain = await serve(give(FILE));
    const { url, agent } = await serveTls((_, response) =>
      response.writeHead(302, { Location: `${plain.url}/file` }).end(),
    );
    expect(await reasons(fetched([url], { agentFor: () => agent }))).toEqual([
      `${url} leads from https to http, to ${new URL(plain.url).host}`,
    ]);
    expect(plain.requests).toEqual([]);
  });

  test('over TLS is followed, and a certificate that nobody vouches for refused', async () => {
    const { url, agent } = await serveTls((request, response) =>
      request.url === '/file'
        ? give(FILE)(request, response)
        : response.writeHead(302, { Location: '/file' }).end(),
    );
    expect((await fetched([url], { agentFor: () => agent })).sha256).toBe(SHA256);
    expect((await reasons(fetched([url])))[0]).toMatch(/UNABLE_TO_VERIFY|SELF_SIGNED/);
  });

  test.each([
    ['round and round', '/0', /leads on more than 5 times$/],
    ['to no place', 'http://', /leads nowhere$/],
    ['to another kind of place', 'file:///etc/passwd', /leads nowhere$/],
  ])('%s is not followed', async (_, location, said) => {
    const { url } = await serve((_, response) => response.writeHead(302, { Location: location }).end());
    expect((await reasons(fetched([`${url}/0`])))[0]).toMatch(said);
  });
});
