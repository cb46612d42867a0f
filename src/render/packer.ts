import type { KickstartTarget } from '../plan/kickstart.ts';
import type { Plan, RolePlan } from '../plan/types.ts';
import { renderKickstart } from './kickstart.ts';
import { renderAsset } from './template.ts';
import type { Assets, OutputFile } from './types.ts';

/** The role's overlay, which the kickstart beside the template carries. */
interface PackedOverlay {
  content: Buffer;
  sha256: string;
}

/**
 * What Packer needs for a role's golden image, in a folder of its own: the template, and a kickstart that
 * fetches nothing from us. It holds no secret.
 */
export function renderPacker(
  role: KickstartTarget<RolePlan>,
  plan: Plan,
  assets: Assets,
  overlay: PackedOverlay,
): OutputFile[] {
  const embed = { overlay: overlay.content };
  const file = (name: string, content: string): OutputFile => ({
    path: `packer/${role.name}/${name}`,
    mode: 0o644,
    content: Buffer.from(content),
    owner: { role: role.name },
  });
  return [
    file(`${role.name}.pkr.hcl`, renderAsset(assets, 'packer/role.pkr.hcl.ejs', view(role, plan), 'hcl')),
    file('ks.cfg', renderKickstart(role, plan, assets, { overlaySha256: overlay.sha256, embed })),
  ];
}

function view(role: KickstartTarget<RolePlan>, plan: Plan) {
  const { os, kernel } = role;
  return {
    role: role.name,
    cluster: plan.cluster.name,
    os: os.title,
    iso: medium(role),
    diskSize: `${diskSize(role)}G`,
    // Anaconda holds its second stage in memory; el10's is the largest.
    memory: 4096,
    cpuLevel: os.major >= 10 ? 'x86-64-v3' : os.major === 9 ? 'x86-64-v2' : 'any x86-64',
    facts: [
      ['role', role.name],
      ['os', os.name],
      ['kernel', kernel.flavor],
      ['kubernetes', role.isNode ? plan.cluster.kubernetes.version : 'none'],
    ],
  };
}

/** The boot medium lies beside the tree that is installed from. */
function medium({ installUrl, os }: KickstartTarget<RolePlan>): { url: string; checksum: string } {
  const base = installUrl.slice(0, -os.installTree.length);
  return { url: `${base}${os.iso.path}`, checksum: `file:${base}${os.iso.checksum}` };
}

/** GiB: the least that the layout needs, and room for what is installed later. */
function diskSize({ disks }: RolePlan): number {
  const least = disks.groups.reduce((sum, group) => sum + group.least, 0);
  return Math.ceil(least / 2 ** 30) + 8;
}
