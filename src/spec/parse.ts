import {
  type Document,
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
import type { MapTree, ScalarTree, Tree } from './tree.ts';

/** No spec comes near these; a file that does is broken, or means to exhaust memory with its aliases. */
const MOST_LEVELS = 64;
const MOST_VALUES = 1_000_000;

const TOO_DEEP = 'nested too deeply';
const LOOK_FOR_BRACKETS = 'no part of a spec is nested more than a dozen deep: look for a bracket too many';

/**
 * One YAML file as a tree with places. Never throws: what is wrong comes back as problems, and the
 * tree is undefined where nothing can be made of the file.
 */
export function parseYaml(text: string, file: string): { tree?: Tree; problems: Problem[] } {
  // A byte order mark is no part of the first line.
  const source = text.startsWith('\ufeff') ? text.slice(1) : text;
  const garbage = ['\0', '\ufffd'].map((mark) => source.indexOf(mark)).filter((offset) => offset >= 0);
  if (garbage.length > 0) {
    const before = source.slice(0, Math.min(...garbage)).split('\n');
    const place = { file, line: before.length, col: (before.at(-1)?.length ?? 0) + 1 };
    return {
      problems: [
        yamlProblem('the file is not text in UTF-8', 'save it as UTF-8, without archives or images', place),
      ],
    };
  }
  return new Reader(source, file).read();
}

/** One mistake often makes several errors. */
function unique(problems: readonly Problem[]): Problem[] {
  return [...new Map(problems.map((p) => [JSON.stringify([p.place, p.message]), p])).values()];
}

/** Full-width marks, each with the one that is meant. */
const HALF_WIDTH = '：:，,“"”"‘\'’\'｛{｝}［[］]【[】]';

/** The conversion of one file; it stops at the first thing that makes going on pointless. */
class Reader {
  private readonly lines = new LineCounter();
  private readonly source: string;
  private readonly file: string;
  private readonly problems: Problem[] = [];
  /** Set where nothing can be made of the file. */
  private isLost = false;
  /** Anchored nodes that are being read, to know an alias that leads back into itself. */
  private readonly open = new Set<Node>();
  private values = 0;

  constructor(source: string, file: string) {
    this.source = source;
    this.file = file;
  }

  read(): { tree?: Tree; problems: Problem[] } {
    let document: Document.Parsed<ParsedNode>;
    try {
      document = parseDocument<ParsedNode>(this.source, {
        lineCounter: this.lines,
        prettyErrors: false,
        // Found below, so that the rest of the file is looked at as well.
        uniqueKeys: false,
      });
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      return { problems: [yamlProblem(TOO_DEEP, LOOK_FOR_BRACKETS, this.placeAt(0))] };
    }
    for (const { code, message, pos } of [...document.errors, ...document.warnings]) {
      const place = this.placeAt(pos[0]);
      // How deep the parser got depends on the machine: only the line can be told.
      if (code === 'RESOURCE_EXHAUSTION') this.lose(TOO_DEEP, LOOK_FOR_BRACKETS, { ...place, col: 1 });
      else this.problems.push(this.fullWidth(place) ?? yamlProblem(...inWords(code, message), place));
    }
    if (this.problems.length > 0) return { problems: unique(this.problems) };
    if (document.contents === null)
      return {
        problems: [yamlProblem('the file is empty', 'write one with: imgbuild init', this.placeAt(0))],
      };
    const tree = this.convert(document, document.contents, this.placeAt(0), 0);
    return this.isLost ? { problems: this.problems } : { tree, problems: this.problems };
  }

  /** A Chinese input method's punctuation looks like YAML's and means nothing to it. */
  private fullWidth(place: Place): Problem | undefined {
    const lines = this.source.split('\n');
    // The parser may notice only in the line after.
    for (const line of [place.line, place.line - 1]) {
      // In a comment they may stand.
      const text = (lines[line - 1] ?? '').replace(/(^|\s)#.*$/, '');
      const col = text.search(/[：，“”‘’｛｝［］【】]/);
      if (col < 0) continue;
      const mark = text.charAt(col);
      return yamlProblem(
        `a full-width "${mark}" stands here`,
        `type ${HALF_WIDTH[HALF_WIDTH.indexOf(mark) + 1]} with the input method switched off`,
        { file: this.file, line, col: col + 1 },
      );
    }
    return undefined;
  }

  private placeAt(offset: number): Place {
    const { line, col } = this.lines.linePos(offset);
    return { file: this.file, line: Math.max(line, 1), col: Math.max(col, 1) };
  }

  private lose(message: string, hint: string, place: Place): ScalarTree {
    if (!this.isLost) this.problems.push(yamlProblem(message, hint, place));
    this.isLost = true;
    return { kind: 'scalar', value: null, place };
  }

  private convert(
    document: Document.Parsed<ParsedNode>,
    node: Node | null | undefined,
    fallback: Place,
    level: number,
  ): Tree {
    const place = node?.range ? this.placeAt(node.range[0]) : fallback;
    if (this.isLost) return { kind: 'scalar', value: null, place };
    if (level > MOST_LEVELS) return this.lose(TOO_DEEP, LOOK_FOR_BRACKETS, place);
    if (++this.values > MOST_VALUES)
      return this.lose('the aliases make the file too large', 'write out what is meant', place);
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (!target)
        return this.lose(
          `no &${node.source} stands before *${node.source}`,
          'define the anchor further up',
          place,
        );
      if (this.open.has(target))
        return this.lose(`*${node.source} is a part of itself`, 'write out what is meant', place);
      return this.convert(document, target, place, level);
    }
    if (isSeq(node) || isMap(node)) {
      this.open.add(node);
      const tree: Tree = isSeq(node)
        ? {
            kind: 'list',
            place,
            items: node.items.map((item) => this.convert(document, item as Node, place, level + 1)),
          }
        : this.map(document, node.items as { key: unknown; value: unknown }[], place, level);
      this.open.delete(node);
      return tree;
    }
    if (!isScalar(node)) return { kind: 'scalar', value: null, place };
    const { value } = node;
    if (typeof value === 'string' || value === null) return { kind: 'scalar', value, place };
    const source = node.source ?? String(value);
    if (typeof value === 'boolean' || typeof value === 'number')
      return { kind: 'scalar', value, place, source };
    return { kind: 'scalar', value: source, place };
  }

  private map(
    document: Document.Parsed<ParsedNode>,
    pairs: readonly { key: unknown; value: unknown }[],
    place: Place,
    level: number,
  ): MapTree {
    const map: MapTree = { kind: 'map', place, entries: new Map() };
    const own = new Map<string, Place>();
    for (const pair of pairs) {
      const keyNode = pair.key as Node;
      const keyPlace = keyNode.range ? this.placeAt(keyNode.range[0]) : place;
      const key = isScalar(keyNode) ? String(keyNode.value) : '';
      const value = this.convert(document, pair.value as Node | null, keyPlace, level + 1);
      // `<<: *base` fills in what the map itself does not say.
      if (key === '<<') {
        for (const source of value.kind === 'list' ? value.items : [value]) {
          if (source.kind !== 'map') continue;
          for (const [k, entry] of source.entries) if (!map.entries.has(k)) map.entries.set(k, entry);
        }
        continue;
      }
      const first = own.get(key);
      if (first)
        this.problems.push(
          yamlProblem(
            `"${key}" stands here twice, first in line ${first.line}`,
            'keep one of the two, or correct the name of one; a later one would silently win',
            keyPlace,
          ),
        );
      else {
        own.set(key, keyPlace);
        map.entries.set(key, { keyPlace, value });
      }
    }
    return map;
  }
}

function yamlProblem(message: string, hint: string, place: Place): Problem {
  return { code: 'yaml', severity: 'error', path: [], message, hint, place };
}

/** What the parser found and what to do about it, in words for people who never read YAML's grammar. */
function inWords(code: string, message: string): [message: string, hint: string] {
  const quotes = 'put the value in quotes';
  switch (code) {
    case 'TAB_AS_INDENT':
      return ['a tab stands where the line is indented', 'indent with spaces'];
    case 'BLOCK_AS_IMPLICIT_KEY':
      return ['a second ": " stands in a value', quotes];
    case 'MULTIPLE_DOCS':
      return [
        'a second document begins here',
        'remove the line "---"; to lay one file over another, give --spec twice',
      ];
    case 'TAG_RESOLVE_FAILED':
      return [`${/!\S*/.exec(message)?.[0] ?? 'the tag'} means nothing here`, 'remove the tag'];
    case 'BAD_INDENT': {
      const bracket = /end with a ([\]}])/.exec(message)?.[1];
      if (bracket) return [`a "${bracket}" is missing`, 'close the bracket that is open here'];
      return ['the line is indented unlike its neighbours', 'begin keys of one map in the same column'];
    }
    case 'MISSING_CHAR':
      if (/closing/.test(message)) return ['a quote is not closed', 'close it'];
  }
  return [
    message.charAt(0).toLowerCase() + message.slice(1),
    `mend the YAML here; where a value has ": ", " #" or a special character in front, ${quotes}`,
  ];
}
