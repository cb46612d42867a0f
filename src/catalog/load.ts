import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Static, TSchema } from 'typebox';
import { ExitCode, ProblemsError, reasonOf, UserError } from '../report/errors.ts';
import type { Place, Problem } from '../report/problem.ts';
import { parseYaml } from '../spec/parse.ts';
import { mergeTrees, placeOf, type Tree } from '../spec/tree.ts';
import { validate } from '../spec/validate.ts';
import { resolveReleases } from './extends.ts';
import {
  type Catalog,
  keysSchema,
  kubernetesSchema,
  mirrorSchema,
  osSchema,
  type Role,
  roleSchema,
  runtimeSchema,
} from './schema.ts';

/**
 * Reads the catalogue under `images/`, first imgbuild's own, then the user's beside the spec: an entry of
 * the same name is laid over ours, a new name is added.
 * @param from the folder that problems name files from
 * @throws ProblemsError where a file is not what its schema says
 */
export async function loadCatalog(folders: readonly string[], from = process.cwd()): Promise<Catalog> {
  const problems: Problem[] = [];
  const places = new Map<string, Place>();
  const readTree = async (file: string): Promise<Tree | undefined> => {
    const text = await readIfThere(file);
    if (text === undefined) return undefined;
    const near = path.relative(from, file);
    const { tree, problems: wrong } = parseYaml(text, near.startsWith('..') ? file : near);
    problems.push(...wrong);
    return tree;
  };
  const entries = async <S extends TSchema>(kind: string, schema: S): Promise<Map<string, Static<S>>> => {
    const trees = new Map<string, Tree>();
    for (const folder of folders) {
      for (const file of await yamlFiles(path.join(folder, kind))) {
        const tree = await readTree(file);
        if (!tree) continue;
        const name = path.basename(file, '.yaml');
        const below = trees.get(name);
        trees.set(name, below ? mergeTrees(below, tree) : tree);
      }
    }
    const found = new Map<string, Static<S>>();
    for (const [name, tree] of trees) {
      const { value, problems: wrong } = validate(schema, tree);
      problems.push(...wrong);
      if (value === undefined) continue;
      const own = (value as { name: string }).name;
      if (own !== name) problems.push(misnamed(`${kind}/${name}`, own, placeOf(tree, ['name'])));
      found.set(name, value);
      places.set(`${kind}/${name}`, tree.place);
    }
    return found;
  };
  const single = async <S extends TSchema>(file: string, schema: S): Promise<Static<S> | undefined> => {
    let merged: Tree | undefined;
    for (const folder of folders) {
      const tree = await readTree(path.join(folder, file));
      if (tree) merged = merged ? mergeTrees(merged, tree) : tree;
    }
    if (!merged) return undefined;
    const { value, problems: wrong } = validate(schema, merged);
    problems.push(...wrong);
    return value;
  };

  const [os, roles, runtimes, mirrors, keys, kubernetes] = await Promise.all([
    entries('os', osSchema),
    entries('roles', roleSchema),
    entries('runtimes', runtimeSchema),
    entries('mirrors', mirrorSchema),
    single('keys.yaml', keysSchema),
    single('kubernetes.yaml', kubernetesSchema),
  ]);
  const releases = resolveReleases(os, problems, (name) => places.get(`os/${name}`));
  if (problems.length > 0 || !keys || !kubernetes) throw new ProblemsError(problems);
  return { os: releases, roles: roles as Map<string, Role>, runtimes, mirrors, keys, kubernetes };
}

/** An entry is asked for by its name and found by its file's. */
function misnamed(file: string, name: string, place: Place): Problem {
  const message = `images/${file}.yaml calls itself "${name}"`;
  return {
    code: 'catalogue',
    severity: 'error',
    path: ['name'],
    message,
    hint: 'give the file and the entry one name',
    place,
  };
}

async function yamlFiles(folder: string): Promise<string[]> {
  try {
    const names = await readdir(folder);
    return names
      .filter((name) => name.endsWith('.yaml'))
      .sort()
      .map((name) => path.join(folder, name));
  } catch {
    return [];
  }
}

async function readIfThere(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new UserError(
      `cannot read ${file}: ${reasonOf(error)}`,
      'correct its permissions, or move it away',
      ExitCode.usage,
      error,
    );
  }
}
