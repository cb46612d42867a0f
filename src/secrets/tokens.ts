import type { Plan } from '../plan/types.ts';
import { suggest } from '../report/did-you-mean.ts';
import { UserError } from '../report/errors.ts';
import { pick, type Random, systemRandom } from './random.ts';
import { AUTHORITIES, needs } from './requirements.ts';
import type { SecretStore } from './store.ts';

/** All tokens lie in one file: a thousand hosts are a thousand tokens. */
export const TOKENS = 'tokens.json';

/** Of a bootstrap token (k8s.io/cluster-bootstrap/token/api, BootstrapTokenPattern). */
const TOKEN = /^[a-z0-9]{6}\.[a-z0-9]{16}$/;
const LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** Host → token. */
export type Tokens = Map<string, string>;

/** The tokens in a store; those of hosts long gone too. */
export function readTokens(store: SecretStore): Tokens {
  const text = store.read(TOKENS);
  if (text === undefined) return new Map();
  const entries = parse(text);
  const tokens: Tokens = new Map();
  const ids = new Set<string>();
  for (const [host, token] of Object.entries(entries ?? {})) {
    if (typeof token !== 'string' || !TOKEN.test(token))
      return corrupt(store, `what stands for ${JSON.stringify(host)} is no bootstrap token`);
    if (ids.has(token.slice(0, 6)))
      return corrupt(store, `${JSON.stringify(host)} has the token of another host`);
    ids.add(token.slice(0, 6));
    tokens.set(host, token);
  }
  return entries === undefined ? corrupt(store, 'it is not a JSON object of host: token') : tokens;
}

// JSON.parse quotes what it stumbled over in its message, so its error goes no further.
function parse(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}

function corrupt(store: SecretStore, why: string): never {
  throw new UserError(
    `${store.file(TOKENS)} cannot be used: ${why}`,
    'restore it from a backup; or remove it: new tokens are made, and hosts that have not joined need new images',
  );
}

/** Writes tokens, sorted by host. */
export function writeTokens(store: SecretStore, tokens: Tokens): void {
  const sorted = [...tokens].sort(([a], [b]) => (a < b ? -1 : 1));
  store.write(TOKENS, `${JSON.stringify(Object.fromEntries(sorted), null, 2)}\n`);
}

/** Gives new tokens to hosts. A token's first six characters name it in the cluster, so they are unlike all others'. */
export function addTokens(tokens: Tokens, hosts: Iterable<string>, random: Random): void {
  const ids = new Set([...tokens.values()].map((token) => token.slice(0, 6)));
  for (const host of hosts) {
    let id = pick(LETTERS, 6, random);
    while (ids.has(id)) id = pick(LETTERS, 6, random);
    ids.add(id);
    tokens.set(host, `${id}.${pick(LETTERS, 16, random)}`);
  }
}

/** A host that was given a new token. */
export interface Rotated {
  host: string;
  /** What the cluster knows the old one by, which is no secret; absent where there was none. */
  oldId?: string;
}

/**
 * Gives hosts new tokens: all that join, or those that are named. The cluster goes on honouring the old ones until they
 * are deleted there (kubeadm token delete), and images hold the old ones until they are built.
 */
export async function rotateTokens(
  plan: Plan,
  store: SecretStore,
  { hosts, random = systemRandom }: { hosts?: readonly string[]; random?: Random } = {},
): Promise<Rotated[]> {
  const joining = joiningHosts(plan, hosts ?? []);
  const chosen = [...new Set(hosts ?? joining)].sort();
  if (chosen.length === 0) return [];
  hasAuthority(store);
  return store.exclusively(async () => {
    const tokens = readTokens(store);
    const rotated = chosen.map((host): Rotated => {
      const oldId = tokens.get(host)?.slice(0, 6);
      return oldId === undefined ? { host } : { host, oldId };
    });
    addTokens(tokens, chosen, random);
    writeTokens(store, tokens);
    return rotated;
  });
}

/** One host's token; it is made where a store has none yet, such as for a host that was added later. */
export async function tokenOf(
  plan: Plan,
  store: SecretStore,
  host: string,
  random: Random = systemRandom,
): Promise<{ token: string; made: boolean }> {
  joiningHosts(plan, [host]);
  hasAuthority(store);
  const known = readTokens(store).get(host);
  if (known !== undefined) return { token: known, made: false };
  return store.exclusively(async () => {
    const tokens = readTokens(store);
    const made = !tokens.has(host);
    if (made) {
      addTokens(tokens, [host], random);
      writeTokens(store, tokens);
    }
    return { token: tokens.get(host) ?? '', made };
  });
}

/**
 * Refuses a folder that holds no cluster's secrets. A token that was made there would be unknown to every host, and the
 * running cluster that is told of it would let in whoever has it.
 */
function hasAuthority(store: SecretStore): void {
  const { ref } = AUTHORITIES.kubernetes;
  if (store.has(`${ref}.crt`)) return;
  throw new UserError(
    `there is no ${store.file(`${ref}.crt`)}: this folder has no secrets of a cluster to take a token from`,
    'restore it, or name the folder of this cluster’s secrets with --secrets; where there is no cluster yet: imgbuild secrets ensure',
  );
}

/** The hosts that join by a token; refuses those named that do not. */
export function joiningHosts(plan: Plan, named: readonly string[]): string[] {
  const joining = needs(plan).tokens;
  for (const host of named) {
    if (joining.includes(host)) continue;
    throw plan.hosts.some(({ name }) => name === host)
      ? new UserError(
          `${host} is no node, and joins nothing`,
          'it needs no token; control planes and nodes do',
        )
      : new UserError(`there is no host ${host}`, suggest(host, joining));
  }
  return joining;
}
