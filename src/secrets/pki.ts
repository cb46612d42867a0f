import { createHash, createPublicKey, generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { UserError } from '../report/errors.ts';
import type { Certificate } from './certificate.ts';
import { CURVES } from './certificate.ts';
import { installReflectMetadata } from './reflect.ts';
import type { LeafNeed } from './requirements.ts';

/**
 * How far back a certificate's validity begins. New hardware comes with whatever clock it was given in the factory,
 * and older kubeadm dates its own certificates from the CA's beginning: a host that lags by months, before its
 * first word with a time server, should not take the cluster for one from the future. A year covers what a
 * working clock may lag. It does not cover a dead battery (2000, 1970), and nothing could: first boot waits for time.
 * It costs nothing, since a key that did not exist could not sign.
 */
const BACKDATE_YEARS = 1;
/** As kubeadm's (CACertificateValidityPeriod in its constants.go). */
export const CA_YEARS = 10;
/**
 * Nothing on a dedicated etcd host renews its certificates, as kubeadm does for its own on every upgrade, and a
 * member whose certificate ran out is a member lost. So not one year but five: about as long as the hardware
 * serves, and short enough that it comes up for renewal before the CA does.
 */
export const LEAF_YEARS = 5;

/** What certificates are issued with: the time, and how long they are to last. */
interface Issuing {
  now: Date;
  years: number;
}

/** The same, or with the moment at which it ends. */
type IssuingLeaf = Issuing | { now: Date; until: Date };

/** Refuses a lifetime that is none. */
export function checkYears(years: number): void {
  if (Number.isInteger(years) && years >= 1 && years <= 100) return;
  throw new UserError(`a certificate cannot last ${years} years`, 'choose a whole number from 1 to 100');
}

/** An authority and its key, as signing needs them. */
export interface Signer {
  certificate: Certificate;
  key: KeyObject;
}

/** Loaded on first use: what only reads the store does without it. */
async function library() {
  installReflectMetadata();
  return import('@peculiar/x509');
}

/** A new ECDSA P-256 key. */
export function newKey(): KeyObject {
  return generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
}

/**
 * A new key to sign service account tokens: RSA 2048, as kubeadm makes it. Whoever checks such tokens from outside
 * must know RS256 (OpenID Connect Core, 3.1.3.7); ES256 many do not.
 */
export function newServiceAccountKey(): KeyObject {
  return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;
}

/** A private key in the PEM that kubeadm itself writes: `EC PRIVATE KEY` or `RSA PRIVATE KEY`. */
export function keyPem(key: KeyObject): string {
  return key.export({ type: key.asymmetricKeyType === 'rsa' ? 'pkcs1' : 'sec1', format: 'pem' }).toString();
}

/** A private key's public half, PKIX (`PUBLIC KEY`). */
export function publicPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString();
}

/** kubeadm's pin of a CA: SHA-256 over its public key (cmd/kubeadm/app/util/pubkeypin). */
export function discoveryHash(ca: Certificate): string {
  const spki = ca.publicKey.export({ type: 'spki', format: 'der' });
  return `sha256:${createHash('sha256').update(spki).digest('hex')}`;
}

/**
 * A self-signed authority with the extensions that kubeadm gives its own (client-go's NewSelfSignedCACert). With the
 * same key and name, what an earlier certificate of it signed stays good.
 */
export async function issueCa(
  subject: string | Certificate,
  key: KeyObject,
  issuing: Issuing,
): Promise<string> {
  const x509 = await library();
  const own = typeof subject === 'string' ? undefined : new x509.X509Certificate(subject.pem);
  const name = own?.subjectName ?? new x509.Name([{ CN: [String(subject)] }]);
  const names = typeof subject === 'string' ? [{ type: 'dns' as const, value: subject }] : undefined;
  const san = own?.getExtension(x509.SubjectAlternativeNameExtension) ?? null;
  const spki = publicDer(key);
  const { KeyUsageFlags } = x509;
  return sign(x509, {
    subject: name,
    issuer: name,
    publicKey: spki,
    signer: key,
    notBefore: addYears(issuing.now, -BACKDATE_YEARS),
    notAfter: addYears(issuing.now, issuing.years),
    extensions: [
      new x509.BasicConstraintsExtension(true, undefined, true),
      new x509.KeyUsagesExtension(
        KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment | KeyUsageFlags.keyCertSign,
        true,
      ),
      own?.getExtension(x509.SubjectKeyIdentifierExtension) ??
        (await x509.SubjectKeyIdentifierExtension.create(spki)),
      ...(names ? [new x509.SubjectAlternativeNameExtension(names)] : san ? [san] : []),
    ],
  });
}

/** A certificate for a server, a client or both, within its authority's own dates. */
export async function issueLeaf(
  leaf: LeafNeed,
  key: KeyObject,
  ca: Signer,
  issuing: IssuingLeaf,
): Promise<string> {
  const x509 = await library();
  const issuer = new x509.X509Certificate(ca.certificate.pem);
  const authorityKeyId =
    issuer.getExtension(x509.SubjectKeyIdentifierExtension)?.keyId ??
    (await x509.SubjectKeyIdentifierExtension.create(issuer.publicKey)).keyId;
  const spki = publicDer(key);
  const sans = [
    ...leaf.dns.map((value) => ({ type: 'dns' as const, value })),
    ...leaf.ips.map((value) => ({ type: 'ip' as const, value })),
  ];
  const { KeyUsageFlags, ExtendedKeyUsage } = x509;
  const organizations = (leaf.organizations ?? []).map((name) => ({ O: [name] }));
  const end = 'until' in issuing ? issuing.until : addYears(issuing.now, issuing.years);
  return sign(x509, {
    subject: new x509.Name([...organizations, { CN: [leaf.commonName] }]),
    // The name as it is encoded in the CA: Go compares the bytes.
    issuer: issuer.subjectName,
    publicKey: spki,
    signer: ca.key,
    notBefore: later(addYears(issuing.now, -BACKDATE_YEARS), ca.certificate.notBefore),
    notAfter: earlier(end, ca.certificate.notAfter),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(KeyUsageFlags.digitalSignature | KeyUsageFlags.keyEncipherment, true),
      new x509.ExtendedKeyUsageExtension(leaf.usages.map((usage) => ExtendedKeyUsage[usage])),
      await x509.SubjectKeyIdentifierExtension.create(spki),
      new x509.AuthorityKeyIdentifierExtension(authorityKeyId),
      ...(sans.length > 0 ? [new x509.SubjectAlternativeNameExtension(sans)] : []),
    ],
  });
}

type Library = Awaited<ReturnType<typeof library>>;

interface ToSign {
  subject: InstanceType<Library['Name']>;
  issuer: InstanceType<Library['Name']>;
  publicKey: Buffer<ArrayBuffer>;
  signer: KeyObject;
  notBefore: Date;
  notAfter: Date;
  extensions: InstanceType<Library['Extension']>[];
}

async function sign(x509: Library, { signer, ...fields }: ToSign): Promise<string> {
  const algorithm = algorithmOf(signer);
  const pkcs8 = signer.export({ type: 'pkcs8', format: 'der' });
  // No serial number given: the library draws 128 random bits and keeps it positive.
  const certificate = await x509.X509CertificateGenerator.create({
    ...fields,
    signingKey: await webcrypto.subtle.importKey('pkcs8', pkcs8, algorithm, false, ['sign']),
    signingAlgorithm: algorithm,
  });
  return `${certificate.toString('pem').trim()}\n`;
}

function algorithmOf(key: KeyObject) {
  if (key.asymmetricKeyType === 'rsa') return { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
  const curve = CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''];
  if (curve === undefined) throw new Error('a key that readKey would have refused');
  return { name: 'ECDSA', namedCurve: curve.name, hash: curve.hash };
}

function publicDer(key: KeyObject): Buffer<ArrayBuffer> {
  return Buffer.from(createPublicKey(key).export({ type: 'spki', format: 'der' }));
}

/** The same day of another year; certificates count in whole seconds. */
function addYears(date: Date, years: number): Date {
  const then = new Date(date);
  then.setUTCFullYear(then.getUTCFullYear() + years);
  then.setUTCMilliseconds(0);
  return then;
}

const later = (a: Date, b: Date) => (a > b ? a : b);
const earlier = (a: Date, b: Date) => (a < b ? a : b);
