import type { Path, Place } from '../report/problem.ts';

/**
 * A YAML value that remembers where each of its parts stands, so that several files can be merged
 * and a problem in the result still names the file and place it came from.
 */
export type Tree = ScalarTree | MapTree | ListTree;

export interface ScalarTree {
  kind: 'scalar';
  value: string | number | boolean | null;
  place: Place;
  /** A number or boolean as it is written: `1.30` is more than the value 1.3 says. */
  source?: string;
}

export interface MapTree {
  kind: 'map';
  /** Each key with its own place (for unknown keys) and its value. */
  entries: Map<string, { keyPlace: Place; value: Tree }>;
  place: Place;
}

export interface ListTree {
  kind: 'list';
  items: Tree[];
  place: Place;
}

/** Lists whose items are merged by this key instead of replacing each other: a site file can amend one host. */
const MERGED_BY: Record<string, string> = { hosts: 'name', users: 'name' };

/** `over` laid on `base`: maps are merged, `hosts` and `users` by name; anything else is replaced. */
export function mergeTrees(base: Tree, over: Tree, key = ''): Tree {
  if (base.kind === 'map' && over.kind === 'map') {
    const entries = new Map(base.entries);
    for (const [name, entry] of over.entries) {
      const below = entries.get(name);
      entries.set(name, below ? { ...entry, value: mergeTrees(below.value, entry.value, name) } : entry);
    }
    return { ...over, entries };
  }
  const mergeKey = MERGED_BY[key];
  if (mergeKey !== undefined && base.kind === 'list' && over.kind === 'list') {
    const items = [...base.items];
    const at = new Map(items.map((item, index) => [nameOf(item, mergeKey), index]));
    for (const item of over.items) {
      const index = at.get(nameOf(item, mergeKey));
      const below = index === undefined ? undefined : items[index];
      if (index === undefined || below === undefined) items.push(item);
      else items[index] = mergeTrees(below, item);
    }
    return { ...over, items };
  }
  return over;
}

function nameOf(item: Tree, key: string): unknown {
  const value = item.kind === 'map' ? item.entries.get(key)?.value : undefined;
  // A nameless item equals nothing, so that it is never merged away.
  return value?.kind === 'scalar' && value.value !== null ? value.value : Symbol('nameless');
}

/** The plain value. */
export function toValue(tree: Tree): unknown {
  if (tree.kind === 'scalar') return tree.value;
  if (tree.kind === 'list') return tree.items.map(toValue);
  const value: Record<string, unknown> = {};
  for (const [key, entry] of tree.entries) {
    // `__proto__` as a key must stay a key.
    Object.defineProperty(value, key, {
      value: toValue(entry.value),
      enumerable: true,
      writable: true,
      configurable: true,
    });
  }
  return value;
}

/**
 * The place of the value at `path`; where it is not in any file, that of the nearest part above it.
 * With `ofKey`, the place of the last key rather than of its value.
 */
export function placeOf(tree: Tree, path: Path, ofKey = false): Place {
  let node = tree;
  // A map or list is named by its key, where it has one.
  let place = tree.place;
  for (const [index, step] of path.entries()) {
    if (node.kind === 'map') {
      const entry = node.entries.get(String(step));
      if (!entry) return place;
      node = entry.value;
      const isLast = index === path.length - 1;
      place = node.kind !== 'scalar' || (isLast && ofKey) ? entry.keyPlace : node.place;
    } else if (node.kind === 'list' && typeof step === 'number') {
      const item = node.items[step];
      if (!item) return place;
      node = item;
      place = item.place;
    } else return place;
  }
  return place;
}

/** The part of a tree at `path`, where there is one. */
export function treeAt(tree: Tree, path: Path): Tree | undefined {
  let node: Tree | undefined = tree;
  for (const step of path) {
    if (node?.kind === 'map') node = node.entries.get(String(step))?.value;
    else if (node?.kind === 'list') node = node.items[Number(step)];
    else return undefined;
  }
  return node;
}
