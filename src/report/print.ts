import type { Paint } from './paint.ts';
import type { Problem } from './problem.ts';
import { pathText } from './problem.ts';

/** `cluster.yaml:12:11: error: … [host-name]` and what to do, one problem. */
function problemText(problem: Problem, paint: Paint): string {
  const { place, severity, message, code, hint, path } = problem;
  const where = place
    ? `${place.file}:${place.line}:${place.col}: `
    : path.length > 0
      ? `${pathText(path)}: `
      : '';
  const word = severity === 'error' ? paint(['bold', 'red'], 'error') : paint(['bold', 'yellow'], 'warning');
  return `${paint('bold', where)}${word}: ${message} ${paint('dim', `[${code}]`)}\n    ${paint('cyan', 'fix:')} ${hint}\n`;
}

/** Problems one after the other, with their number at the end; nothing where there are none. */
export function problemsText(problems: readonly Problem[], paint: Paint): string {
  if (problems.length === 0) return '';
  const errors = problems.filter((p) => p.severity === 'error').length;
  const warnings = problems.length - errors;
  const count = [errors > 0 ? plural(errors, 'error') : '', warnings > 0 ? plural(warnings, 'warning') : '']
    .filter((text) => text !== '')
    .join(', ');
  return `${problems.map((p) => problemText(p, paint)).join('')}${count}; each code is explained in docs/problems.md\n`;
}

/** `1 host`, `2 hosts`. */
export function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}
