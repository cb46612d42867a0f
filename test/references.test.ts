import { readdirSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { references } from '../src/references.ts';

test.each(references())('$path is what the code says (npm run generate)', ({ path, text }) => {
  expect(readFileSync(path, 'utf8')).toBe(text);
});

test('every code that is reported anywhere is explained', () => {
  const document = readFileSync('docs/problems.md', 'utf8');
  const reported = new Set<string>();
  for (const file of readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  )) {
    for (const [, code] of readFileSync(`src/${file}`, 'utf8').matchAll(/code: '([a-z0-9-]+)'/g))
      if (code) reported.add(code);
  }
  expect(reported.size).toBeGreaterThan(50);
  for (const code of reported) expect(document, code).toContain(`### ${code}\n`);
});
