import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { describeWith, locate } from '../../rigs/programs.ts';
import { installer } from '../run.ts';

const folder = join(installer, 'deploy');
const files = readdirSync(folder).sort();

describeWith(['shellcheck'], 'shellcheck', () => {
  it('has nothing to say', () => {
    const libraries = readdirSync(installer).filter((name) => name.endsWith('.sh'));
    const args = ['-s', 'sh', ...files, ...libraries.map((name) => join('..', name))];
    execFileSync(locate('shellcheck'), args, { cwd: folder, stdio: 'pipe' });
  });
});

describe.each(files)('%s', (file) => {
  const text = readFileSync(join(folder, file), 'utf8');

  it('is plain text', () => {
    expect(text).toMatch(/^[\n\t -~]*[^\n]\n$/);
  });

  it('says what it is', () => {
    const program = !file.endsWith('.sh');
    expect(text).toMatch(program ? /^#!\/bin\/sh\n# [\w-]+: / : /^# shellcheck shell=sh\n# \w/);
    if (program) expect(text).toMatch(/^# +exit /m);
    expect(Boolean(statSync(join(folder, file)).mode & 0o111)).toBe(program);
  });
});
