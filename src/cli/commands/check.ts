import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import type { Plan } from '../../plan/types.ts';
import { ExitCode } from '../../report/errors.ts';
import { painter } from '../../report/paint.ts';
import { plural, problemsText } from '../../report/print.ts';
import { hasErrors, type Problem } from '../../report/problem.ts';
import { belongsTo } from '../../secrets/owner.ts';
import { openStore } from '../../secrets/store.ts';
import { checkStore } from '../../secrets/survey.ts';
import { examples } from '../help.ts';
import type { Io } from '../io.ts';
import { type GlobalOptions, globalOptions } from '../options.ts';
import { loadProject, tellOfExample } from '../project.ts';

export function checkCommand(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('check')
    .summary('report every mistake in the spec')
    .description('Reports every mistake in the spec with its file, line and column, and what to do about it.')
    .option('--strict', 'warnings count as errors')
    .addHelpText(
      'after',
      examples([
        ['imgbuild check', 'cluster.yaml in this folder'],
        ['imgbuild check --spec base.yaml --spec site.yaml', 'one file laid over another'],
        ['imgbuild check --json --strict', 'for a pipeline: machine-readable, and no warnings either'],
      ]),
    )
    .action(async (flags: { strict?: true }, command: Command) =>
      done(await checkAction(flags.strict === true, globalOptions(command, io), io)),
    );
}

async function checkAction(strict: boolean, options: GlobalOptions, io: Io): Promise<ExitCode> {
  const project = await loadProject(options);
  const { problems: found, plan, isExample, texts } = project;
  const problems = [...found, ...secretProblems(plan, isExample, options, io)];
  const bad = hasErrors(problems) || (strict && problems.length > 0);
  const code = bad ? ExitCode.problems : ExitCode.done;
  if (options.json) {
    io.out(`${JSON.stringify({ ok: !bad, spec: texts.map(({ file }) => file), problems }, null, 2)}\n`);
    return code;
  }
  tellOfExample(project, options, io);
  io.err(problemsText(problems, painter(io.errIsTerminal, io.env)));
  if (options.quiet || bad) return code;
  io.out(
    `${texts.map(({ file }) => file).join(' + ')}: ${plural(plan?.hosts.length ?? 0, 'host')}, no errors\n`,
  );
  return code;
}

/** What render would refuse of the secrets that are there; the example is nobody's. */
function secretProblems(
  plan: Plan | undefined,
  isExample: boolean,
  options: GlobalOptions,
  io: Io,
): Problem[] {
  if (!plan || isExample || !existsSync(options.secrets)) return [];
  const store = openStore(options.secrets);
  belongsTo(plan, store);
  return checkStore(plan, store, io.now());
}
