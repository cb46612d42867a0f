import type { Plan, Target } from '../../src/plan/types.ts';
import { ownCatalog, soundPlan } from '../project.ts';
import type { Selection } from './repositories.ts';

/** What a spec chooses of that which bears on packages. */
export interface Choice {
  release: string;
  /** Default: 1.31.14, which runs on every release. */
  kubernetes?: string;
  runtime?: 'docker' | 'containerd';
  /** Default: nginx on every node. */
  endpoint?: 'vip';
  kernel?: 'lt' | 'ml' | 'stock';
  docker?: string;
  mirrors?: string;
}

const catalog = await ownCatalog();

/** The releases whose packages are RPMs. */
export const RELEASES = [...catalog.os.values()].filter((os) => os.family === 'el');
const ROLES = [...catalog.roles.values()];

/** The plan of a cluster with hosts of every role. */
export async function planFor(choice: Choice): Promise<Plan> {
  const { release, kubernetes = '1.31.14', runtime = 'docker', endpoint, kernel, docker, mirrors } = choice;
  const hosts = ROLES.flatMap((role) => {
    const count = role.kubernetes === 'control-plane' || role.etcd ? 3 : 1;
    return Array.from({ length: count }, (_, index) => ({ role: role.name, name: `${role.name}${index}` }));
  });
  const text = [
    'name: prod',
    `os: { release: ${release}${kernel === undefined ? '' : `, kernel: ${kernel}`} }`,
    'kubernetes:',
    `  version: ${kubernetes}`,
    `  runtime: ${runtime}`,
    ...(endpoint === 'vip' ? ['  endpoint: { via: vip, vip: 100.64.15.9 }'] : []),
    ...(docker === undefined ? [] : [`versions: { docker: ${docker} }`]),
    ...(mirrors === undefined ? [] : [`mirrors: { set: ${mirrors} }`]),
    'server: http://100.64.0.5:8080',
    'ingress: { vip: 100.64.15.8 }',
    // EL 8 boots cgroup v1 by itself, which newer Kubernetes refuses.
    'kernelArgs: [systemd.unified_cgroup_hierarchy=1]',
    'networks: { management: { cidr: 100.64.0.0/20, gateway: 100.64.0.1, dns: [100.64.0.2] } }',
    'users: [{ name: devops, sshKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f devops] }]',
    'hosts:',
    ...hosts.map(
      ({ role, name }, index) =>
        `  - { name: ${name}, role: ${role}, nics: [{ mac: "52:54:00:00:00:${(index + 16).toString(16)}", networks: [management] }] }`,
    ),
  ].join('\n');
  return (await soundPlan(text)).plan;
}

/** A list that is installed in one go, and the repositories that it may come from. */
export interface Wish {
  title: string;
  from: Selection;
  packages: string[];
}

const bare = (id: string): string => id.replace(/^imgbuild-/, '');

/** A repository's name in the fixtures. Kubernetes has one for each minor version. */
export function fixtureName(id: string, plan: Plan): string {
  return bare(id) === 'kubernetes' ? `kubernetes-${plan.cluster.kubernetes.minor}` : bare(id);
}

/** All that Anaconda and %post install on a target. */
export function wishesOf(target: Target, plan: Plan): Wish[] {
  const { major } = target.os;
  const { installer, removed, post } = target.packages;
  const name = (id: string) => fixtureName(id, plan);
  // The tree brings its own packages.
  const tree = major === 7 ? 'base' : 'baseos';
  const seen = target.repositories.filter((repository) => repository.inInstaller).map(({ id }) => name(id));
  const enabled = target.repositories.filter((repository) => repository.enabled).map(({ id }) => name(id));
  return [
    {
      title: '%packages',
      from: { major, repositories: [...new Set([tree, ...seen])] },
      packages: [...installer, ...removed.map((unwanted) => `-${unwanted}`)],
    },
    ...post.map(({ title, repositories, packages }) => ({
      title,
      from: { major, repositories: [...new Set([...enabled, ...repositories.map(name)])] },
      packages,
    })),
  ];
}

/**
 * Each wish once, whoever has it: from the fewest repositories, since what is found in these is found in more.
 * Only Kubernetes' own packages care which minor version is served beside them.
 */
export function distinct(wishes: Wish[]): Wish[] {
  const seen = new Map<string, Wish[]>();
  for (const wish of wishes) {
    const key = JSON.stringify([wish.from.major, wish.packages]);
    const others = seen.get(key) ?? [];
    if (others.some((other) => isWithin(other, wish))) continue;
    seen.set(key, [...others.filter((other) => !isWithin(wish, other)), wish]);
  }
  return [...seen.values()].flat();
}

function isWithin(less: Wish, more: Wish): boolean {
  const plain = ({ from }: Wish) => from.repositories.map((name) => name.replace(/^(kubernetes)-.*/, '$1'));
  const all = new Set(plain(more));
  return plain(less).every((name) => all.has(name));
}
