/** Where something stands in a file; line and column count from 1. */
export interface Place {
  file: string;
  line: number;
  col: number;
}

/** Keys and list indexes that lead to a value in a spec, e.g. `['hosts', 2, 'name']`. */
export type Path = readonly (string | number)[];

export type Severity = 'error' | 'warning';

/** One mistake, as rules report it: what is wrong and what to do, before its place in a file is known. */
export interface Finding {
  /** A name from docs/problems.md, e.g. `address-duplicate`. */
  code: string;
  severity: Severity;
  /** The value that is at fault. */
  path: Path;
  message: string;
  /** What to do about it, as an instruction. */
  hint: string;
}

/** A finding with its place; `place` is absent where no file holds the value (a default, an empty spec). */
export interface Problem extends Finding {
  place?: Place;
}

/** `hosts[2].name`, the way a person would write it. */
export function pathText(path: Path): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(step)) text += text === '' ? step : `.${step}`;
    else text += `[${JSON.stringify(step)}]`;
  }
  return text;
}

/** Errors first by place, so that a reader can walk a file from top to bottom. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  const rank = (p: Problem) => (p.severity === 'error' ? 0 : 1);
  return [...problems].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      (a.place?.file ?? '').localeCompare(b.place?.file ?? '', 'en') ||
      (a.place?.line ?? 0) - (b.place?.line ?? 0) ||
      (a.place?.col ?? 0) - (b.place?.col ?? 0) ||
      (a.code < b.code ? -1 : a.code > b.code ? 1 : 0),
  );
}

/** True where at least one problem forbids going on. */
export function hasErrors(problems: readonly { severity: Severity }[]): boolean {
  return problems.some((p) => p.severity === 'error');
}
