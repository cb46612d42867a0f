import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { onTestFinished } from 'vitest';
import type { OutputFile } from '../../src/render/types.ts';
import { type Changes, compare, type Scope, write } from '../../src/render/write.ts';

export const ABOUT = { imgbuild: '1.0.0', cluster: 'lab-5e0a11', spec: 'digest' };

/** An output folder that is not there yet. */
export function newOut(): string {
  const dir = mkdtempSync(path.join(tmpdir(), 'imgbuild-out-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return path.join(dir, 'out');
}

export function file(name: string, text: string, owner: OutputFile['owner'] = {}, mode = 0o644): OutputFile {
  return { path: name, content: Buffer.from(text), mode, owner };
}

/** Compares and writes, as a render does. */
export function put(out: string, files: readonly OutputFile[], scope?: Scope): Changes {
  const changes = compare(out, files, ABOUT, scope);
  write(out, changes);
  return changes;
}
