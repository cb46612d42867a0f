/** Write the generated references: schema/ and docs/problems.md. The tests fail where they are stale. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const at = (path) => fileURLToPath(new URL(`../${path}`, import.meta.url));
const { references } = await import('../dist/references.js');
for (const { path, text } of references()) writeFileSync(at(path), text);
