/** A TOML table; maps become tables, everything else is written in place. */
export type Toml = { readonly [key: string]: TomlValue };
type TomlValue = string | number | boolean | readonly (string | number)[] | Toml;

/** Writes a table and the tables in it, each under its full name. */
export function toToml(table: Toml, path: readonly string[] = []): string {
  const own: string[] = [];
  const inner: string[] = [];
  for (const [key, value] of Object.entries(table)) {
    if (isTable(value)) inner.push(toToml(value, [...path, key]));
    else own.push(`${keyText(key)} = ${valueText(value)}\n`);
  }
  // A table that only holds others needs no heading; an empty one does.
  const heading =
    path.length > 0 && (own.length > 0 || inner.length === 0) ? `\n[${path.map(keyText).join('.')}]\n` : '';
  return heading + own.join('') + inner.join('');
}

function isTable(value: TomlValue): value is Toml {
  return typeof value === 'object' && !Array.isArray(value);
}

function keyText(key: string): string {
  return /^[A-Za-z0-9_-]+$/.test(key) ? key : JSON.stringify(key);
}

/** JSON writes strings, numbers, booleans and lists of them as TOML does. */
function valueText(value: Exclude<TomlValue, Toml>): string {
  return Array.isArray(value)
    ? `[${value.map((item) => JSON.stringify(item)).join(', ')}]`
    : JSON.stringify(value);
}
