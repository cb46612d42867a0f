import { contains, toNumber, toRange } from '../plan/ipv4.ts';
import type { Plan, Target } from '../plan/types.ts';
import { CIDR, IPV4 } from '../spec/schema/words.ts';

type Proxy = Plan['cluster']['proxy'];

/** The proxy that a URL is fetched through, if any. */
export function proxyFor(url: string, proxy: Proxy): string | undefined {
  if (proxy === undefined) return undefined;
  const { hostname, protocol } = new URL(url);
  const direct = proxy.noProxy.some((entry) =>
    CIDR.test(entry)
      ? IPV4.test(hostname) && contains(toRange(entry), toNumber(hostname))
      : hostname === entry || hostname.endsWith(entry.startsWith('.') ? entry : `.${entry}`),
  );
  if (direct) return undefined;
  return protocol === 'https:' ? (proxy.https ?? proxy.http) : proxy.http;
}

/**
 * For curl, which takes them in lower case; the repositories' file says for each of them which way it goes.
 * Older curls know no ranges in no_proxy, so what is reached directly is named.
 */
export function proxyVariables(
  { keys, artifacts }: Pick<Target, 'keys' | 'artifacts'>,
  proxy: Proxy,
): [string, string][] | undefined {
  if (proxy === undefined) return undefined;
  const direct = [...keys.map(({ url }) => url), ...artifacts.flatMap(({ urls }) => urls)].filter(
    (url) => proxyFor(url, proxy) === undefined,
  );
  const names = proxy.noProxy.filter((entry) => !CIDR.test(entry));
  const variables: [string, string | undefined][] = [
    ['http_proxy', proxy.http],
    ['https_proxy', proxy.https ?? proxy.http],
    ['no_proxy', [...new Set([...names, ...direct.map((url) => new URL(url).hostname)])].join(',')],
  ];
  return variables.flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]));
}
