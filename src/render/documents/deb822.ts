/** A paragraph of apt's files: fields in order. */
export type Deb822 = Readonly<Record<string, string>>;

/** Writes paragraphs, an empty line between two. A value with a line break would begin another field: it is refused. */
export function toDeb822(paragraphs: readonly Deb822[]): string {
  return paragraphs.map(paragraph).join('\n');
}

function paragraph(fields: Deb822): string {
  return Object.entries(fields)
    .map(([name, value]) => {
      if (/[\r\n]/.test(value)) throw new Error(`${name}: a value with a line break`);
      return `${name}: ${value}\n`;
    })
    .join('');
}
