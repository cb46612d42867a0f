import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ruleTopics } from '../../src/plan/rules/index.ts';
import { formCodes } from '../../src/spec/codes.ts';
import { problemsOf } from '../project.ts';

const minimal = { file: 'minimal.yaml', text: readFileSync('examples/minimal.yaml', 'utf8') };

/** A lock that has an address for another host than the example's own. */
const lock = { management: { knode2: '10.10.0.11' } };
/** One that has another goss than the project's own. */
const artifacts = {
  goss: { version: '0.4.9', url: 'http://mirror/goss-linux-amd64', size: 5, sha256: '1'.repeat(64) },
};

describe('the example of each rule gives its code', () => {
  for (const { title, rules } of ruleTopics) {
    for (const rule of rules) {
      test(`${title}: ${rule.code}`, async () => {
        const example = { file: 'example.yaml', text: rule.example };
        const problems = await problemsOf([minimal, example], { lock, artifacts });
        const own = problems.filter((problem) => problem.code === rule.code);
        expect(own.length, JSON.stringify(problems, null, 1)).toBeGreaterThan(0);
        expect(own.map((p) => p.severity)).toContain(rule.severity);
        for (const problem of own) {
          expect(problem.place?.line).toBeGreaterThan(0);
          expect(problem.hint).not.toBe('');
        }
      });
    }
  }
});

describe('the example of each mistake of form gives its code', () => {
  for (const { code, example } of formCodes.filter((entry) => entry.example !== undefined)) {
    test(code, async () => {
      const problems = await problemsOf([minimal, { file: 'example.yaml', text: example ?? '' }]);
      expect(problems.map((problem) => problem.code)).toContain(code);
    });
  }
});

test('codes are unique', () => {
  const codes = [...ruleTopics.flatMap(({ rules }) => rules), ...formCodes].map(({ code }) => code);
  expect(codes.length).toBe(new Set(codes).size);
});

test.each(['production', 'minimal', 'centos7', 'debian'])('the %s example has no error', async (name) => {
  const problems = await problemsOf([
    { file: `${name}.yaml`, text: readFileSync(`examples/${name}.yaml`, 'utf8') },
  ]);
  expect(problems.filter((problem) => problem.severity === 'error')).toEqual([]);
});

test('the production example warns of its ssh key alone', async () => {
  const text = readFileSync('examples/production.yaml', 'utf8');
  const problems = await problemsOf([{ file: 'production.yaml', text }]);
  expect(problems.map((problem) => problem.code)).toEqual(['user-no-key']);
});
