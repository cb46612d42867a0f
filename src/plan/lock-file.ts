import { readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Static, TSchema } from 'typebox';
import { ExitCode, ProblemsError, reasonOf, UserError } from '../report/errors.ts';
import { parseYaml } from '../spec/parse.ts';
import type { Tree } from '../spec/tree.ts';
import { validate } from '../spec/validate.ts';

/**
 * A lock beside a spec, with the tree that knows places in it; nothing where there is none yet.
 * @throws ProblemsError where it is not what imgbuild wrote
 */
export async function readLockFile<S extends TSchema>(
  file: string,
  schema: S,
): Promise<{ value: Static<S>; tree: Tree } | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    // Going on without it would undo what it is there to keep.
    throw new UserError(
      `cannot read ${file}: ${reasonOf(error)}`,
      'correct its permissions',
      ExitCode.usage,
      error,
    );
  }
  const { tree, problems } = parseYaml(text, path.basename(file));
  if (!tree) {
    // Comments alone: nothing is locked.
    if (/^(\s*(#.*)?\n)*$/.test(text)) return undefined;
    throw new ProblemsError(problems);
  }
  const { value, problems: wrong } = validate(schema, tree);
  if (!value || problems.length > 0) throw new ProblemsError([...problems, ...wrong]);
  return { value, tree };
}

/** Replaces a lock in one step where its text changes; says whether it did. */
export async function writeLockFile(file: string, before: string, text: string): Promise<boolean> {
  if (text === before) return false;
  const temporary = `${file}.new`;
  await writeFile(temporary, text);
  await rename(temporary, file);
  return true;
}
