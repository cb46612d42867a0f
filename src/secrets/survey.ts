import { createPublicKey, type KeyObject } from 'node:crypto';
import type { Plan } from '../plan/types.ts';
import type { Finding } from '../report/problem.ts';
import { readKey, readPublicKey } from './certificate.ts';
import { assign, finding, guarded, list } from './findings.ts';
import { type Item, readCa, readLeaf } from './pairs.ts';
import { isHashOf, readHash, readPassword } from './password.ts';
import { readReportMaster } from './reports.ts';
import {
  type CaName,
  type CaNeed,
  type LeafNeed,
  type Needs,
  needs,
  PASSWORD,
  PASSWORD_LINE,
} from './requirements.ts';
import type { SecretStore } from './store.ts';
import { readTokens, type Tokens } from './tokens.ts';

/** A store, read and judged against a plan. Nothing in it is printed: {@link Item.key} is a secret. */
export interface Survey {
  needs: Needs;
  cas: Map<CaName, Item<CaNeed>>;
  leaves: Item<LeafNeed>[];
  serviceKey?: KeyObject;
  tokens: Tokens;
  password?: string;
  hash?: string;
  /** What is wrong with everything else. */
  findings: Finding[];
}

/** Everything that is wrong in a survey. */
export function findingsOf(survey: Survey): Finding[] {
  return [...[...survey.cas.values(), ...survey.leaves].flatMap((item) => item.findings), ...survey.findings];
}

/**
 * What is wrong with the secrets that a plan needs: errors where hosts built from them would not work, warnings
 * where that day is near. What is merely missing is no finding: `ensure` makes it.
 */
export function checkStore(plan: Plan, store: SecretStore, now: Date): Finding[] {
  return findingsOf(survey(plan, store, now));
}

/** Reads everything that a plan needs from a store. */
export function survey(plan: Plan, store: SecretStore, now: Date): Survey {
  const needed = needs(plan);
  const cas = new Map(needed.cas.map((need) => [need.name, readCa(need, store, now)]));
  const leaves = needed.leaves.map((need) => readLeaf(need, cas.get(need.ca)?.certificate, store, now));
  const found: Survey = { needs: needed, cas, leaves, tokens: new Map(), findings: [] };
  for (const ca of cas.values()) judgeCa(ca, found, store);
  const { findings } = found;
  if (needed.serviceAccount) assign(found, 'serviceKey', readServiceKey(store, findings));
  if (needed.reports.length > 0) guarded(findings, () => readReportMaster(store));
  if (needed.tokens.length > 0) found.tokens = guarded(findings, () => readTokens(store)) ?? new Map();
  if (needed.passwordOf !== undefined) {
    assign(
      found,
      'password',
      guarded(findings, () => readPassword(store)),
    );
    assign(
      found,
      'hash',
      guarded(findings, () => readHash(store)),
    );
    if (found.password !== undefined && found.hash !== undefined && !isHashOf(found.hash, found.password)) {
      findings.push(
        finding(
          'secret-key-mismatch',
          `${store.file(PASSWORD_LINE)} is not the hash of ${PASSWORD}`,
          'remove the one that is not wanted',
        ),
      );
    }
  }
  return found;
}

/** What can only be said of an authority beside the others, and beside what it signed. */
function judgeCa(ca: Item<CaNeed>, { cas, leaves }: Survey, store: SecretStore): void {
  const { need, certificate, key, findings } = ca;
  const own = leaves.filter((leaf) => leaf.need.ca === need.name);
  const hasCertificate = store.has(`${need.ref}.crt`);
  const hasKey = store.has(`${need.ref}.key`);
  const incomplete = (message: string, hint: string) =>
    findings.push(finding('secret-incomplete', message, hint));
  if (hasCertificate && !hasKey) {
    const file = store.file(`${need.ref}.key`);
    const unsigned = own
      .filter((leaf) => !store.has(`${leaf.need.ref}.crt`))
      .map((leaf) => `${leaf.need.ref}.crt`);
    if (need.keyFor.length > 0) {
      incomplete(
        `${file} is missing, and ${list(need.keyFor)} cannot do without it`,
        `put the key of ${need.ref}.crt there`,
      );
    } else if (unsigned.length > 0) {
      incomplete(
        `${file} is missing, and ${list(unsigned)} cannot be signed`,
        'put the key there, or the certificates that it signed',
      );
    }
  }
  const orphaned = own.filter(
    (leaf) => leaf.certificate && !(key && leaf.certificate.x509.verify(createPublicKey(key))),
  );
  if (!hasCertificate && orphaned.length > 0) {
    incomplete(
      `${store.file(`${need.ref}.crt`)} is missing, and ${list(orphaned.map((leaf) => `${leaf.need.ref}.crt`))} came from it`,
      'restore it from a backup; or remove what it signed, and everything is made anew',
    );
  }
  for (const other of cas.values()) {
    if (other === ca || other.need.name < need.name || !certificate || !other.certificate) continue;
    if (!certificate.publicKey.equals(other.certificate.publicKey)) continue;
    findings.push(
      finding(
        'secret-shared-ca',
        `${need.ref}.crt and ${other.need.ref}.crt have one key: whoever has a certificate for one passes for known to the other`,
        'use an authority for each',
        'warning',
      ),
    );
  }
}

function readServiceKey(store: SecretStore, findings: Finding[]): KeyObject | undefined {
  return guarded(findings, () => {
    const [secret, open] = [store.read('pki/sa.key'), store.read('pki/sa.pub')];
    const file = store.file('pki/sa.key');
    if (secret === undefined) {
      if (open !== undefined) {
        findings.push(
          finding(
            'secret-incomplete',
            `${file} is missing beside pki/sa.pub`,
            'put the key there, or remove pki/sa.pub: both are made anew',
          ),
        );
      }
      return undefined;
    }
    const key = readKey(secret, file);
    if (open !== undefined && !createPublicKey(key).equals(readPublicKey(open, store.file('pki/sa.pub')))) {
      findings.push(
        finding(
          'secret-key-mismatch',
          `${file} is not the key of pki/sa.pub`,
          'remove pki/sa.pub: it is made from the key',
        ),
      );
    }
    return key;
  });
}
