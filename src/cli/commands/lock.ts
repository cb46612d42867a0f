import { statSync } from 'node:fs';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { Cache, cacheFolder } from '../../artifacts/cache.ts';
import {
  compareLock,
  fromFolder,
  fromMirrors,
  lockAll,
  type Outcome,
  type Wanted,
} from '../../artifacts/lock.ts';
import { agentsOf } from '../../artifacts/proxy.ts';
import { ARTIFACT_LOCK, writeArtifactLock } from '../../plan/artifact-lock.ts';
import { artifactsOf } from '../../plan/artifacts.ts';
import { CHECKSUM } from '../../plan/rules/artifacts.ts';
import type { ArtifactPlan } from '../../plan/types.ts';
import { sizeText } from '../../plan/units.ts';
import { suggest } from '../../report/did-you-mean.ts';
import { ExitCode, ProblemsError, UserError } from '../../report/errors.ts';
import { painter } from '../../report/paint.ts';
import { plural } from '../../report/print.ts';
import { hasErrors, type Problem } from '../../report/problem.ts';
import { table } from '../../report/table.ts';
import { examples } from '../help.ts';
import type { Io } from '../io.ts';
import { type GlobalOptions, globalOptions } from '../options.ts';
import { progress } from '../progress.ts';
import { loadProject, type Project } from '../project.ts';

interface LockFlags {
  update?: true | string[];
  check?: true;
  offline?: string;
  cache?: string;
}

export function lockCommand(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('lock')
    .summary('record the checksums of files that hosts fetch')
    .description(
      'Fetches what hosts fetch beside packages, and records the size and checksum of each file in imgbuild.lock ' +
        'beside the spec: hosts take nothing else. What is locked already is left alone, and what is no longer ' +
        'needed dropped.',
    )
    .option('-u, --update [name...]', 'fetch these anew, or all of them')
    .addOption(
      new Option(
        '--check',
        'write nothing; exit 1 where lock and catalogue are not what the spec needs',
      ).conflicts(['update', 'offline']),
    )
    .option('--offline <dir>', 'fetch nothing: lock files that were fetched by hand into this folder')
    .addOption(
      new Option(
        '--cache <dir>',
        'where files are kept (default: ~/.cache/imgbuild/artifacts, or below XDG_CACHE_HOME)',
      ).conflicts('offline'),
    )
    .addHelpText(
      'after',
      examples([
        ['imgbuild lock', 'after a change of versions; then commit imgbuild.lock'],
        ['imgbuild lock --check --quiet', 'in CI: does the lock have everything?'],
        ['imgbuild lock --update etcd goss', 'fetch these two anew'],
        ['imgbuild lock --offline /media/usb', 'where no mirror can be reached'],
        ['imgbuild lock --check --json', 'what is needed, with the URLs to fetch it by hand'],
      ]),
    )
    .action(async (flags: LockFlags, command: Command) =>
      done(await lockAction(flags, globalOptions(command, io), io)),
    );
}

async function lockAction(flags: LockFlags, options: GlobalOptions, io: Io): Promise<ExitCode> {
  const project = await loadProject(options);
  if (project.isExample)
    throw new UserError('there is no spec to lock files for', 'write one: imgbuild init', ExitCode.usage);
  const { plan, problems, artifacts: before, artifactsFile } = project;
  const needed = plan ? artifactsOf(plan) : [];
  const anew = updated(flags, needed);
  const { wanted, leftOver } = compareLock(needed, before);
  const isMended = (problem: Problem) => problem.code === CHECKSUM && (flags.check || mends(problem, anew));
  if (!plan || hasErrors(problems.filter((problem) => !isMended(problem)))) throw new ProblemsError(problems);
  if (flags.check) return check(wanted, leftOver, options, io);

  const obtain =
    flags.offline === undefined
      ? await mirrors(flags, anew, options, io)
      : { obtain: fromFolder(folderOf(flags.offline, options)), end: () => {} };
  const { lock, outcomes } = await lockAll(wanted, anew, obtain.obtain).finally(obtain.end);
  const written = await writeArtifactLock(artifactsFile, before, lock);
  report(
    { project, outcomes, leftOver, written, size: Object.keys(lock).length, offline: flags.offline },
    options,
    io,
  );
  return outcomes.some(({ state }) => state === 'failed') ? ExitCode.program : ExitCode.done;
}

function folderOf(name: string, { directory }: GlobalOptions): string {
  const folder = path.resolve(directory, name);
  if (!statSync(folder, { throwIfNoEntry: false })?.isDirectory())
    throw new UserError(
      `there is no folder ${folder}`,
      'name the one with the files: --offline DIR',
      ExitCode.usage,
    );
  return folder;
}

/** A wrong checksum is what an update is there to mend. */
function mends({ path: [, name] }: Problem, anew: ReadonlySet<string>): boolean {
  return anew.has(String(name));
}

function updated({ update }: LockFlags, needed: readonly ArtifactPlan[]): Set<string> {
  const names = needed.map(({ name }) => name);
  if (update === true) return new Set(names);
  for (const name of update ?? [])
    if (!names.some((known) => known === name))
      throw new UserError(`no host of the spec fetches "${name}"`, suggest(name, names), ExitCode.usage);
  return new Set(update);
}

async function mirrors(flags: LockFlags, anew: ReadonlySet<string>, options: GlobalOptions, io: Io) {
  const folder =
    flags.cache === undefined ? cacheFolder(io.env) : path.resolve(options.directory, flags.cache);
  let label = 'nothing yet';
  let [done, all] = [0, 0];
  const bytes = (count: number, of: number) => `${sizeText(count)}${of > 0 ? ` of ${sizeText(of)}` : ''}`;
  const counter = progress(
    io,
    'fetching',
    options.quiet || options.json,
    (count, of) => `${label}: ${bytes(count, of)}`,
  );
  const obtain = fromMirrors(await Cache.at(folder), {
    agentFor: agentsOf(io.env),
    anew,
    onBytes: ({ name, version }, url, now, total = 0) => {
      label = `${name} ${version} from ${new URL(url).host}`;
      [done, all] = [now, total];
      counter.step(done, all);
    },
  });
  // A mirror that says nothing is told of as well.
  const tick = setInterval(() => counter.step(done, all), 1000);
  const end = () => {
    clearInterval(tick);
    counter.end();
  };
  return { obtain, end };
}

function check(
  wanted: readonly Wanted[],
  leftOver: readonly string[],
  options: GlobalOptions,
  io: Io,
): ExitCode {
  const isKnown = ({ state }: Wanted) => state === 'kept' || state === 'catalogue';
  const ok = wanted.every(isKnown) && leftOver.length === 0;
  if (options.json) {
    const artifacts = wanted.map(({ artifact, entry, state }) => ({
      ...{ name: artifact.name, version: artifact.version, state, urls: artifact.urls },
      ...(artifact.known === undefined ? {} : { known: artifact.known }),
      ...(entry ? { locked: entry } : {}),
    }));
    io.out(`${JSON.stringify({ ok, artifacts, leftOver }, null, 2)}\n`);
    return ok ? ExitCode.done : ExitCode.problems;
  }
  if (!options.quiet) {
    for (const each of wanted)
      if (!isKnown(each)) io.out(`${each.state}: ${difference(each.artifact, each.entry)}\n`);
    for (const name of leftOver) io.out(`left over: ${name}\n`);
    const where = wanted.some(({ state }) => state === 'catalogue')
      ? `${ARTIFACT_LOCK} and the catalogue have`
      : `${ARTIFACT_LOCK} has`;
    io.out(ok ? `${where} all that hosts fetch\n` : 'run: imgbuild lock\n');
  }
  return ok ? ExitCode.done : ExitCode.problems;
}

function difference({ name, version, known }: ArtifactPlan, entry: Wanted['entry']): string {
  if (!entry) return `${name} ${version}`;
  return entry.version === version
    ? `${name} ${version} has the checksum ${entry.sha256} instead of ${known}`
    : `${name} is ${entry.version} instead of ${version}`;
}

interface Result {
  project: Project;
  outcomes: readonly Outcome[];
  leftOver: readonly string[];
  written: boolean;
  /** How many it has. */
  size: number;
  offline: string | undefined;
}

function report(result: Result, options: GlobalOptions, io: Io): void {
  const { project, outcomes, leftOver, written, size, offline } = result;
  const failed = outcomes.filter(({ state }) => state === 'failed');
  if (options.json) {
    const artifacts = outcomes.map(({ artifact, state, entry, reasons }) => ({
      ...{ name: artifact.name, version: artifact.version, state },
      ...(entry ?? {}),
      ...(reasons.length > 0 ? { reasons } : {}),
    }));
    const ok = failed.length === 0;
    io.out(
      `${JSON.stringify({ ok, lock: project.artifactsFile, written, artifacts, dropped: leftOver }, null, 2)}\n`,
    );
    return;
  }
  const alone =
    offline === undefined ? 'the mirror alone' : 'this folder alone: compare it with the project’s checksum';
  const colour = { kept: 'dim', new: 'green', changed: 'yellow', failed: 'red' } as const;
  const paint = painter(io.outIsTerminal, io.env);
  const shown = outcomes.filter(({ state }) => state !== 'kept' && state !== 'failed');
  if (!options.quiet) {
    if (shown.length > 0)
      io.out(
        table(
          ['STATE', 'NAME', 'VERSION', 'SIZE', 'SHA256', 'VOUCHED FOR BY'],
          shown.map(({ artifact, state, entry }) => [
            paint(colour[state], state),
            ...[artifact.name, artifact.version, sizeText(entry?.size ?? 0)],
            ...[entry?.sha256.slice(0, 12) ?? '', artifact.known ? 'the catalogue' : alone],
          ]),
        ),
      );
    for (const name of leftOver) io.out(`dropped ${name}: no host fetches it any more\n`);
    io.out(
      `${ARTIFACT_LOCK}: ${plural(size, 'file')}${written ? '; commit it with the spec, and render' : ', nothing changed'}\n`,
    );
  }
  const red = painter(io.errIsTerminal, io.env);
  for (const { artifact, reasons } of failed)
    io.err(
      `${red(['bold', 'red'], 'error')}: ${artifact.name} ${artifact.version} cannot be had\n${reasons.map((reason) => `    ${reason}\n`).join('')}    ${red('cyan', 'fix:')} ${remedy(artifact, offline)}\n`,
    );
}

function remedy({ urls }: ArtifactPlan, offline: string | undefined): string {
  const from = urls[0] ?? 'it';
  return offline === undefined
    ? `see that a mirror has it (mirrors.repositories in the spec), or fetch ${from} by hand and use --offline`
    : `fetch ${from} into ${offline}`;
}
