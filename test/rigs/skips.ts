import type { Reporter, TestModule } from 'vitest/node';

/**
 * A vitest reporter which names, at the end, the programs that tests were skipped for want of.
 * It reads the titles that `describeWith` (programs.ts) gives such tests.
 */
export default class Skips implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules) {
      for (const test of module.children.allTests('skipped')) {
        const programs = /\(for want of ([^)]+)\)/.exec(test.fullName)?.[1];
        for (const program of programs?.split(', ') ?? [])
          counts.set(program, (counts.get(program) ?? 0) + 1);
      }
    }
    if (counts.size === 0) return;
    const list = [...counts]
      .sort()
      .map(([program, count]) => `${program} (${count} test${count === 1 ? '' : 's'})`);
    console.log(`skipped for want of: ${list.join(', ')}; .ci/tools installs what is missing\n`);
  }
}
