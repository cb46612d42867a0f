import { UserError } from '../report/errors.ts';
import type { Finding, Severity } from '../report/problem.ts';

/** Turns what a user can mend into a finding, so that one run reports everything. */
export function guarded<T>(findings: Finding[], read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    findings.push(finding('secret-unusable', error.message, error.hint));
    return undefined;
  }
}

/** A mistake in the store; no value of the spec is at fault, so its path is empty. */
export function finding(code: string, message: string, hint: string, severity: Severity = 'error'): Finding {
  return { code, severity, path: [], message, hint };
}

/** Names up to three, so that a cluster of hundreds does not fill the screen. */
export function list(names: readonly string[]): string {
  const more = names.length - 3;
  return more > 0 ? `${names.slice(0, 3).join(', ')} and ${more} more` : names.join(', ');
}

/** exactOptionalPropertyTypes: what is undefined is left out. */
export function assign<T extends object, K extends keyof T>(
  target: T,
  key: K,
  value: T[K] | undefined,
): void {
  if (value !== undefined) target[key] = value;
}
