import { statSync } from 'node:fs';
import path from 'node:path';
import type { ArtifactLock, LockedArtifact } from '../plan/artifact-lock.ts';
import type { ArtifactPlan } from '../plan/types.ts';
import { reasonOf } from '../report/errors.ts';
import type { Cache } from './cache.ts';
import { DownloadError, digest, download } from './download.ts';
import type { AgentFor } from './proxy.ts';
import type { Limits } from './transfer.ts';

/** How a lock is to what a plan needs; `catalogue`: it is not locked, and the catalogue's checksum is what hosts go by. */
export type LockState = 'kept' | 'catalogue' | 'missing' | 'differs';

/** One that is needed, and what the lock has of it. */
export interface Wanted {
  artifact: ArtifactPlan;
  entry?: LockedArtifact;
  state: LockState;
}

/** What is needed, beside what a lock has; and what the lock has beyond that. */
export function compareLock(
  needed: readonly ArtifactPlan[],
  lock: ArtifactLock,
): { wanted: Wanted[]; leftOver: string[] } {
  const wanted = needed.map((artifact): Wanted => {
    const entry = lock[artifact.name];
    if (!entry) return { artifact, state: artifact.known === undefined ? 'missing' : 'catalogue' };
    const same =
      entry.version === artifact.version && (artifact.known === undefined || artifact.known === entry.sha256);
    return { artifact, entry, state: same ? 'kept' : 'differs' };
  });
  const names = new Set<string>(needed.map(({ name }) => name));
  return { wanted, leftOver: Object.keys(lock).filter((name) => !names.has(name)) };
}

/** How one is had that is to be locked. Throws a {@link DownloadError} where it cannot be. */
export type Obtain = (artifact: ArtifactPlan) => Promise<LockedArtifact>;

/** From the mirrors, by way of the cache. */
export function fromMirrors(
  cache: Cache,
  options: {
    agentFor: AgentFor;
    /** Fetched anew though the cache has it. */
    anew: ReadonlySet<string>;
    onBytes?: (artifact: ArtifactPlan, url: string, done: number, all: number | undefined) => void;
    limits?: Limits;
    pause?: (ms: number) => Promise<void>;
  },
): Obtain {
  const { agentFor, anew, onBytes, limits, pause } = options;
  return async (artifact) => {
    const { name, version, urls, known } = artifact;
    const [first] = urls;
    if (first === undefined) throw new DownloadError(['no mirror of the spec has it']);
    if (known !== undefined && !anew.has(name)) {
      const size = await cache.sizeOf(known);
      if (size !== undefined) return { version, url: first, size, sha256: known };
    }
    return cache.withPart(`${name}-${version}`, async (part) => {
      const got = await download({
        ...{ urls, part, agentFor },
        ...(known === undefined ? {} : { sha256: known }),
        ...(onBytes ? { onBytes: (url, done, all) => onBytes(artifact, url, done, all) } : {}),
        ...(limits ? { limits } : {}),
        ...(pause ? { pause } : {}),
      });
      await cache.keep(got.part, got.sha256);
      return { version, url: got.url, size: got.size, sha256: got.sha256 };
    });
  };
}

/** From a folder of files that somebody fetched by hand, each under the name that it has on its server. */
export function fromFolder(folder: string): Obtain {
  return async ({ version, urls, known }) => {
    const url = urls[0] ?? '';
    const file = path.join(folder, path.posix.basename(new URL(url).pathname));
    let size: number;
    let sha256: string;
    try {
      size = statSync(file).size;
      sha256 = await digest(file);
    } catch (error) {
      throw new DownloadError([`${file}: ${reasonOf(error)}`]);
    }
    if (size === 0) throw new DownloadError([`${file} is empty`]);
    if (known !== undefined && known !== sha256)
      throw new DownloadError([`${file} has the checksum ${sha256} instead of ${known}`]);
    return { version, url, size, sha256 };
  };
}

/** What became of one. */
export interface Outcome {
  artifact: ArtifactPlan;
  state: 'kept' | 'new' | 'changed' | 'failed';
  entry?: LockedArtifact;
  /** Why it failed. */
  reasons: readonly string[];
}

/** Locks what is missing or differs, and what is to be fetched anew; what fails leaves its entry as it was. */
export async function lockAll(
  wanted: readonly Wanted[],
  anew: ReadonlySet<string>,
  obtain: Obtain,
): Promise<{ lock: ArtifactLock; outcomes: Outcome[] }> {
  const lock: Record<string, LockedArtifact> = {};
  const outcomes: Outcome[] = [];
  for (const { artifact, entry, state } of wanted) {
    const { name } = artifact;
    if (entry) lock[name] = entry;
    if (entry && state === 'kept' && !anew.has(name)) {
      outcomes.push({ artifact, state: 'kept', entry, reasons: [] });
      continue;
    }
    try {
      const found = await obtain(artifact);
      lock[name] = found;
      const same = found.sha256 === entry?.sha256 && found.version === entry.version;
      outcomes.push({
        ...{ artifact, entry: found, reasons: [] },
        state: same ? 'kept' : entry ? 'changed' : 'new',
      });
    } catch (error) {
      if (!(error instanceof DownloadError)) throw error;
      outcomes.push({ artifact, state: 'failed', reasons: error.reasons });
    }
  }
  return { lock, outcomes };
}
