/** `describe` for tests on hosts. */
import { afterAll, beforeAll, describe } from 'vitest';
import { describeWith, type Program } from '../../rigs/programs.ts';
import { BUILD_TIMEOUT, buildBase } from './base.ts';
import { Lab } from './lab.ts';

const rig: Program[] = ['systemd-nspawn', 'mmdebstrap', 'setpriv', 'socat', 'ip'];

/**
 * As `describeWith`; the root is built first, and labs that the tests opened are closed after them. `programs` names
 * what is not to be built when a test asks for it: without that the tests are skipped.
 */
export function describeOnHosts(title: string, tests: () => void, programs: readonly Program[] = []): void {
  if (process.getuid?.() !== 0 && process.env.CI !== 'true') {
    describe.skip(`${title} (for want of root)`, tests);
    return;
  }
  describeWith([...rig, ...programs], title, () => {
    beforeAll(async () => {
      if (process.getuid?.() !== 0) throw new Error('tests on hosts run as root');
      await buildBase();
    }, BUILD_TIMEOUT);
    afterAll(async () => await Lab.closeAll());
    tests();
  });
}
