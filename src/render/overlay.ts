import { parse } from 'yaml';
import { suggest } from '../report/did-you-mean.ts';
import { UserError } from '../report/errors.ts';
import type { Assets } from './types.ts';

/** One file of an overlay, as it stands in the package. */
interface OverlayFile {
  /** Where it lies on the host. */
  path: string;
  /** Where it stands in the package: in the overlay, or where `from` says. */
  source: string;
  /** Rendered with EJS, or laid as it is. */
  isTemplate: boolean;
  /** Differs from host to host of one role; golden images do not have it. */
  perHost: boolean;
  mode: number;
  owner: string;
  group: string;
  /** The earlier layer whose file it takes the place of. */
  replaces?: string;
  /** Laid only where one of these layers is laid too. */
  with?: readonly string[];
}

export interface Overlay {
  name: string;
  description: string;
  files: OverlayFile[];
}

/** A file and the layer that it is from. */
export interface LaidFile extends OverlayFile {
  layer: string;
}

const KEYS = ['mode', 'owner', 'group', 'replaces', 'with', 'perHost', 'from'];
const loaded = new WeakMap<Assets, Map<string, Overlay>>();

/**
 * The files of these layers, laid in order. A path that two of them hold is refused unless the later one
 * says whose file it replaces.
 */
export function layFiles(assets: Assets, layers: readonly string[]): LaidFile[] {
  const laid = new Map<string, LaidFile>();
  for (const layer of layers) {
    for (const file of overlay(assets, layer).files) {
      if (file.with?.every((name) => !layers.includes(name))) continue;
      const below = laid.get(file.path);
      if (below && file.replaces !== below.layer) throw twoOwners(file.path, below.layer, layer);
      if (!below && file.replaces !== undefined && layers.includes(file.replaces)) {
        throw new UserError(
          `overlays/${layer}/overlay.yaml: ${file.path} replaces a file of ${file.replaces}, which has none`,
          'remove "replaces", or name the layer that has the file',
        );
      }
      laid.set(file.path, { ...file, layer });
    }
  }
  return [...laid.values()];
}

function twoOwners(path: string, below: string, layer: string): UserError {
  return new UserError(
    `the overlays ${below} and ${layer} both have ${path}`,
    `remove one of the two files, or write "replaces: ${below}" for it in overlays/${layer}/overlay.yaml`,
  );
}

/** One overlay, read once. */
export function overlay(assets: Assets, name: string): Overlay {
  const known = loaded.get(assets) ?? new Map<string, Overlay>();
  loaded.set(assets, known);
  const there = known.get(name);
  if (there) return there;
  const made = readOverlay(assets, name);
  known.set(name, made);
  return made;
}

function readOverlay(assets: Assets, name: string): Overlay {
  const folder = `overlays/${name}`;
  const manifest = `${folder}/overlay.yaml`;
  const paths = assets.list(folder);
  if (!paths.includes(manifest)) {
    throw new UserError(`there is no overlay "${name}"`, suggest(name, overlayNames(assets)));
  }
  const { description, files } = readManifest(assets.read(manifest), manifest);
  const own = paths
    .filter((path) => path !== manifest)
    .map((source) => {
      const path = source.slice(folder.length).replace(/\.ejs$/, '');
      return overlayFile(path, source, files.get(path) ?? {});
    });
  // Programs that the installer and the host both have stand in the package once.
  const shared = [...files]
    .filter(([, entry]) => typeof entry.from === 'string')
    .map(([path, entry]) => {
      assets.read(String(entry.from));
      return overlayFile(path, String(entry.from), entry);
    });
  const made = [...own, ...shared];
  for (const path of files.keys()) {
    if (made.some((file) => file.path === path)) continue;
    throw new UserError(
      `${manifest}: there is no ${path} in this overlay`,
      'mend the path, or remove the entry',
    );
  }
  return { name, description, files: made };
}

/** The names of all overlays. */
export function overlayNames(assets: Assets): string[] {
  return assets
    .list('overlays')
    .filter((path) => /^overlays\/[^/]+\/overlay\.yaml$/.test(path))
    .map((path) => path.split('/')[1] as string);
}

type Entry = Record<string, unknown>;

function overlayFile(path: string, source: string, entry: Entry): OverlayFile {
  // What ends in .sh is sourced by others.
  const isProgram = /\/(bin|sbin|libexec|dispatcher\.d)\//.test(path) && !path.endsWith('.sh');
  return {
    path,
    source,
    isTemplate: source.endsWith('.ejs'),
    perHost: entry.perHost === true,
    mode: entry.mode === undefined ? (isProgram ? 0o755 : 0o644) : Number.parseInt(String(entry.mode), 8),
    owner: String(entry.owner ?? 'root'),
    group: String(entry.group ?? 'root'),
    ...(typeof entry.replaces === 'string' ? { replaces: entry.replaces } : {}),
    ...(Array.isArray(entry.with) ? { with: entry.with.map(String) } : {}),
  };
}

function readManifest(text: string, name: string): { description: string; files: Map<string, Entry> } {
  const wrong = (what: string) => new UserError(`${name}: ${what}`, 'mend the file; see CONTRIBUTING.md');
  const manifest: unknown = parse(text);
  if (!isMap(manifest)) throw wrong('it must be a map with a description');
  for (const key of Object.keys(manifest))
    if (!['description', 'files'].includes(key)) throw wrong(`unknown key "${key}"`);
  const { description, files = {} } = manifest;
  if (typeof description !== 'string') throw wrong('it must have a description');
  if (!isMap(files)) throw wrong('"files" must be a map from paths on the host');
  for (const [path, entry] of Object.entries(files)) {
    if (!isMap(entry)) throw wrong(`${path} must be a map`);
    for (const key of Object.keys(entry))
      if (!KEYS.includes(key)) throw wrong(`${path}: unknown key "${key}"`);
    if (entry.with !== undefined && !Array.isArray(entry.with))
      throw wrong(`${path}: "with" must be a list of layers`);
    if (entry.from !== undefined && typeof entry.from !== 'string')
      throw wrong(`${path}: "from" must be a path in the package`);
    if (entry.mode !== undefined && !/^0[0-7]{3}$/.test(String(entry.mode))) {
      throw wrong(`${path}: the mode must be octal and in quotes, such as "0640"`);
    }
  }
  return { description, files: new Map(Object.entries(files) as [string, Entry][]) };
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
