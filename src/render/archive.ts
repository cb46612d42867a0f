import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import tar from 'tar-stream';
import { UserError } from '../report/errors.ts';
import type { HostFile } from './types.ts';

/** What the archive holds of a file. */
export type ArchiveFile = Pick<HostFile, 'path' | 'mode' | 'owner' | 'group' | 'content'>;

/**
 * Files as a tar.gz to be unpacked at a host's root: the same bytes for the same files, whenever it is made.
 *
 * What many hosts have in common goes in `shared`, the same array each time: it is packed once, and the
 * host's own files follow. The tar is then one stream over several gzip members, which every program reads
 * as one; of the tar's end there is one, in the last member.
 *
 * Folders are in it (0755, root's) so that those which are missing do not depend on the umask. Unpack it
 * with `tar --no-overwrite-dir`, which leaves alone the folders that are there.
 */
export async function archive(
  shared: readonly ArchiveFile[],
  own: readonly ArchiveFile[] = [],
): Promise<Buffer> {
  const first = firstPart(shared);
  const second = own.length === 0 ? [] : [pack(own, first.folders).then(compress)];
  return Buffer.concat(await Promise.all([first.member, ...second, end]));
}

interface Part {
  folders: ReadonlySet<string>;
  member: Promise<Buffer>;
}

const packed = new WeakMap<readonly ArchiveFile[], Part>();

function firstPart(files: readonly ArchiveFile[]): Part {
  const known = packed.get(files);
  if (known) return known;
  const made = { folders: new Set(foldersOf(files)), member: pack(files, new Set()).then(compress) };
  packed.set(files, made);
  return made;
}

/** Off the main thread: with many hosts, one is compressed while the next is rendered. */
const inThread = promisify<Buffer, { level: number }, Buffer>(gzip);

/** The end of a tar: two empty blocks. */
const END = Buffer.alloc(1024);
const end = compress(END);

/** tar entries, without the end of the archive. */
async function pack(files: readonly ArchiveFile[], known: ReadonlySet<string>): Promise<Buffer> {
  const stream = tar.pack();
  const common = { uid: 0, gid: 0, mtime: new Date(0) };
  for (const name of foldersOf(files)) {
    if (known.has(name)) continue;
    stream.entry({ ...common, name, type: 'directory', mode: 0o755, uname: 'root', gname: 'root' });
  }
  const names = new Set<string>();
  for (const { path, mode, owner, group, content } of [...files].sort(byPath)) {
    const name = nameOf(path);
    if (names.has(name))
      throw new UserError(`${path} is in the archive twice`, 'remove one of the two files');
    names.add(name);
    stream.entry({ ...common, name, mode, uname: owner, gname: group }, content);
  }
  stream.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  const whole = Buffer.concat(chunks);
  return whole.subarray(0, whole.length - END.length);
}

function nameOf(path: string): string {
  const relative = path.slice(1);
  if (!path.startsWith('/') || relative.split('/').some((part) => ['', '.', '..'].includes(part))) {
    throw new UserError(`${path} is not a path on a host`, 'give an absolute path without "." and ".."');
  }
  return relative;
}

/** The folders of these files, outer ones first; but for the outermost, which every system has, and homes. */
function foldersOf(files: readonly ArchiveFile[]): string[] {
  const folders = new Set<string>();
  for (const { path } of files) {
    const parts = nameOf(path).split('/').slice(0, -1);
    for (let depth = parts[0] === 'home' ? 3 : 1; depth <= parts.length; depth++) {
      folders.add(`${parts.slice(0, depth).join('/')}/`);
    }
  }
  return [...folders].sort();
}

/** A gzip member without a time. Byte 9 names the system that made it: 255, unknown, on all of them. */
async function compress(bytes: Buffer): Promise<Buffer> {
  const compressed = await inThread(bytes, { level: 6 });
  compressed[9] = 255;
  return compressed;
}

function byPath(a: ArchiveFile, b: ArchiveFile): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
