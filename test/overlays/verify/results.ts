/** A result of goss 0.4.9, as far as imgbuild-verify reads it. */
export interface Result {
  title?: string;
  id: string;
  type: 'Command' | 'File' | 'KernelParam' | 'Service' | 'DNS';
  property: string;
  ok: boolean;
  actual?: unknown;
  expected?: unknown;
  missing?: string[];
  err?: string;
  skipped?: boolean;
  meta?: Record<string, string>;
}

/** What `goss validate --format json` prints. */
export function gossJson(results: readonly Result[]): string {
  const list = results.map((result) => ({
    title: result.title ?? '',
    'resource-id': result.id,
    'resource-type': result.type,
    property: result.property,
    successful: result.ok,
    skipped: result.skipped ?? false,
    err: result.err ?? null,
    meta: result.meta ?? null,
    'matcher-result': {
      actual: result.actual ?? null,
      expected: result.expected ?? null,
      'missing-elements': result.missing ?? null,
      message: '',
    },
    'summary-line': `${result.id}: "quoted" \\ and more`,
  }));
  return `${JSON.stringify({ results: list, summary: {} })}\n`;
}

/** A command's two results: its exit code, and what it printed. */
export function command(
  id: string,
  printed: string,
  ok: boolean,
  code = 0,
  meta?: Record<string, string>,
): Result[] {
  const same = { id, type: 'Command' as const, ...(meta ? { meta } : {}) };
  return [
    { ...same, property: 'exit-status', ok: code === 0, actual: code, expected: 0 },
    { ...same, property: 'stdout', ok, actual: printed, expected: '' },
  ];
}

/** A kernel setting's only one. */
export function sysctl(key: string, actual: string, expected: string): Result {
  return {
    title: `sysctl ${key}`,
    id: key,
    type: 'KernelParam',
    property: 'value',
    ok: actual === expected,
    actual,
    expected: { 'match-regexp': `^${expected}$` },
    meta: { expected, see: 'sysctl --system' },
  };
}
