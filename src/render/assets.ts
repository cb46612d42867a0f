import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { UserError } from '../report/errors.ts';
import type { Assets } from './types.ts';

/** The folders of the package that rendering reads. */
const FOLDERS = ['kickstart', 'installer', 'packer', 'overlays'];

/** The package's root: found from the sources as well as from `dist`, wherever the package was installed. */
export function packageRoot(from = dirname(fileURLToPath(import.meta.url))): string {
  let folder = from;
  while (!(existsSync(join(folder, 'package.json')) && existsSync(join(folder, 'overlays')))) {
    const parent = dirname(folder);
    if (parent === folder)
      throw new UserError(`the package's files are missing above ${from}`, 'install imgbuild again');
    folder = parent;
  }
  return folder;
}

/** Reads all that rendering needs into memory, once; from then on rendering touches no disk. */
export function loadAssets(root = packageRoot()): Assets {
  const texts = new Map<string, string>();
  for (const folder of FOLDERS) loadFolder(root, folder, texts);
  return assetsOf(texts);
}

/** Assets from texts by path; tests make small ones of their own. */
export function assetsOf(texts: ReadonlyMap<string, string>): Assets {
  const paths = [...texts.keys()].sort();
  return {
    read(path) {
      const text = texts.get(path);
      if (text === undefined)
        throw new UserError(`there is no ${path} in the package`, 'install imgbuild again, or mend the name');
      return text;
    },
    list(folder) {
      const prefix = folder.endsWith('/') ? folder : `${folder}/`;
      return paths.filter((path) => path.startsWith(prefix));
    },
  };
}

function loadFolder(root: string, folder: string, texts: Map<string, string>): void {
  const path = join(root, folder);
  if (!existsSync(path)) return;
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const below = `${folder}/${entry.name}`;
    if (entry.isDirectory()) loadFolder(root, below, texts);
    else if (entry.isFile()) texts.set(below, readFileSync(join(root, below), 'utf8'));
  }
}
