import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import tar from 'tar-stream';

/** The files of a tar.gz by path, as text; what cannot be read as one is an empty map. */
export async function unarchive(bytes: Buffer): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  const extract = tar.extract();
  try {
    Readable.from([gunzipSync(bytes)]).pipe(extract);
    for await (const entry of extract) {
      if (entry.header.type === 'directory') {
        entry.resume();
        continue;
      }
      const chunks: Buffer[] = [];
      for await (const chunk of entry) chunks.push(chunk as Buffer);
      if (entry.header.type === 'file') files.set(entry.header.name, Buffer.concat(chunks).toString('utf8'));
    }
  } catch {
    return new Map();
  }
  return files;
}
