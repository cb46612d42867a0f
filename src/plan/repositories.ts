import { familyOf } from '../catalog/families.ts';
import type { Catalog, MirrorSet, OsRelease } from '../catalog/schema.ts';
import type { Cluster } from '../spec/schema/cluster.ts';
import type { KeyPlan, RepositoryPlan } from './types.ts';
import { minorOf } from './units.ts';

/** Base URLs of the kinds of repository: the spec's own, else the mirror set's. No slash at the end. */
export class MirrorUrls {
  private readonly cluster: Cluster;
  private readonly set: MirrorSet;
  private readonly os: OsRelease;
  private readonly upstream: MirrorSet | undefined;

  constructor(cluster: Cluster, set: MirrorSet, os: OsRelease, upstream?: MirrorSet) {
    this.cluster = cluster;
    this.set = set;
    this.os = os;
    this.upstream = upstream;
  }

  /** The base URL of a kind, with `{major}`, `{minor}`, `{format}` and `{version}` filled in; empty where nothing names one. */
  base(kind: string, version = ''): string {
    return this.fill(this.own(kind) ?? this.fromSet(kind, this.set), version);
  }

  /**
   * The base URLs of what is checked against a checksum wherever it comes from, in the order in which they are tried: the
   * spec's own alone; else the set's, and behind it the project's own server.
   */
  bases(kind: string, version: string): string[] {
    const own = this.own(kind);
    const sets = [this.set, ...(this.upstream ? [this.upstream] : [])];
    const urls = own === undefined ? sets.map((set) => this.fromSet(kind, set)) : [own];
    return [...new Set(urls.filter((url) => url !== '').map((url) => this.fill(url, version)))];
  }

  /** Where a signing key is fetched from: below a base URL of the user's own, else where the set says. */
  key(name: string, kind: string, path: string): string {
    const elsewhere = this.set.keys[name];
    return this.own(kind) === undefined && elsewhere !== undefined ? elsewhere : `${this.base(kind)}/${path}`;
  }

  private own(kind: string): string | undefined {
    return (this.cluster.mirrors.repositories as Record<string, string | undefined>)[kind];
  }

  private fill(url: string, version: string): string {
    return fill(url, {
      major: String(this.os.major),
      minor: minorOf(this.cluster.kubernetes.version),
      format: familyOf(this.os).format,
      version,
    });
  }

  private fromSet(kind: string, set: MirrorSet): string {
    const byMajor = (map: Record<string, string>) => map[String(this.os.major)] ?? map['*'] ?? '';
    switch (kind) {
      case 'os':
        return set.os[this.os.distro] ?? '';
      case 'epel':
        return byMajor(set.epel);
      case 'elrepo':
        return byMajor(set.elrepo);
      case 'docker':
        return set.docker;
      case 'kubernetes':
        return set.kubernetes;
      case 'criDockerd':
        return set.criDockerd;
      case 'etcd':
        return set.etcd;
      case 'cniPlugins':
        return set.cniPlugins ?? '';
      case 'goss':
        return set.goss ?? '';
      case 'cni':
        return set.cni[this.cluster.kubernetes.cni.plugin] ?? '';
      default:
        return '';
    }
  }
}

function fill(url: string, values: Record<string, string>): string {
  return url.replace(/\{(\w+)\}/g, (all, name: string) => values[name] ?? all).replace(/\/+$/, '');
}

/** A release's repositories at this cluster's mirrors, and the keys that they are signed with. */
export function planRepositories(
  os: OsRelease,
  urls: MirrorUrls,
  catalog: Catalog,
  wanted: ReadonlySet<string>,
): { repositories: RepositoryPlan[]; keys: KeyPlan[] } {
  const keys = new Map<string, KeyPlan>();
  const repositories: RepositoryPlan[] = [];
  for (const repository of os.repositories) {
    if (repository.kind !== 'os' && !wanted.has(repository.kind)) continue;
    const base = urls.base(repository.kind);
    // Where nothing names a mirror for the distribution's own packages, the machine's sources for them stay.
    if (base === '') continue;
    const keyFiles = repository.keys.map((name) => {
      const key = catalog.keys[name];
      if (!key) return name.replace(/^file:/, '');
      const file = familyOf(os).keyFile(name);
      keys.set(name, { name, url: urls.key(name, key.kind, key.path), fingerprint: key.fingerprint, file });
      return file;
    });
    repositories.push({
      id: `imgbuild-${repository.id}`,
      name: repository.name,
      url: [base, repository.path].filter((part) => part !== '').join('/'),
      keyFiles,
      // Kernels and EPEL are named when they are wanted, and never update a running host by themselves.
      enabled: repository.kind !== 'elrepo' && repository.kind !== 'epel',
      inInstaller: repository.inInstaller,
      ...(repository.suites ? { suites: repository.suites } : {}),
      ...(repository.components ? { components: repository.components } : {}),
    });
  }
  return { repositories, keys: [...keys.values()] };
}
