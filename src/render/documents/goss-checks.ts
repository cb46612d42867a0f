import { quoted } from '../template.ts';

/** What goss looks at: its names for them (goss-org/goss, docs/gossfile.md). */
export type GossType =
  | 'addr'
  | 'command'
  | 'dns'
  | 'file'
  | 'http'
  | 'kernel-param'
  | 'mount'
  | 'service'
  | 'user';

/**
 * One thing that goss looks at. Checks of one name are one to people: imgbuild-verify tells of them together
 * (overlays/base/usr/libexec/imgbuild/verify/results.sh).
 */
export interface Check {
  type: GossType;
  /** What goss knows it by: no two of a type have the same, on one host. */
  id: string;
  /** What people know it by: a noun, such as `kernel release`. */
  name: string;
  fields: Record<string, unknown>;
  /** In words, where the fields do not speak for themselves. */
  expected?: string;
  /** What to look at, or do, where it fails. */
  see?: string;
}

type Words = Pick<Check, 'expected' | 'see'>;

/** In milliseconds: a host under load is slow, and not broken. */
const TIMEOUT = 30_000;

/** A command of sh that prints just one value. */
export function value(name: string, exec: string, expected: string, see: string): Check {
  return command(name, exec, exactly(expected), { expected, see });
}

/** A command of sh whose output goss matches. */
export function command(name: string, exec: string, stdout: unknown, words: Words, id = name): Check {
  const fields = { exec, 'exit-status': 0, stdout, timeout: TIMEOUT };
  return { type: 'command', id, name, fields, ...words };
}

/** A check of our own (overlays/base/usr/libexec/imgbuild/verify/look): it prints what is wrong, or nothing. */
export function look(name: string, args: readonly (string | number)[], words: Words, id = name): Check {
  return command(name, looking(args), '', words, id);
}

/** One that prints just one value. */
export function tells(name: string, args: readonly string[], expected: string, see: string): Check {
  return value(name, looking(args), expected, see);
}

function looking(args: readonly (string | number)[]): string {
  const words = args.map((word) => quoted(String(word), 'shell'));
  return `/usr/libexec/imgbuild/verify/look ${words.join(' ')}`;
}

/** A path that must not be there. */
export function absent(name: string, path: string, words: Words): Check {
  return { type: 'file', id: path, name, fields: { exists: false }, ...words };
}

/** This text and nothing else, but for blanks and line ends around it. */
export function exactly(text: string): { 'match-regexp': string } {
  return { 'match-regexp': `^\\s*${escaped(text).replace(/\s+/g, '\\s+')}\\s*$` };
}

/** A text as a part of a regular expression of Go. */
export function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

/** A file of goss, `include` first. Values stand in JSON, which is YAML that no reader takes for something else. */
export function gossFile(checks: readonly Check[], include?: string): string {
  const types = new Map<GossType, string[]>();
  const told = new Set<string>();
  for (const { type, id, name, fields, expected, see } of checks) {
    const words = { ...(expected === undefined ? {} : { expected }), ...(see === undefined ? {} : { see }) };
    // Of checks that are one to people, the first has the words.
    const key = JSON.stringify([name, words]);
    const isNew = Object.keys(words).length > 0 && !told.has(key);
    told.add(key);
    const lines = { ...(name === id ? {} : { title: name }), ...fields, ...(isNew ? { meta: words } : {}) };
    const list = types.get(type) ?? [];
    list.push(entry(id, lines));
    types.set(type, list);
  }
  const parts = [...types].map(([type, entries]) => `${type}:\n${entries.join('')}`);
  return include === undefined ? parts.join('') : `gossfile:\n  ${literal(include)}: {}\n${parts.join('')}`;
}

function entry(id: string, fields: Record<string, unknown>): string {
  const lines = Object.entries(fields).map(([key, content]) => `    ${key}: ${literal(content)}\n`);
  return `  ${literal(id)}:\n${lines.join('')}`;
}

/** goss reads its files as templates of Go first: what would begin an action there stands in one that prints it. */
function literal(content: unknown): string {
  return JSON.stringify(content).replaceAll('{{', '{{"{{"}}');
}
