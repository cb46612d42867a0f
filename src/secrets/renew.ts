import type { Plan } from '../plan/types.ts';
import { ProblemsError, UserError } from '../report/errors.ts';
import type { Finding } from '../report/problem.ts';
import { isSignedBy, readCertificate } from './certificate.ts';
import { type Item, LEAF_WARNING_DAYS, readCa } from './pairs.ts';
import { CA_YEARS, checkYears, issueCa, issueLeaf, keyPem, LEAF_YEARS, newKey } from './pki.ts';
import { AUTHORITIES, type CaName, type CaNeed, type LeafNeed } from './requirements.ts';
import type { SecretStore } from './store.ts';
import { survey } from './survey.ts';

/** Which certificates are issued anew, and how. */
export interface Renewing {
  now: Date;
  /** Those that expire within so many days: 90 by default. */
  within?: number;
  /** All of them. */
  force?: boolean;
  /** With new keys. Without it the keys stay, and only the certificates on the hosts have to be replaced. */
  newKeys?: boolean;
  /** How long they last: 5 years by default. */
  leafYears?: number;
}

/** A certificate that was issued anew, and why. */
export interface Renewed {
  ref: string;
  why: string;
  notAfter: Date;
}

/** Faults of a certificate that another one, of the same authority, puts right. */
const MENDED = new Set(['secret-expired', 'secret-not-signed', 'secret-does-not-fit', 'secret-key-mismatch']);

/**
 * Issues certificates anew: those that expire soon, and those that no longer fit the plan or their authority. What is
 * missing is left to `ensure`. Hosts go on with the old ones until they are given the new.
 */
export async function renew(plan: Plan, store: SecretStore, renewing: Renewing): Promise<Renewed[]> {
  const { now, leafYears = LEAF_YEARS } = renewing;
  checkYears(leafYears);
  if (choose(plan, store, renewing).length === 0) return [];
  return store.exclusively(async () => {
    const renewed: Renewed[] = [];
    for (const { leaf, ca, why } of choose(plan, store, renewing)) {
      const { ref } = leaf.need;
      if (ca.certificate === undefined || ca.key === undefined || leaf.key === undefined)
        throw new Error(`${ref}: unchecked`);
      const key = renewing.newKeys ? newKey() : leaf.key;
      const pem = await issueLeaf(
        leaf.need,
        key,
        { certificate: ca.certificate, key: ca.key },
        { now, years: leafYears },
      );
      // Should it stop between the two, they do not match, and the next run mends that.
      if (renewing.newKeys) store.write(`${ref}.key`, keyPem(key));
      store.write(`${ref}.crt`, pem);
      renewed.push({ ref: `${ref}.crt`, why, notAfter: readCertificate(pem, ref).notAfter });
    }
    return renewed;
  });
}

interface Choice {
  leaf: Item<LeafNeed>;
  ca: Item<CaNeed>;
  why: string;
}

/** What is to be renewed; throws, before anything is, where something could not be. */
function choose(
  plan: Plan,
  store: SecretStore,
  { now, within = LEAF_WARNING_DAYS, force, newKeys }: Renewing,
): Choice[] {
  const { cas, leaves } = survey(plan, store, now);
  const choices: Choice[] = [];
  const obstacles: Finding[] = [];
  for (const leaf of leaves) {
    const { certificate, findings } = leaf;
    const errors = findings.filter((f) => f.severity === 'error');
    obstacles.push(...errors.filter((f) => !MENDED.has(f.code)));
    const ca = cas.get(leaf.need.ca);
    if (certificate === undefined || ca === undefined) continue;
    const left = Math.floor((certificate.notAfter.getTime() - now.getTime()) / (24 * 3600 * 1000));
    // One that ends with its authority would end no later if it were issued anew.
    const isLast = ca.certificate !== undefined && ca.certificate.notAfter <= certificate.notAfter;
    let why = errors.map((f) => f.message).join('; ');
    if (why === '' && left < within && !isLast) why = `${left} days were left`;
    if (why === '' && (force || newKeys)) why = 'as asked';
    if (why !== '') choices.push({ leaf, ca, why });
  }
  for (const ca of new Set(choices.map((choice) => choice.ca))) {
    obstacles.push(...ca.findings.filter((f) => f.severity === 'error'));
    if (
      ca.key === undefined &&
      store.has(`${ca.need.ref}.crt`) &&
      ca.findings.every((f) => f.severity !== 'error')
    ) {
      throw new UserError(
        `${store.file(`${ca.need.ref}.key`)} is missing, and without it nothing can be renewed`,
        'put the key there for as long as this takes, or put certificates there that it signed',
      );
    }
  }
  if (obstacles.length > 0) throw new ProblemsError(obstacles);
  return choices;
}

/**
 * Issues an authority's own certificate anew, with the same key: everything that it signed stays good, and so does
 * the hash that hosts know the cluster by. An authority that another one signed has to be renewed there.
 */
export async function renewCa(
  store: SecretStore,
  which: CaName,
  { now, caYears = CA_YEARS }: { now: Date; caYears?: number },
): Promise<Renewed> {
  checkYears(caYears);
  const need: CaNeed = { name: which, ...AUTHORITIES[which], keyFor: [] };
  return store.exclusively(async () => {
    const { certificate, key, findings } = readCa(need, store, now);
    const file = store.file(`${need.ref}.crt`);
    const obstacles = findings.filter((f) => f.severity === 'error' && f.code !== 'secret-expired');
    if (obstacles.length > 0) throw new ProblemsError(obstacles);
    if (certificate === undefined)
      throw new UserError(`there is no ${file} to renew`, 'make it: imgbuild secrets ensure');
    if (key === undefined)
      throw new UserError(
        `${file} cannot be renewed without its key`,
        'put the key beside it for as long as this takes',
      );
    if (!isSignedBy(certificate, certificate)) {
      throw new UserError(
        `${file} was signed by another authority`,
        'have it renewed there, and import it: imgbuild secrets import-ca',
      );
    }
    const pem = await issueCa(certificate, key, { now, years: caYears });
    store.write(`${need.ref}.crt`, pem);
    return { ref: `${need.ref}.crt`, why: 'as asked', notAfter: readCertificate(pem, file).notAfter };
  });
}
