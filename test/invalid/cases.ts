import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { cli } from '../cli/run.ts';

/** Where the specs and the reports that they must give stand. */
export const FOLDER = 'test/invalid';

/**
 * A spec that `imgbuild check` finds something in. It is a file, or a folder where more than the spec counts
 * (a lock, a catalogue, a second spec laid over the first).
 */
export interface Case {
  name: string;
  directory: string;
  specs: string[];
  /** What check must say, whole. */
  report: string;
}

export function cases(): Case[] {
  return readdirSync(FOLDER, { withFileTypes: true }).flatMap((entry): Case[] => {
    const name = entry.name.replace(/\.yaml$/, '');
    const report = path.join(FOLDER, `${name}.txt`);
    if (entry.isDirectory()) {
      const directory = path.join(FOLDER, name);
      const specs = ['cluster.yaml', 'site.yaml'].filter((file) => existsSync(path.join(directory, file)));
      return [{ name, directory, specs, report }];
    }
    return entry.name.endsWith('.yaml') ? [{ name, directory: FOLDER, specs: [entry.name], report }] : [];
  });
}

/** What check says of a case, and its exit code. */
export async function reportOf({ directory, specs }: Case): Promise<{ text: string; code: number }> {
  const { all, code } = await cli(directory, ['check', ...specs.flatMap((file) => ['--spec', file])]);
  return { text: all, code };
}
