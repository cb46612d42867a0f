import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from 'typebox';
import { suggest } from '../report/did-you-mean.ts';
import { type Path, type Problem, pathText } from '../report/problem.ts';
import { placeOf, type Tree, toValue } from './tree.ts';

const ajv = new Ajv({
  allErrors: true,
  useDefaults: true,
  verbose: true,
  strict: true,
  allowUnionTypes: true,
});
ajv.addKeyword({ keyword: 'expects', schemaType: 'string' });

/** Compiling a schema costs milliseconds: once each. */
const compiled = new WeakMap<object, ValidateFunction>();

/**
 * The tree's value with defaults filled in, checked against a schema. Problems say what is wrong in a
 * person's words, each at the place in the file that it is about; the value is undefined where there are any.
 */
export function validate<S extends TSchema>(
  schema: S,
  tree: Tree,
): { value?: Static<S>; problems: Problem[] } {
  let check = compiled.get(schema);
  if (!check) {
    check = ajv.compile(schema);
    compiled.set(schema, check);
  }
  const value = toValue(tree);
  if (check(value)) return { value: value as Static<S>, problems: [] };
  const problems: Problem[] = [];
  const seen = new Set<string>();
  for (const error of check.errors ?? []) {
    const problem = translate(error, tree);
    const key = JSON.stringify([problem.place, problem.message]);
    if (!seen.has(key)) problems.push(problem);
    seen.add(key);
  }
  return { problems };
}

function translate(error: ErrorObject, tree: Tree): Problem {
  const path = pointerPath(error.instancePath, tree);
  const at = (code: string, message: string, hint: string, where: Path = path, ofKey = false): Problem => ({
    code,
    severity: 'error',
    path: where,
    message,
    hint,
    place: placeOf(tree, where, ofKey),
  });
  const name = path.length === 0 ? 'the file' : pathText(path);
  const got = JSON.stringify(error.data) ?? 'nothing';
  const description = (error.parentSchema as { description?: string } | undefined)?.description;
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(error.params.additionalProperty);
      const known = Object.keys((error.parentSchema as { properties?: object }).properties ?? {});
      return at('key-unknown', `"${key}" is not a key of ${name}`, suggest(key, known), [...path, key], true);
    }
    case 'required': {
      const key = String(error.params.missingProperty);
      const properties = (error.parentSchema as { properties?: Record<string, { description?: string }> })
        .properties;
      const meaning = properties?.[key]?.description;
      return at('key-missing', `${name} needs "${key}"`, meaning ? `add ${key}: ${meaning}` : `add ${key}`);
    }
    case 'type': {
      const wanted = String(error.params.type);
      const quote = wanted === 'string' && typeof error.data !== 'object' && error.data !== null;
      const hint = quote ? `put it in quotes: "${String(error.data)}"` : (description ?? `write a ${wanted}`);
      return at('value-type', `${name} must be ${article(wanted)}, not ${kindOf(error.data)}`, hint);
    }
    case 'enum': {
      const allowed = (error.params.allowedValues as unknown[]).map(String);
      return at('value-choice', `${name} cannot be ${got}`, suggest(String(error.data), allowed));
    }
    case 'pattern':
    case 'minLength': {
      const expects = (error.parentSchema as { expects?: string }).expects ?? 'a text that is not empty';
      return at('value-form', `${name} must be ${expects}, not ${got}`, description ?? 'correct the value');
    }
    case 'propertyNames':
      return at(
        'value-form',
        `"${String(error.params.propertyName)}" cannot be a key of ${name}`,
        description ?? 'correct the key',
      );
    case 'minimum':
    case 'maximum':
      return at(
        'value-range',
        `${name} must be ${String(error.params.comparison)} ${String(error.params.limit)}, not ${got}`,
        description ?? 'correct the value',
      );
    case 'minItems':
      return at(
        'value-range',
        `${name} needs at least ${String(error.params.limit)} ${Number(error.params.limit) === 1 ? 'entry' : 'entries'}`,
        description ?? 'add one',
      );
    case 'uniqueItems': {
      const where = [...path, Number(error.params.i)];
      return at('value-twice', `${pathText(where)} stands in the list twice`, 'remove one of the two', where);
    }
    default:
      return at(
        'value-form',
        `${name} ${error.message ?? 'is not valid'}`,
        description ?? 'correct the value',
      );
  }
}

/** A JSON pointer as a path; numbers only where the tree has a list. */
function pointerPath(pointer: string, tree: Tree): Path {
  const path: (string | number)[] = [];
  let node: Tree | undefined = tree;
  for (const raw of pointer.split('/').slice(1)) {
    const step = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    if (node?.kind === 'list') {
      path.push(Number(step));
      node = node.items[Number(step)];
    } else {
      path.push(step);
      node = node?.kind === 'map' ? node.entries.get(step)?.value : undefined;
    }
  }
  return path;
}

function article(type: string): string {
  return (
    {
      string: 'a text',
      integer: 'a whole number',
      number: 'a number',
      boolean: 'true or false',
      object: 'a map',
      array: 'a list',
    }[type] ?? type
  );
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return `${article(typeof value)} (${JSON.stringify(value)})`;
}
