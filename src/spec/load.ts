import { isUtf8 } from 'node:buffer';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { ExitCode, reasonOf, UserError } from '../report/errors.ts';
import type { Path, Place, Problem } from '../report/problem.ts';
import { filesOf } from './levels.ts';
import { parseYaml } from './parse.ts';
import { type Cluster, clusterSchema } from './schema/cluster.ts';
import { mergeTrees, placeOf, type Tree } from './tree.ts';
import { validate } from './validate.ts';

/** A spec that the schema accepts, with what later rules need to name places in its files. */
export interface LoadedSpec {
  cluster: Cluster;
  /** Where the value at a path stands. */
  place: (path: Path) => Place;
  /** Folder of the first file; `source:` files and the user's catalogue are looked up there. */
  directory: string;
  /** The texts of `source:` files, by the path written in the spec. */
  sources: Map<string, string>;
}

/** The spec's files by name and text, in order; a later one is laid over an earlier one. */
export interface SpecText {
  file: string;
  text: string;
}

/** Reads spec files; a file that cannot be read is wrong usage. */
export async function readSpecs(files: readonly string[], cwd: string): Promise<SpecText[]> {
  return Promise.all(
    files.map(async (file) => {
      try {
        return { file, text: await readFile(path.resolve(cwd, file), 'utf8') };
      } catch (error) {
        throw new UserError(
          `cannot read the spec ${file}: ${reasonOf(error)}`,
          'give its path with --spec, or write one with: imgbuild init',
          ExitCode.usage,
          error,
        );
      }
    }),
  );
}

/** Parses, merges and checks a spec's texts against the schema. Never throws for a mistake in them. */
export function parseSpec(texts: readonly SpecText[]): {
  cluster?: Cluster;
  tree?: Tree;
  problems: Problem[];
} {
  const problems: Problem[] = [];
  let merged: Tree | undefined;
  let isWhole = true;
  for (const { file, text } of texts) {
    const { tree, problems: found } = parseYaml(text, file);
    problems.push(...found);
    if (tree) merged = merged ? mergeTrees(merged, tree) : tree;
    else isWhole = false;
  }
  // What stood in a file that cannot be read would be missed everywhere.
  if (!merged || !isWhole) return { problems };
  const { value, problems: found } = validate(clusterSchema, merged);
  problems.push(...found);
  return value ? { cluster: value, tree: merged, problems } : { tree: merged, problems };
}

/** The whole way from texts to a spec that rules can look at; `source:` files are read from the directory. */
export async function loadSpec(
  texts: readonly SpecText[],
  directory: string,
): Promise<{ spec?: LoadedSpec; problems: Problem[] }> {
  const { cluster, tree, problems } = parseSpec(texts);
  if (!cluster || !tree) return { problems };
  const sources = new Map<string, string>();
  for (const { file, path: at } of filesOf(cluster)) {
    const { source } = file;
    if (source === undefined) continue;
    const where = [...at, 'source'];
    try {
      const bytes = await readFile(path.resolve(directory, source));
      if (isUtf8(bytes)) sources.set(source, bytes.toString('utf8'));
      else
        problems.push(
          sourceProblem(tree, where, `${source} is not UTF-8 text`, 'fetch binary files in a post script'),
        );
    } catch (error) {
      const hint = 'correct the path: it is taken from the folder of the first spec file';
      problems.push(sourceProblem(tree, where, `cannot read ${source}: ${reasonOf(error)}`, hint));
    }
  }
  return { spec: { cluster, place: (p) => placeOf(tree, p), directory, sources }, problems };
}

function sourceProblem(tree: Tree, where: Path, message: string, hint: string): Problem {
  return { code: 'file-source', severity: 'error', path: where, place: placeOf(tree, where), message, hint };
}
