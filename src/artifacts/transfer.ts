import { finished, type Readable } from 'node:stream';
import fetch, { type Response } from 'node-fetch';
import { UserError } from '../report/errors.ts';
import { version } from '../version.ts';
import type { Part } from './part.ts';
import type { AgentFor } from './proxy.ts';

/** What no transfer may pass. */
export interface Limits {
  /** Without a byte for so long, the server is given up. */
  stallMs: number;
  bytes: number;
  redirects: number;
}

export const LIMITS: Limits = { stallMs: 30_000, bytes: 1024 ** 3, redirects: 5 };

export interface TransferOptions {
  agentFor: AgentFor;
  limits: Limits;
  /** Its checksum is known: parts of any origin may be put together, for what comes out is checked. */
  verified: boolean;
  /** Its size, where it is known. */
  size?: number;
  /** So many bytes of so many are there. */
  onBytes?: (done: number, all: number | undefined) => void;
}

/** Why a transfer ended early. `again`: the same server may have the rest. */
export class TransferError extends Error {
  readonly again: boolean;

  constructor(message: string, again: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'TransferError';
    this.again = again;
  }
}

/** Fetches what is missing of a part from one server; says whether an earlier part was gone on with. */
export async function transfer(url: string, part: Part, options: TransferOptions): Promise<boolean> {
  const watch = new Watch(options.limits.stallMs);
  try {
    const headers = headersFor(url, part, options.verified);
    options.onBytes?.(part.size, options.size);
    const response = await request(url, headers, options, watch);
    const goesOn = accept(response, url, part, options);
    const before = goesOn ? part.size : 0;
    const all = totalOf(response, before);
    refuseSize(all, options);
    if (!response.body) throw new TransferError('sends nothing', true);
    await drain(response.body as Readable, (bytes) => {
      watch.alive();
      refuseSize(part.size + bytes.length, { limits: options.limits });
      part.append(bytes);
      options.onBytes?.(part.size, all);
    });
    if (all !== undefined && part.size !== all)
      throw new TransferError(`breaks off after ${part.size} of ${all} bytes`, true);
    // An answer that ends with the connection ends anywhere.
    if (all === undefined && !options.verified && !isChunked(response))
      throw new TransferError(
        'does not say how long the file is, and nothing tells whether it is whole',
        false,
      );
    return goesOn;
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw watch.isOver
      ? new TransferError(`sends nothing for ${options.limits.stallMs / 1000} s`, true, error)
      : asTransferError(error);
  } finally {
    watch.end();
    part.close();
  }
}

/** Each piece as soon as it is there, so that nothing that has come is lost where the connection is cut. */
function drain(body: Readable, take: (bytes: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    body.on('data', (bytes: Buffer) => {
      try {
        take(bytes);
      } catch (error) {
        body.destroy(error as Error);
      }
    });
    finished(body, (error) => (error ? reject(error) : resolve()));
  });
}

/** Ends a request that stands still. */
class Watch {
  isOver = false;
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;

  constructor(ms: number) {
    this.timer = setTimeout(() => {
      this.isOver = true;
      this.controller.abort();
    }, ms);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  alive(): void {
    this.timer.refresh();
  }

  /** What the server still sends is not waited for. */
  end(): void {
    clearTimeout(this.timer);
    this.controller.abort();
  }
}

function headersFor(url: string, part: Part, verified: boolean): Record<string, string> {
  const validator = part.origin?.url === url ? part.origin.validator : undefined;
  if (part.size > 0 && !verified && validator === undefined) part.clear();
  return {
    'User-Agent': `imgbuild/${version()}`,
    // The file as it is: its checksum is of that.
    'Accept-Encoding': 'identity',
    ...(part.size > 0 ? { Range: `bytes=${part.size}-` } : {}),
    ...(part.size > 0 && validator !== undefined ? { 'If-Range': validator } : {}),
  };
}

/** Follows redirects by hand: each way may be by another proxy, and none may leave TLS behind. */
async function request(
  url: string,
  headers: Record<string, string>,
  { agentFor, limits }: TransferOptions,
  watch: Watch,
): Promise<Response> {
  let at = new URL(url);
  for (let hop = 0; hop <= limits.redirects; hop++) {
    const agent = agentFor(at);
    const response = await fetch(at.href, {
      headers,
      redirect: 'manual',
      compress: false,
      signal: watch.signal,
      ...(agent ? { agent } : {}),
    });
    watch.alive();
    const location = response.headers.get('location');
    if (![301, 302, 303, 307, 308].includes(response.status) || location === null) return response;
    const next = URL.canParse(location, at.href) ? new URL(location, at) : undefined;
    if (!next || !/^https?:$/.test(next.protocol)) throw new TransferError('leads nowhere', false);
    if (at.protocol === 'https:' && next.protocol === 'http:')
      throw new TransferError(`leads from https to http, to ${next.host}`, false);
    at = next;
  }
  throw new TransferError(`leads on more than ${limits.redirects} times`, false);
}

/** Begins the part anew unless the server goes on with it. */
function accept(response: Response, url: string, part: Part, { verified }: TransferOptions): boolean {
  const { status, headers } = response;
  if (status === 416 && part.size > 0) {
    part.clear();
    throw new TransferError('has no more of the file than is here', true);
  }
  if (status !== 200 && status !== 206) {
    const passing = status === 408 || status === 429 || status >= 500;
    throw new TransferError(`answers ${status}`, passing);
  }
  const encoding = headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity') throw new TransferError(`sends it as ${encoding}`, false);
  const origin = { url, ...validatorOf(response) };
  if (status === 200) {
    part.begin(origin);
    return false;
  }
  if (Number(/^bytes (\d+)-/.exec(headers.get('content-range') ?? '')?.[1]) === part.size && part.size > 0)
    return true;
  part.clear();
  throw new TransferError(
    `sends another part than was asked for${verified ? '' : ', or another file'}`,
    true,
  );
}

/** What If-Range takes: a weak ETag says only that two files mean the same. */
function validatorOf({ headers }: Response): { validator?: string } {
  const tag = headers.get('etag');
  const validator = tag !== null && !tag.startsWith('W/') ? tag : headers.get('last-modified');
  return validator === null ? {} : { validator };
}

function totalOf({ status, headers }: Response, before: number): number | undefined {
  if (status === 206) {
    const all = /\/(\d+)$/.exec(headers.get('content-range') ?? '')?.[1];
    if (all !== undefined) return Number(all);
  }
  const length = headers.get('content-length');
  return length === null ? undefined : before + Number(length);
}

function refuseSize(
  all: number | undefined,
  { limits, size }: Pick<TransferOptions, 'limits' | 'size'>,
): void {
  if (all === undefined) return;
  if (size !== undefined && all !== size)
    throw new TransferError(`has ${all} bytes instead of ${size}`, false);
  if (all > limits.bytes) throw new TransferError(`sends more than ${limits.bytes} bytes`, false);
}

const isChunked = ({ headers }: Response) => headers.get('transfer-encoding') === 'chunked';

function asTransferError(error: unknown): TransferError {
  if (error instanceof TransferError) return error;
  const { code, message } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOTFOUND: 'its name is not known',
    EAI_AGAIN: 'its name cannot be looked up',
    ECONNREFUSED: 'refuses connections',
    ECONNRESET: 'breaks off',
    ERR_STREAM_PREMATURE_CLOSE: 'breaks off',
    ETIMEDOUT: 'does not answer',
    EHOSTUNREACH: 'cannot be reached',
    ENETUNREACH: 'cannot be reached',
  };
  const final =
    ['ENOTFOUND', 'ECONNREFUSED'].includes(code ?? '') || /CERT|SSL|TLS|SELF_SIGNED/.test(code ?? '');
  return new TransferError(known[code ?? ''] ?? code ?? message, !final, error);
}
