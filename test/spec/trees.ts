import fc from 'fast-check';
import type { Place } from '../../src/report/problem.ts';
import type { MapTree, ScalarTree, Tree } from '../../src/spec/tree.ts';

/**
 * Trees whose parts of one name are of one kind, as in specs that mean something: only of those does merging
 * not depend on the order in which it is done. Each scalar stands in a place of its own.
 */
export function treeArbitrary(file: string): fc.Arbitrary<MapTree> {
  let line = 0;
  const place = (): Place => ({ file, line: ++line, col: 1 });
  const scalar: fc.Arbitrary<ScalarTree> = fc
    .oneof(fc.string(), fc.integer(), fc.boolean())
    .map((value) => ({ kind: 'scalar', value, place: place() }));
  const list = (items: fc.Arbitrary<Tree>): fc.Arbitrary<Tree> =>
    fc.array(items, { maxLength: 3 }).map((made) => ({ kind: 'list', items: made, place: place() }));
  const mapOf = (model: Record<string, fc.Arbitrary<Tree>>): fc.Arbitrary<MapTree> =>
    fc.record(model, { requiredKeys: [] }).map((values) => ({
      kind: 'map',
      place: place(),
      entries: new Map(
        Object.entries(values).flatMap(([key, value]) =>
          value === undefined ? [] : [[key, { keyPlace: place(), value }] as const],
        ),
      ),
    }));
  const name = fc
    .constantFrom('one', 'two', 'three')
    .map((value): Tree => ({ kind: 'scalar', value, place: place() }));
  const host = mapOf({ name, role: scalar, addresses: mapOf({ management: scalar, storage: scalar }) });
  return mapOf({
    name: scalar,
    version: scalar,
    ntp: list(scalar),
    networks: mapOf({
      management: mapOf({ cidr: scalar, dns: list(scalar) }),
      storage: mapOf({ cidr: scalar }),
    }),
    hosts: list(host),
  });
}

/** Everything that a tree is, as text. */
export function dump(tree: Tree): string {
  return JSON.stringify(tree, (_, value) => (value instanceof Map ? [...value] : value));
}

/** The path of each scalar that no list holds, with it. */
export function* scalars(tree: Tree, path: string[] = []): Generator<{ path: string[]; leaf: ScalarTree }> {
  if (tree.kind === 'scalar') yield { path, leaf: tree };
  if (tree.kind === 'map') for (const [key, { value }] of tree.entries) yield* scalars(value, [...path, key]);
}
