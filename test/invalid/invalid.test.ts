import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ruleTopics } from '../../src/plan/rules/index.ts';
import { formCodes } from '../../src/spec/codes.ts';
import { cases, FOLDER, reportOf } from './cases.ts';

/** `UPDATE=1 npx vitest run test/invalid` writes the reports anew; read each difference before keeping it. */
const update = process.env.UPDATE === '1';

const all = cases();

describe('check says of each invalid spec exactly what stands beside it', () => {
  for (const each of all) {
    test(each.name, async () => {
      const { text, code } = await reportOf(each);
      if (update) writeFileSync(each.report, text);
      expect(existsSync(each.report), `${each.report} is missing: write it with UPDATE=1`).toBe(true);
      expect(text).toBe(readFileSync(each.report, 'utf8'));
      expect(code).toBe(/^\d+ errors?\b/m.test(text) ? 1 : 0);
    });
  }
});

test('there are enough of them, and no report without its spec', () => {
  expect(all.length).toBeGreaterThanOrEqual(65);
  const reports = readdirSync(FOLDER).filter((file) => file.endsWith('.txt'));
  expect(reports.sort()).toEqual(all.map(({ report }) => path.basename(report)).sort());
});

test('each code that check can give is among them', () => {
  const reports = all.map(({ report }) => readFileSync(report, 'utf8')).join('');
  const seen = new Set([...reports.matchAll(/ \[([a-z0-9-]+)\]$/gm)].map(([, code]) => code));
  const codes = [...formCodes, ...ruleTopics.flatMap(({ rules }) => rules)].map(({ code }) => code);
  expect(codes.filter((code) => !seen.has(code))).toEqual([]);
  expect([...seen].filter((code) => !codes.includes(code ?? ''))).toEqual([]);
});

test.each([
  ['odd-crlf.yaml', '\r\n'],
  ['odd-bom.yaml', '\ufeff'],
])('an editor has not mended %s', (file, odd) => {
  expect(readFileSync(path.join(FOLDER, file), 'utf8')).toContain(odd);
});
