import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { UserError } from '../report/errors.ts';

/** The lock's name in the store. */
export const LOCK = '.lock';

/** What is said where the lock cannot be had. */
const SECRETS = {
  busy: 'another imgbuild is writing secrets',
  unwritable: 'the store has to be writable to make a secret',
};

/**
 * Does work while holding a lock file. Whoever finds it taken is told at once instead of waiting: the work takes
 * less than a second. A lock whose process is gone (same machine) is taken over.
 */
export async function withLock<T>(file: string, work: () => Promise<T>, words = SECRETS): Promise<T> {
  take(file, words);
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file: string, { busy, unwritable }: typeof SECRETS): void {
  for (const again of [true, false]) {
    try {
      writeFileSync(file, `${process.pid} ${hostname()}\n`, { flag: 'wx', mode: 0o600 });
      return;
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? error.code : undefined;
      if (code !== 'EEXIST') {
        throw new UserError(`${file} cannot be written (${String(code)})`, unwritable);
      }
    }
    if (again && isAbandoned(file)) rmSync(file, { force: true });
    else break;
  }
  throw new UserError(
    `${busy} (${file})`,
    'wait until it is done; where none runs any more, on this machine or another, remove that file',
  );
}

function isAbandoned(file: string): boolean {
  try {
    const [pid, host] = readFileSync(file, 'utf8').trim().split(' ');
    if (host !== hostname() || !/^\d+$/.test(pid ?? '')) return false;
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
}
