import { type Static, type TSchema, Type } from 'typebox';

/**
 * Small helpers over TypeBox, so that one definition gives the JSON Schema (with a description on every
 * field and defaults that ajv fills in), the editors' help and the TypeScript type.
 */

type Props = Record<string, TSchema>;

/** A map with these keys and no others. A key whose schema has a default need not be written. */
export function object<P extends Props>(
  description: string,
  properties: P,
  options: { default?: object } = {},
) {
  const schema = Type.Object(properties, { description, additionalProperties: false, ...options });
  const written = Object.entries(properties).filter(([, s]) => !('default' in s));
  const required = ((schema as { required?: string[] }).required ?? []).filter((name) =>
    written.some(([key]) => key === name),
  );
  if (required.length > 0) (schema as { required?: string[] }).required = required;
  else delete (schema as { required?: string[] }).required;
  return schema;
}

/** A key that may be left out and has no default of its own. */
export const optional = Type.Optional;

/** Same schema, with the value that is meant where the key is left out. */
export function withDefault<S extends TSchema>(schema: S, value: Static<S>): S {
  return { ...schema, default: value };
}

/**
 * A string that matches `pattern`. `expects` completes the sentence "must be …" in a problem and stands
 * in the schema as a keyword of our own, which other readers of the schema ignore.
 */
export function text(description: string, pattern?: RegExp, expects?: string) {
  return Type.String({
    description,
    ...(pattern ? { pattern: pattern.source } : { minLength: 1 }),
    ...(expects ? { expects } : {}),
  });
}

/** One of these words. */
export function choice<const T extends readonly string[]>(description: string, values: T) {
  return Type.Unsafe<T[number]>({ type: 'string', description, enum: [...values] });
}

export function integer(description: string, minimum: number, maximum: number) {
  return Type.Integer({ description, minimum, maximum });
}

export function flag(description: string) {
  return Type.Boolean({ description });
}

export function list<S extends TSchema>(description: string, items: S, options: { minItems?: number } = {}) {
  // Comparing maps with each other takes time that grows with the square of their number; rules do it by name.
  const isScalar = (items as { type?: string }).type === 'string';
  return Type.Array(items, { description, ...(isScalar ? { uniqueItems: true } : {}), ...options });
}

/** A map from names of the user's own to values of one kind; `keyIs` completes "must be …" for a key. */
export function mapOf<S extends TSchema>(description: string, values: S, keys?: RegExp, keyIs?: string) {
  return Type.Unsafe<Record<string, Static<S>>>({
    type: 'object',
    description,
    additionalProperties: values,
    ...(keys ? { propertyNames: { pattern: keys.source, ...(keyIs ? { expects: keyIs } : {}) } } : {}),
  });
}
