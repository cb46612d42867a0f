import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { newerThanBash42, shellSections } from '../rigs/kickstart-rules.ts';
import { describeWith } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';
import { bashN, dashN, shellcheck } from '../rigs/validators.ts';
import { allCases, kickstartOf } from './kickstart-cases.ts';

/** The shell of every kickstart, each text once, by a name that says where it is from. */
function everyScript(): Map<string, { body: string; shell: 'sh' | 'bash'; major: number }> {
  const scripts = new Map<string, { body: string; shell: 'sh' | 'bash'; major: number }>();
  const known = new Set<string>();
  for (const one of allCases()) {
    const { major } = one.target.os;
    for (const { body, shell, kind, line } of shellSections(kickstartOf(one))) {
      const key = createHash('sha256')
        .update(`${major === 7} ${shell} ${body}`)
        .digest('hex');
      if (known.has(key)) continue;
      known.add(key);
      scripts.set(`${one.title.replaceAll(' ', '-')}-${kind}-${line}.${shell}`, { body, shell, major });
    }
  }
  return scripts;
}

const scripts = everyScript();

describeWith(['shellcheck', 'dash', 'bash'], 'every section', () => {
  let files: { path: string; shell: 'sh' | 'bash' }[];
  beforeAll(async () => {
    const dir = await scratch(Object.fromEntries([...scripts].map(([name, { body }]) => [name, body])));
    files = [...scripts].map(([name, { shell }]) => ({ path: join(dir, name), shell }));
  });
  const written = (shell: 'sh' | 'bash') =>
    files.filter((file) => file.shell === shell).map(({ path }) => path);

  it.each(['sh', 'bash'] as const)(
    'passes shellcheck as %s',
    async (shell) => {
      // SC1091: what is sourced comes into being as the installation goes on.
      const { messages } = await shellcheck(written(shell), { shell, exclude: ['SC1091'] });
      expect(messages).toEqual([]);
    },
    120_000,
  );

  it('has the syntax of its shell', async () => {
    for (const path of written('sh')) expect(await dashN(path), path).toEqual({ ok: true, messages: [] });
    for (const path of written('bash')) expect(await bashN(path), path).toEqual({ ok: true, messages: [] });
  }, 120_000);
});

it('uses nothing on el7 that bash 4.2 lacks', () => {
  for (const [name, { body, shell, major }] of scripts) {
    if (shell === 'bash' && major === 7) expect(newerThanBash42(body), name).toEqual([]);
  }
});
