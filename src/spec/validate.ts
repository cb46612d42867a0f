import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { Static, TSchema } from 'typebox';
import { suggest } from '../report/did-you-mean.ts';
import { type Path, type Problem, pathText } from '../report/problem.ts';
import { placeOf, type Tree, toValue, treeAt } from './tree.ts';

const ajv = new Ajv({
  allErrors: true,
  useDefaults: true,
  verbose: true,
  strict: true,
  // Run once or a few times: tidier code is not worth the time it takes to make.
  code: { optimize: false },
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
  const errors = check.errors ?? [];
  const ofWrongType = new Set(errors.filter((e) => e.keyword === 'type').map((e) => e.instancePath));
  for (const error of errors) {
    // A value of the wrong kind is none of the choices either; a key's pattern is told of as the key's.
    if (error.keyword === 'enum' && ofWrongType.has(error.instancePath)) continue;
    if (error.propertyName !== undefined) continue;
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
  const node = treeAt(tree, path);
  const got = shown(error.data, node);
  const schema = (error.parentSchema ?? {}) as {
    description?: string;
    expects?: string;
    pattern?: string;
    minimum?: number;
    maximum?: number;
    properties?: Record<string, { description?: string }>;
    propertyNames?: { expects?: string };
  };
  // `port: The port; a proxy on …`, to go after what is to be done.
  const last = path.findLast((step) => typeof step === 'string');
  const about = last !== undefined && schema.description ? `${last}: ${schema.description}` : 'it';
  switch (error.keyword) {
    case 'additionalProperties': {
      const key = String(error.params.additionalProperty);
      const known = Object.keys(schema.properties ?? {});
      return at('key-unknown', `"${key}" is not a key of ${name}`, suggest(key, known), [...path, key], true);
    }
    case 'required': {
      const key = String(error.params.missingProperty);
      const meaning = schema.properties?.[key]?.description;
      return at('key-missing', `${name} needs "${key}"`, meaning ? `add ${key}: ${meaning}` : `add ${key}`);
    }
    case 'type': {
      const wanted = String(error.params.type);
      return at(
        'value-type',
        `${name} must be ${article(wanted)}, not ${kindOf(error.data, node)}`,
        remedy(wanted, error.data, got, about, path.at(-1), schema),
      );
    }
    case 'enum': {
      const allowed = (error.params.allowedValues as unknown[]).map(String);
      return at('value-choice', `${name} cannot be ${got}`, suggest(String(error.data), allowed));
    }
    case 'pattern':
    case 'minLength':
      return at(
        'value-form',
        `${name} must be ${schema.expects ?? 'a text that is not empty'}, not ${got}`,
        `correct ${about}`,
      );
    case 'propertyNames': {
      const key = String(error.params.propertyName);
      return at(
        'value-form',
        `a key of ${name} must be ${schema.propertyNames?.expects ?? 'a plain word'}, not ${JSON.stringify(key)}`,
        'correct the key; its value stands after ": "',
        [...path, key],
        true,
      );
    }
    case 'minimum':
    case 'maximum':
      return at(
        'value-range',
        `${name} must be between ${schema.minimum} and ${schema.maximum}, not ${got}`,
        `correct ${about}`,
      );
    case 'minItems': {
      const least = Number(error.params.limit);
      return at(
        'value-range',
        `${name} needs at least ${least === 1 ? 'one entry' : `${least} entries`}`,
        `add to ${about}`,
      );
    }
    case 'uniqueItems': {
      // ajv names the two in either order; the later one is to go.
      const [i, j] = [Number(error.params.i), Number(error.params.j)];
      const where = [...path, Math.max(i, j)];
      return at(
        'value-twice',
        `${pathText(where)} is the same as ${pathText([...path, Math.min(i, j)])}`,
        'remove one of the two',
        where,
      );
    }
    default:
      return at('value-form', `${name} ${error.message ?? 'is not valid'}`, `correct ${about}`);
  }
}

/** What to do about a value of the wrong kind. */
function remedy(
  wanted: string,
  data: unknown,
  got: string,
  about: string,
  last: string | number | undefined,
  schema: { pattern?: string; expects?: string; properties?: object },
): string {
  if (last === undefined) return 'write keys and their values, as in "name: lab"';
  if (data === null)
    return `fill it in, or remove the ${typeof last === 'number' ? 'entry' : 'key'}; ${about}`;
  const isPlain = typeof data !== 'object';
  if (wanted === 'string' && isPlain) {
    // Quotes alone make no version of 1.30.
    const isEnough = schema.pattern === undefined || new RegExp(schema.pattern, 'u').test(got);
    return isEnough || !schema.expects ? `put it in quotes: "${got}"` : `write ${schema.expects}`;
  }
  if (wanted === 'array' && isPlain) return `write it as a list: [${String(data)}]`;
  if (wanted === 'integer' && typeof data === 'string' && /^\d+$/.test(data))
    return `write it without quotes: ${data}`;
  const keys = Object.keys(schema.properties ?? {});
  if (wanted === 'object' && isPlain && typeof last === 'string' && keys.length > 0)
    return `write a map, such as ${last}: { ${keys[0]}: ${String(data)} }; its keys are ${keys.join(', ')}`;
  return `write ${article(wanted)}; ${about}`;
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

function kindOf(value: unknown, node: Tree | undefined): string {
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  return `${article(typeof value)} (${shown(value, node)})`;
}

/** A value as its file has it, cut where it is long. */
function shown(value: unknown, node: Tree | undefined): string {
  const text = (node?.kind === 'scalar' ? node.source : undefined) ?? JSON.stringify(value) ?? 'nothing';
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
