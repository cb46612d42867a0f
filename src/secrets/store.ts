import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  type Stats,
  statSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { inspect } from 'node:util';
import { UserError } from '../report/errors.ts';
import { LOCK, withLock } from './lock.ts';

/** Where secrets lie when nothing else is said. */
const DEFAULT_DIR = './secrets';

const TEMPORARY = '.new-';
const REF = /^[a-z0-9][a-z0-9.-]*(\/[a-z0-9][a-z0-9.-]*)*$/;

/** Certificates and public keys: what anybody may read. */
function isPublic(ref: string): boolean {
  return ref.endsWith('.crt') || ref.endsWith('.pub');
}

/**
 * The secrets of one cluster: files below a directory that only its owner may enter. A ref is a file's name
 * relative to that directory, such as `pki/ca.key`.
 *
 * It reads a file when it is asked for, and remembers it. Printed, inspected or serialised, it shows its
 * directory and nothing else; no error it throws holds a value.
 */
export class SecretStore {
  readonly dir: string;
  readonly #values = new Map<string, string>();

  constructor(dir: string) {
    this.dir = dir;
  }

  /** The path of a ref, for messages. */
  file(ref: string): string {
    if (!REF.test(ref)) throw new Error(`not a name for a secret: ${JSON.stringify(ref)}`);
    return join(this.dir, ref);
  }

  has(ref: string): boolean {
    return this.#values.has(ref) || this.#stat(ref) !== undefined;
  }

  /** What a file holds, or undefined where there is none. Refuses secrets that others can read, as ssh does. */
  read(ref: string): string | undefined {
    const known = this.#values.get(ref);
    if (known !== undefined) return known;
    if (this.#stat(ref) === undefined) return undefined;
    const file = this.file(ref);
    if (this.isLoose(ref)) {
      throw new UserError(
        `${file} can be read by others`,
        `run: chmod 600 ${file}; if somebody may have read it, make it anew`,
      );
    }
    const value = attempt(file, 'cannot be read', () => readFileSync(file, 'utf8'));
    this.#values.set(ref, value);
    return value;
  }

  /** True where a secret's mode lets others at it. Not mended quietly: it may have been read already. */
  isLoose(ref: string): boolean {
    return !isPublic(ref) && ((this.#stat(ref)?.mode ?? 0) & 0o077) !== 0;
  }

  /** Every ref there is, sorted. */
  list(): string[] {
    const refs: string[] = [];
    const walk = (below: string) => {
      const folder = join(this.dir, below);
      for (const entry of attempt(folder, 'cannot be read', () =>
        readdirSync(folder, { withFileTypes: true }),
      )) {
        const ref = below === '' ? entry.name : `${below}/${entry.name}`;
        if (entry.name.startsWith('.')) continue;
        if (entry.isDirectory()) walk(ref);
        else refs.push(ref);
      }
    };
    if (statOf(this.dir) !== undefined) walk('');
    return refs.sort();
  }

  /**
   * Writes one file: a temporary one beside it, to the disk, then renamed, so that a reader finds the old one or the
   * new one and a power cut leaves no half. Call it within {@link exclusively}.
   */
  write(ref: string, value: string): void {
    const file = this.file(ref);
    const temporary = join(dirname(file), TEMPORARY + randomBytes(6).toString('hex'));
    attempt(file, 'cannot be written', () => {
      mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
      const handle = openSync(temporary, 'wx', 0o600);
      try {
        writeSync(handle, value);
        // The umask may have taken bits from the mode.
        fchmodSync(handle, isPublic(ref) ? 0o644 : 0o600);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(temporary, file);
    });
    this.#values.set(ref, value);
  }

  /**
   * Does work that writes while no other process does: two that made a CA at once would leave one's certificate
   * beside the other's key. Makes the directory first, and forgets what was read before.
   */
  async exclusively<T>(work: () => Promise<T>): Promise<T> {
    this.#prepare();
    return withLock(join(this.dir, LOCK), async () => {
      this.#values.clear();
      this.#sweep();
      return work();
    });
  }

  /** Makes the directory, and keeps it out of git, whatever repository it lies in. */
  #prepare(): void {
    attempt(this.dir, 'cannot be made', () => {
      if (mkdirSync(this.dir, { recursive: true, mode: 0o700 }) !== undefined) chmodSync(this.dir, 0o700);
      const ignore = join(this.dir, '.gitignore');
      if (statOf(ignore) !== undefined) return;
      const handle = openSync(ignore, 'w', 0o644);
      writeSync(handle, '*\n');
      closeSync(handle);
    });
  }

  /** Removes what an interrupted write left. */
  #sweep(): void {
    attempt(this.dir, 'cannot be tidied', () => {
      for (const entry of readdirSync(this.dir, { withFileTypes: true, recursive: true })) {
        if (entry.isFile() && entry.name.startsWith(TEMPORARY)) rmSync(join(entry.parentPath, entry.name));
      }
    });
  }

  #stat(ref: string): Stats | undefined {
    const file = this.file(ref);
    const stats = statOf(file);
    if (stats !== undefined && !stats.isFile()) {
      throw new UserError(`${file} is not a file`, 'move it away: a secret belongs there');
    }
    return stats;
  }

  toJSON(): { dir: string; secrets: string } {
    return { dir: this.dir, secrets: 'redacted' };
  }

  [inspect.custom](): string {
    return `SecretStore { dir: ${JSON.stringify(this.dir)}, secrets: redacted }`;
  }
}

/**
 * Opens the store below a directory, which need not exist: it is made when a secret is. Refuses a directory that
 * others may enter.
 */
export function openStore(dir: string = DEFAULT_DIR): SecretStore {
  const stats = attempt(dir, 'cannot be read', () => statOf(dir));
  if (stats !== undefined && !stats.isDirectory()) {
    throw new UserError(
      `${dir} is not a directory`,
      'name a directory for the secrets, or one that is still to be made',
    );
  }
  if (stats !== undefined && (stats.mode & 0o077) !== 0) {
    throw new UserError(`${dir} holds secrets and is open to others`, `run: chmod -R go= ${dir}`);
  }
  return new SecretStore(dir);
}

function statOf(file: string): Stats | undefined {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch (error) {
    if (codeOf(error) === 'ENOTDIR') return undefined;
    throw new UserError(
      `${file} cannot be read (${codeOf(error)})`,
      REMEDY[codeOf(error)] ?? 'see to the file system',
    );
  }
}

const REMEDY: Record<string, string> = {
  EACCES: 'run as the user who owns it, or give it to this one (chown)',
  EPERM: 'run as the user who owns it, or give it to this one (chown)',
  EROFS: 'the file system is read-only: mount it for writing, or name another directory',
  ENOSPC: 'the disk is full: make room',
  ENOTDIR: 'a part of its path is a file: move that away',
  EISDIR: 'a directory has its name: move that away',
};

/** Node's error says what failed and never what was in the file, so it may be the cause. */
function attempt<T>(file: string, what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof UserError) throw error;
    const code = codeOf(error);
    throw new UserError(
      `${file} ${what} (${code})`,
      REMEDY[code] ?? 'see to the file system',
      undefined,
      error,
    );
  }
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
}
