/** A file as it will lie on a host. */
export interface HostFile {
  /** Absolute path on the host. */
  path: string;
  mode: number;
  owner: string;
  group: string;
  content: Buffer;
  /** Which overlay layer, document or spec entry it is from; shown by `imgbuild plan HOST --files`. */
  origin: string;
}

/** A file of the output folder, in memory until the one writer writes it. */
export interface OutputFile {
  /** Relative to the output folder, with forward slashes. */
  path: string;
  /** 0o600 for what holds a secret, else 0o644. */
  mode: number;
  content: Buffer;
  /** What it belongs to: decides what `--role` and `--host` write and remove. */
  owner: { host?: string; role?: string };
}

/** What rendering needs beside plan and secrets: the texts of templates, overlays and installer programs. */
export interface Assets {
  /** Path below the package's root, e.g. `kickstart/host.ks.ejs`, to its text. */
  read(path: string): string;
  /** All paths below a folder, sorted. */
  list(folder: string): string[];
}
