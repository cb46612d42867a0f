import ejs from 'ejs';
import { UserError } from '../report/errors.ts';
import type { Assets } from './types.ts';

/**
 * What `<%= %>` writes a value as:
 *
 * - `shell`: one word for a POSIX shell, and for kickstart commands, which split words as a shell does;
 * - `line`: as it is, for formats without quoting; nothing that would start another line;
 * - `hcl`: what stands between the quotes of an HCL string.
 */
export type Quote = 'shell' | 'line' | 'hcl';

/** What a template sees: each key is a variable of its own in it. */
export type TemplateData = Readonly<Record<string, unknown>>;

export interface TemplateOptions {
  /** The template's path below the package's root: named in errors; partials are looked up beside it. */
  name: string;
  quote: Quote;
  /** Where `include('partials/x')` finds its text; without it, including is an error. */
  assets?: Pick<Assets, 'read'>;
}

type Compiled = (data: Record<string, unknown>) => string;

/** Compiled templates by name, quoting and variables; the text tells whether one is still right. */
const compiled = new Map<string, { text: string; run: Compiled }>();

/**
 * Renders an EJS template. `<%= x %>` is quoted for the target and `<%- x %>` printed as it is; both refuse
 * undefined and null, and a variable that does not exist is an error, not an empty place in a file.
 *
 * `include('partials/x', { more: 1 })` renders `partials/x.ejs`, looked up in the folder of the outermost
 * template, with the same data and what is given; print it with `<%-`.
 */
export function render(text: string, data: TemplateData, options: TemplateOptions): string {
  return run(text, data, options, options.name.slice(0, options.name.lastIndexOf('/') + 1));
}

/** Renders a template of the package by its path. */
export function renderAsset(
  assets: Pick<Assets, 'read'>,
  path: string,
  data: TemplateData,
  quote: Quote,
): string {
  return render(assets.read(path), data, { name: path, quote, assets });
}

/** Writes a value for a target, as `<%= %>` does. */
export function quoted(value: unknown, quote: Quote): string {
  const text = textOf(value);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (quote !== 'hcl' && /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(text)) {
    // Without the value: it may be a secret.
    throw new Error('a value holds a line break or a control character');
  }
  if (quote === 'hcl')
    return JSON.stringify(text)
      .slice(1, -1)
      .replaceAll('${', () => '$${')
      .replaceAll('%{', '%%{');
  if (quote === 'shell' && !/^[A-Za-z0-9_@%+=:,./-]+$/.test(text))
    return `'${text.replaceAll("'", `'\\''`)}'`;
  return text;
}

function textOf(value: unknown): string {
  if (value === undefined || value === null) throw new Error(`a value is ${value}`);
  if (typeof value === 'object' || typeof value === 'function') throw new Error('a value is not text');
  return String(value);
}

function run(text: string, data: TemplateData, options: TemplateOptions, folder: string): string {
  const include = (partial: string, more: TemplateData = {}) => {
    if (options.assets === undefined) throw new Error('this template has nowhere to include from');
    const name = `${folder}${partial.endsWith('.ejs') ? partial : `${partial}.ejs`}`;
    return run(options.assets.read(name), { ...data, ...more }, { ...options, name }, folder);
  };
  const locals: Record<string, unknown> = { ...data, include, [CHECKED]: textOf };
  try {
    return compile(text, Object.keys(locals), options)(locals);
  } catch (error) {
    throw explained(error, text, options.name);
  }
}

function compile(text: string, variables: string[], { name, quote }: TemplateOptions): Compiled {
  const key = [name, quote, ...variables].join('\n');
  const known = compiled.get(key);
  if (known?.text === text) return known.run;
  const run = ejs.compile(checkRaw(text), {
    filename: name,
    // Strict mode has no `with`: the variables are listed, and any other name is a ReferenceError.
    strict: true,
    destructuredLocals: variables,
    escape: (value: unknown) => quoted(value, quote),
  }) as Compiled;
  compiled.set(key, { text, run });
  return run;
}

const CHECKED = '__checked';

/** EJS prints nothing for `<%- undefined %>`; every raw expression is therefore put through a check. */
function checkRaw(text: string): string {
  return text.replace(/<%-([\s\S]*?)([-_]?%>)/g, `<%- ${CHECKED}($1)$2`);
}

class TemplateError extends UserError {}

/** EJS puts the place and an extract before the message of what was thrown; one line is made of them. */
function explained(error: unknown, text: string, name: string): UserError {
  if (error instanceof TemplateError) {
    // From a partial, and already explained there; EJS has put the including template's extract before it.
    error.message = error.message.slice(error.message.lastIndexOf('\n') + 1);
    return error;
  }
  const message = error instanceof Error ? error.message : String(error);
  const parts = /^[^\n]*:(\d+)\n[\s\S]*?\n\n([\s\S]*)$/.exec(message);
  const hint = 'mend the template, or give it what it prints';
  const said = (parts?.[2] ?? message).split('\n')[0];
  if (!parts) return new TemplateError(`${name}: ${said}`, hint, undefined, error);
  const source = text.split('\n')[Number(parts[1]) - 1]?.trim() ?? '';
  return new TemplateError(`${name}:${parts[1]}: ${said}: ${source}`, hint, undefined, error);
}
