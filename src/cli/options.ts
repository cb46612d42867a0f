import path from 'node:path';
import { type Command, Option } from 'commander';
import type { Io } from './io.ts';

/** Options that stand before or after any command. */
export interface GlobalOptions {
  /** The folder that every other path is relative to, absolute. */
  directory: string;
  /** Spec files in the order given; empty: cluster.yaml, else the built-in example. */
  spec: string[];
  json: boolean;
  quiet: boolean;
  secrets: string;
}

/** An option that may be given several times; `otherwise` is what help says of leaving it out. */
export function repeatable(flags: string, description: string, otherwise: string): Option {
  return new Option(flags, description)
    .argParser((value, before: string[]) => [...before, value])
    .default([], otherwise);
}

export function globalOptions(command: Command, io: Io): GlobalOptions {
  const options = command.optsWithGlobals<{
    directory?: string;
    spec?: string[];
    json?: boolean;
    quiet?: boolean;
    secrets?: string;
  }>();
  const directory = path.resolve(io.cwd, options.directory ?? '.');
  return {
    directory,
    spec: options.spec ?? [],
    json: options.json === true,
    quiet: options.quiet === true,
    secrets: path.resolve(directory, options.secrets ?? 'secrets'),
  };
}
