import { request as ask, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { download } from '../../src/artifacts/download.ts';
import { agentsOf } from '../../src/artifacts/proxy.ts';
import { scratch } from '../rigs/scratch.ts';
import { bytes, give, serve } from './server.ts';

/** The proxy that a URL goes by in an environment, as its agent knows it. */
function by(env: Record<string, string>, url: string): string | undefined {
  const agent = agentsOf(env)(new URL(url)) as { proxy?: URL } | undefined;
  return agent?.proxy?.host;
}

const BOTH = { http_proxy: 'http://plain.example.com:3128', HTTPS_PROXY: 'tls.example.com:3129' };

test.each([
  [{}, 'https://a.example.org/x', undefined],
  [BOTH, 'http://a.example.org/x', 'plain.example.com:3128'],
  [BOTH, 'https://a.example.org/x', 'tls.example.com:3129'],
  [{ ALL_PROXY: 'http://all.example.com:1' }, 'https://a.example.org/x', 'all.example.com:1'],
  [{ https_proxy: 'http://one:1', HTTPS_PROXY: 'http://two:2' }, 'https://a.example.org/x', 'one:1'],
  [{ HTTPS_PROXY: '' }, 'https://a.example.org/x', undefined],
  [{ ...BOTH, NO_PROXY: '*' }, 'https://a.example.org/x', undefined],
  [{ ...BOTH, no_proxy: 'example.org' }, 'https://a.example.org/x', undefined],
  [{ ...BOTH, no_proxy: 'b.org, .example.org' }, 'https://a.example.org/x', undefined],
  [{ ...BOTH, no_proxy: '*.example.org' }, 'https://a.example.org/x', undefined],
  [{ ...BOTH, no_proxy: 'ample.org' }, 'https://a.example.org/x', 'tls.example.com:3129'],
  [{ ...BOTH, no_proxy: 'a.example.org:8443' }, 'https://a.example.org/x', 'tls.example.com:3129'],
  [{ ...BOTH, no_proxy: 'a.example.org:8443' }, 'https://a.example.org:8443/x', undefined],
  [{ ...BOTH, no_proxy: '10.0.0.0/8' }, 'http://10.1.2.3/x', undefined],
  [{ ...BOTH, no_proxy: '10.0.0.0/8' }, 'http://11.1.2.3/x', 'plain.example.com:3128'],
])('%j: %s by %s', (env, url, proxy) => {
  expect(by(env, url)).toBe(proxy);
});

test.each(['socks5://proxy.example.com:1080', 'http://'])('%s is no proxy that can be used', (proxy) => {
  expect(() => agentsOf({ HTTPS_PROXY: proxy })).toThrow(/https_proxy or all_proxy names is no http/);
});

test('a password in it is not told of', () => {
  expect(() => agentsOf({ HTTPS_PROXY: 'socks5://ops:hunter2@proxy' })).not.toThrow(/hunter2/);
});

describe('a download', () => {
  /** A proxy that passes http on, and keeps a list of what it was asked for. */
  async function proxied() {
    const asked: string[] = [];
    const proxy = createServer((request, response) => {
      asked.push(`${request.method} ${request.url} ${request.headers['proxy-authorization'] ?? ''}`.trim());
      const onward = ask(request.url ?? '', { headers: request.headers }, (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      });
      onward.end();
    });
    proxy.on('connect', (request, socket) => {
      asked.push(`CONNECT ${request.url}`);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => {
      proxy.closeAllConnections();
      proxy.close();
    });
    return { asked, host: `127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  }

  test('goes through it', async () => {
    const { asked, host } = await proxied();
    const { url } = await serve(give(bytes(5000)));
    const agentFor = agentsOf({ http_proxy: `http://ops:pass@${host}` });
    const part = join(await scratch(), 'part');
    expect((await download({ urls: [`${url}/file`], part, agentFor })).size).toBe(5000);
    expect(asked).toEqual([`GET ${url}/file Basic ${Buffer.from('ops:pass').toString('base64')}`]);
  });

  test('of an https:// URL asks it for a tunnel, and does not go round it', async () => {
    const { asked, host } = await proxied();
    const agentFor = agentsOf({ https_proxy: `http://${host}` });
    const part = join(await scratch(), 'part');
    const url = 'https://mirror.invalid/file';
    await expect(download({ urls: [url], part, agentFor, pause: async () => {} })).rejects.toThrow(
      `${url} answers 403`,
    );
    expect(asked[0]).toBe('CONNECT mirror.invalid:443');
  });
});
