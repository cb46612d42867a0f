import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';
import { describe, expect, test } from 'vitest';
import { loadAssets } from '../src/render/assets.ts';
import { renderAll } from '../src/render/render.ts';
import type { OutputFile } from '../src/render/types.ts';
import { soundPlan } from './project.ts';

/**
 * Whole outputs of three clusters. `UPDATE=1 npx vitest run test/golden.test.ts` rewrites them; the commit that does says why.
 * An archive stands as one text, each file under its mode, owner and path. The programs of installer/, which
 * every kickstart carries word for word, stand as one line: test/render/kickstart.test.ts unpacks and compares them.
 */
const CLUSTERS = ['production', 'centos7', 'debian'];
const update = process.env.UPDATE === '1';

/** Not a secret: what a file holds is which secret it would. */
const placeholder = (ref: string) => `the secret ${ref}\n`;

describe.each(CLUSTERS)('%s', async (cluster) => {
  const folder = `test/golden/${cluster}`;
  const { plan } = await soundPlan(readFileSync(`examples/${cluster}.yaml`, 'utf8'));
  const files = await renderAll(plan, { assets: loadAssets(), resolve: placeholder });
  const texts = new Map<string, string>();
  for (const file of files) texts.set(goldenName(file.path), await readable(file));
  if (update) rewrite(folder, texts);

  test('has just these files', () => {
    expect([...texts.keys()].sort()).toEqual(listed(folder));
  });

  test.each([...texts])('%s', (name, text) => {
    const golden = path.join(folder, name);
    expect(existsSync(golden) ? readFileSync(golden, 'utf8') : '').toBe(text);
  });
});

function goldenName(name: string): string {
  return name.replace(/\.tar\.gz$/, '.txt');
}

async function readable(file: OutputFile): Promise<string> {
  if (!file.path.endsWith('.tar.gz')) return withoutPrograms(file.content.toString('utf8'));
  const parts: string[] = [];
  const archive = extract();
  archive.end(gunzipSync(file.content));
  for await (const entry of archive) {
    const chunks: Buffer[] = [];
    for await (const chunk of entry) chunks.push(chunk as Buffer);
    const { mode = 0, uname, gname, name } = entry.header;
    parts.push(
      `==== ${mode.toString(8).padStart(4, '0')} ${uname}:${gname} /${name}\n${Buffer.concat(chunks).toString('utf8')}`,
    );
  }
  return parts.sort().join('');
}

function withoutPrograms(kickstart: string): string {
  return kickstart
    .replace(/(cat >\/tmp\/imgbuild\/\S+ <<'(END_OF_\w+)'\n)[\s\S]*?\n\2\n/g, '$1(word for word)\n$2\n')
    .replace(/(<<'END'\n)(?:[A-Za-z0-9+/=]{40,}\n)+[A-Za-z0-9+/=]+\n/g, '$1(an archive in base64)\n');
}

function listed(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    .sort();
}

function rewrite(folder: string, texts: ReadonlyMap<string, string>): void {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, text] of texts) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
    writeFileSync(path.join(folder, name), text);
  }
}
