/** Programs of a Debian root for container images, with the libraries that they need. */
import { execFile } from 'node:child_process';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { promisify } from 'node:util';
import type { Contents } from './image.ts';

/** What kube-proxy and flanneld call. */
export const netfilter = [
  ...['iptables', 'ip6tables'].flatMap((name) =>
    ['', '-save', '-restore'].map((suffix) => `/usr/sbin/${name}${suffix}`),
  ),
  '/usr/sbin/conntrack',
  '/usr/sbin/ipset',
  // Its matches and targets.
  '/usr/lib/x86_64-linux-gnu/xtables',
];

/**
 * Files and whole directories of a root, at the paths that they have there. What they link to comes along, and the
 * libraries of programs; what a program opens when it runs has to be named.
 */
export async function fromRoot(root: string, paths: string[]): Promise<Required<Contents>> {
  const contents = { files: {}, links: {} };
  for (const path of paths) await add(root, path, contents);
  const programs = Object.keys(contents.files);
  const libraries = new Set<string>();
  for (const program of programs) for (const library of await needed(root, program)) libraries.add(library);
  for (const library of libraries) await add(root, library, contents);
  return contents;
}

async function add(root: string, path: string, contents: Required<Contents>): Promise<void> {
  let done = '/';
  let left = path.split('/').filter(Boolean);
  for (let links = 0; left.length > 0; ) {
    const [name = '', ...rest] = left;
    const at = posix.join(done, name);
    const found = await lstat(join(root, at));
    left = rest;
    if (!found.isSymbolicLink()) {
      done = at;
      continue;
    }
    links += 1;
    if (links > 40) throw new Error(`${path} leads in a circle in ${root}`);
    const target = await readlink(join(root, at));
    contents.links[at] = target;
    // In the root, wherever it leads.
    left = [...posix.resolve(done, target).split('/').filter(Boolean), ...rest];
    done = '/';
  }
  const found = await lstat(join(root, done));
  if (found.isFile()) contents.files[done] = join(root, done);
  if (!found.isDirectory()) return;
  for (const name of (await readdir(join(root, done))).sort()) {
    await add(root, posix.join(done, name), contents);
  }
}

/** The loader and the libraries of a program, as the root's own loader finds them there. */
async function needed(root: string, program: string): Promise<string[]> {
  const directories = ['/usr/lib/x86_64-linux-gnu', '/lib/x86_64-linux-gnu', '/usr/lib', '/lib'];
  const search = directories.map((directory) => join(root, directory)).join(':');
  const loader = '/lib64/ld-linux-x86-64.so.2';
  const args = ['--inhibit-cache', '--library-path', search, '--list', join(root, program)];
  // It fails on scripts and on static programs, which need none.
  const { stdout } = await promisify(execFile)(join(root, loader), args).catch(() => ({ stdout: '' }));
  const missing = /^\s*(\S+) => not found/m.exec(stdout)?.[1];
  if (missing !== undefined) throw new Error(`${program} needs ${missing}, which ${root} lacks`);
  const found = [...stdout.matchAll(/ => (\/\S+) \(/g)].map(([, path = '']) => path);
  return stdout === '' ? [] : [loader, ...found.map((path) => path.slice(root.length))];
}
