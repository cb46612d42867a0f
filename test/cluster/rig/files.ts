/** Files on their way to a host. */
import { type ArchiveFile, archive } from '../../../src/render/archive.ts';

/** By path. Text alone is root's, 0644. */
export type Files = Record<string, string | Buffer | HostFile>;

export interface HostFile {
  content: string | Buffer;
  mode?: number;
  owner?: string;
  group?: string;
}

/** As a tar.gz, with the directories that they are in. */
export async function pack(files: Files): Promise<Buffer> {
  return await archive(Object.entries(files).map(([path, file]) => entry(path, file)));
}

function entry(path: string, file: string | Buffer | HostFile): ArchiveFile {
  const {
    content,
    mode = 0o644,
    owner = 'root',
    group = 'root',
  } = typeof file === 'string' || Buffer.isBuffer(file) ? { content: file } : file;
  return { path, content: Buffer.from(content), mode, owner, group };
}

/** The command that unpacks an archive, from its input, at the root: with owners and modes, as a kickstart does. */
export function unpackWith(content: Buffer): string[] {
  const starts = (magic: string) => content.subarray(0, magic.length / 2).toString('hex') === magic;
  const compressed = starts('1f8b') ? ['--gzip'] : starts('28b52ffd') ? ['--zstd'] : [];
  return ['tar', '--extract', '--preserve-permissions', ...compressed, '--directory=/', '--no-overwrite-dir'];
}
