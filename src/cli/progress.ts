import type { Io } from './io.ts';

/** How long nothing is said: most runs are over before. */
const PATIENCE_MS = 2000;
const INTERVAL_MS = 200;

/**
 * A counter on standard error, rewritten in place, for work of more than two seconds on a terminal.
 * Returns what counts, and what wipes the line at the end.
 */
export function progress(
  io: Io,
  label: string,
  quiet: boolean,
  show: (done: number, all: number) => string = (done, all) => `${done}/${all}`,
): { step: (done: number, all: number) => void; end: () => void } {
  if (quiet || !io.errIsTerminal) return { step: () => {}, end: () => {} };
  const began = io.now().getTime();
  let last = 0;
  return {
    step: (done, all) => {
      const now = io.now().getTime();
      if (now - began < PATIENCE_MS || now - last < INTERVAL_MS) return;
      last = now;
      io.err(`\r\x1b[K${label} ${show(done, all)}`);
    },
    end: () => {
      if (last > 0) io.err('\r\x1b[K');
    },
  };
}
