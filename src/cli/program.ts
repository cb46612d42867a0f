import { Command, CommanderError, Option } from 'commander';
import { ExitCode, ProblemsError, UserError } from '../report/errors.ts';
import { painter } from '../report/paint.ts';
import { problemsText } from '../report/print.ts';
import { version } from '../version.ts';
import { checkCommand } from './commands/check.ts';
import { completionCommand } from './commands/completion.ts';
import { doctorCommand } from './commands/doctor.ts';
import { initCommand } from './commands/init.ts';
import { kubeconfigCommand } from './commands/kubeconfig.ts';
import { lockCommand } from './commands/lock.ts';
import { planCommand } from './commands/plan.ts';
import { renderCommand } from './commands/render.ts';
import { schemaCommand } from './commands/schema.ts';
import { secretsCommand } from './commands/secrets.ts';
import { examples } from './help.ts';
import type { Io } from './io.ts';
import { repeatable } from './options.ts';
import { DEFAULT_SPEC } from './project.ts';

/** The whole command line. `done` gets the exit code of the command that ran. */
function buildProgram(io: Io, done: (code: ExitCode) => void): Command {
  const program = new Command('imgbuild')
    .description(
      'One spec file in, every host of a Kubernetes cluster out: kickstarts, overlays, secrets, golden images.',
    )
    .version(version(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .option('-C, --directory <dir>', 'work in this folder')
    .addOption(repeatable('-s, --spec <file>', 'the spec; a second one is laid over the first', DEFAULT_SPEC))
    .option('--secrets <dir>', 'where secrets are kept (default: secrets)')
    .option('--json', 'report as JSON on standard output')
    .option('-q, --quiet', 'say nothing but errors and what was asked for')
    .addOption(new Option('--debug', 'show where in imgbuild an error arose').hideHelp())
    .exitOverride()
    .configureOutput({ writeOut: io.out, writeErr: io.err, outputError: (text, write) => write(text) })
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(io.columns, 110) })
    .addHelpText(
      'after',
      `${examples([
        ['imgbuild render --role etcd', 'render the etcd hosts of cluster.yaml, or of the built-in example'],
        ['imgbuild init && imgbuild plan', 'begin a spec of your own, and see what follows from it'],
        ['imgbuild check', 'every mistake in it, with line and column'],
      ])}

Exit codes: 0 done, 1 problems in the spec, 2 wrong usage, 3 a needed program or server failed.`,
    );
  program.commandsGroup('From spec to hosts:');
  initCommand(program, io, done);
  checkCommand(program, io, done);
  planCommand(program, io, done);
  lockCommand(program, io, done);
  renderCommand(program, io, done);
  program.commandsGroup('Around it:');
  secretsCommand(program, io, done);
  kubeconfigCommand(program, io, done);
  schemaCommand(program, io, done);
  doctorCommand(program, io, done);
  completionCommand(program, io, done);
  program.addHelpCommand(
    new Command('help').argument('[command]').description('show help for a command').helpGroup('Around it:'),
  );
  pointAtHelp(program, 'imgbuild');
  return program;
}

/** After wrong usage of a command it is that command's help that helps. */
function pointAtHelp(command: Command, line: string): void {
  command.showHelpAfterError(`"${line} --help" shows what there is`);
  for (const below of command.commands) pointAtHelp(below, `${line} ${below.name()}`);
}

/** Runs a command line and gives its exit code. Errors are printed, never thrown. */
export async function run(args: readonly string[], io: Io): Promise<ExitCode> {
  let code: ExitCode = ExitCode.done;
  const program = buildProgram(io, (result) => {
    code = result;
  });
  try {
    if (args.length === 0) {
      program.outputHelp({ error: true });
      return ExitCode.usage;
    }
    await program.parseAsync([...args], { from: 'user' });
    return code;
  } catch (error) {
    return reportError(error, io, { json: args.includes('--json'), debug: args.includes('--debug') });
  }
}

function reportError(error: unknown, io: Io, { json, debug }: { json: boolean; debug: boolean }): ExitCode {
  const paint = painter(io.errIsTerminal, io.env);
  const asJson = (value: object) => io.out(`${JSON.stringify(value, null, 2)}\n`);
  if (debug && error instanceof Error) io.err(`${error.stack}\n`);
  // commander has printed its own message; help and version are no errors.
  if (error instanceof CommanderError) return error.exitCode === 0 ? ExitCode.done : ExitCode.usage;
  if (error instanceof ProblemsError) {
    if (json) asJson({ ok: false, problems: error.problems });
    else io.err(problemsText(error.problems, paint));
    return ExitCode.problems;
  }
  if (error instanceof UserError) {
    if (json) asJson({ ok: false, error: { message: error.message, hint: error.hint } });
    else
      io.err(
        `${paint(['bold', 'red'], 'error')}: ${error.message}\n    ${paint('cyan', 'fix:')} ${error.hint}\n`,
      );
    return error.exitCode;
  }
  const message = error instanceof Error ? error.message : String(error);
  if (json)
    asJson({
      ok: false,
      error: { message, hint: 'a mistake in imgbuild: run it again with --debug and report what it prints' },
    });
  else
    io.err(
      `${paint(['bold', 'red'], 'error')}: ${message}\n    ${paint('cyan', 'fix:')} this is a mistake in imgbuild: run it again with --debug and report what it prints\n`,
    );
  return ExitCode.program;
}
