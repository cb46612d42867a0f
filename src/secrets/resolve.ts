import type { Plan } from '../plan/types.ts';
import { UserError } from '../report/errors.ts';
import { readCertificate } from './certificate.ts';
import { readHash } from './password.ts';
import { discoveryHash } from './pki.ts';
import { readReportMaster, reportKey } from './reports.ts';
import { ALL_TOKENS, DISCOVERY_HASH, needs, PASSWORD_LINE, reportKeyOf } from './requirements.ts';
import type { SecretStore } from './store.ts';
import { readTokens } from './tokens.ts';

/**
 * Reads every secret that a plan names, and gives a function from a ref to what the host's file holds: text that ends
 * with a line break, whether a PEM file or a token. A ref that is not in the store is a UserError.
 */
export function resolve(plan: Plan, store: SecretStore): (ref: string) => string {
  const needed = needs(plan);
  const values = new Map<string, string>();
  const stored = [...needed.cas, ...needed.leaves].flatMap(({ ref }) => [`${ref}.crt`, `${ref}.key`]);
  if (needed.serviceAccount) stored.push('pki/sa.key', 'pki/sa.pub');
  for (const ref of stored) {
    const value = store.read(ref);
    if (value !== undefined) values.set(ref, line(value));
  }

  const ca = values.get('pki/ca.crt');
  if (ca !== undefined)
    values.set(DISCOVERY_HASH, line(discoveryHash(readCertificate(ca, store.file('pki/ca.crt')))));

  if (needed.tokens.length > 0) {
    const tokens = readTokens(store);
    const all: string[] = [];
    // Only of hosts in the plan: what was given to one that is gone is honoured no more.
    for (const host of needed.tokens) {
      const token = tokens.get(host);
      if (token === undefined) continue;
      values.set(`tokens/${host}`, line(token));
      all.push(`${token} ${host}`);
    }
    if (all.length === needed.tokens.length) values.set(ALL_TOKENS, line(all.join('\n')));
  }

  // The name is the plan's, whatever it was when the hash was made.
  const user = needed.passwordOf;
  const hash = user === undefined ? undefined : readHash(store);
  if (hash !== undefined) values.set(PASSWORD_LINE, line(`${user}:${hash}`));

  const master = needed.reports.length > 0 ? readReportMaster(store) : undefined;
  if (master !== undefined)
    for (const host of needed.reports) values.set(reportKeyOf(host), line(reportKey(master, host)));

  return (ref) => {
    const value = values.get(ref);
    if (value !== undefined) return value;
    throw new UserError(
      `the secret ${ref} is not in ${store.dir}`,
      'make what is missing: imgbuild secrets ensure',
    );
  };
}

const line = (text: string) => `${text.trimEnd()}\n`;
