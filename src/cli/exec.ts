import { execa } from 'execa';
import { ExitCode, UserError } from '../report/errors.ts';

/**
 * Runs another program: an array of arguments, never a shell. Gives what it printed; where it is missing or
 * fails, a UserError says so with the end of its own words.
 */
export async function runProgram(program: string, args: readonly string[]): Promise<string> {
  const result = await execa(program, args, { reject: false, all: true, timeout: 30_000, stdin: 'ignore' });
  if (result.code === 'ENOENT')
    throw new UserError(
      `${program} is not installed`,
      `install ${program}, or put it on PATH`,
      ExitCode.program,
    );
  if (result.failed) {
    const said = result.all.trim().split('\n').slice(-3).join('\n');
    throw new UserError(
      `${program} ${args.join(' ')} failed${said ? `: ${said}` : ''}`,
      `run it by hand to see more`,
      ExitCode.program,
    );
  }
  return result.all;
}
