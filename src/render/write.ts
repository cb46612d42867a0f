import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { ExitCode, reasonOf, UserError } from '../report/errors.ts';
import { type About, MANIFEST, type Manifest, manifestText, readManifest } from './manifest.ts';
import type { OutputFile } from './types.ts';

/** What `--role` and `--host` limit writing and removing to; undefined: everything. */
export interface Scope {
  roles: readonly string[];
  hosts: readonly string[];
  /** The role that each host has now: what was another role's output stays while its new one is out of scope. */
  roleOf: ReadonlyMap<string, string>;
}

/** One difference between the output on disk and what the spec gives. */
export interface Change {
  kind: 'create' | 'update' | 'mode' | 'remove';
  path: string;
  /** What is to be; undefined for `remove`. */
  file?: OutputFile;
  /** It holds secrets, or did until now. */
  secret?: boolean;
}

/** What writing would do. */
export interface Changes {
  changes: Change[];
  unchanged: number;
  /** Earlier output that somebody changed and that is no longer rendered: left where it is. */
  kept: string[];
  /** What the folder's manifest says, and what it is to say. */
  before: Manifest;
  manifest: Manifest;
  manifestChanges: boolean;
}

/** The mode of files that hold secrets. */
const SECRET = 0o600;

export const sha256 = (content: Buffer): string => createHash('sha256').update(content).digest('hex');

/** True where a file of the output belongs to what was asked for. */
export function inScope(owner: OutputFile['owner'], scope: Scope | undefined): boolean {
  if (!scope) return true;
  if (owner.host !== undefined && scope.hosts.includes(owner.host)) return true;
  return owner.role !== undefined && scope.roles.includes(owner.role);
}

/**
 * Compares rendered files with the output folder.
 * @throws UserError where two files have one path, or a path is taken by something that imgbuild did not write
 */
export function compare(out: string, files: readonly OutputFile[], about: About, scope?: Scope): Changes {
  const before = readManifest(out);
  const manifest: Manifest = { ...about, files: {} };
  refuseStranger(out, before, about);
  const links = new Map<string, boolean>();
  const changes: Change[] = [];
  const foreign: string[] = [];
  const kept: string[] = [];
  let unchanged = 0;
  for (const file of files) {
    if (manifest.files[file.path])
      throw new UserError(
        `two files have the path ${file.path}`,
        'this is a mistake in imgbuild: please report it',
      );
    const digest = sha256(file.content);
    manifest.files[file.path] = { sha256: digest, mode: file.mode, ...file.owner };
    const known = before.files[file.path];
    const there = onDisk(out, file.path, links);
    if (!there) changes.push({ kind: 'create', path: file.path, file });
    else if (there === 'in the way') foreign.push(file.path);
    else if (!known && !there.content.equals(file.content)) foreign.push(file.path);
    else if (!there.content.equals(file.content))
      changes.push({
        ...{ kind: 'update', path: file.path, file },
        secret: [file.mode, known?.mode, there.mode].includes(SECRET),
      });
    else if (there.mode !== file.mode) changes.push({ kind: 'mode', path: file.path, file });
    else unchanged++;
  }
  if (foreign.length > 0) {
    throw new UserError(
      `${foreign.slice(0, 3).join(', ')}${foreign.length > 3 ? ` and ${foreign.length - 3} more` : ''} in ${out} ${foreign.length === 1 ? 'was' : 'were'} not written by imgbuild`,
      'choose another folder with --out, or move what is there away',
    );
  }
  for (const [name, entry] of Object.entries(before.files)) {
    if (manifest.files[name]) continue;
    const role = (entry.host === undefined ? undefined : scope?.roleOf.get(entry.host)) ?? entry.role;
    if (!inScope({ ...entry, ...(role === undefined ? {} : { role }) }, scope)) {
      manifest.files[name] = entry;
      continue;
    }
    const there = onDisk(out, name, links);
    if (there === 'in the way') kept.push(name);
    else if (there && ![entry.sha256, entry.before].includes(sha256(there.content))) kept.push(name);
    else if (there) changes.push({ kind: 'remove', path: name });
  }
  const text = manifestText(manifest);
  return { changes, unchanged, kept, before, manifest, manifestChanges: text !== manifestText(before) };
}

/** Another cluster's output is not written over, and a folder with somebody's files in it is not ours. */
function refuseStranger(out: string, before: Manifest, about: About): void {
  if (before.cluster !== '' && before.cluster !== about.cluster) {
    throw new UserError(
      `${out} holds the output of cluster ${before.cluster}, and this is ${about.cluster}`,
      'choose another folder with --out; or, where a changed name, id or management network is meant, move the old output away',
    );
  }
  if (before.cluster !== '' || !existsSync(out)) return;
  const [stranger] = statSync(out).isDirectory() ? readdirSync(out) : [path.basename(out)];
  if (stranger !== undefined) {
    throw new UserError(
      `${out} is not empty and was not written by imgbuild: it holds ${stranger}`,
      'choose an empty or new folder with --out',
    );
  }
}

/**
 * Carries the changes out. Each file is replaced in one step; the manifest names every file before it is
 * written, so that a run that was cut off is known as ours by the next.
 */
export function write(out: string, { changes, before, manifest, manifestChanges }: Changes): void {
  if (changes.length === 0 && !manifestChanges) return;
  try {
    mkdirSync(out, { recursive: true });
    replace(path.join(out, '.gitignore'), Buffer.from(ignored(manifest)), 0o644);
    replace(path.join(out, MANIFEST), Buffer.from(manifestText(interim(before, manifest))), 0o644);
    const made = new Set<string>();
    for (const change of changes) {
      const target = path.join(out, change.path);
      if (!change.file) {
        rmSync(target, { force: true });
        // What a run that was cut off left beside it.
        rmSync(temporary(target), { force: true });
        removeEmpty(out, path.dirname(target));
        continue;
      }
      const folder = path.dirname(target);
      if (!made.has(folder)) mkdirSync(folder, { recursive: true });
      made.add(folder);
      if (change.kind === 'mode') chmodSync(target, change.file.mode);
      else replace(target, change.file.content, change.file.mode);
    }
    replace(path.join(out, MANIFEST), Buffer.from(manifestText(manifest)), 0o644);
  } catch (error) {
    const { code, path: where } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    throw new UserError(
      `cannot write ${where ?? out}: ${reasonOf(error)}`,
      'make room or correct the permissions, and run it again: it goes on where it stopped',
      ExitCode.program,
      error,
    );
  }
}

/** The file appears whole or not at all, and a secret is never readable by others, not even for a moment. */
function replace(target: string, content: Buffer, mode: number): void {
  const beside = temporary(target);
  try {
    writeFileSync(beside, content, { mode, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    // Left behind by a run that was cut off.
    rmSync(beside);
    writeFileSync(beside, content, { mode, flag: 'wx' });
  }
  if (mode & process.umask()) chmodSync(beside, mode);
  renameSync(beside, target);
}

const temporary = (target: string) => `${target}.imgbuild-new`;

/** True where a folder on the way to a file is a symbolic link, which may lead anywhere. */
function leadsAway(out: string, name: string, links: Map<string, boolean>): boolean {
  const steps = name.split('/');
  return steps.slice(0, -1).some((_, depth) => {
    const folder = steps.slice(0, depth + 1).join('/');
    const known = links.get(folder) ?? isLink(path.join(out, folder));
    links.set(folder, known);
    return known;
  });
}

function isLink(target: string): boolean {
  return lstatSync(target, { throwIfNoEntry: false })?.isSymbolicLink() === true;
}

/** What stands at a path: nothing, a file, or what no file can replace (a folder; a file where a folder must be). */
function onDisk(
  out: string,
  name: string,
  links: Map<string, boolean>,
): { content: Buffer; mode: number } | 'in the way' | undefined {
  const target = path.join(out, name);
  if (leadsAway(out, name, links)) return 'in the way';
  try {
    const content = readFileSync(target);
    return { content, mode: statSync(target).mode & 0o777 };
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return undefined;
    if (code === 'EISDIR' || code === 'ENOTDIR') return 'in the way';
    throw new UserError(
      `cannot read ${target}: ${reasonOf(error)}`,
      'correct its permissions, or choose another folder with --out',
      ExitCode.program,
      error,
    );
  }
}

/** What is true while files are being replaced: each is what it was, or what it is to be. */
function interim(before: Manifest, manifest: Manifest): Manifest {
  const files = { ...before.files, ...manifest.files };
  for (const [name, { sha256: old }] of Object.entries(before.files)) {
    const entry = files[name];
    if (entry && entry.sha256 !== old) files[name] = { ...entry, before: old };
  }
  return { ...manifest, files };
}

/** Keeps what holds secrets out of version control, whoever commits the output. */
function ignored({ files }: Manifest): string {
  const secret = Object.entries(files).flatMap(([name, { mode }]) =>
    mode === SECRET ? path.basename(name) : [],
  );
  const patterns = [...new Set(secret)].sort().map((name) => `hosts/*/${name}\n`);
  return `# Written by imgbuild: what holds a host’s secrets.\n${patterns.join('')}`;
}

/** Folders that became empty go too, up to the output folder. */
function removeEmpty(out: string, folder: string): void {
  for (let next = folder; next.length > out.length; next = path.dirname(next)) {
    try {
      rmdirSync(next);
    } catch {
      return;
    }
  }
}
