/** `describe` for tests on guests. */
import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { beforeAll, describe } from 'vitest';
import { firmwareCode } from './machine.ts';
import { BUILD_TIMEOUT, buildRoot } from './root.ts';

function missing(): string[] {
  const path = (process.env.PATH ?? '').split(delimiter);
  const programs = ['qemu-system-x86_64', 'mmdebstrap', 'setpriv'].filter(
    (program) => !path.some((directory) => isProgram(join(directory, program))),
  );
  return existsSync(firmwareCode) ? programs : [...programs, 'ovmf'];
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The root is built first. Where a program for it is missing the tests are skipped, and the end of the run
 * says for want of what; in CI they fail.
 */
export function describeOnGuests(title: string, tests: () => void): void {
  const wanting = missing();
  if (wanting.length > 0 && process.env.CI !== 'true') {
    describe.skip(`${title} (for want of ${wanting.join(', ')})`, tests);
    return;
  }
  describe(title, () => {
    beforeAll(async () => {
      if (wanting.length > 0) throw new Error(`not installed: ${wanting.join(', ')}; run .ci/tools`);
      await buildRoot();
    }, BUILD_TIMEOUT);
    tests();
  });
}
