import { createHash } from 'node:crypto';
import { chmod, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import tar from 'tar-stream';
import { afterEach, expect, it, vi } from 'vitest';
import { scratch } from '../../rigs/scratch.ts';
import { writeImage } from './image.ts';

afterEach(() => {
  vi.useRealTimers();
});

interface Entry extends tar.Header {
  content: Buffer;
}

async function read(archive: Buffer): Promise<Record<string, Entry>> {
  const entries: Record<string, Entry> = {};
  const extract = tar.extract();
  extract.end(archive);
  for await (const entry of extract) {
    entries[entry.header.name] = { ...entry.header, content: await buffer(entry) };
  }
  return entries;
}

const digest = (content: Buffer | undefined) =>
  `sha256:${createHash('sha256')
    .update(content ?? '')
    .digest('hex')}`;

async function write() {
  const directory = await scratch({ program: '\x7fELF program', 'table.conf': 'a table' });
  await chmod(join(directory, 'program'), 0o4755);
  await chmod(join(directory, 'table.conf'), 0o640);
  const file = join(directory, 'image.tar');
  await writeImage(file, {
    name: 'registry.k8s.io/kube-proxy:v1.34.2',
    entrypoint: ['/usr/local/bin/kube-proxy'],
    environment: ['A=b'],
    files: {
      '/usr/local/bin/kube-proxy': join(directory, 'program'),
      '/etc/table.conf': join(directory, 'table.conf'),
    },
    links: { '/bin': 'usr/bin' },
  });
  const bytes = await readFile(file);
  const archive = await read(bytes);
  const [manifest] = JSON.parse(String(archive['manifest.json']?.content));
  return {
    bytes,
    manifest,
    config: JSON.parse(String(archive[manifest.Config]?.content)),
    layers: manifest.Layers.map((name: string) => archive[name]?.content) as Buffer[],
  };
}

it('is what docker load and ctr image import look for', async () => {
  const { manifest, config, layers } = await write();
  expect(manifest.RepoTags).toEqual(['registry.k8s.io/kube-proxy:v1.34.2']);
  expect(config).toMatchObject({ architecture: 'amd64', os: 'linux' });
  expect(config.config.Entrypoint).toEqual(['/usr/local/bin/kube-proxy']);
  expect(config.config.Env).toContain('A=b');
  expect(config.rootfs).toEqual({ type: 'layers', diff_ids: layers.map(digest) });
});

it('has each file with its bits, but never more rights than its caller has', async () => {
  const { layers } = await write();
  const layer = await read(layers[0] ?? Buffer.alloc(0));
  expect(Object.keys(layer)).toEqual([
    'bin',
    'etc',
    'etc/table.conf',
    'tmp',
    'usr',
    'usr/local',
    'usr/local/bin',
    'usr/local/bin/kube-proxy',
  ]);
  expect(layer['usr/local/bin/kube-proxy']).toMatchObject({ mode: 0o755, uid: 0, gid: 0 });
  expect(String(layer['usr/local/bin/kube-proxy']?.content)).toBe('\x7fELF program');
  expect(layer['etc/table.conf']).toMatchObject({ mode: 0o640 });
  expect(layer.bin).toMatchObject({ type: 'symlink', linkname: 'usr/bin' });
  expect(layer.tmp).toMatchObject({ mode: 0o1777 });
});

it('is the same in every byte, whenever it is written', async () => {
  const { bytes } = await write();
  vi.useFakeTimers({ toFake: ['Date'], now: new Date('2040-01-01') });
  expect(digest((await write()).bytes)).toBe(digest(bytes));
});

it('leaves nothing behind when a file is missing', async () => {
  const directory = await scratch();
  const image = { name: 'a:1', files: { '/a': join(directory, 'gone') } };
  await expect(writeImage(join(directory, 'image.tar'), image)).rejects.toThrow('gone');
  expect(await readdir(directory)).toEqual([]);
});
