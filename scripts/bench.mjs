/**
 * How long a render takes, and how much memory, with 10, 100 and 1,000 hosts: `npm run bench`.
 * Each size runs in a process of its own, several times. The yardstick is taken on the same machine in the same
 * run: writing the same files, in the same way, without rendering anything.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const RUNS = 3;
const SIZES = [10, 100, 1000];
const child = fileURLToPath(new URL('bench/render.mjs', import.meta.url));

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

const results = SIZES.map((hosts) => {
  const runs = Array.from({ length: RUNS }, () => {
    const folder = mkdtempSync(join(tmpdir(), 'imgbuild-bench-'));
    try {
      return JSON.parse(execFileSync(process.execPath, [child, String(hosts), folder], { encoding: 'utf8' }));
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
  const phases = Object.fromEntries(
    Object.keys(runs[0].phases).map((phase) => [phase, median(runs.map((run) => run.phases[phase]))]),
  );
  return {
    hosts,
    total: median(runs.map((run) => run.total)),
    files: runs[0].files,
    megabytes: runs[0].bytes / 1e6,
    memory: median(runs.map((run) => run.memory)),
    yardstick: median(runs.map((run) => run.yardstick)),
    phases,
  };
});

console.log(`median of ${RUNS} runs; Node ${process.version}\n`);
console.log('hosts  files  MB out  seconds  MB memory  ms a host  x writing alone');
for (const { hosts, files, megabytes, total, memory, yardstick } of results) {
  console.log(
    `${String(hosts).padStart(5)}  ${String(files).padStart(5)}  ${megabytes.toFixed(1).padStart(6)}  ` +
      `${(total / 1000).toFixed(2).padStart(7)}  ${(memory / 1e6).toFixed(0).padStart(9)}  ` +
      `${(total / hosts).toFixed(2).padStart(9)}  ${(total / yardstick).toFixed(1).padStart(15)}`,
  );
}
const [, hundred, thousand] = results;
console.log('\nwhere the time goes with 1,000 hosts, in ms');
for (const [phase, ms] of Object.entries(thousand.phases))
  console.log(`  ${phase.padEnd(16)} ${ms.toFixed(0).padStart(6)}`);
const growth = (thousand.total - hundred.total) / (hundred.total * 9);
console.log(
  `\nfrom 100 to 1,000 hosts each further host costs ${growth.toFixed(2)} of what one of the first 100 did (1 or less: linear)`,
);
