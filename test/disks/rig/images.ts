/** Disk images of guests: sparse raw files. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { promisify } from 'node:util';

/** A blank disk of so many MiB. */
export async function blankImage(file: string, mib: number): Promise<string> {
  const handle = await open(file, 'w');
  await handle.truncate(mib * 2 ** 20);
  await handle.close();
  return file;
}

/** A copy that shares its blocks where the file system can, and else keeps its holes. */
export async function copyImage(from: string, to: string): Promise<void> {
  await promisify(execFile)('cp', ['--reflink=auto', '--sparse=always', from, to]);
}

const CHUNK = 2 ** 20;
const zeros = Buffer.alloc(CHUNK);

/** A hash of every byte; empty chunks, nearly all of an image, enter by their place alone. */
export async function hashImage(file: string): Promise<string> {
  const hash = createHash('sha256');
  const handle = await open(file, 'r');
  try {
    await eachChunk(handle, (at, chunk) => {
      if (chunk.equals(zeros)) return;
      hash.update(`${at}\0`).update(chunk);
    });
    hash.update(String((await handle.stat()).size));
  } finally {
    await handle.close();
  }
  return hash.digest('hex');
}

/** Are the first and the last MiB zeros? */
export async function hasZeroEnds(file: string): Promise<boolean> {
  const handle = await open(file, 'r');
  try {
    const { size } = await handle.stat();
    for (const at of [0, size - CHUNK]) {
      const { buffer } = await handle.read(Buffer.alloc(CHUNK), 0, CHUNK, at);
      if (!buffer.equals(zeros)) return false;
    }
  } finally {
    await handle.close();
  }
  return true;
}

async function eachChunk(handle: FileHandle, visit: (at: number, chunk: Buffer) => void): Promise<void> {
  const buffer = Buffer.alloc(CHUNK);
  for (let at = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, at);
    if (bytesRead === 0) return;
    visit(at, buffer.subarray(0, bytesRead));
    at += bytesRead;
  }
}
