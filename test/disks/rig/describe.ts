/** `describe` for tests on guests. */
import { beforeAll } from 'vitest';
import { describeWith } from '../../rigs/programs.ts';
import { BUILD_TIMEOUT, buildRoot } from './root.ts';

/** As `describeWith`; the root is built first. */
export function describeOnGuests(title: string, tests: () => void): void {
  describeWith(['qemu-system-x86_64', 'ovmf', 'mmdebstrap', 'setpriv'], title, () => {
    beforeAll(async () => {
      await buildRoot();
    }, BUILD_TIMEOUT);
    tests();
  });
}
