import type { KeyObject } from 'node:crypto';
import type { Finding } from '../report/problem.ts';
import {
  type Certificate,
  isKeyOf,
  isSignedBy,
  readCertificate,
  readKey,
  sansOf,
  weakness,
} from './certificate.ts';
import { assign, finding, guarded } from './findings.ts';
import type { CaNeed, LeafNeed } from './requirements.ts';
import type { SecretStore } from './store.ts';

const DAY = 24 * 3600 * 1000;
/** A leaf is renewed at leisure: images are rebuilt, members are replaced one by one. */
export const LEAF_WARNING_DAYS = 90;
/** kubeadm's own certificates last a year and may not outlive their CA. */
const CA_WARNING_DAYS = 365;

/** What a store holds of one certificate that the plan needs, and what is wrong with it. */
export interface Item<Need> {
  need: Need;
  certificate?: Certificate;
  key?: KeyObject;
  findings: Finding[];
}

const RENEW = 'run: imgbuild secrets renew';

/** Reads one authority. */
export function readCa(need: CaNeed, store: SecretStore, now: Date): Item<CaNeed> {
  const item = readPair(need, store, now, CA_WARNING_DAYS);
  const { certificate, findings } = item;
  const file = store.file(`${need.ref}.crt`);
  if (certificate !== undefined && !certificate.isCa) {
    findings.push(
      finding(
        'secret-not-a-ca',
        `${file} may not sign certificates`,
        'use a CA (basicConstraints CA:TRUE, keyUsage keyCertSign)',
      ),
    );
  }
  const why = certificate && weakness(certificate.publicKey);
  if (why !== undefined)
    findings.push(
      finding('secret-not-a-ca', `${file} is for ${why}`, 'use ECDSA P-256, or RSA with at least 2048 bits'),
    );
  return item;
}

/** Reads a certificate of ours, and judges it by its need and its authority. */
export function readLeaf(
  need: LeafNeed,
  ca: Certificate | undefined,
  store: SecretStore,
  now: Date,
): Item<LeafNeed> {
  const item = readPair(need, store, now, LEAF_WARNING_DAYS);
  const { certificate, findings } = item;
  const file = store.file(`${need.ref}.crt`);
  if (store.has(`${need.ref}.crt`) && !store.has(`${need.ref}.key`)) {
    findings.push(
      finding(
        'secret-incomplete',
        `${file} is there without its key`,
        'put the key beside it, or remove it: both are made anew',
      ),
    );
  }
  if (certificate === undefined) return item;
  if (ca !== undefined && !isSignedBy(certificate, ca)) {
    findings.push(
      finding('secret-not-signed', `${file} is not signed by the ${need.ca} CA in the store`, RENEW),
    );
  }
  const lacking = [
    ...sansOf(need).filter((san) => !certificate.sans.includes(san)),
    ...need.usages.filter((usage) => certificate.usages.length > 0 && !certificate.usages.includes(usage)),
  ];
  if (lacking.length > 0)
    findings.push(finding('secret-does-not-fit', `${file} lacks ${lacking.join(', ')}`, RENEW));
  return item;
}

function readPair<Need extends CaNeed | LeafNeed>(
  need: Need,
  store: SecretStore,
  now: Date,
  days: number,
): Item<Need> {
  const findings: Finding[] = [];
  const item: Item<Need> = { need, findings };
  const read = <T>(ref: string, parse: (pem: string, file: string) => T) =>
    guarded(findings, () => {
      const pem = store.read(ref);
      return pem === undefined ? undefined : parse(pem, store.file(ref));
    });
  const certificate = read(`${need.ref}.crt`, readCertificate);
  assign(item, 'certificate', certificate);
  assign(item, 'key', read(`${need.ref}.key`, readKey));
  if (certificate === undefined) return item;
  if (item.key !== undefined && !isKeyOf(item.key, certificate)) {
    findings.push(
      finding(
        'secret-key-mismatch',
        `${store.file(`${need.ref}.key`)} is not the key of ${need.ref}.crt`,
        'ca' in need ? `put the right one there, or ${RENEW}` : 'put the right one there',
      ),
    );
  }
  findings.push(...judgeDates(certificate, need, store, now, days));
  return item;
}

function judgeDates(
  certificate: Certificate,
  need: CaNeed | LeafNeed,
  store: SecretStore,
  now: Date,
  days: number,
): Finding[] {
  const file = store.file(`${need.ref}.crt`);
  const renew = 'ca' in need ? RENEW : `run: imgbuild secrets renew --ca ${need.name}`;
  const date = (at: Date) => at.toISOString().slice(0, 10);
  const { notBefore, notAfter } = certificate;
  if (notAfter <= now) return [finding('secret-expired', `${file} expired on ${date(notAfter)}`, renew)];
  if (notBefore > now) {
    const message = `${file} is not valid before ${date(notBefore)}`;
    return [finding('secret-not-yet-valid', message, 'see whether this machine’s clock is right', 'warning')];
  }
  if (notAfter.getTime() - now.getTime() >= days * DAY) return [];
  return [finding('secret-expires', `${file} expires on ${date(notAfter)}`, renew, 'warning')];
}
