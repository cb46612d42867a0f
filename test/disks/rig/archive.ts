/** Files on their way into a guest and out of it. */
import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import tar from 'tar-stream';

export type Files = Record<string, string | Buffer>;

/** All files below a directory, under `prefix`. */
export async function filesBelow(directory: string, prefix: string): Promise<Files> {
  const files: Files = {};
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    files[join(prefix, relative(directory, path))] = await readFile(path);
  }
  return files;
}

export async function pack(files: Files): Promise<Buffer> {
  const archive = tar.pack();
  for (const [name, content] of Object.entries(files)) archive.entry({ name, mode: 0o755 }, content);
  archive.finalize();
  return gzipSync(await buffer(archive));
}

export async function unpack(archive: Buffer): Promise<Record<string, string>> {
  const files: Record<string, string> = {};
  const extract = tar.extract();
  extract.end(archive);
  for await (const entry of extract) {
    const content = await buffer(entry);
    if (entry.header.type === 'file') files[entry.header.name.replace(/^\.\//, '')] = content.toString();
  }
  return files;
}
