/** Container images without a registry: archives that `docker load` and `ctr image import` take. */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { posix } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import tar from 'tar-stream';

/** What is in an image, by absolute path there: files of this machine, and the targets of symbolic links. */
export interface Contents {
  files: Record<string, string>;
  links?: Record<string, string>;
}

export interface Image extends Contents {
  /** With its tag, as manifests name it. */
  name: string;
  entrypoint?: string[];
  command?: string[];
  /** `NAME=value`. */
  environment?: string[];
}

const epoch = new Date(0);
const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** Writes an image of one layer, root's, with an empty /tmp. The same contents make the same bytes. */
export async function writeImage(file: string, image: Image): Promise<void> {
  const directory = await mkdtemp(`${file}.`);
  try {
    const layer = `${directory}/layer`;
    const config = JSON.stringify({
      created: epoch.toISOString(),
      architecture: 'amd64',
      os: 'linux',
      config: {
        Env: [PATH, ...(image.environment ?? [])],
        ...(image.entrypoint ? { Entrypoint: image.entrypoint } : {}),
        ...(image.command ? { Cmd: image.command } : {}),
      },
      rootfs: { type: 'layers', diff_ids: [`sha256:${await writeLayer(layer, image)}`] },
    });
    const manifest = JSON.stringify([
      { Config: 'config.json', RepoTags: [image.name], Layers: ['layer.tar'] },
    ]);
    await writeTar(`${directory}/image`, async (archive) => {
      archive.entry({ name: 'manifest.json', mtime: epoch }, manifest);
      archive.entry({ name: 'config.json', mtime: epoch }, config);
      await addFile(archive, 'layer.tar', 0o644, layer);
    });
    await rename(`${directory}/image`, file);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Its digest. */
async function writeLayer(file: string, { files, links = {} }: Contents): Promise<string> {
  const hash = createHash('sha256');
  const paths = [...Object.keys(files), ...Object.keys(links)];
  const directories = new Set(['/tmp', ...paths.flatMap(parents)]);
  await writeTar(
    file,
    async (archive) => {
      // A directory sorts before what is in it.
      for (const path of [...new Set([...directories, ...paths])].sort()) {
        const name = path.slice(1);
        const link = links[path];
        const source = files[path];
        if (link !== undefined) {
          archive.entry({ name, type: 'symlink', linkname: link, mtime: epoch });
        } else if (source !== undefined) {
          await addFile(archive, name, (await stat(source)).mode & 0o777, source);
        } else {
          archive.entry({ name, type: 'directory', mode: path === '/tmp' ? 0o1777 : 0o755, mtime: epoch });
        }
      }
    },
    (bytes) => hash.update(bytes),
  );
  return hash.digest('hex');
}

/** The directories above a path, without the root. */
function parents(path: string): string[] {
  if (posix.normalize(path) !== path || !path.startsWith('/')) throw new Error(`${path} is no absolute path`);
  const above = posix.dirname(path);
  return above === '/' ? [] : [...parents(above), above];
}

async function writeTar(
  file: string,
  fill: (archive: tar.Pack) => Promise<void>,
  seen: (bytes: Buffer) => void = () => {},
): Promise<void> {
  const archive = tar.pack();
  const look = async function* (bytes: AsyncIterable<Buffer>) {
    for await (const chunk of bytes) {
      seen(chunk);
      yield chunk;
    }
  };
  const written = pipeline(archive as unknown as Readable, look, createWriteStream(file));
  const filled = fill(archive).then(
    () => archive.finalize(),
    (error) => archive.destroy(error),
  );
  await Promise.all([written, filled]);
}

async function addFile(archive: tar.Pack, name: string, mode: number, source: string): Promise<void> {
  const { size } = await stat(source);
  await pipeline(createReadStream(source), archive.entry({ name, mode, size, mtime: epoch }));
}
