/** The world as a command sees it, so that tests can stand in for a terminal. */
export interface Io {
  out: (text: string) => void;
  err: (text: string) => void;
  /** The folder that `-C` is relative to. */
  cwd: string;
  env: Readonly<Record<string, string | undefined>>;
  /** Standard output and standard error are terminals. */
  outIsTerminal: boolean;
  errIsTerminal: boolean;
  /** Columns of the terminal; unlimited where output is no terminal. */
  columns: number;
  now: () => Date;
}

/** The io of the process. */
export function processIo(): Io {
  // A reader that goes away (`imgbuild plan | head`) is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
  return {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
    cwd: process.cwd(),
    env: process.env,
    outIsTerminal: process.stdout.isTTY === true,
    errIsTerminal: process.stderr.isTTY === true,
    columns: process.stdout.columns ?? Number.POSITIVE_INFINITY,
    now: () => new Date(),
  };
}
