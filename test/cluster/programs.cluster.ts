/** Builds what the cache lacks of the programs that tests run: .ci/tools calls it. It needs no root. */
import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { it } from 'vitest';
import { BUILD_TIMEOUT, buildProgram, cachedProgram, needGo } from './programs/build.ts';
import { needed } from './programs/needed.ts';
import type { ProgramName } from './programs/recipes.ts';

it.skipIf(needed.every((program) => existsSync(cachedProgram(program))))('there is Go', needGo);

// Module proxies fail now and then; a second try nearly always works.
const retry = { count: 3, delay: 10_000 };

it.each(needed)('%s', { timeout: BUILD_TIMEOUT, retry }, async (program) => {
  const dash = program.lastIndexOf('-');
  const path = await buildProgram(program.slice(0, dash) as ProgramName, program.slice(dash + 1));
  await access(path, constants.X_OK);
});
