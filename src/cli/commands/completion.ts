import { Argument, type Command } from 'commander';
import { ExitCode } from '../../report/errors.ts';
import { type Candidates, completionScript, SHELLS, type Shell } from '../completion.ts';
import { examples } from '../help.ts';
import type { Io } from '../io.ts';

export function completionCommand(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('completion')
    .summary('print a completion script for a shell')
    .description('Prints a script that completes commands and options.')
    .addArgument(new Argument('<shell>', 'the shell').choices(SHELLS))
    .addHelpText(
      'after',
      examples([
        ['source <(imgbuild completion bash)', 'in ~/.bashrc'],
        ['imgbuild completion zsh > "$fpath[1]/_imgbuild"', 'once'],
        ['imgbuild completion fish > ~/.config/fish/completions/imgbuild.fish', 'once'],
      ]),
    )
    .action((shell: Shell) => {
      io.out(completionScript(shell, candidates(program)));
      done(ExitCode.done);
    });
}

/** What can follow: the commands of the program, each with its own commands and options. */
function candidates(command: Command): Candidates {
  return {
    name: command.name(),
    about: command.summary(),
    options: command.options
      .filter((option) => !option.hidden)
      .flatMap(({ long, description, required }) =>
        long ? [{ name: long, about: description, takesValue: required }] : [],
      ),
    choices: command.registeredArguments.flatMap(({ argChoices }) => argChoices ?? []),
    commands: command.commands.map((child) => candidates(child)),
  };
}
