import type { Io } from '../../src/cli/io.ts';
import { run } from '../../src/cli/program.ts';

/** What a run said and how it ended. */
export interface Ran {
  code: number;
  out: string;
  err: string;
  /** Both streams as they came, the way a terminal shows them. */
  all: string;
}

/** Everything in these tests happens at this moment. */
export const NOW = new Date('2026-03-01T12:00:00.500Z');

/** Runs a command line in this process, in a folder and with no terminal unless `io` says otherwise. */
export async function cli(cwd: string, args: readonly string[], io: Partial<Io> = {}): Promise<Ran> {
  const ran: Ran = { code: -1, out: '', err: '', all: '' };
  const say = (stream: 'out' | 'err') => (text: string) => {
    ran[stream] += text;
    ran.all += text;
  };
  ran.code = await run(args, {
    out: say('out'),
    err: say('err'),
    cwd,
    env: {},
    outIsTerminal: false,
    errIsTerminal: false,
    columns: Number.POSITIVE_INFINITY,
    now: () => NOW,
    ...io,
  });
  return ran;
}
