import { encrypt, verify } from 'unixcrypt';
import { UserError } from '../report/errors.ts';
import { pick, type Random } from './random.ts';
import { PASSWORD, PASSWORD_LINE } from './requirements.ts';
import type { SecretStore } from './store.ts';

/** No letter that another is taken for, on a screen at arm's length: 0 o, 1 l i. Lower case: a console may lose Shift. */
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789';
/** 24 of 31 letters are 118 bits: no more rounds of hashing would add to that. */
const LENGTH = 24;

/** `user:hash`, as chpasswd -e reads it; the hash is crypt(3)'s, whichever method. */
const LINE = /^([a-z_][a-z0-9_-]*):(\$[0-9a-z]+\$[^:\s]+)$/;
/** ./0-9A-Za-z: what a salt is made of (crypt(5)); 16 is the longest that SHA-512 takes. */
const SALT = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A password to be read off paper and typed at a console. */
export function newPassword(random: Random): string {
  return pick(LETTERS, LENGTH, random);
}

/** The SHA-512 hash of a password; el7 knows no newer method. */
export function hashPassword(password: string, random: Random): string {
  return encrypt(password, `$6$${pick(SALT, 16, random)}`);
}

/** The password in the store, or undefined: an operator may keep it elsewhere and leave the hash alone here. */
export function readPassword(store: SecretStore): string | undefined {
  const password = store.read(PASSWORD)?.replace(/\r?\n$/, '');
  if (password === undefined || /^[ -~]{8,128}$/.test(password)) return password;
  throw new UserError(
    `${store.file(PASSWORD)} does not hold a password`,
    'write one line of 8 to 128 printable ASCII characters, or remove the file: a new one is made',
  );
}

/** The password's hash in the store. The name before it is the plan's business: see resolve.ts. */
export function readHash(store: SecretStore): string | undefined {
  const line = store.read(PASSWORD_LINE);
  if (line === undefined) return undefined;
  const hash = LINE.exec(line.trimEnd())?.[2];
  if (hash !== undefined) return hash;
  throw new UserError(
    `${store.file(PASSWORD_LINE)} is not user:hash`,
    'remove it: it is made from the password',
  );
}

/** False where the hash (of a method we know) is another password's. */
export function isHashOf(hash: string, password: string): boolean {
  if (!/^\$[56]\$/.test(hash)) return true;
  try {
    return verify(password, hash);
  } catch {
    // A hash cut short; the library's error might quote it.
    return false;
  }
}
