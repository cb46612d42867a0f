import { stringify } from 'yaml';
import { mapOf, object, optional } from '../spec/schema/build.ts';
import { ipv4 } from '../spec/schema/words.ts';
import type { AddressLock } from './addresses.ts';
import { readLockFile, writeLockFile } from './lock-file.ts';

/** Beside the spec, and committed with it. */
export const LOCK_FILE = 'addresses.lock.yaml';

const hosts = mapOf('Addresses by host.', ipv4('An address.'));
const lockSchema = object('Addresses that were allotted.', {
  management: optional(hosts),
  container: optional(hosts),
  storage: optional(hosts),
});

/**
 * The lock beside a spec; empty where there is none yet.
 * @throws ProblemsError where it is not what imgbuild wrote
 */
export async function readLock(file: string): Promise<AddressLock> {
  return (await readLockFile(file, lockSchema))?.value ?? {};
}

/** The text of a lock, with a heading that says what it is for. */
export function lockText(lock: AddressLock): string {
  const heading = [
    '# Addresses that imgbuild allotted. Commit this file with the spec: it is what keeps each host’s address',
    '# when hosts are added, removed or reordered. Delete a line to have that host’s address allotted anew.',
    '',
  ].join('\n');
  return heading + (Object.keys(lock).length > 0 ? stringify(lock) : '');
}

/** Replaces the lock in one step; says whether it changed. */
export function writeLock(file: string, before: AddressLock, lock: AddressLock): Promise<boolean> {
  return writeLockFile(file, lockText(before), lockText(lock));
}
