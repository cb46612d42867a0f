import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { Part } from './part.ts';
import type { AgentFor } from './proxy.ts';
import { LIMITS, type Limits, TransferError, transfer } from './transfer.ts';

export interface DownloadOptions {
  /** In the order in which they are tried. */
  urls: readonly string[];
  /** Where what was fetched is kept until it is whole. */
  part: string;
  sha256?: string;
  size?: number;
  agentFor: AgentFor;
  limits?: Limits;
  onBytes?: (url: string, done: number, all: number | undefined) => void;
  /** Waits before a server is asked again. */
  pause?: (ms: number) => Promise<void>;
}

export interface Downloaded {
  part: Part;
  url: string;
  size: number;
  sha256: string;
}

/** No server gave it: what each of them did instead. */
export class DownloadError extends Error {
  readonly reasons: readonly string[];

  constructor(reasons: readonly string[]) {
    super(reasons.join('; '));
    this.name = 'DownloadError';
    this.reasons = reasons;
  }
}

/** How often one server is asked without giving anything. */
const TRIES = 3;
/** How often it may break off and be gone on with. */
const CUTS = 100;

const wait = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/**
 * Fetches a file from the first server that has it whole and right. What breaks off is gone on with, by this run or a
 * later one.
 * @throws DownloadError where none has it
 */
export async function download(options: DownloadOptions): Promise<Downloaded> {
  const part = await Part.at(options.part);
  const reasons: string[] = [];
  for (const url of options.urls) {
    const found = await from(url, part, options);
    if (typeof found !== 'string') return found;
    reasons.push(`${url} ${found}`);
  }
  throw new DownloadError(reasons);
}

/** The file, or why this server did not give it. */
async function from(url: string, part: Part, options: DownloadOptions): Promise<Downloaded | string> {
  const { sha256, size, agentFor, limits = LIMITS, onBytes, pause = wait } = options;
  let why = '';
  let tries = 0;
  for (let cuts = 0; tries < TRIES && cuts < CUTS; cuts++) {
    const before = part.size;
    try {
      const goneOn = await transfer(url, part, {
        ...{ agentFor, limits, verified: sha256 !== undefined },
        ...(size === undefined ? {} : { size }),
        ...(onBytes ? { onBytes: (done, all) => onBytes(url, done, all) } : {}),
      });
      const sum = await digest(part.file);
      if (sha256 === undefined || sum === sha256) return { part, url, size: part.size, sha256: sum };
      part.clear();
      why = `sends a file with the checksum ${sum} instead of ${sha256}`;
      // The fault may lie in what was here before.
      if (!goneOn) return why;
      tries++;
    } catch (error) {
      if (!(error instanceof TransferError)) throw error;
      why = error.message;
      if (!error.again) return why;
      tries = part.size > before ? 0 : tries + 1;
      if (tries < TRIES) await pause(1000 * 2 ** tries);
    }
  }
  return why;
}

/** A file's sha256. */
export async function digest(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
