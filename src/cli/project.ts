import { existsSync, readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { loadCatalog } from '../catalog/load.ts';
import type { Catalog } from '../catalog/schema.ts';
import type { AddressLock } from '../plan/addresses.ts';
import { ARTIFACT_LOCK, type ArtifactLock, readArtifactLock } from '../plan/artifact-lock.ts';
import { buildPlan } from '../plan/build.ts';
import { LOCK_FILE, readLock } from '../plan/lock.ts';
import { findProblems } from '../plan/rules/index.ts';
import type { HostPlan, Plan } from '../plan/types.ts';
import { packageRoot } from '../render/assets.ts';
import { suggest } from '../report/did-you-mean.ts';
import { ExitCode, ProblemsError, UserError } from '../report/errors.ts';
import { hasErrors, type Path, type Problem, sortProblems } from '../report/problem.ts';
import { type LoadedSpec, loadSpec, readSpecs, type SpecText } from '../spec/load.ts';
import type { Io } from './io.ts';
import type { GlobalOptions } from './options.ts';

/** The spec that is found without being named. */
export const DEFAULT_SPEC = 'cluster.yaml';
/** The built-in example, below the package's root. */
const EXAMPLE = 'examples/production.yaml';

/** A spec, its catalogue and what follows from them. */
export interface Project {
  texts: SpecText[];
  /** True where there was no spec and the built-in example stands in for it. */
  isExample: boolean;
  catalog: Catalog;
  /** Undefined where the schema refuses the spec. */
  spec?: LoadedSpec;
  plan?: Plan;
  lockBefore: AddressLock;
  lock: AddressLock;
  lockFile: string;
  /** What hosts fetch beside packages, as the lock has it. */
  artifacts: ArtifactLock;
  artifactsFile: string;
  /** Errors and warnings, sorted. */
  problems: Problem[];
}

/** A project whose spec has no errors. */
export type SoundProject = Project & Required<Pick<Project, 'spec' | 'plan'>>;

/** Reads spec, catalogue and lock, and plans. Mistakes in the spec are in `problems`. */
export async function loadProject(options: GlobalOptions): Promise<Project> {
  if (!existsSync(options.directory)) {
    throw new UserError(`there is no folder ${options.directory}`, 'correct -C', ExitCode.usage);
  }
  const root = packageRoot();
  refuseUnnamedSpec(options);
  const named = options.spec.length > 0 ? options.spec : [DEFAULT_SPEC];
  const isExample = options.spec.length === 0 && !existsSync(path.join(options.directory, DEFAULT_SPEC));
  const texts = isExample
    ? [{ file: EXAMPLE, text: await readFile(path.join(root, EXAMPLE), 'utf8') }]
    : await readSpecs(named, options.directory);
  const beside = path.dirname(path.resolve(options.directory, named[0] ?? DEFAULT_SPEC));
  const catalog = await loadCatalog(
    [path.join(root, 'images'), ...(isExample ? [] : [path.join(beside, 'images')])],
    options.directory,
  );
  const { spec, problems } = await loadSpec(texts, beside);
  const lockFile = path.join(beside, LOCK_FILE);
  const lockBefore = isExample ? {} : await readLock(lockFile);
  const artifactsFile = path.join(beside, ARTIFACT_LOCK);
  const locked = await readArtifactLock(isExample ? undefined : artifactsFile);
  const artifacts = locked.lock;
  const common = { texts, isExample, catalog, lockBefore, lockFile, artifacts, artifactsFile };
  if (!spec) return { ...common, lock: lockBefore, problems: sortProblems(problems) };

  const { cluster, sources } = spec;
  const { plan, lock } = buildPlan({ cluster, catalog, lock: lockBefore, artifacts, sources });
  const found = findProblems({ cluster, catalog, plan, lock: lockBefore });
  const place = (path: Path) => (path[0] === ARTIFACT_LOCK ? locked.place(path) : spec.place(path));
  problems.push(...found.map((finding) => ({ ...finding, place: place(finding.path) })));
  return { ...common, spec, plan, lock, problems: sortProblems(problems) };
}

/** The example stands in where there is nothing: beside a spec by another name it would be somebody's mistake. */
function refuseUnnamedSpec({ directory, spec }: GlobalOptions): void {
  if (spec.length > 0 || existsSync(path.join(directory, DEFAULT_SPEC))) return;
  const other = readdirSync(directory).find((name) => /\.ya?ml$/.test(name) && name !== LOCK_FILE);
  if (other === undefined) return;
  throw new UserError(
    `there is no ${DEFAULT_SPEC} here, and there is ${other}`,
    `name the spec: --spec ${other}`,
    ExitCode.usage,
  );
}

/** Says on standard error that the example stands in for a spec. */
export function tellOfExample({ isExample }: Project, { quiet, json }: GlobalOptions, io: Io): void {
  if (isExample && !quiet && !json)
    io.err(`no ${DEFAULT_SPEC} here: this is the built-in example; "imgbuild init" writes it for editing\n`);
}

/** The same; throws where the spec has errors, and says where the example stands in. */
export async function soundProject(options: GlobalOptions, io: Io): Promise<SoundProject> {
  const project = await loadProject(options);
  tellOfExample(project, options, io);
  if (hasErrors(project.problems) || !project.spec || !project.plan)
    throw new ProblemsError(project.problems);
  return { ...project, spec: project.spec, plan: project.plan };
}

/** The host that a command line names. */
export function hostNamed(name: string, { hosts }: Plan): HostPlan {
  const host = hosts.find((each) => each.name === name);
  if (host) return host;
  throw new UserError(
    `there is no host "${name}" in the spec`,
    suggest(
      name,
      hosts.map((each) => each.name),
    ),
    ExitCode.usage,
  );
}
