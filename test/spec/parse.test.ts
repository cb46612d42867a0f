import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { parseYaml } from '../../src/spec/parse.ts';
import { toValue } from '../../src/spec/tree.ts';
import { problemsOf } from '../project.ts';

/** What breaks YAML, more often than chance would have it. */
const fragments = fc.array(
  fc.constantFrom(
    ...[
      'a',
      'b: ',
      '- ',
      '? ',
      ': ',
      '&x ',
      '*x',
      '<<: ',
      '"',
      "'",
      '[',
      ']',
      '{',
      '}',
      '|\n',
      '>\n',
      '#',
      '!t ',
    ],
    ...[
      '\n',
      '\n  ',
      '\n\t',
      '\r\n',
      '---\n',
      '...\n',
      '%YAML 1.3\n',
      '\ufeff',
      '\0',
      '\ud800',
      '1.30',
      '~',
      ', ',
    ],
  ),
  { maxLength: 30 },
);

describe('reading YAML', () => {
  test('never throws, and every problem stands inside the file', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fragments.map((list) => list.join('')),
          fc.string(),
        ),
        (text) => {
          const { problems } = parseYaml(text, 'f.yaml');
          const lines = text.split('\n').length;
          for (const { place, hint } of problems) {
            expect(place?.line).toBeGreaterThan(0);
            expect(place?.line).toBeLessThanOrEqual(lines);
            expect(place?.col).toBeGreaterThan(0);
            expect(hint).not.toBe('');
          }
        },
      ),
      { numRuns: 2000 },
    );
  });

  test('gives what the values are', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 5 })), (value) => {
        const { tree, problems } = parseYaml(stringify(value), 'f.yaml');
        // JSON knows no -0. A text that no UTF-8 file can hold is refused.
        const plain = (each: unknown) => JSON.parse(JSON.stringify(each));
        if (problems.length === 0 && tree) expect(plain(toValue(tree))).toEqual(plain(value));
        else expect(problems.map(({ message }) => message)).toEqual(['the file is not text in UTF-8']);
      }),
    );
  });

  test.each([
    ['anchors', 'a: &x { b: 1 }\nc: *x', { a: { b: 1 }, c: { b: 1 } }],
    ['merge keys', 'a: &x { b: 1, c: 2 }\nd: { <<: *x, c: 3 }', { a: { b: 1, c: 2 }, d: { b: 1, c: 3 } }],
    [
      'a list of them',
      'a: &x { b: 1 }\nb: &y { b: 2, c: 2 }\nd: { <<: [*x, *y] }',
      { a: { b: 1 }, b: { b: 2, c: 2 }, d: { b: 1, c: 2 } },
    ],
    [
      'an anchor used often',
      `a: &x [1]\nb: [${Array(500).fill('*x').join(', ')}]`,
      { a: [1], b: Array(500).fill([1]) },
    ],
    ['a byte order mark', '\ufeffa: 1', { a: 1 }],
    ['Windows lines', 'a: |\r\n  one\r\n  two\r\nb: 1\r\n', { a: 'one\ntwo\n', b: 1 }],
  ])('%s', (_, text, value) => {
    const { tree, problems } = parseYaml(text, 'f.yaml');
    expect(problems).toEqual([]);
    expect(tree && toValue(tree)).toEqual(value);
  });

  test('a number keeps the text that it was written as', () => {
    const { tree } = parseYaml('1.30', 'f.yaml');
    expect(tree).toMatchObject({ value: 1.3, source: '1.30' });
  });
});

describe('a spec that somebody broke', () => {
  const whole = parse(readFileSync('examples/production.yaml', 'utf8')) as object;
  const odd = fc.oneof(
    fc.constantFrom<unknown>(
      null,
      '',
      0,
      -1,
      1.3,
      true,
      [],
      {},
      [null],
      [[]],
      { name: null },
      'x'.repeat(300),
    ),
    fc.constantFrom(
      '0.0.0.0/0',
      '255.255.255.255',
      '10.0.0.0/31',
      '100.64.0.1',
      '1.99.0',
      'constructor',
      '__proto__',
    ),
    fc.string(),
  );

  test('gives problems, and never an exception', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(fc.nat(), odd), { minLength: 1, maxLength: 3 }), async (changes) => {
        const spec = structuredClone(whole);
        for (const [which, value] of changes) {
          const places = [...slots(spec)];
          const place = places[which % places.length];
          if (place) place.parent[place.key] = value;
        }
        const problems = await problemsOf([{ file: 'broken.yaml', text: stringify(spec) }]);
        for (const { place, message, hint } of problems) {
          expect(place?.file).toBe('broken.yaml');
          expect(`${message} ${hint}`).not.toMatch(/undefined|NaN|Infinity|\[object/);
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Every place of a value in which another could stand. */
function* slots(value: unknown): Generator<{ parent: Record<string, unknown>; key: string }> {
  if (typeof value !== 'object' || value === null) return;
  for (const [key, inner] of Object.entries(value)) {
    yield { parent: value as Record<string, unknown>, key };
    yield* slots(inner);
  }
}
