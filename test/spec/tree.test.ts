import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../src/spec/parse.ts';
import { mergeTrees, placeOf, type Tree, toValue } from '../../src/spec/tree.ts';
import { dump, scalars, treeArbitrary } from './trees.ts';

const parse = (text: string, file = 'a.yaml'): Tree => {
  const { tree } = parseYaml(text, file);
  if (!tree) throw new Error(`not YAML: ${text}`);
  return tree;
};

const merge = (...texts: string[]) =>
  toValue(texts.map((text, n) => parse(text, `${n}.yaml`)).reduce((base, over) => mergeTrees(base, over)));

describe('merging', () => {
  test('in any grouping gives the same, places too', () => {
    fc.assert(
      fc.property(treeArbitrary('a'), treeArbitrary('b'), treeArbitrary('c'), (a, b, c) => {
        expect(dump(mergeTrees(mergeTrees(a, b), c))).toBe(dump(mergeTrees(a, mergeTrees(b, c))));
      }),
    );
  });

  test('changes neither of the two', () => {
    fc.assert(
      fc.property(treeArbitrary('a'), treeArbitrary('b'), (a, b) => {
        const before = [dump(a), dump(b)];
        mergeTrees(a, b);
        expect([dump(a), dump(b)]).toEqual(before);
      }),
    );
  });

  test('with itself or with nothing changes nothing', () => {
    const nothing: Tree = { kind: 'map', entries: new Map(), place: { file: 'none', line: 1, col: 1 } };
    fc.assert(
      fc.property(treeArbitrary('a'), (a) => {
        expect(toValue(mergeTrees(a, nothing))).toEqual(toValue(a));
        expect(toValue(mergeTrees(nothing, a))).toEqual(toValue(a));
        expect(toValue(mergeTrees({ ...a, entries: new Map(without(a, 'hosts')) }, a))).toEqual(toValue(a));
      }),
    );
  });

  test('each value keeps its place: that of the later file where both have it', () => {
    fc.assert(
      fc.property(treeArbitrary('a'), treeArbitrary('b'), (a, b) => {
        const merged = mergeTrees(a, b);
        const later = new Map([...scalars(b)].map(({ path, leaf }) => [path.join('.'), leaf]));
        for (const { path, leaf } of scalars(a)) {
          const expected = later.get(path.join('.')) ?? leaf;
          expect(placeOf(merged, path)).toEqual(expected.place);
        }
        for (const { path, leaf } of scalars(b)) expect(placeOf(merged, path)).toEqual(leaf.place);
      }),
    );
  });

  test('hosts and users are merged by name; other lists are replaced', () => {
    expect(
      merge(
        'hosts: [{ name: a, role: master }, { name: b, role: worker }]\nntp: [x, y]',
        'hosts: [{ name: b, serial: S1 }, { name: c }]\nntp: [z]',
      ),
    ).toEqual({
      hosts: [{ name: 'a', role: 'master' }, { name: 'b', role: 'worker', serial: 'S1' }, { name: 'c' }],
      ntp: ['z'],
    });
  });

  test('hosts without a name are kept apart, to be reported', () => {
    expect(merge('hosts: [{ role: a }, { role: b }]', 'hosts: [{ role: c }, 5]')).toEqual({
      hosts: [{ role: 'a' }, { role: 'b' }, { role: 'c' }, 5],
    });
  });

  test('what is of another kind replaces', () => {
    expect(merge('a: { b: 1 }', 'a: text')).toEqual({ a: 'text' });
    expect(merge('a: { b: 1 }', 'a: ~')).toEqual({ a: null });
    expect(merge('hosts: [{ name: a }]', 'hosts: { name: a }')).toEqual({ hosts: { name: 'a' } });
  });

  test('a key named __proto__ stays a key', () => {
    const value = merge('__proto__: { a: 1 }', '__proto__: { b: 2 }') as Record<string, unknown>;
    expect(Object.keys(value)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect(({} as Record<string, unknown>).b).toBeUndefined();
  });
});

test('a host that both files have stands where the later one has it', () => {
  const merged = mergeTrees(
    parse('hosts:\n  - name: a\n    role: master\n', 'base.yaml'),
    parse('# site\n\nhosts: [{ name: a, serial: S1 }]\n', 'site.yaml'),
  );
  expect(placeOf(merged, ['hosts', 0])).toEqual({ file: 'site.yaml', line: 3, col: 9 });
  expect(placeOf(merged, ['hosts', 0, 'nics'])).toEqual({ file: 'site.yaml', line: 3, col: 9 });
  expect(placeOf(merged, ['hosts', 0, 'role'])).toEqual({ file: 'base.yaml', line: 3, col: 11 });
});

describe('the place of a value', () => {
  const tree = parse('name: lab\nhosts:\n  - name: a\n    nics: [x, y]\n');
  test.each([
    [['name'], 1, 7],
    [['hosts', 0, 'name'], 3, 11],
    [['hosts', 0, 'nics', 1], 4, 15],
    // A list is named by its key; what is not there by what it would stand in.
    [['hosts'], 2, 1],
    [['hosts', 0, 'nics'], 4, 5],
    [['hosts', 0, 'role'], 3, 5],
    [['hosts', 7, 'role'], 2, 1],
    [['server'], 1, 1],
    [['name', 'deeper'], 1, 7],
  ])('%j is line %d, column %d', (path, line, col) => {
    expect(placeOf(tree, path)).toEqual({ file: 'a.yaml', line, col });
  });

  test('of a key is the key’s', () => {
    expect(placeOf(tree, ['name'], true)).toEqual({ file: 'a.yaml', line: 1, col: 1 });
  });
});

function without(tree: Tree, key: string) {
  return tree.kind === 'map' ? [...tree.entries].filter(([name]) => name !== key) : [];
}
