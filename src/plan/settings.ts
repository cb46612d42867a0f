import type { Role } from '../catalog/schema.ts';
import type { Cluster } from '../spec/schema/cluster.ts';
import type {
  DiskGroupSpec,
  DisksSpec,
  FileSpec,
  HostSpec,
  PostSpec,
  RoleSettings,
} from '../spec/schema/host.ts';

/** The release that is used where a spec names none. */
const DEFAULT_OS = 'rocky-9';

/** What the levels of a spec add up to for one target. */
export interface Settings {
  os: { release: string; kernel?: 'lt' | 'ml' | 'stock'; kernelVersion?: string };
  firmware: 'bios' | 'uefi';
  console?: string;
  disks: DisksSpec;
  packages: string[];
  sysctls: Record<string, string>;
  kernelArgs: string[];
  files: FileSpec[];
  post: PostSpec[];
}

/** The whole cluster's settings, then the role's, then the host's: the nearer wins, lists add up. */
export function settingsFor(cluster: Cluster, role: Role, host?: HostSpec): Settings {
  const levels: RoleSettings[] = [cluster, cluster.roles[role.name] ?? {}, host ?? {}];
  const last = <K extends 'firmware' | 'console'>(key: K) =>
    levels.findLast((level) => level[key] !== undefined)?.[key];
  const os = Object.assign(
    { release: DEFAULT_OS },
    ...levels.map((level) => level.os ?? {}),
  ) as Settings['os'];
  const console = last('console');
  const files = new Map(levels.flatMap((level) => level.files ?? []).map((file) => [file.path, file]));
  return {
    os,
    firmware: last('firmware') ?? 'uefi',
    ...(console === undefined ? {} : { console }),
    disks: levels.reduce<DisksSpec>((base, level) => layDisks(base, level.disks), role.disks),
    packages: [...new Set(levels.flatMap((level) => level.packages ?? []))],
    sysctls: Object.assign({}, ...levels.map((level) => level.sysctls ?? {})),
    kernelArgs: [...new Set(levels.flatMap((level) => level.kernelArgs ?? []))],
    files: [...files.values()],
    post: levels.flatMap((level) => level.post ?? []),
  };
}

function layDisks(base: DisksSpec, over: DisksSpec | undefined): DisksSpec {
  if (!over) return base;
  const group = (name: 'system' | 'data'): DiskGroupSpec | undefined =>
    over[name] ? { ...base[name], ...over[name] } : base[name];
  const [system, data] = [group('system'), group('data')];
  return { ...base, ...over, ...(system ? { system } : {}), ...(data ? { data } : {}) };
}
