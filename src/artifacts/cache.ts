import { rmSync, statSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';
import { ExitCode, reasonOf, UserError } from '../report/errors.ts';
import { withLock } from '../secrets/lock.ts';
import { digest } from './download.ts';
import type { Part } from './part.ts';

/** Where files are kept by their checksum, unless somebody says otherwise. */
export function cacheFolder(env: Readonly<Record<string, string | undefined>>): string {
  return path.join(env.XDG_CACHE_HOME || path.join(homedir(), '.cache'), 'imgbuild', 'artifacts');
}

/** Files by their checksum; parts of others are in a folder of their own. */
export class Cache {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async at(folder: string): Promise<Cache> {
    try {
      await mkdir(path.join(folder, 'partial'), { recursive: true });
    } catch (error) {
      throw new UserError(
        `cannot make the folder ${folder}: ${reasonOf(error)}`,
        'correct its permissions, or name another with --cache',
        ExitCode.program,
        error,
      );
    }
    return new Cache(folder);
  }

  /** The size of a file that is there and still what it was. */
  async sizeOf(sha256: string): Promise<number | undefined> {
    const file = path.join(this.folder, sha256);
    const size = statSync(file, { throwIfNoEntry: false })?.size;
    if (size === undefined) return undefined;
    if ((await digest(file)) === sha256) return size;
    rmSync(file, { force: true });
    return undefined;
  }

  /** Works on a part that nobody else works on meanwhile. */
  withPart<T>(name: string, work: (file: string) => Promise<T>): Promise<T> {
    const file = path.join(this.folder, 'partial', name);
    return withLock(`${file}.lock`, () => work(file), {
      busy: 'another imgbuild fetches the same file',
      unwritable: 'correct the permissions of the folder, or name another with --cache',
    });
  }

  keep(part: Part, sha256: string): Promise<void> {
    return part.keep(path.join(this.folder, sha256));
  }
}
