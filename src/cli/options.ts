import path from 'node:path';
import type { Command } from 'commander';
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

/** Collects a repeatable option. */
export function collect(value: string, before: string[]): string[] {
  return [...before, value];
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
