/** Where the secrets of a cluster are, by value. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from '../rig/commands.ts';
import type { Fleet } from './fleet.ts';

/** A secret by the name of its file in the store, and what is looked for. */
interface Needle {
  name: string;
  text: string;
}

/** Every value of the store that is to be kept secret. */
async function needles(fleet: Fleet): Promise<Needle[]> {
  const store = join(fleet.directory, 'secrets');
  const found: Needle[] = [];
  for (const entry of await readdir(store, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const name = path.slice(store.length + 1);
    const text = await readFile(path, 'utf8');
    if (name === 'tokens.json') {
      for (const [host, token] of Object.entries<string>(JSON.parse(text))) {
        // Its first half is its name, and no secret.
        found.push({ name: `token of ${host}`, text: token.split('.')[1] ?? '' });
      }
    } else if (name.endsWith('.key')) {
      // A line from the middle: what comes before is the same in all keys of a kind.
      const lines = text.split('\n').filter((line) => line !== '' && !line.startsWith('-----'));
      found.push({ name, text: lines[Math.floor(lines.length / 2)] ?? '' });
    } else if (/^(console-password|report-master)$/.test(name)) {
      found.push({ name, text: text.trim() });
    }
  }
  if (found.some(({ text }) => text.length < 16)) throw new Error('a secret is too short to be looked for');
  return found;
}

/**
 * What a host has of the store's secrets, on its disks and in its memory's file systems: `NAME: PATH`, sorted. Whole
 * files are read, whatever they are.
 */
export async function secretsOn(fleet: Fleet, name: string): Promise<string[]> {
  const wanted = await needles(fleet);
  const patterns = wanted.map(({ text }) => `${text}\n`).join('');
  // What it wrote since it was made: its root's own layer, and /data and the like.
  const directory = join(fleet.lab.directory, name);
  const found = await grep(patterns, join(directory, 'upper'));
  found.push(...(await grep(patterns, join(directory, 'volumes'))));
  const memory = 'grep -raoF -D skip -f - /run /tmp /dev/shm 2>/dev/null';
  found.push(...lines((await fleet.host(name).exec(memory, { input: patterns, seconds: 120 })).stdout));
  const places = found.map((line) => {
    const secret = wanted.find(({ text }) => line.endsWith(`:${text}`));
    return `${secret?.name}: ${line.slice(0, -1 - (secret?.text.length ?? 0))}`;
  });
  return [...new Set(places)].sort();
}

const lines = (text: string) => text.split('\n').filter(Boolean);

/** Lines of `PATH:PATTERN`, paths from the directory on. */
async function grep(patterns: string, directory: string): Promise<string[]> {
  const command = ['grep', '-raoF', '-D', 'skip', '-f', '-', '.'];
  const { code, stdout, stderr } = await run(['env', '-C', directory, ...command], patterns);
  if (code > 1) throw new Error(`grep in ${directory}: ${stderr}`);
  return lines(stdout).map((line) => line.slice(1));
}
