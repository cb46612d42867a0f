import type { Agent } from 'node:http';
import { HttpProxyAgent } from 'http-proxy-agent';
import { HttpsProxyAgent } from 'https-proxy-agent';
import { proxyFor } from '../render/proxy.ts';
import { ExitCode, UserError } from '../report/errors.ts';

/** What carries a request to a URL; undefined: nothing but the network. */
export type AgentFor = (url: URL) => Agent | undefined;

type Env = Readonly<Record<string, string | undefined>>;

/** The way out that the environment names, as curl takes it: http_proxy, https_proxy, all_proxy and no_proxy. */
export function agentsOf(env: Env): AgentFor {
  const http = proxyOf(env, 'http_proxy');
  const https = proxyOf(env, 'https_proxy');
  const direct = (of(env, 'no_proxy') ?? '').split(/[\s,]+/).filter((entry) => entry !== '');
  const made = new Map<string, Agent>();
  return (url) => {
    if (direct.includes('*')) return undefined;
    const noProxy = direct.flatMap((entry) => forPort(entry, url));
    const proxy = url.protocol === 'https:' ? https : http;
    if (!proxy || !proxyFor(url.href, { http: proxy, https: proxy, noProxy })) return undefined;
    const key = `${url.protocol} ${proxy}`;
    const agent = made.get(key) ?? newAgent(url.protocol, proxy);
    made.set(key, agent);
    return agent;
  };
}

function newAgent(protocol: string, proxy: string): Agent {
  return protocol === 'https:' ? new HttpsProxyAgent(proxy) : new HttpProxyAgent(proxy);
}

function of(env: Env, name: string): string | undefined {
  const value = env[name] ?? env[name.toUpperCase()];
  return value === '' ? undefined : value;
}

/** Never printed: it may hold a password. */
function proxyOf(env: Env, name: string): string | undefined {
  const value = of(env, name) ?? of(env, 'all_proxy');
  if (value === undefined) return undefined;
  const whole = value.includes('://') ? value : `http://${value}`;
  if (/^https?:/i.test(whole) && URL.canParse(whole)) return whole;
  throw new UserError(
    `the proxy that ${name} or all_proxy names is no http:// or https:// URL`,
    'correct it, or unset it where mirrors can be reached directly',
    ExitCode.usage,
  );
}

/** An entry of no_proxy without its port, where it has one that is the URL's. */
function forPort(entry: string, url: URL): string[] {
  const [, name, port] = /^([^:]+|\[.*\]):(\d+)$/.exec(entry) ?? [];
  if (name === undefined) return [entry.replace(/^\*(?=\.)/, '')];
  return port === (url.port || (url.protocol === 'https:' ? '443' : '80')) ? [name] : [];
}
