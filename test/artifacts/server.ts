import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http';
import { Agent, createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';
import { readCertificate } from '../../src/secrets/certificate.ts';
import { issueCa, issueLeaf, keyPem, newKey } from '../../src/secrets/pki.ts';
import type { LeafNeed } from '../../src/secrets/requirements.ts';

/** A server on this machine alone, as long as a test runs. */
export interface Served {
  url: string;
  requests: IncomingMessage[];
}

export async function serve(answer: RequestListener): Promise<Served> {
  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, requests };
}

/** The same over TLS, with the agent that takes its certificate. */
export async function serveTls(answer: RequestListener): Promise<{ url: string; agent: Agent }> {
  const issuing = { now: new Date(), years: 1 };
  const ca = { key: newKey(), pem: '' };
  ca.pem = await issueCa('mirror', ca.key, issuing);
  const own = newKey();
  const leaf: LeafNeed = {
    ...{ ref: 'mirror', ca: 'kubernetes', commonName: 'mirror' },
    ...{ dns: [], ips: ['127.0.0.1'], usages: ['serverAuth'] },
  };
  const cert = await issueLeaf(
    leaf,
    own,
    { certificate: readCertificate(ca.pem, 'ca'), key: ca.key },
    issuing,
  );
  const key = keyPem(own);
  const server = createTlsServer({ key, cert }, answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `https://127.0.0.1:${port}`, agent: new Agent({ ca: ca.pem }) };
}

/** Bytes that are the same in every run, and nowhere twice. */
export function bytes(length: number): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at * 32 < length; at++) parts.push(createHash('sha256').update(String(at)).digest());
  return Buffer.concat(parts).subarray(0, length);
}

export const sumOf = (content: Buffer | string) => createHash('sha256').update(content).digest('hex');

export interface Behaviour {
  /** So many bytes of each answer, and then the connection is cut. */
  cutAfter?: number;
  headers?: Record<string, string>;
  ranges?: boolean;
}

/** Answers with a file, from where it is asked for. */
export function give(
  content: Buffer,
  { cutAfter, headers = {}, ranges = true }: Behaviour = {},
): RequestListener {
  return (request, response) => {
    const from = ranges ? firstByte(request, headers) : 0;
    if (from >= content.length) return void response.writeHead(416).end();
    const part = content.subarray(from);
    response.writeHead(from > 0 ? 206 : 200, {
      ...headers,
      'Content-Length': part.length,
      ...(from > 0 ? { 'Content-Range': `bytes ${from}-${content.length - 1}/${content.length}` } : {}),
    });
    if (cutAfter === undefined || cutAfter >= part.length) return void response.end(part);
    cut(response, part.subarray(0, cutAfter));
  };
}

/** Sends what is given, and cuts the connection when the other side has had time to read it. */
export function cut(response: ServerResponse, part: Buffer): void {
  response.write(part, () => setImmediate(() => response.socket?.destroySoon()));
}

function firstByte({ headers }: IncomingMessage, own: Record<string, string>): number {
  const from = Number(/^bytes=(\d+)-$/.exec(headers.range ?? '')?.[1] ?? 0);
  const condition = headers['if-range'];
  return condition === undefined || condition === own.ETag || condition === own['Last-Modified'] ? from : 0;
}
