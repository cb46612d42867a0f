import { ProblemsError, UserError } from '../report/errors.ts';
import { readCertificate } from './certificate.ts';
import { readCa } from './pairs.ts';
import { issueLeaf, keyPem, newKey } from './pki.ts';
import { AUTHORITIES } from './requirements.ts';
import type { SecretStore } from './store.ts';

/** Somebody who is known to the API server by a certificate. */
export interface Client {
  user: string;
  groups: string[];
  until: Date;
}

/** What a client shows, and what it believes. PEM; `key` is a secret, and kept nowhere. */
export interface Credentials {
  ca: string;
  certificate: string;
  key: string;
  /** No later than the authority's own. */
  notAfter: Date;
}

/** Signs a client's certificate, for a new key, with the cluster's own authority. */
export async function signClient(store: SecretStore, client: Client, now: Date): Promise<Credentials> {
  const authority = AUTHORITIES.kubernetes;
  const { certificate, key, findings } = readCa({ name: 'kubernetes', ...authority, keyFor: [] }, store, now);
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) throw new ProblemsError(errors);
  if (certificate === undefined)
    throw new UserError(
      `there is no ${store.file(`${authority.ref}.crt`)} to sign with`,
      'name the folder of this cluster’s secrets with --secrets; where there is no cluster yet: imgbuild secrets ensure',
    );
  if (key === undefined)
    throw new UserError(
      `${store.file(`${authority.ref}.key`)} is missing, and nothing can be signed without it`,
      'put the key beside its certificate for as long as this takes',
    );
  const own = newKey();
  const need = {
    ref: 'client',
    ca: 'kubernetes' as const,
    commonName: client.user,
    organizations: client.groups,
    dns: [],
    ips: [],
    usages: ['clientAuth' as const],
  };
  const pem = await issueLeaf(need, own, { certificate, key }, { now, until: client.until });
  const { notAfter } = readCertificate(pem, 'the new certificate');
  return { ca: certificate.pem, certificate: pem, key: keyPem(own), notAfter };
}

/** A kubeconfig with one cluster and one user, and everything in it. */
export function kubeconfig(
  cluster: string,
  server: string,
  user: string,
  { ca, certificate, key }: Credentials,
): object {
  const base64 = (text: string) => Buffer.from(text).toString('base64');
  const context = `${user}@${cluster}`;
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: cluster, cluster: { server, 'certificate-authority-data': base64(ca) } }],
    users: [
      {
        name: user,
        user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) },
      },
    ],
    contexts: [{ name: context, context: { cluster, user } }],
    'current-context': context,
  };
}
