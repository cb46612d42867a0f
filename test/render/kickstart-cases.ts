import { join } from 'node:path';
import { loadCatalog } from '../../src/catalog/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import { hasKickstart, type KickstartTarget } from '../../src/plan/kickstart.ts';
import type { HostPlan, Plan, RolePlan, Target } from '../../src/plan/types.ts';
import { loadAssets, packageRoot } from '../../src/render/assets.ts';
import { type Archives, renderKickstart } from '../../src/render/kickstart.ts';
import { parseSpec } from '../../src/spec/load.ts';

/** A plan all of whose hosts and images a kickstart installs. */
interface KickstartPlan extends Plan {
  hosts: KickstartTarget<HostPlan>[];
  roles: KickstartTarget<RolePlan>[];
}

/** One kickstart of the table that the tests go through. */
export interface Case {
  /** `rocky-9 uefi docker master` */
  title: string;
  target: KickstartTarget<HostPlan> | KickstartTarget<RolePlan>;
  plan: Plan;
}

export const assets = loadAssets();
const catalog = await loadCatalog([join(packageRoot(), 'images')]);

export const RELEASES = [...catalog.os.keys()]
  .filter((name) => catalog.os.get(name)?.kickstart !== undefined)
  .sort();
export const ARCHIVES: Archives = { overlaySha256: 'a'.repeat(64), secretsSha256: 'b'.repeat(64) };

const ROLES = ['etcd', 'ingress', 'master', 'worker', 'git'];

/** A spec with a host of each role; `more` is YAML laid over it. */
export function planFor(
  release: string,
  firmware: 'bios' | 'uefi',
  runtime: 'docker' | 'containerd',
  more = '',
): KickstartPlan {
  // Kubernetes 1.31 runs on every release, CentOS 7.9 too.
  const text = [
    'name: prod',
    `kubernetes: { version: 1.31.14, runtime: ${runtime} }`,
    `os: { release: ${release} }`,
    `firmware: ${firmware}`,
    'server: http://100.64.0.5:8080',
    'users: [{ name: devops, sshKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAAA devops], sudo: nopasswd }]',
    'networks: { management: { cidr: 100.64.0.0/20, gateway: 100.64.0.1 }, container: { cidr: 100.64.16.0/20, gateway: 100.64.16.1 } }',
    'hosts:',
    ...ROLES.flatMap((role, index) => [
      `  - name: ${role}-1`,
      `    role: ${role}`,
      '    nics:',
      `      - { mac: "52:54:00:00:0${index}:01", networks: [management] }`,
      ...(['etcd', 'git'].includes(role)
        ? []
        : [`      - { mac: "52:54:00:00:0${index}:02", networks: [container] }`]),
    ]),
  ].join('\n');
  const texts = [{ file: 'cluster.yaml', text }, ...(more === '' ? [] : [{ file: 'more.yaml', text: more }])];
  const { cluster, problems } = parseSpec(texts);
  if (!cluster || problems.length > 0) throw new Error(JSON.stringify(problems, undefined, 1));
  const plan = buildPlan({ cluster, catalog, lock: {}, sources: new Map() }).plan;
  return { ...plan, hosts: plan.hosts.map(installed), roles: plan.roles.map(installed) };
}

function installed<T extends Target>(target: T): KickstartTarget<T> {
  if (!hasKickstart(target)) throw new Error(`no kickstart installs ${target.os.name}`);
  return target;
}

/** Every release × firmware × runtime × role, hosts and golden images. */
export function allCases(): Case[] {
  return RELEASES.flatMap((release) =>
    (['bios', 'uefi'] as const).flatMap((firmware) =>
      (['docker', 'containerd'] as const).flatMap((runtime) => {
        const plan = planFor(release, firmware, runtime);
        const title = (target: HostPlan | RolePlan) =>
          `${release} ${target.kind === 'host' ? firmware : 'image'} ${runtime} ${target.role.name}`;
        // An image is the same for both firmwares.
        const targets = firmware === 'bios' ? [...plan.hosts, ...plan.roles] : plan.hosts;
        return targets.map((target) => ({ title: title(target), target, plan }));
      }),
    ),
  );
}

export const kickstartOf = ({ target, plan }: Omit<Case, 'title'>): string =>
  renderKickstart(
    target,
    plan,
    assets,
    target.kind === 'host' ? ARCHIVES : { overlaySha256: ARCHIVES.overlaySha256 },
  );
