/** An API server that is not the cluster's, at the cluster's address. */
import { createHmac } from 'node:crypto';
import { createServer } from 'node:https';
import { readCertificate, readKey } from '../../../src/secrets/certificate.ts';
import { issueCa, issueLeaf, keyPem, newKey, type Signer } from '../../../src/secrets/pki.ts';

/** What it gives itself out for. */
export interface Face {
  /** The CA that it shows, and that has signed its certificate. */
  ca: Signer;
  /** Tokens that it has signed what it shows with. */
  tokens: string[];
  /** When its certificate begins; by default it has begun. */
  from?: Date;
}

/** Of another cluster. */
export async function anotherCa(): Promise<Signer> {
  const key = newKey();
  return signerOf(await issueCa('kubernetes', key, { now: new Date(), years: 1 }), keyPem(key));
}

export function signerOf(certificate: string, key: string): Signer {
  return { certificate: readCertificate(certificate, 'ca.crt'), key: readKey(key, 'ca.key') };
}

/** Serves what kubeadm asks of a cluster that it does not know yet, and keeps all that it is told. */
export class Stranger {
  /** Requests, whole: the first line, headers, the body. */
  readonly received: string[] = [];
  readonly server = createServer((request, response) => {
    const head = [`${request.method} ${request.url}`, ...request.rawHeaders];
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      this.received.push([...head, Buffer.concat(chunks).toString('latin1')].join('\n'));
      const isInfo = request.url?.startsWith('/api/v1/namespaces/kube-public/configmaps/cluster-info');
      const isKnown = isInfo || request.url === '/readyz';
      response.writeHead(isKnown ? 200 : 403, { 'content-type': 'application/json' });
      response.end(isInfo ? this.#info : isKnown ? 'ok' : '{"kind":"Status","apiVersion":"v1","code":403}');
    });
  });
  readonly #endpoint: string;
  #info = '';

  /** `endpoint` is NAME:PORT. */
  constructor(endpoint: string) {
    this.#endpoint = endpoint;
  }

  async show({ ca, tokens, from = new Date() }: Face): Promise<void> {
    const key = newKey();
    const name = this.#endpoint.replace(/:\d+$/, '');
    const leaf = { ref: 'apiserver', ca: 'kubernetes' as const, commonName: 'kube-apiserver' };
    const usages = ['serverAuth' as const];
    // It begins a year before what it is issued at.
    const now = new Date(from);
    now.setUTCFullYear(from.getUTCFullYear() + 1);
    const pem = await issueLeaf({ ...leaf, dns: [name], ips: [], usages }, key, ca, { now, years: 1 });
    this.server.setSecureContext({ cert: pem, key: keyPem(key) });
    const kubeconfig = `apiVersion: v1
clusters:
- cluster:
    certificate-authority-data: ${Buffer.from(ca.certificate.pem).toString('base64')}
    server: https://${this.#endpoint}
  name: ""
kind: Config
`;
    const signatures = tokens.map((token) => {
      const [id = '', secret = ''] = token.split('.');
      return [`jws-kubeconfig-${id}`, signature(kubeconfig, id, secret)];
    });
    this.#info = JSON.stringify({
      kind: 'ConfigMap',
      apiVersion: 'v1',
      metadata: { name: 'cluster-info', namespace: 'kube-public' },
      data: { kubeconfig, ...Object.fromEntries(signatures) },
    });
  }
}

/** As kube-controller-manager's bootstrapsigner makes it: a JWS without its content. */
function signature(content: string, id: string, secret: string): string {
  const encoded = (text: string) => Buffer.from(text).toString('base64url');
  const head = encoded(JSON.stringify({ alg: 'HS256', kid: id }));
  const mac = createHmac('sha256', secret).update(`${head}.${encoded(content)}`);
  return `${head}..${mac.digest('base64url')}`;
}
