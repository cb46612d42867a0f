/** A section of an ini file: keys in order. A list is a line for each; what joins lists does it before they come here. */
export type Section = Readonly<Record<string, string | number | readonly string[]>>;

/** Writes sections in order, with nothing around "=". */
export function toIni(sections: Readonly<Record<string, Section>>): string {
  return toSections(Object.entries(sections));
}

/** The same where a section may stand more than once. */
export function toSections(sections: readonly (readonly [name: string, section: Section])[]): string {
  return sections.map(([name, section]) => `[${name}]\n${keyValues(section)}`).join('\n');
}

/** `key=value` lines. A value with a line break would begin another key: it is refused. */
export function keyValues(section: Section): string {
  return Object.entries(section)
    .flatMap(([key, values]) =>
      (typeof values === 'object' ? values : [values]).map((value) => ({ key, value })),
    )
    .map(({ key, value }) => {
      if (/[\r\n]/.test(String(value))) throw new Error(`${key}: a value with a line break`);
      return `${key}=${value}\n`;
    })
    .join('');
}
