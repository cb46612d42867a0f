import { stripVTControlCharacters } from 'node:util';

/** Columns padded to their widest cell, two spaces apart; no spaces at the ends of lines. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heading.map((title, column) =>
    Math.max(width(title), ...rows.map((row) => width(row[column] ?? ''))),
  );
  const line = (cells: readonly string[]) =>
    cells
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - width(cell)))
      .join('  ')
      .trimEnd();
  return `${[heading, ...rows].map(line).join('\n')}\n`;
}

/** Columns that a text takes: an East Asian wide character takes two, a colour none. */
function width(text: string): number {
  let sum = 0;
  for (const character of stripVTControlCharacters(text)) {
    sum += /\p{Script=Han}|\p{Script=Hiragana}|\p{Script=Katakana}|[\uff00-\uff60]/u.test(character) ? 2 : 1;
  }
  return sum;
}
