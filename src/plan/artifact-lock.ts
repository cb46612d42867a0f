import { stringify } from 'yaml';
import type { Path, Place } from '../report/problem.ts';
import { integer, mapOf, object, text } from '../spec/schema/build.ts';
import { HTTP_URL } from '../spec/schema/words.ts';
import { placeOf } from '../spec/tree.ts';
import { readLockFile, writeLockFile } from './lock-file.ts';

/** Beside the spec, and committed with it. */
export const ARTIFACT_LOCK = 'imgbuild.lock';

/** What is known of one file that hosts fetch. */
export interface LockedArtifact {
  version: string;
  /** Where it was fetched from. Hosts fetch it from wherever the spec says by then. */
  url: string;
  size: number;
  sha256: string;
}

/** By the artefact's name. */
export type ArtifactLock = Readonly<Record<string, LockedArtifact>>;

const lockSchema = mapOf(
  'Files that hosts fetch, by name.',
  object('A file.', {
    version: text('Its version.', /^\d+(\.\d+)+$/, 'a version such as 3.6.14'),
    url: text('Where it was fetched from.', HTTP_URL, 'an http:// or https:// URL'),
    size: integer('Its size in bytes.', 1, 2 ** 40),
    sha256: text('Its checksum.', /^[0-9a-f]{64}$/, '64 hexadecimal digits'),
  }),
);

/** A lock and where things stand in its file. */
export interface ReadArtifactLock {
  lock: ArtifactLock;
  /** `path` begins with the lock's own name. */
  place: (path: Path) => Place;
}

/**
 * The lock beside a spec; empty where there is none yet, or no spec.
 * @throws ProblemsError where it is not what imgbuild wrote
 */
export async function readArtifactLock(file: string | undefined): Promise<ReadArtifactLock> {
  const read = file === undefined ? undefined : await readLockFile(file, lockSchema);
  const nowhere = { file: ARTIFACT_LOCK, line: 1, col: 1 };
  if (!read) return { lock: {}, place: () => nowhere };
  return { lock: read.value, place: (path) => placeOf(read.tree, path.slice(1)) };
}

/** The text of a lock, with a heading that says what it is for. */
export function artifactLockText(lock: ArtifactLock): string {
  const heading = [
    '# What hosts fetch beside packages: versions, sizes and checksums, written by "imgbuild lock". Commit this file with',
    '# the spec: a host takes nothing that differs. "imgbuild lock --update NAME" fetches one of them anew.',
    '',
  ].join('\n');
  const names = Object.keys(lock).sort();
  const entries = names.map((name) => {
    const { version, url, size, sha256 } = lock[name] as LockedArtifact;
    return [name, { version, url, size, sha256 }];
  });
  return heading + (names.length > 0 ? stringify(Object.fromEntries(entries), { lineWidth: 0 }) : '');
}

/** Replaces the lock in one step; says whether it changed. */
export function writeArtifactLock(file: string, before: ArtifactLock, lock: ArtifactLock): Promise<boolean> {
  return writeLockFile(file, artifactLockText(before), artifactLockText(lock));
}
