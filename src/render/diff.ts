import { readFileSync } from 'node:fs';
import path from 'node:path';
import { createTwoFilesPatch } from 'diff';
import { unarchive } from './unarchive.ts';
import type { Change } from './write.ts';

/**
 * What a change does to a file, as a unified diff; an archive is compared file by file. What holds secrets
 * is named and never shown.
 */
export async function changeText(out: string, change: Change): Promise<string> {
  const { kind, path: name, file, secret } = change;
  if (kind === 'remove') return `- ${name}\n`;
  if (!file) return '';
  if (kind === 'create') return `+ ${name} (${file.content.length} bytes)\n`;
  if (kind === 'mode') return `~ ${name} (mode ${file.mode.toString(8).padStart(4, '0')})\n`;
  if (secret) return `~ ${name} (holds secrets: not shown)\n`;
  const before = readFileSync(path.join(out, name));
  if (!name.endsWith('.tar.gz')) return patch(name, before.toString('utf8'), file.content.toString('utf8'));
  const [old, now] = await Promise.all([unarchive(before), unarchive(file.content)]);
  const paths = [...new Set([...old.keys(), ...now.keys()])].sort();
  return paths
    .map((inner) => {
      const [a, b] = [old.get(inner) ?? '', now.get(inner) ?? ''];
      return a === b ? '' : patch(`${name}:/${inner}`, a, b);
    })
    .join('');
}

function patch(name: string, before: string, after: string): string {
  const text = createTwoFilesPatch(name, name, before, after, undefined, undefined, { context: 3 });
  // The name once more and a row of "=" that other programs' diffs do not have.
  return text.replace(/^(Index: .*\n)?=+\n/, '');
}
