import type { Catalog, MirrorSet, OsRelease } from '../catalog/schema.ts';
import type { Cluster } from '../spec/schema/cluster.ts';
import type { KeyPlan, RepositoryPlan } from './types.ts';
import { minorOf } from './units.ts';

/** Where a host keeps the keys that it was given or fetched. */
const KEY_FOLDER = '/etc/pki/rpm-gpg';

/** Base URLs of the kinds of repository: the spec's own, else the mirror set's. No slash at the end. */
export class MirrorUrls {
  private readonly cluster: Cluster;
  private readonly set: MirrorSet;
  private readonly os: OsRelease;

  constructor(cluster: Cluster, set: MirrorSet, os: OsRelease) {
    this.cluster = cluster;
    this.set = set;
    this.os = os;
  }

  /** The base URL of a kind, with `{major}`, `{minor}` and `{version}` filled in. */
  base(kind: string, version = ''): string {
    const own = (this.cluster.mirrors.repositories as Record<string, string | undefined>)[kind];
    return fill(own ?? this.fromSet(kind), {
      major: String(this.os.major),
      minor: minorOf(this.cluster.kubernetes.version),
      version,
    });
  }

  /** Where a signing key is fetched from: below a base URL of the user's own, else where the set says. */
  key(name: string, kind: string, path: string): string {
    const own = (this.cluster.mirrors.repositories as Record<string, string | undefined>)[kind];
    const elsewhere = this.set.keys[name];
    return own === undefined && elsewhere !== undefined ? elsewhere : `${this.base(kind)}/${path}`;
  }

  private fromSet(kind: string): string {
    const byMajor = (map: Record<string, string>) => map[String(this.os.major)] ?? map['*'] ?? '';
    switch (kind) {
      case 'os':
        return this.set.os[this.os.distro] ?? '';
      case 'epel':
        return byMajor(this.set.epel);
      case 'elrepo':
        return byMajor(this.set.elrepo);
      case 'docker':
        return this.set.docker;
      case 'kubernetes':
        return this.set.kubernetes;
      case 'criDockerd':
        return this.set.criDockerd;
      case 'etcd':
        return this.set.etcd;
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
    const keyFiles = repository.keys.map((name) => {
      const key = catalog.keys[name];
      if (!key) return name.replace(/^file:/, '');
      const file = `${KEY_FOLDER}/imgbuild-${name}`;
      keys.set(name, { name, url: urls.key(name, key.kind, key.path), fingerprint: key.fingerprint, file });
      return file;
    });
    repositories.push({
      id: `imgbuild-${repository.id}`,
      name: repository.name,
      url: [urls.base(repository.kind), repository.path].filter((part) => part !== '').join('/'),
      keyFiles,
      // Kernels and EPEL are named when they are wanted, and never update a running host by themselves.
      enabled: repository.kind !== 'elrepo' && repository.kind !== 'epel',
      inInstaller: repository.inInstaller,
    });
  }
  return { repositories, keys: [...keys.values()] };
}
