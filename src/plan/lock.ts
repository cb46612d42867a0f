import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { stringify } from 'yaml';
import { ExitCode, ProblemsError, reasonOf, UserError } from '../report/errors.ts';
import { parseYaml } from '../spec/parse.ts';
import { mapOf, object, optional } from '../spec/schema/build.ts';
import { ipv4 } from '../spec/schema/words.ts';
import { validate } from '../spec/validate.ts';
import type { AddressLock } from './addresses.ts';

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
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
    // Going on without it would move hosts.
    throw new UserError(
      `cannot read ${file}: ${reasonOf(error)}`,
      'correct its permissions',
      ExitCode.usage,
      error,
    );
  }
  const { tree, problems } = parseYaml(text, path.basename(file));
  if (!tree) {
    // Comments alone: nothing is allotted.
    if (/^(\s*(#.*)?\n)*$/.test(text)) return {};
    throw new ProblemsError(problems);
  }
  const { value, problems: wrong } = validate(lockSchema, tree);
  if (!value || problems.length > 0) throw new ProblemsError([...problems, ...wrong]);
  return value;
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
export async function writeLock(file: string, before: AddressLock, lock: AddressLock): Promise<boolean> {
  const text = lockText(lock);
  if (text === lockText(before)) return false;
  const temporary = `${file}.new`;
  await writeFile(temporary, text);
  await rename(temporary, file);
  return true;
}
