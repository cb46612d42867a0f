import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type ParsedNode,
  parseDocument,
} from 'yaml';
import type { Place, Problem } from '../report/problem.ts';
import type { MapTree, Tree } from './tree.ts';

/**
 * One YAML file as a tree with places. Never throws: what is wrong comes back as problems, and the
 * tree is undefined where nothing can be made of the file.
 */
export function parseYaml(text: string, file: string): { tree?: Tree; problems: Problem[] } {
  const lines = new LineCounter();
  const document = parseDocument<ParsedNode>(text, { lineCounter: lines, prettyErrors: false });
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { file, line: Math.max(line, 1), col: Math.max(col, 1) };
  };
  const problem = (message: string, hint: string, offset: number): Problem => ({
    code: 'yaml',
    severity: 'error',
    path: [],
    message,
    hint,
    place: placeAt(offset),
  });
  const problems = document.errors.map((e) => problem(sentence(e.message), hintFor(e.code), e.pos[0]));
  if (problems.length > 0) return { problems };
  if (document.contents === null) {
    return { problems: [problem('the file is empty', 'write one with: imgbuild init', 0)] };
  }

  const convert = (node: Node | null | undefined, fallback: Place): Tree => {
    const place = node?.range ? placeAt(node.range[0]) : fallback;
    if (isAlias(node)) return convert(node.resolve(document), place);
    if (isSeq(node)) {
      return { kind: 'list', place, items: node.items.map((item) => convert(item as Node, place)) };
    }
    if (isMap(node)) {
      const map: MapTree = { kind: 'map', place, entries: new Map() };
      for (const pair of node.items) {
        const keyNode = pair.key as Node;
        const keyPlace = keyNode.range ? placeAt(keyNode.range[0]) : place;
        const key = isScalar(keyNode) ? String(keyNode.value) : '';
        const value = convert(pair.value as Node | null, keyPlace);
        // `<<: *base` fills in what the map itself does not say.
        if (key === '<<') {
          for (const source of value.kind === 'list' ? value.items : [value]) {
            if (source.kind !== 'map') continue;
            for (const [k, entry] of source.entries) if (!map.entries.has(k)) map.entries.set(k, entry);
          }
        } else map.entries.set(key, { keyPlace, value });
      }
      return map;
    }
    const value = isScalar(node) ? node.value : null;
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) {
      return { kind: 'scalar', value, place };
    }
    if (typeof value === 'number') return { kind: 'scalar', value, place };
    return { kind: 'scalar', value: String(value), place };
  };
  try {
    return { tree: convert(document.contents, { file, line: 1, col: 1 }), problems: [] };
  } catch (error) {
    // An alias that leads back into itself overflows the stack; nothing else here throws.
    if (!(error instanceof RangeError)) throw error;
    return { problems: [problem('an alias refers to itself', 'remove the alias', 0)] };
  }
}

function sentence(message: string): string {
  return message.charAt(0).toLowerCase() + message.slice(1);
}

function hintFor(code: string): string {
  if (code === 'DUPLICATE_KEY') return 'keep one of the two; a later one would silently win';
  if (code === 'TAB_AS_INDENT') return 'indent with spaces, not tabs';
  if (code === 'BAD_ALIAS') return 'define the anchor (&name) before the alias (*name) that uses it';
  return 'mend the YAML here; a value with ": ", "#" or a leading special character needs quotes';
}
