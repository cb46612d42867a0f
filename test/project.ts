import { loadCatalog } from '../src/catalog/load.ts';
import type { Catalog } from '../src/catalog/schema.ts';
import type { AddressLock } from '../src/plan/addresses.ts';
import type { ArtifactLock } from '../src/plan/artifact-lock.ts';
import { buildPlan, type PlanResult } from '../src/plan/build.ts';
import { findProblems } from '../src/plan/rules/index.ts';
import { type Problem, sortProblems } from '../src/report/problem.ts';
import { type LoadedSpec, loadSpec, type SpecText } from '../src/spec/load.ts';

let catalog: Promise<Catalog> | undefined;

/** imgbuild's own catalogue, read once for a test file. */
export function ownCatalog(): Promise<Catalog> {
  catalog ??= loadCatalog(['images']);
  return catalog;
}

interface Options {
  lock?: AddressLock;
  artifacts?: ArtifactLock;
  /** Folder of `source:` files. */
  directory?: string;
}

/** Everything that a command finds wrong with these texts, in its order. */
export async function problemsOf(texts: readonly SpecText[], options: Options = {}): Promise<Problem[]> {
  return (await planOf(texts, options)).problems;
}

/** Spec, plan and problems of these texts. */
async function planOf(
  texts: readonly SpecText[],
  { lock = {}, artifacts = {}, directory = '.' }: Options = {},
): Promise<Partial<PlanResult> & { spec?: LoadedSpec; problems: Problem[] }> {
  const { spec, problems } = await loadSpec(texts, directory);
  if (!spec) return { problems: sortProblems(problems) };
  const known = await ownCatalog();
  const { cluster, sources } = spec;
  const result = buildPlan({ cluster, catalog: known, lock, artifacts, sources });
  const found = findProblems({ cluster, catalog: known, plan: result.plan, lock });
  const placed = found.map((finding) => ({ ...finding, place: spec.place(finding.path) }));
  return { ...result, spec, problems: sortProblems([...problems, ...placed]) };
}

/** The plan of a spec that must have no errors. */
export async function soundPlan(text: string, options: Options = {}): Promise<PlanResult> {
  const { plan, lock, problems } = await planOf([{ file: 'cluster.yaml', text }], options);
  if (!plan || !lock || problems.some((p) => p.severity === 'error'))
    throw new Error(JSON.stringify(problems, null, 1));
  return { plan, lock };
}
