import { type Problem, sortProblems } from './problem.ts';

/** Exit codes of every command; `src/main.ts` is the only place that sets one. */
export const ExitCode = { done: 0, problems: 1, usage: 2, program: 3 } as const;
export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * An error that a user can act on: printed as message and hint, never as a stack trace.
 * `exitCode` says which kind it is (see {@link ExitCode}).
 */
export class UserError extends Error {
  readonly hint: string;
  readonly exitCode: ExitCode;

  constructor(message: string, hint: string, exitCode: ExitCode = ExitCode.problems, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'UserError';
    this.hint = hint;
    this.exitCode = exitCode;
  }
}

/** The spec (or the catalogue) has errors; all of them are in `problems`. */
export class ProblemsError extends Error {
  readonly problems: readonly Problem[];

  constructor(problems: readonly Problem[]) {
    super(`${problems.length} problems`);
    this.name = 'ProblemsError';
    this.problems = sortProblems(problems);
  }
}

/** Why a file could not be read or written, in a person's words. */
export function reasonOf(error: unknown): string {
  const { code } = error as NodeJS.ErrnoException;
  const known: Record<string, string> = {
    ENOENT: 'there is no such file',
    EISDIR: 'it is a folder',
    ENOTDIR: 'a part of its path is no folder',
    EACCES: 'permission denied',
    EPERM: 'permission denied',
    ENOSPC: 'no space is left on the disk',
    EROFS: 'the file system is read-only',
  };
  return known[code ?? ''] ?? code ?? 'it cannot be read';
}
