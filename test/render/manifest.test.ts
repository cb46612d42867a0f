import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { MANIFEST, type Manifest, manifestText, readManifest } from '../../src/render/manifest.ts';
import { newOut } from './outputs.ts';

const entry = { sha256: 'a'.repeat(64), mode: 0o600, host: 'a', role: 'r' };

function withManifest(text: string): string {
  const out = newOut();
  mkdirSync(out, { recursive: true });
  writeFileSync(path.join(out, MANIFEST), text);
  return out;
}

describe('the manifest', () => {
  test('is read as it was written', () => {
    const manifest: Manifest = {
      imgbuild: '1.0.0',
      cluster: 'lab-0a1b2c',
      spec: 'digest',
      files: { b: entry, __proto__x: entry, a: entry },
    };
    expect(readManifest(withManifest(manifestText(manifest)))).toEqual(manifest);
  });

  test('stands sorted, with modes as people write them', () => {
    const text = manifestText({
      imgbuild: '1',
      cluster: 'lab-0a1b2c',
      spec: 's',
      files: { b: entry, a: { ...entry, mode: 0o644 } },
    });
    expect(text.indexOf('"a"')).toBeLessThan(text.indexOf('"b"'));
    expect(JSON.parse(text).files.a.mode).toBe('0644');
  });

  test('where there is none, nothing is ours', () => {
    expect(readManifest(newOut()).files).toEqual({});
  });

  test.each([
    ['no JSON', 'hello'],
    ['half of one', '{"imgbuild": "1", "files": {'],
    ['another’s', '{"name": "web app"}'],
    ['a list', '[]'],
    [
      'one that leads out of the folder',
      JSON.stringify({
        imgbuild: '1',
        cluster: 'lab-0a1b2c',
        spec: '',
        files: { '../../etc/passwd': { mode: '0644' } },
      }),
    ],
    [
      'one with an absolute path',
      JSON.stringify({
        imgbuild: '1',
        cluster: 'lab-0a1b2c',
        spec: '',
        files: { '/etc/passwd': { mode: '0644' } },
      }),
    ],
  ])('%s is refused', (_, text) => {
    expect(() => readManifest(withManifest(text))).toThrow(/is not a manifest that imgbuild wrote/);
  });

  test('one that cannot be read is no empty one: all that is there would be another’s', () => {
    const out = newOut();
    mkdirSync(path.join(out, MANIFEST), { recursive: true });
    expect(() => readManifest(out)).toThrow(/cannot read .*manifest.json: it is a folder/);
  });
});
