/** A section of an ini file: keys in order, lists joined by what the format wants before they come here. */
export type Section = Readonly<Record<string, string | number>>;

/** Writes sections in order, with nothing around "=". */
export function toIni(sections: Readonly<Record<string, Section>>): string {
  return Object.entries(sections)
    .map(([name, section]) => `[${name}]\n${keyValues(section)}`)
    .join('\n');
}

/** `key=value` lines. A value with a line break would begin another key: it is refused. */
export function keyValues(section: Section): string {
  return Object.entries(section)
    .map(([key, value]) => {
      if (/[\r\n]/.test(String(value))) throw new Error(`${key}: a value with a line break`);
      return `${key}=${value}\n`;
    })
    .join('');
}
