import type { ClusterPlan, HostPlan, RolePlan, Target } from '../plan/types.ts';
import { UserError } from '../report/errors.ts';
import { header } from './documents/header.ts';
import { documents } from './documents/index.ts';
import type { DocumentFile, Kind } from './documents/types.ts';
import { type LaidFile, layFiles } from './overlay.ts';
import { render } from './template.ts';
import type { Assets, HostFile } from './types.ts';

/** A target's files in two parts, no path in both, each sorted by path. */
export interface HostParts {
  /** The very same array for every host of one kind: what is made of it can be kept for the next host. */
  shared: readonly HostFile[];
  /** The host's own. */
  own: readonly HostFile[];
}

/** Everything that lands on a host but its secrets, sorted by path. */
export function composeHostFiles(
  target: HostPlan | RolePlan,
  cluster: ClusterPlan,
  assets: Assets,
): HostFile[] {
  const { shared, own } = composeParts(target, cluster, assets);
  return [...shared, ...own].sort(byPath);
}

/** The same in two parts, for the archive of a thousand hosts (see src/render/archive.ts). */
export function composeParts(target: HostPlan | RolePlan, cluster: ClusterPlan, assets: Assets): HostParts {
  const own = new Map<string, HostFile>();
  if (target.kind === 'host') for (const file of ownFiles(target, cluster, assets)) add(own, file);
  const shared = sharedFiles(target, cluster, assets);
  for (const file of own.values()) {
    const other = shared.files.find(({ path }) => path === file.path);
    if (other) throw twoOwners(file.path, other.origin, file.origin);
  }
  // A spec's file takes the place of whatever has its path.
  for (const file of target.files) own.set(file.path, specFile(file));
  return { shared: shared.without([...own.keys()]), own: [...own.values()].sort(byPath) };
}

class SharedFiles {
  readonly files: readonly HostFile[];
  private readonly subsets = new Map<string, readonly HostFile[]>();

  constructor(files: readonly HostFile[]) {
    this.files = files;
  }

  /** These files but for some paths: the same array for the same paths. */
  without(paths: readonly string[]): readonly HostFile[] {
    const removed = paths.filter((path) => this.files.some((file) => file.path === path)).sort();
    if (removed.length === 0) return this.files;
    const key = removed.join('\n');
    const known = this.subsets.get(key) ?? this.files.filter(({ path }) => !removed.includes(path));
    this.subsets.set(key, known);
    return known;
  }
}

const caches = new WeakMap<Assets, WeakMap<ClusterPlan, Map<string, SharedFiles>>>();

function sharedFiles(target: Target, cluster: ClusterPlan, assets: Assets): SharedFiles {
  const clusters = caches.get(assets) ?? new WeakMap<ClusterPlan, Map<string, SharedFiles>>();
  caches.set(assets, clusters);
  const kinds = clusters.get(cluster) ?? new Map<string, SharedFiles>();
  clusters.set(cluster, kinds);
  const kind = kindOf(target);
  const key = JSON.stringify(kind);
  const known = kinds.get(key);
  if (known) return known;

  const files = new Map<string, HostFile>();
  for (const file of layFiles(assets, kind.overlays)) {
    if (file.perHost) continue;
    add(files, overlayFile(file, assets, { cluster, target: kind, header: header(cluster, kind) }));
  }
  for (const [name, document] of Object.entries(documents)) {
    if (document.scope !== 'shared') continue;
    for (const file of document.render(cluster, kind)) add(files, documentFile(file, name));
  }
  const made = new SharedFiles([...files.values()].sort(byPath));
  kinds.set(key, made);
  return made;
}

function ownFiles(host: HostPlan, cluster: ClusterPlan, assets: Assets): HostFile[] {
  const files: HostFile[] = [];
  for (const file of layFiles(assets, host.overlays)) {
    if (!file.perHost) continue;
    const data = { cluster, target: kindOf(host), host, header: header(cluster, host, host.name) };
    files.push(overlayFile(file, assets, data));
  }
  for (const [name, document] of Object.entries(documents)) {
    if (document.scope !== 'host') continue;
    for (const file of document.render(cluster, host)) files.push(documentFile(file, name));
  }
  return files;
}

/** Only what {@link Kind} names, so that a shared file cannot see what is one host's alone. */
function kindOf(target: Target): Kind {
  return {
    role: target.role,
    os: target.os,
    kernel: target.kernel,
    isControlPlane: target.isControlPlane,
    isNode: target.isNode,
    isEtcd: target.isEtcd,
    isIngress: target.isIngress,
    repositories: target.repositories,
    keys: target.keys,
    packages: target.packages,
    artifacts: target.artifacts,
    services: target.services,
    modules: target.modules,
    sysctls: target.sysctls,
    overlays: target.overlays,
  };
}

function overlayFile(file: LaidFile, assets: Assets, data: Record<string, unknown>): HostFile {
  const text = assets.read(file.source);
  const content = file.isTemplate
    ? render(text, data, { name: file.source, quote: quoteOf(file.path), assets })
    : text;
  const { path, mode, owner, group } = file;
  return { path, mode, owner, group, content: lines(content), origin: `overlays/${file.layer}` };
}

/** What `<%= %>` quotes for in a file of this name: shell in scripts, nothing elsewhere. */
function quoteOf(path: string): 'shell' | 'line' {
  return path.endsWith('.sh') || /\/(bin|sbin|libexec)\//.test(path) ? 'shell' : 'line';
}

function documentFile(
  { path, content, mode = 0o644, owner = 'root', group = 'root' }: DocumentFile,
  name: string,
): HostFile {
  return { path, mode, owner, group, content: lines(content), origin: `documents/${name}` };
}

function specFile({ path, content, mode, owner, group }: Target['files'][number]): HostFile {
  return { path, mode, owner, group, content: Buffer.from(content), origin: 'spec' };
}

/** Every file ends with a newline: half of the programs that read them drop a last line without one. */
function lines(text: string): Buffer {
  return Buffer.from(text === '' || text.endsWith('\n') ? text : `${text}\n`);
}

function add(files: Map<string, HostFile>, file: HostFile): void {
  const other = files.get(file.path);
  if (other) throw twoOwners(file.path, other.origin, file.origin);
  files.set(file.path, file);
}

function twoOwners(path: string, one: string, other: string): UserError {
  return new UserError(
    `${one} and ${other} both have ${path}`,
    'remove one of the two, or move it to a layer that replaces the other',
  );
}

function byPath(a: HostFile, b: HostFile): number {
  return a.path < b.path ? -1 : a.path > b.path ? 1 : 0;
}
