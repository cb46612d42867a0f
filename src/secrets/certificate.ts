import { createPrivateKey, createPublicKey, type KeyObject, X509Certificate } from 'node:crypto';
import ipaddr from 'ipaddr.js';
import { UserError } from '../report/errors.ts';

/** What we look at in a certificate. */
export interface Certificate {
  pem: string;
  isCa: boolean;
  /** One line, such as `O=example, CN=etcd-ca`. */
  subject: string;
  /** `DNS:localhost`, `IP:127.0.0.1`, sorted. */
  sans: string[];
  usages: string[];
  notBefore: Date;
  notAfter: Date;
  /** SHA-256, as openssl prints it. */
  fingerprint: string;
  publicKey: KeyObject;
  x509: X509Certificate;
}

/** OIDs of extended key usages: RFC 5280, 4.2.1.12. */
const USAGES: Record<string, string> = {
  '1.3.6.1.5.5.7.3.1': 'serverAuth',
  '1.3.6.1.5.5.7.3.2': 'clientAuth',
};

/**
 * Reads a certificate. Exactly one to a file: kube-controller-manager will not sign with a CA file that holds a
 * chain ("expected 1 certificate, found 2", pkg/controller/certificates/signer/ca_provider.go).
 */
export function readCertificate(pem: string, file: string): Certificate {
  const count = pem.split('-----BEGIN CERTIFICATE-----').length - 1;
  if (count > 1) {
    throw new UserError(
      `${file} holds ${count} certificates`,
      'leave only the first, the one whose key signs: kube-controller-manager refuses a CA file with a chain in it',
    );
  }
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(pem);
  } catch {
    throw new UserError(
      `${file} does not hold a certificate in PEM`,
      'it begins with -----BEGIN CERTIFICATE-----: see whether it is whole, or restore it from a backup',
    );
  }
  return {
    pem,
    isCa: x509.ca,
    subject: x509.subject.split('\n').join(', '),
    sans: readSans(x509.subjectAltName),
    usages: (x509.keyUsage ?? []).map((oid) => USAGES[oid] ?? oid).sort(),
    notBefore: new Date(x509.validFrom),
    notAfter: new Date(x509.validTo),
    fingerprint: x509.fingerprint256,
    publicKey: x509.publicKey,
    x509,
  };
}

/** Reads a private key: RSA from 2048 bits, or ECDSA, which is what kubeadm takes. */
export function readKey(pem: string, file: string): KeyObject {
  if (/ENCRYPTED/.test(pem)) {
    throw new UserError(
      `${file} is locked by a passphrase`,
      'unlock it: openssl pkey -in LOCKED -out UNLOCKED',
    );
  }
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch {
    throw new UserError(
      `${file} does not hold a private key in PEM`,
      'see whether it is whole, or restore it from a backup',
    );
  }
  const why = weakness(key);
  if (why !== undefined)
    throw new UserError(
      `${file} holds ${why}`,
      'use ECDSA P-256, P-384 or P-521, or RSA with at least 2048 bits',
    );
  return key;
}

/** Reads a public key. */
export function readPublicKey(pem: string, file: string): KeyObject {
  try {
    if (!pem.includes('PUBLIC KEY-----')) throw new Error('another kind of PEM');
    return createPublicKey(pem);
  } catch {
    throw new UserError(
      `${file} does not hold a public key in PEM`,
      'remove it: it is made from the private key',
    );
  }
}

/** Why Kubernetes would not take a key, or undefined where it would. */
export function weakness(key: KeyObject): string | undefined {
  const details = key.asymmetricKeyDetails ?? {};
  if (key.asymmetricKeyType === 'rsa') {
    const bits = details.modulusLength ?? 0;
    return bits < 2048 ? `an RSA key of ${bits} bits` : undefined;
  }
  if (key.asymmetricKeyType === 'ec') {
    const curve = details.namedCurve ?? 'an unnamed curve';
    return curve in CURVES ? undefined : `an EC key on ${curve}`;
  }
  return `a key of type ${key.asymmetricKeyType ?? 'unknown'}`;
}

/** The curves that Go's crypto/tls knows, by OpenSSL's name: the name in WebCrypto and the hash that suits. */
export const CURVES: Record<string, { name: string; hash: string }> = {
  prime256v1: { name: 'P-256', hash: 'SHA-256' },
  secp384r1: { name: 'P-384', hash: 'SHA-384' },
  secp521r1: { name: 'P-521', hash: 'SHA-512' },
};

/** True where the authority's key signed the certificate, and their names agree. */
export function isSignedBy(certificate: Certificate, ca: Certificate): boolean {
  return certificate.x509.checkIssued(ca.x509) && certificate.x509.verify(ca.publicKey);
}

/** True where a key is a certificate's. */
export function isKeyOf(key: KeyObject, certificate: Certificate): boolean {
  return certificate.x509.checkPrivateKey(key);
}

/** Names as {@link Certificate.sans} has them. */
export function sansOf(names: { dns: readonly string[]; ips: readonly string[] }): string[] {
  return [
    ...new Set([...names.dns.map((name) => `DNS:${name}`), ...names.ips.map((ip) => `IP:${canonical(ip)}`)]),
  ].sort();
}

function readSans(text: string | undefined): string[] {
  if (text === undefined) return [];
  const sans = text.split(', ').map((part) => {
    const ip = /^IP Address:(.*)$/.exec(part)?.[1];
    return ip === undefined ? part : `IP:${canonical(ip)}`;
  });
  return sans.sort();
}

/** `0:0:0:0:0:0:0:1` and `::1` are one address. */
function canonical(ip: string): string {
  return ipaddr.isValid(ip) ? ipaddr.parse(ip).toString() : ip;
}
