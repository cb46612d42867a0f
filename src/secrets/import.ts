import { UserError } from '../report/errors.ts';
import { type Certificate, isKeyOf, isSignedBy, readCertificate, readKey, weakness } from './certificate.ts';
import { AUTHORITIES, type CaName } from './requirements.ts';
import type { SecretStore } from './store.ts';

/** What importing did. */
export interface Imported {
  /** Refs that were written; none where the same authority was there already. */
  written: string[];
  warnings: string[];
}

/**
 * Puts an authority of one's own into the store, with its key or without (then nothing can be signed here). Refuses
 * what Kubernetes would not take, and refuses to replace another authority unless forced: everything that the old one
 * signed, on every host, would be worth nothing. A newer certificate for the same key is no other authority.
 */
export async function importCa(
  store: SecretStore,
  which: CaName,
  certPem: string,
  keyPem: string | undefined,
  { now, force = false }: { now: Date; force?: boolean },
): Promise<Imported> {
  const { ref } = AUTHORITIES[which];
  const given = readCertificate(certPem, 'the certificate');
  validate(given, now);
  const key = keyPem === undefined ? undefined : readKey(keyPem, 'the key');
  if (key !== undefined && !isKeyOf(key, given)) {
    throw new UserError('the key is not the certificate’s', 'give the key that the certificate was made for');
  }
  return store.exclusively(async () => {
    const file = (ending: string) => store.file(`${ref}.${ending}`);
    const present = store.read(`${ref}.crt`);
    const known = present === undefined ? undefined : readCertificate(present, file('crt'));
    if (known !== undefined && !known.publicKey.equals(given.publicKey) && !force) {
      throw new UserError(
        `${file('crt')} is another authority (${known.subject}, SHA-256 ${known.fingerprint})`,
        'use --force to replace it, and build every host anew',
      );
    }
    const oldKey = store.read(`${ref}.key`);
    const isOldKeyRight = oldKey === undefined || isKeyOf(readKey(oldKey, file('key')), given);
    if (!isOldKeyRight && (key === undefined || !force)) {
      throw new UserError(
        `${file('key')} is the key of another authority`,
        'move it away first; it is not deleted for you',
      );
    }
    const written: string[] = [];
    const put = (ending: string, old: string | undefined, pem: string) => {
      if (old?.trim() === pem.trim()) return;
      store.write(`${ref}.${ending}`, `${pem.trim()}\n`);
      written.push(`${ref}.${ending}`);
    };
    if (keyPem !== undefined) put('key', oldKey, keyPem);
    put('crt', present, certPem);
    return { written, warnings: warn(given, which) };
  });
}

function validate(given: Certificate, now: Date): void {
  const { isCa, publicKey, notBefore, notAfter, subject } = given;
  if (!isCa) {
    throw new UserError(
      `the certificate (${subject}) is no authority’s`,
      'give one with basicConstraints CA:TRUE and keyUsage keyCertSign',
    );
  }
  const why = weakness(publicKey);
  if (why !== undefined)
    throw new UserError(
      `the certificate is for ${why}`,
      'use ECDSA P-256, P-384 or P-521, or RSA with at least 2048 bits',
    );
  if (notAfter <= now)
    throw new UserError(
      `the certificate expired on ${notAfter.toISOString().slice(0, 10)}`,
      'have it renewed first',
    );
  if (notBefore > now) {
    throw new UserError(
      `the certificate is not valid before ${notBefore.toISOString().slice(0, 10)}`,
      'see whether this machine’s clock is right; hosts would refuse it as well',
    );
  }
}

function warn(given: Certificate, which: CaName): string[] {
  if (isSignedBy(given, given)) return [];
  // Go takes any certificate it is told to trust for a root; OpenSSL asks for the root itself.
  const who =
    which === 'kubernetes'
      ? 'programs in pods that use OpenSSL (curl, python)'
      : 'programs that use OpenSSL (curl)';
  return [
    `the authority was signed by another: Kubernetes and etcd trust it as it is, ${who} want the root too`,
  ];
}
