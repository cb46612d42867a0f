import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWith, locate } from '../rigs/programs.ts';
import { installer } from './run.ts';

const files = readdirSync(installer, { withFileTypes: true })
  .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
  .map(({ name }) => name)
  .sort();

describeWith(['shellcheck'], 'shellcheck', () => {
  it('has nothing to say', () => {
    execFileSync(locate('shellcheck'), ['-s', 'sh', ...files], { cwd: installer, stdio: 'pipe' });
  });
});

describe.each(files)('%s', (file) => {
  const text = readFileSync(join(installer, file), 'utf8');

  it('can be laid into a kickstart as it stands', () => {
    // A line that begins with % would end the section; other bytes might not survive.
    expect(text).not.toMatch(/^%/m);
    expect(text).toMatch(/^[\n\t -~\u2026]*\n$/);
    expect(text).not.toMatch(/\n\n$/);
  });

  it('says what it is', () => {
    const program = !file.endsWith('.sh');
    expect(text).toMatch(program ? /^#!\/bin\/sh\n# [\w-]+: / : /^# shellcheck shell=sh\n# \w/);
    if (program) expect(text).toMatch(/^# +exit /m);
    expect(Boolean(statSync(join(installer, file)).mode & 0o111)).toBe(program);
  });
});
