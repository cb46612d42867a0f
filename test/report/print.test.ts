import { stripVTControlCharacters } from 'node:util';
import { describe, expect, test } from 'vitest';
import { ProblemsError } from '../../src/report/errors.ts';
import { painter } from '../../src/report/paint.ts';
import { plural, problemsText } from '../../src/report/print.ts';
import { type Problem, pathText, sortProblems } from '../../src/report/problem.ts';
import { table } from '../../src/report/table.ts';

const plain = painter(false, {});
const colour = painter(true, {});

function problem(file: string, line: number, severity: Problem['severity'] = 'error', col = 1): Problem {
  return { code: 'c', severity, path: ['a'], message: 'm', hint: 'h', place: { file, line, col } };
}

describe('problems', () => {
  test('nothing is said of none', () => expect(problemsText([], plain)).toBe(''));

  test('are counted', () => {
    const last = (problems: Problem[]) =>
      problemsText(problems, plain).trimEnd().split('\n').at(-1)?.split(';')[0];
    expect(last([problem('a', 1)])).toBe('1 error');
    expect(last([problem('a', 1), problem('a', 2)])).toBe('2 errors');
    expect(last([problem('a', 1, 'warning')])).toBe('1 warning');
    expect(last([problem('a', 1), problem('a', 1, 'warning'), problem('a', 2, 'warning')])).toBe(
      '1 error, 2 warnings',
    );
  });

  test('without a place are told of by their path, and without either as they are', () => {
    const { place: _, ...nowhere } = problem('a', 1);
    expect(problemsText([nowhere], plain)).toMatch(/^a: error: m \[c\]\n {4}fix: h\n/);
    expect(problemsText([{ ...nowhere, path: [] }], plain)).toMatch(/^error: m \[c\]\n/);
  });

  test('are the same with and without colour, but for the colour', () => {
    const problems = [problem('a', 1), problem('b', 2, 'warning')];
    expect(problemsText(problems, colour)).toContain('\u001b[');
    expect(stripVTControlCharacters(problemsText(problems, colour))).toBe(problemsText(problems, plain));
  });

  test('stand by place, errors first; an error made of them too', () => {
    const list = [
      problem('b', 1),
      problem('a', 9, 'warning'),
      problem('a', 10),
      problem('a', 2, 'error', 5),
      problem('a', 2, 'error', 3),
    ];
    const order = (problems: readonly Problem[]) =>
      problems.map(({ place, severity }) => `${severity[0]} ${place?.file}:${place?.line}:${place?.col}`);
    const sorted = ['e a:2:3', 'e a:2:5', 'e a:10:1', 'e b:1:1', 'w a:9:1'];
    expect(order(sortProblems(list))).toEqual(sorted);
    expect(order(new ProblemsError(list).problems)).toEqual(sorted);
  });
});

test('paths read like code', () => {
  expect(pathText(['hosts', 2, 'nics', 0, 'mac'])).toBe('hosts[2].nics[0].mac');
  expect(pathText(['sysctls', 'vm.swappiness'])).toBe('sysctls["vm.swappiness"]');
  expect(pathText([])).toBe('');
});

test('colour is for terminals that want it', () => {
  const painted = (isTerminal: boolean, env: Record<string, string>) =>
    painter(isTerminal, env)('red', 'x') !== 'x';
  expect(painted(true, {})).toBe(true);
  expect(painted(false, {})).toBe(false);
  expect(painted(true, { NO_COLOR: '1' })).toBe(false);
  // https://no-color.org: present and not empty.
  expect(painted(true, { NO_COLOR: '' })).toBe(true);
  expect(painted(true, { TERM: 'dumb' })).toBe(false);
});

describe('tables', () => {
  test('columns line up, wide characters and colours counted as they show', () => {
    const text = table(
      ['STATE', 'WHAT'],
      [
        [colour('green', 'ok'), '一'],
        [colour('yellow', 'missing'), 'b'],
        ['工作', 'c'],
      ],
    );
    expect(stripVTControlCharacters(text).split('\n')).toEqual([
      'STATE    WHAT',
      'ok       一',
      'missing  b',
      '工作     c',
      '',
    ]);
  });

  test('lines end without spaces, and missing cells are empty', () => {
    expect(table(['A', 'B', 'C'], [['1'], ['22', '', '3']])).toBe('A   B  C\n1\n22     3\n');
  });
});

test('counts agree with their words', () => {
  expect([0, 1, 2].map((count) => plural(count, 'host'))).toEqual(['0 hosts', '1 host', '2 hosts']);
});
