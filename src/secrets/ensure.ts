import type { KeyObject } from 'node:crypto';
import type { Plan } from '../plan/types.ts';
import { ProblemsError } from '../report/errors.ts';
import { hasErrors } from '../report/problem.ts';
import { readCertificate } from './certificate.ts';
import { belongsTo, OWNER } from './owner.ts';
import { hashPassword, newPassword } from './password.ts';
import {
  CA_YEARS,
  checkYears,
  issueCa,
  issueLeaf,
  keyPem,
  LEAF_YEARS,
  newKey,
  newServiceAccountKey,
  publicPem,
  type Signer,
} from './pki.ts';
import { type Random, systemRandom } from './random.ts';
import { newReportMaster } from './reports.ts';
import { type CaName, needs, PASSWORD, PASSWORD_LINE, REPORT_MASTER } from './requirements.ts';
import type { SecretStore } from './store.ts';
import { findingsOf, type Survey, survey } from './survey.ts';
import { addTokens, readTokens, writeTokens } from './tokens.ts';

/** How secrets are made. */
export interface Making {
  now: Date;
  /** For tokens, the password and its salt, and the reports' master; keys come from OpenSSL. */
  random?: Random;
  /** How long a new authority lasts: 1 to 100 years, 10 by default. */
  caYears?: number;
  /** How long a new certificate lasts, at most as long as its authority: 5 years by default. */
  leafYears?: number;
}

/**
 * Makes what a plan needs and the store lacks, and nothing else: what is there stays as it is. Throws a
 * ProblemsError, before anything is made, where what is there could not work.
 */
export async function ensure(plan: Plan, store: SecretStore, making: Making): Promise<{ made: string[] }> {
  for (const years of [making.caYears, making.leafYears]) if (years !== undefined) checkYears(years);
  belongsTo(plan, store);
  sound(plan, store, making.now);
  if (missing(plan, store).length === 0) return { made: [] };
  return store.exclusively(async () => {
    // Again, now that nobody else writes.
    const found = sound(plan, store, making.now);
    const made = missing(plan, store);
    if (!store.has(OWNER)) store.write(OWNER, `${plan.cluster.mark}\n`);
    await make(found, new Set(made), store, making);
    return { made };
  });
}

/** What `ensure` would make, in its order. Makes nothing. */
export function missing(plan: Plan, store: SecretStore): string[] {
  const needed = needs(plan);
  const wanted: string[] = [];
  for (const { ref } of needed.cas) {
    // Where only the key is missing it is kept elsewhere, or lost; it cannot be made.
    if (!store.has(`${ref}.crt`)) wanted.push(`${ref}.key`, `${ref}.crt`);
  }
  if (needed.serviceAccount) wanted.push('pki/sa.key', 'pki/sa.pub');
  for (const { ref } of needed.leaves) wanted.push(`${ref}.key`, `${ref}.crt`);
  // The hash without the password is how a careful operator leaves it.
  if (needed.passwordOf !== undefined && !store.has(PASSWORD_LINE)) wanted.push(PASSWORD, PASSWORD_LINE);
  if (needed.reports.length > 0) wanted.push(REPORT_MASTER);
  const tokens = needed.tokens.length > 0 ? readTokens(store) : new Map();
  return [
    ...wanted.filter((ref) => !store.has(ref)),
    ...needed.tokens.filter((host) => !tokens.has(host)).map((host) => `tokens/${host}`),
  ];
}

/** Reads the store, and throws where it has errors. */
function sound(plan: Plan, store: SecretStore, now: Date): Survey {
  const found = survey(plan, store, now);
  const findings = findingsOf(found);
  if (hasErrors(findings)) throw new ProblemsError(findings.filter((f) => f.severity === 'error'));
  return found;
}

async function make(
  found: Survey,
  wanted: ReadonlySet<string>,
  store: SecretStore,
  making: Making,
): Promise<void> {
  const { now, random = systemRandom, caYears = CA_YEARS, leafYears = LEAF_YEARS } = making;
  /** Writes a new key, or gives the one that is there. Keys come first: without its certificate a key is still good. */
  const keyFor = (ref: string, known: KeyObject | undefined, fresh: () => KeyObject): KeyObject => {
    if (known !== undefined) return known;
    const key = fresh();
    store.write(ref, keyPem(key));
    return key;
  };

  const signers = new Map<CaName, Signer>();
  for (const [name, { need, certificate, key: known }] of found.cas) {
    let authority = certificate;
    let key = known;
    if (authority === undefined) {
      key = keyFor(`${need.ref}.key`, known, newKey);
      const pem = await issueCa(need.commonName, key, { now, years: caYears });
      store.write(`${need.ref}.crt`, pem);
      authority = readCertificate(pem, store.file(`${need.ref}.crt`));
    }
    if (key !== undefined) signers.set(name, { certificate: authority, key });
  }

  if (wanted.has('pki/sa.key') || wanted.has('pki/sa.pub')) {
    const key = keyFor('pki/sa.key', found.serviceKey, newServiceAccountKey);
    store.write('pki/sa.pub', publicPem(key));
  }

  for (const { need, certificate, key: known } of found.leaves) {
    if (certificate !== undefined) continue;
    const signer = signers.get(need.ca);
    if (signer === undefined) throw new Error(`no key to sign ${need.ref} with`);
    const key = keyFor(`${need.ref}.key`, known, newKey);
    store.write(`${need.ref}.crt`, await issueLeaf(need, key, signer, { now, years: leafYears }));
  }

  if (wanted.has(PASSWORD_LINE)) {
    const password = found.password ?? newPassword(random);
    if (found.password === undefined) store.write(PASSWORD, `${password}\n`);
    store.write(PASSWORD_LINE, `${found.needs.passwordOf}:${hashPassword(password, random)}\n`);
  }

  if (wanted.has(REPORT_MASTER)) store.write(REPORT_MASTER, `${newReportMaster(random)}\n`);

  const hosts = [...wanted].flatMap((ref) =>
    ref.startsWith('tokens/') ? [ref.slice('tokens/'.length)] : [],
  );
  if (hosts.length > 0) {
    addTokens(found.tokens, hosts, random);
    writeTokens(store, found.tokens);
  }
}
