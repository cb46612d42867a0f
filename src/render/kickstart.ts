import type { KickstartTarget } from '../plan/kickstart.ts';
import { STAGE } from '../plan/secrets.ts';
import type { HostPlan, Plan, RolePlan, Target } from '../plan/types.ts';
import { chosen, kernel, packageManager, thirdParty } from './kickstart-packages.ts';
import { base64, postSteps, type Verbatim, verbatim } from './kickstart-steps.ts';
import { introduction } from './kickstart-words.ts';
import { kickstartLayout } from './layout.ts';
import { proxyFor, proxyVariables } from './proxy.ts';
import { quoted, renderAsset } from './template.ts';
import type { Assets } from './types.ts';

/** What %post lays over the new system: fetched and checked, or carried in the kickstart itself. */
export interface Archives {
  overlaySha256: string;
  secretsSha256?: string;
  /** Self-contained: the kickstart is then as secret as what it carries. */
  embed?: { overlay: Buffer; secrets?: Buffer };
}

/** The kickstart of a host, or of a role's golden image. */
export function renderKickstart(
  target: KickstartTarget<HostPlan> | KickstartTarget<RolePlan>,
  plan: Plan,
  assets: Assets,
  archives: Archives,
): string {
  return renderAsset(
    assets,
    `kickstart/${target.kind}.ks.ejs`,
    { ...view(target, plan, assets, archives) },
    'shell',
  );
}

/** Everything that the templates print; what differs from release to release or host to host is decided here. */
function view(
  target: KickstartTarget<HostPlan> | KickstartTarget<RolePlan>,
  plan: Plan,
  assets: Assets,
  archives: Archives,
) {
  const { cluster } = plan;
  const { os } = target;
  const host = target.kind === 'host' ? target : undefined;
  const slots = target.disks.layouts[0]?.slots ?? [];
  const repositories = target.repositories.filter((repository) => repository.inInstaller);
  return {
    target,
    cluster,
    os,
    host: host !== undefined,
    intro: introduction(target, plan, archives.embed?.secrets !== undefined),
    afterwards: host ? 'reboot --eject' : 'poweroff',
    tree: { url: target.installUrl, proxy: proxyFor(target.installUrl, cluster.proxy) },
    repositories: repositories.map(({ id, url }) => ({ id, url, proxy: proxyFor(url, cluster.proxy) })),
    users: users(plan),
    programs: installerPrograms(assets),
    // Booted without a word on the kernel's line, from a stick: the planned NIC has to be brought up.
    bootMac: host && archives.embed ? bootMac(host) : undefined,
    macs: host?.links.flatMap((link) => link.macs) ?? [],
    // elrepo signs its kernels with no key that firmware knows.
    secureBoot: host?.firmware === 'uefi' && target.kernel.flavor !== 'stock',
    selectors: selectors(target),
    diskNames: slots,
    systemDisks: slots.filter((slot) => slot.startsWith('system_')),
    mirrored: slots.includes('system_2'),
    lvm: target.disks.layouts.some(({ volumeGroups }) => volumeGroups.length > 0),
    // The host boots without these: nothing may be written below a mount point that waits for one.
    optionalMounts: optionalMounts(target),
    layouts: target.disks.layouts.map((layout) => kickstartLayout(layout, target)),
    steps: postSteps(target, plan),
    embed: archives.embed !== undefined,
    archives: archiveFiles(archives),
    ksArguments: [...new Set([os.kickstart.ksArgument, 'inst.ks', ...(os.major < 9 ? ['ks'] : [])])],
    server: cluster.server === undefined ? '' : `${cluster.server}/${target.kind}s/${target.name}`,
    proxy: proxyVariables(target, cluster.proxy),
    packageManager: packageManager(target),
    kernel: kernel(target),
    releaseKeys: releaseKeys(target),
    packages: chosen(target),
    ...thirdParty(target),
    unwanted: target.packages.removed,
    library: '/root/imgbuild.sh',
    consolePassword: `${STAGE}/console-password`,
    owners: target.files
      .filter(({ owner, group }) => owner !== 'root' || group !== 'root')
      .map(({ path, owner, group }) => ({ path, owner: `${owner}:${group}` })),
    services: services(target),
    done: `${target.name}: done`,
  };
}

function bootMac(host: HostPlan): string | undefined {
  const link = host.links.find(({ networks }) => networks.includes('management')) ?? host.links[0];
  return link?.macs[0];
}

/** Accounts that Anaconda makes, locked: keys open the users', %post the console's. */
function users({ cluster }: Plan): { name: string; groups?: string }[] {
  const accounts = cluster.users.map(({ name, sudo }) => ({
    name,
    ...(sudo === 'none' ? {} : { groups: 'wheel' }),
  }));
  return cluster.breakGlassUser === undefined
    ? accounts
    : [...accounts, { name: cluster.breakGlassUser, groups: 'wheel' }];
}

interface Program extends Verbatim {
  name: string;
  /** Not only sourced by others. */
  runs: boolean;
}

/** The same for every host: looked at once for each set of assets. */
const programs = new WeakMap<Assets, Program[]>();

function installerPrograms(assets: Assets): Program[] {
  const known = programs.get(assets) ?? readPrograms(assets);
  programs.set(assets, known);
  return known;
}

function readPrograms(assets: Assets): Program[] {
  return assets.list('installer').flatMap((path) => {
    const name = path.slice('installer/'.length);
    // Partitioning is Anaconda's own affair.
    if (name.startsWith('deploy/') || name === 'partition.sh') return [];
    const program = verbatim(assets.read(path), name.replace(/\W/g, '_'));
    // Here there is no second way: an installer has no base64.
    if (program.base64) throw new Error(`${path}: a line starts with %, which a kickstart does not take`);
    return [{ ...program, name, runs: program.text.startsWith('#!') }];
  });
}

/** The arguments of select-disks, a line for each group. */
function selectors({ disks }: Target): string[] {
  return disks.groups.map((group) =>
    [
      ['--group', group.name],
      ['--count', group.count],
      ['--media', group.media],
      ['--min', Math.max(group.min ?? 0, group.least)],
      ['--max', group.max],
      ['--model', group.model],
      ...group.serial.map((value) => ['--serial', value]),
      ...group.wwn.map((value) => ['--wwn', value]),
      ...group.path.map((value) => ['--path', value]),
      ['--transport', group.transport],
    ]
      .filter(([, value]) => value !== undefined)
      .flatMap(([name, value]) => `${name} ${quoted(value, 'shell')}`)
      .join(' '),
  );
}

/** Mount points without which the host boots, outermost first. */
function optionalMounts({ disks }: Target): string[] {
  const files = disks.layouts.flatMap(({ filesystems }) => filesystems);
  const mounts = files.filter(({ options }) => options.includes('nofail')).map(({ mount }) => mount);
  return [...new Set(mounts)];
}

function archiveFiles({ overlaySha256, secretsSha256, embed }: Archives) {
  const file = (name: string, sha256: string, content: Buffer | undefined) => ({
    name,
    sha256,
    base64: content === undefined ? undefined : base64(content),
  });
  return [
    file('overlay.tar.gz', overlaySha256, embed?.overlay),
    ...(secretsSha256 === undefined ? [] : [file('secrets.tar.gz', secretsSha256, embed?.secrets)]),
  ];
}

/** Keys that the release itself installs. */
function releaseKeys({ repositories, keys }: Target): string[] {
  const own = new Set(keys.map((key) => key.file));
  return [...new Set(repositories.flatMap((repository) => repository.keyFiles))].filter(
    (file) => !own.has(file),
  );
}

function services({ services: { enabled, disabled } }: Target) {
  const on = new Set(enabled);
  return { enabled: [...on], disabled: [...new Set(disabled)].filter((unit) => !on.has(unit)) };
}
