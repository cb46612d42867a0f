import type { Catalog, OsRelease, Role, Runtime } from '../catalog/schema.ts';
import type { Cluster } from '../spec/schema/cluster.ts';
import { type HostSpec, NETWORKS, type NetworkName } from '../spec/schema/host.ts';
import { type AddressLock, type Allotted, allot, lockOf, networksOf } from './addresses.ts';
import type { ArtifactLock } from './artifact-lock.ts';
import { planArtifacts } from './artifacts.ts';
import { type KnownHost, planCluster } from './cluster.ts';
import { imageDisks, planDisks } from './disks.ts';
import { toRange } from './ipv4.ts';
import { planLinks } from './links.ts';
import { planKernel, planPackages, planVersions } from './packages.ts';
import { MirrorUrls, planRepositories } from './repositories.ts';
import { secretFiles } from './secrets.ts';
import { type Settings, settingsFor } from './settings.ts';
import type { AddressPlan, ClusterPlan, HostPlan, Plan, RolePlan, Target } from './types.ts';

/** What a plan is made from: all of it data. */
export interface PlanInput {
  cluster: Cluster;
  catalog: Catalog;
  /** Addresses allotted by earlier runs. */
  lock: AddressLock;
  /** What is known of files that hosts fetch. */
  artifacts?: ArtifactLock;
  /** Texts of files that the spec names by `source:`. */
  sources: ReadonlyMap<string, string>;
}

export interface PlanResult {
  plan: Plan;
  /** What `addresses.lock.yaml` has to say from now on. */
  lock: AddressLock;
}

/**
 * The plan of a spec that the schema accepts. Hosts whose role or release the catalogue does not know are
 * left out, and nothing here judges: src/plan/rules does, over spec and plan together.
 */
export function buildPlan({ cluster, catalog, lock, artifacts = {}, sources }: PlanInput): PlanResult {
  const addresses = new Map<NetworkName, Map<string, Allotted>>(
    NETWORKS.map((name) => [name, allot(cluster, name, lock[name])]),
  );
  const known = cluster.hosts.flatMap((spec): KnownHost[] => {
    const role = catalog.roles.get(spec.role);
    return role ? [{ spec, role }] : [];
  });
  const shared = planCluster(cluster, catalog, known, addresses);
  const planner = new TargetPlanner(cluster, catalog, sources, shared, artifacts);
  const hosts = known.flatMap(({ spec, role }) => planner.host(spec, role, addresses) ?? []);
  const usedRoles = [...new Set(known.map(({ role }) => role))];
  const roles = usedRoles.flatMap((role) => planner.role(role) ?? []);
  return {
    plan: { cluster: shared, hosts, roles },
    lock: lockOf(addresses),
  };
}

class TargetPlanner {
  private readonly cluster: Cluster;
  private readonly catalog: Catalog;
  private readonly sources: ReadonlyMap<string, string>;
  private readonly shared: ClusterPlan;
  private readonly artifacts: ArtifactLock;
  private readonly targets = new Map<string, Target | undefined>();

  constructor(
    cluster: Cluster,
    catalog: Catalog,
    sources: ReadonlyMap<string, string>,
    shared: ClusterPlan,
    artifacts: ArtifactLock,
  ) {
    this.cluster = cluster;
    this.catalog = catalog;
    this.sources = sources;
    this.shared = shared;
    this.artifacts = artifacts;
  }

  host(
    spec: HostSpec,
    role: Role,
    addresses: ReadonlyMap<NetworkName, Map<string, Allotted>>,
  ): HostPlan | undefined {
    const settings = settingsFor(this.cluster, role, spec);
    const target = this.target(role, settings);
    if (!target) return undefined;
    const attached = networksOf(spec);
    const own: HostPlan['addresses'] = {};
    for (const network of attached) {
      const found = addresses.get(network)?.get(spec.name);
      if (found) own[network] = addressPlan(network, found);
    }
    const host: HostPlan = {
      ...target,
      kind: 'host',
      name: spec.name,
      disks: planDisks(settings.disks, [settings.firmware]),
      firmware: settings.firmware,
      ...(spec.serial ? { serial: spec.serial } : {}),
      links: planLinks(spec, this.cluster),
      addresses: own,
      defaultNetwork: attached.includes('container') ? 'container' : 'management',
      secrets: [],
    };
    host.secrets = secretFiles(host, this.shared.etcd, {
      breakGlass: this.cluster.breakGlass.enabled,
      reports: this.cluster.server !== undefined,
    });
    return host;
  }

  role(role: Role): RolePlan | undefined {
    const settings = settingsFor(this.cluster, role);
    const target = this.target(role, settings);
    return target && { ...target, kind: 'role', name: role.name, disks: imageDisks() };
  }

  /** What hosts and images share; undefined where the catalogue lacks the release or the runtime. */
  private target(role: Role, settings: Settings): Target | undefined {
    // A thousand workers are planned once.
    const key = `${role.name} ${JSON.stringify(settings)}`;
    if (!this.targets.has(key)) this.targets.set(key, this.newTarget(role, settings));
    return this.targets.get(key);
  }

  private newTarget(role: Role, settings: Settings): Target | undefined {
    const { cluster, catalog } = this;
    const os = catalog.os.get(settings.os.release);
    const isNode = role.kubernetes !== 'none';
    // A host outside Kubernetes gets Docker, whatever the nodes run.
    const runtime = catalog.runtimes.get(isNode ? cluster.kubernetes.runtime : 'docker');
    const set = catalog.mirrors.get(cluster.mirrors.set);
    if (!os || !runtime || !set) return undefined;
    const overlays = this.overlays(os, role, runtime, isNode);
    const kernel = planKernel(os, settings);
    const versions = planVersions(cluster, os, catalog);
    const input = { cluster, catalog, role, os, runtime, settings, kernel, versions, overlays, isNode };
    const packages = planPackages(input);
    const urls = new MirrorUrls(cluster, set, os, catalog.mirrors.get('upstream'));
    const used = new Set(
      packages.post.flatMap((group) => group.repositories.map((id) => id.replace('imgbuild-', ''))),
    );
    const kinds = new Set(os.repositories.filter((r) => used.has(r.id)).map((r) => r.kind));
    return {
      role,
      os,
      kernel,
      isControlPlane: role.kubernetes === 'control-plane',
      isNode,
      isEtcd: role.etcd,
      isIngress: role.ingress,
      ...(settings.console ? { console: settings.console } : {}),
      kernelArgs: settings.kernelArgs,
      disks: imageDisks(),
      ...(os.installTree === undefined ? {} : { installUrl: `${urls.base('os')}/${os.installTree}` }),
      ...planRepositories(os, urls, catalog, kinds),
      packages,
      artifacts: planArtifacts(input, urls, this.artifacts),
      services: {
        enabled: [
          ...os.services.enabled,
          ...runtime.services,
          ...(isNode ? [...runtime.criServices, 'kubelet'] : []),
          ...(overlays.includes('api-proxy') ? ['api-proxy'] : []),
          ...(overlays.includes('api-vip') ? ['haproxy', 'keepalived'] : []),
          ...(role.ingress && cluster.ingress.vip ? ['keepalived'] : []),
          ...role.services,
        ],
        disabled: os.services.disabled,
      },
      modules: os.modules,
      sysctls: settings.sysctls,
      files: settings.files.map((file) => {
        const [owner = 'root', group = owner] = file.owner.split(':');
        // What the spec says ends with a newline, as text files do; a file beside it is laid byte for byte.
        const written = file.content === undefined ? undefined : `${file.content.replace(/\n?$/, '')}\n`;
        const content = written ?? this.sources.get(file.source ?? '') ?? '';
        return { path: file.path, content, mode: Number.parseInt(file.mode, 8), owner, group };
      }),
      post: settings.post,
      overlays,
    };
  }

  private overlays(os: OsRelease, role: Role, runtime: Runtime, isNode: boolean): string[] {
    const { via } = this.shared.endpoint;
    return [
      ...os.overlays,
      ...runtime.overlays,
      ...(isNode ? ['node'] : []),
      ...(isNode && via === 'local-proxy' ? ['api-proxy'] : []),
      ...(role.kubernetes === 'control-plane' && via === 'vip' ? ['api-vip'] : []),
      ...(this.cluster.proxy ? ['proxy'] : []),
      ...role.overlays,
    ];
  }
}

function addressPlan(network: NetworkName, found: Allotted): AddressPlan {
  const { address, subnet, allotted } = found;
  return {
    network,
    address,
    prefix: toRange(subnet.cidr).prefix,
    subnet: subnet.cidr,
    ...(subnet.gateway ? { gateway: subnet.gateway } : {}),
    allotted,
  };
}
