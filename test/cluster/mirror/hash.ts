/** Names in the cache for what is made of programs. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';

/** Of programs, and of what else goes into it. A program that was built anew has another time. */
export async function hashOf(programs: readonly string[], more: unknown = ''): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(more));
  for (const program of programs) {
    const { size, mtimeMs } = await stat(program);
    hash.update(`${program} ${size} ${mtimeMs}\0`);
  }
  return hash.digest('hex').slice(0, 8);
}
