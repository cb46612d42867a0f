import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ExitCode, reasonOf, UserError } from '../report/errors.ts';

/** The output's own list: what imgbuild wrote, for whom, from which spec. */
export interface Manifest {
  imgbuild: string;
  /** The cluster's mark: another cluster's output is never written over. */
  cluster: string;
  /** sha256 of the spec's files, in their order. */
  spec: string;
  /** By path in the output folder. */
  files: Record<string, ManifestEntry>;
}

export interface ManifestEntry {
  sha256: string;
  /** What it was before, in a manifest whose run has not ended: either may lie on the disk. */
  before?: string;
  mode: number;
  host?: string;
  role?: string;
}

export const MANIFEST = 'manifest.json';

/** What a manifest says beside its files. */
export type About = Omit<Manifest, 'files'>;

const NOTHING: Manifest = { imgbuild: '', cluster: '', spec: '', files: {} };

/** Sorted by path, so that the same output has the same bytes; modes as people write them. */
export function manifestText(manifest: Manifest): string {
  const files = Object.fromEntries(
    Object.entries(manifest.files)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, { mode, ...entry }]) => [name, { ...entry, mode: mode.toString(8).padStart(4, '0') }]),
  );
  return `${JSON.stringify({ ...manifest, files }, null, 1)}\n`;
}

/** The manifest of an output folder; an empty one where there is none. */
export function readManifest(out: string): Manifest {
  const file = path.join(out, MANIFEST);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return NOTHING;
    throw new UserError(
      `cannot read ${file}: ${reasonOf(error)}`,
      'correct its permissions, or choose another folder with --out',
      ExitCode.program,
      error,
    );
  }
  try {
    const read = JSON.parse(text) as About & {
      files: Record<string, Omit<ManifestEntry, 'mode'> & { mode: string }>;
    };
    const files = Object.entries(read.files).map(([name, entry]) => {
      // A manifest that somebody edited must not lead out of the folder.
      if (path.isAbsolute(name) || name.split('/').includes('..')) throw new Error(name);
      return [name, { ...entry, mode: Number.parseInt(entry.mode, 8) }] as const;
    });
    const { imgbuild, cluster, spec } = read;
    if (![imgbuild, cluster, spec].every((value) => typeof value === 'string')) throw new Error('not ours');
    return { imgbuild, cluster, spec, files: Object.fromEntries(files) };
  } catch (error) {
    throw new UserError(
      `${file} is not a manifest that imgbuild wrote`,
      'move the folder away and render again, or choose another with --out',
      undefined,
      error,
    );
  }
}
