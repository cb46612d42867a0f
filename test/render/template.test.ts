import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { assetsOf } from '../../src/render/assets.ts';
import { type Quote, quoted, render } from '../../src/render/template.ts';
import { UserError } from '../../src/report/errors.ts';

const print = (text: string, data: object, quote: Quote = 'line') =>
  render(text, { ...data }, { name: 'folder/x.ejs', quote });

/** What rendering says when it refuses. */
function refusal(text: string, data: object, quote: Quote = 'line'): string {
  try {
    print(text, data, quote);
  } catch (error) {
    expect(error).toBeInstanceOf(UserError);
    return (error as Error).message;
  }
  throw new Error('it was rendered');
}

describe('quoting', () => {
  test.each([
    ['plain-Word_1.2:/@%+=,', 'plain-Word_1.2:/@%+=,'],
    ['', "''"],
    ['two words', "'two words'"],
    ["it's", "'it'\\''s'"],
    ['$(id) `id` "x" \\ ; # ~', `'$(id) \`id\` "x" \\ ; # ~'`],
  ])('shell: %j', (value, expected) => {
    expect(quoted(value, 'shell')).toBe(expected);
  });

  test('a shell reads every word back as it was', () => {
    const words = fc.sample(fc.string({ unit: 'grapheme' }), { numRuns: 300, seed: 7 });
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are refused
    const fine = words.filter((word) => !/[\u0000-\u001f\u007f]/.test(word));
    const script = `printf '%s\\n' ${fine.map((word) => quoted(word, 'shell')).join(' ')}`;
    expect(execFileSync('sh', ['-c', script], { encoding: 'utf8' })).toBe(
      fine.map((word) => `${word}\n`).join(''),
    );
  });

  test('hcl: quotes, line breaks and templates', () => {
    const value = `a"b\\c\n$\{d} %{e}`;
    expect(quoted(value, 'hcl')).toBe(`a\\"b\\\\c\\n$$\{d} %%{e}`);
  });

  test.each(['line', 'shell'] as const)('%s refuses line breaks, and does not show the value', (quote) => {
    const message = refusal('<%= x %>', { x: 'secret\nvalue' }, quote);
    expect(message).toContain('line break');
    expect(message).not.toContain('secret');
  });

  test('numbers and booleans are text, objects are not', () => {
    expect(print('<%= a %> <%= b %>', { a: 3, b: true })).toBe('3 true');
    expect(refusal('<%= a %>', { a: [1] })).toContain('a value is not text');
  });
});

describe('what is missing', () => {
  test.each([
    ['one\n<%= x.y %>', 'folder/x.ejs:2: a value is undefined: <%= x.y %>'],
    ['one\n\n<%- x.y -%>', 'folder/x.ejs:3: a value is undefined: <%- x.y -%>'],
    ['<%= nil %>', 'folder/x.ejs:1: a value is null: <%= nil %>'],
    ['<%- nil %>', 'folder/x.ejs:1: a value is null: <%- nil %>'],
    ['a <%= nobody %>', 'folder/x.ejs:1: nobody is not defined: a <%= nobody %>'],
    [
      '<% const a = x.y.z; %>',
      "folder/x.ejs:1: Cannot read properties of undefined (reading 'z'): <% const a = x.y.z; %>",
    ],
  ])('%j', (text, message) => {
    expect(refusal(text, { x: {}, nil: null })).toBe(message);
  });

  test('a template that does not parse says which', () => {
    expect(refusal('<% if (x) { %>', { x: 1 })).toMatch(/^folder\/x\.ejs: [^\n]+$/);
  });
});

test('raw output is not quoted, and <%% is no tag', () => {
  expect(print('<%- x %> <%%- y %>\n', { x: "it's" }, 'shell')).toBe("it's <%- y %>\n");
});

describe('include', () => {
  const assets = assetsOf(
    new Map([
      ['folder/partials/a.ejs', "a <%= x %> <%= more %> <%- include('partials/b.sh') %>"],
      ['folder/partials/b.sh.ejs', 'b <%= x %>'],
      ['folder/partials/bad.ejs', 'one\ntwo <%= missing %>'],
    ]),
  );
  const options = { name: 'folder/top.ejs', quote: 'shell', assets } as const;

  test('looks up partials from the folder of the outermost template, and hands on the data', () => {
    expect(render("<%- include('partials/a', { more: 'm m' }) %>!", { x: 1 }, options)).toBe(
      "a 1 'm m' b 1!",
    );
  });

  test('names the place in the partial', () => {
    expect(() => render("\n\n<%- include('partials/bad') %>", { x: 1 }, options)).toThrow(
      /^folder\/partials\/bad\.ejs:2: missing is not defined: two <%= missing %>$/,
    );
    expect(() => render("\n<%- include('partials/none') %>", { x: 1 }, options)).toThrow(
      /^folder\/top\.ejs:2: there is no folder\/partials\/none\.ejs in the package/,
    );
  });
});

test('the same template renders again with other data and other variables', () => {
  expect(print('<%= x %>', { x: 1 })).toBe('1');
  expect(print('<%= x %>', { x: 2, y: 3 })).toBe('2');
  expect(print('<%= x %>!', { x: 4 })).toBe('4!');
});
