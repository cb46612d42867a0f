import { stripVTControlCharacters } from 'node:util';

/**
 * Columns padded to their widest cell, two spaces apart; no spaces at the ends of lines. Lines end at so many
 * columns: what is cut is in the last cells, and a colour in them would be cut too.
 */
export function table(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  columns = Number.POSITIVE_INFINITY,
): string {
  const widths = heading.map((title, column) =>
    Math.max(width(title), ...rows.map((row) => width(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd();
  const cut = (text: string) => {
    if (width(text) <= columns || stripVTControlCharacters(text.slice(0, columns)) !== text.slice(0, columns))
      return text;
    return `${text.slice(0, columns - 1)}…`;
  };
  return `${[heading, ...rows].map((cells) => cut(line(cells))).join('\n')}\n`;
}

/** Columns that a text takes: an East Asian wide character takes two, a colour none. */
function width(text: string): number {
  let sum = 0;
  for (const character of stripVTControlCharacters(text)) {
    sum += /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|[\uff00-\uff60]/u.test(character) ? 2 : 1;
  }
  return sum;
}
