import type { Command } from 'commander';
import { hasKickstart, type KickstartTarget } from '../../plan/kickstart.ts';
import { filesystemsOf } from '../../plan/layout.ts';
import type { DiskGroupPlan, DiskLayout, FilesystemPlan, HostPlan, Plan } from '../../plan/types.ts';
import { sizeText } from '../../plan/units.ts';
import { loadAssets } from '../../render/assets.ts';
import { composeHostFiles } from '../../render/compose.ts';
import { ExitCode, UserError } from '../../report/errors.ts';
import { type Paint, painter } from '../../report/paint.ts';
import { plural, problemsText } from '../../report/print.ts';
import { table } from '../../report/table.ts';
import { NETWORKS } from '../../spec/schema/host.ts';
import { examples } from '../help.ts';
import type { Io } from '../io.ts';
import { type GlobalOptions, globalOptions } from '../options.ts';
import { hostNamed, type SoundProject, soundProject } from '../project.ts';

export function planCommand(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('plan')
    .summary('show hosts, addresses, disks and warnings; or one host and its files')
    .description('Shows what follows from the spec, and writes nothing.')
    .argument('[host]', 'one host, in detail')
    .option('-f, --files', 'what lands on the host, and from where')
    .addHelpText(
      'after',
      examples([
        ['imgbuild plan', 'all hosts'],
        ['imgbuild plan etcd-1', 'one host: addresses, disks, packages, services'],
        ['imgbuild plan etcd-1 --files', 'every file that lands on it, with its mode and where it is from'],
        ["imgbuild plan --json | jq '.hosts[].name'", 'the whole plan as data'],
      ]),
    )
    .action(async (name: string | undefined, flags: { files?: true }, command: Command) =>
      done(await planAction(name, flags.files === true, globalOptions(command, io), io)),
    );
}

async function planAction(
  name: string | undefined,
  files: boolean,
  options: GlobalOptions,
  io: Io,
): Promise<ExitCode> {
  if (files && name === undefined)
    throw new UserError('--files needs a host', 'name one: imgbuild plan HOST --files', ExitCode.usage);
  const project = await soundProject(options, io);
  const { plan } = project;
  const paint = painter(io.outIsTerminal, io.env);
  if (name === undefined) {
    io.out(
      options.json
        ? toJson({ ...plan, problems: project.problems })
        : overview(project, paint, options.quiet),
    );
    return ExitCode.done;
  }
  const host = hostNamed(name, plan);
  if (files) {
    const list = filesOf(host, plan);
    io.out(
      options.json
        ? toJson(list)
        : table(
            ['MODE', 'OWNER', 'BYTES', 'PATH', 'FROM'],
            list.map((f) => [f.mode, f.owner, f.bytes, f.path, f.from]),
          ),
    );
  } else io.out(options.json ? toJson(host) : detail(host, plan, paint));
  return ExitCode.done;
}

const toJson = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

function overview({ plan, problems }: SoundProject, paint: Paint, quiet: boolean): string {
  const { cluster, hosts } = plan;
  const networks = NETWORKS.filter((name) => cluster.networks[name]);
  const k = cluster.kubernetes;
  const heading = [
    `${paint('bold', cluster.name)}: ${plural(hosts.length, 'host')}, Kubernetes ${k.version} with ${k.runtime}, ${k.cni.plugin} (${k.cni.mode}, MTU ${k.cni.mtu})`,
    `API ${cluster.endpoint.name}:${cluster.endpoint.port} via ${cluster.endpoint.via} (${cluster.endpoint.address}), etcd ${cluster.etcd.version} ${cluster.etcd.topology}, ${plural(cluster.etcd.members.length, 'member')}`,
    '',
  ];
  const columns: { title: string; of: (host: HostPlan) => string; always?: true }[] = [
    { title: 'HOST', of: (host) => host.name, always: true },
    { title: 'ROLE', of: (host) => host.role.name, always: true },
    { title: 'SYSTEM', of: (host) => `${host.os.name}, kernel ${host.kernel.flavor} ${host.kernel.version}` },
    { title: 'FIRMWARE', of: (host) => host.firmware },
    ...networks.map((name) => ({
      title: name.toUpperCase(),
      of: (host: HostPlan) => host.addresses[name]?.address ?? '-',
      always: true as const,
    })),
    { title: 'DISKS', of: disksText, always: true },
    { title: 'WIPE', of: (host) => `wipe ${host.disks.wipe}` },
  ];
  // What every host has alike is said once.
  const same = new Set(columns.filter(({ of, always }) => !always && new Set(hosts.map(of)).size === 1));
  const shown = columns.filter((column) => !same.has(column));
  const [first] = hosts;
  if (first && same.size > 0)
    heading.splice(-1, 0, `every host: ${[...same].map(({ of }) => of(first)).join(', ')}`);
  const titles = shown.map(({ title }) => title);
  const rows = hosts.map((host) => shown.map(({ of }) => of(host)));
  const warnings = quiet ? '' : problemsText(problems, paint);
  return `${heading.join('\n')}\n${table(titles, rows)}${warnings ? `\n${warnings}` : ''}`;
}

/** `2 ssd + 4 hdd RAID-10`: the system's pair and the data's disks. */
function disksText({ disks }: HostPlan): string {
  const striped = disks.layouts.some(({ arrays }) => arrays.some(({ level }) => level === 'raid10'));
  return disks.groups
    .map(({ name, count, media, min, transport }) =>
      [
        count,
        media === 'any' ? (count > 1 ? 'disks' : 'disk') : media,
        ...(transport ? [transport] : []),
        ...(min ? [`>=${sizeText(min)}`] : []),
        ...(striped && name === 'data' ? [LEVELS.raid10] : []),
      ].join(' '),
    )
    .join(' + ');
}

const LEVELS = { raid1: 'RAID-1', raid10: 'RAID-10' } as const;

function groupText(group: DiskGroupPlan | undefined): string {
  if (!group) return '-';
  const range = [group.min ? `>=${sizeText(group.min)}` : '', group.max ? `<=${sizeText(group.max)}` : '']
    .filter((t) => t !== '')
    .join(' ');
  const named = [
    ...group.serial,
    ...group.wwn,
    ...group.path,
    ...(group.model ? [group.model] : []),
    ...(group.transport ? [group.transport] : []),
  ].join(' ');
  return [
    `${group.count} ${group.media === 'any' ? (group.count > 1 ? 'disks' : 'disk') : group.media}`,
    range,
    named,
  ]
    .filter((t) => t !== '')
    .join(' ');
}

/** `/data xfs, RAID-1 data, the rest` */
function volumeText({ device, mount, type }: FilesystemPlan, layout: DiskLayout): string {
  const [kind, name = ''] = device.split(/:(.*)/s);
  const volume = layout.logicalVolumes.find((each) => `${each.group}/${each.name}` === name);
  const below = layout.volumeGroups.find((each) => each.name === volume?.group)?.devices ?? [device];
  const arrays = layout.arrays.filter((each) => below.includes(`array:${each.name}`));
  const [array] = arrays;
  const first = array?.members[0];
  const partition = layout.partitions.find(({ slot, number }) =>
    first ? slot === first.slot && number === first.number : `${slot}:${number}` === name,
  );
  const mib = kind === 'lv' ? volume?.size : partition && 'mib' in partition.size && partition.size.mib;
  return [
    `${mount} ${type}`,
    ...(array ? [`${LEVELS[array.level]} ${arrays.map((each) => each.name).join(' + ')}`] : []),
    ...(volume ? [`LVM ${name}`] : []),
    mib ? `${mib} MiB` : 'the rest',
  ].join(', ');
}

function detail(host: HostPlan, plan: Plan, paint: Paint): string {
  const title = (text: string) => `\n${paint('bold', text)}\n`;
  const lines = (list: readonly string[]) => list.map((text) => `  ${text}\n`).join('');
  const links = host.links.map((link) => {
    const on = link.networks.map((name) => {
      const address = host.addresses[name];
      const vlan = plan.cluster.networks[name]?.vlan;
      return `${name}${vlan === undefined ? '' : ` (VLAN ${vlan})`} ${address ? `${address.address}/${address.prefix}${address.allotted ? ' (allotted)' : ''}` : ''}`;
    });
    return `${link.name} ${link.bond ? `${link.bond.mode} of ` : ''}${link.macs.join(' + ')}, MTU ${link.mtu}: ${on.join('; ')}`;
  });
  const volumes = host.disks.groups.flatMap((group) => [
    `${group.name}: ${groupText(group)}`,
    ...host.disks.layouts.flatMap((layout) =>
      filesystemsOf(layout, group.name).map((file) => `  ${volumeText(file, layout)}`),
    ),
  ]);
  return (
    `${paint('bold', host.name)}: ${host.role.title}, ${host.os.title}, kernel ${host.kernel.flavor} ${host.kernel.version}, ${host.firmware}${host.serial ? `, serial ${host.serial}` : ''}\n` +
    title('Network') +
    lines([...links, `default route by ${host.defaultNetwork}`]) +
    title(`Disks (wipe: ${host.disks.wipe})`) +
    lines(volumes) +
    title('Packages installed after the base system') +
    lines(host.packages.post.map((group) => `${group.title}: ${group.packages.join(' ')}`)) +
    lines(
      host.artifacts.map(
        ({ name, version, urls, sha256 }) =>
          `${name} ${version} from ${urls[0]}${sha256 === undefined ? ', not locked' : ''}`,
      ),
    ) +
    title('Services') +
    lines([host.services.enabled.join(' ')]) +
    title('Overlays') +
    lines([host.overlays.join(' > ')]) +
    (hasKickstart(host)
      ? title('Boot it from the network with') + lines([bootLine(host, plan)])
      : title('To be installed by other means') +
        lines([`no kickstart installs ${host.os.title}: lay overlay.tar.gz and secrets.tar.gz over it`])) +
    title('Then it goes on by itself') +
    lines(['imgbuild-firstboot status, on the host, tells how far it is']) +
    title('Secrets') +
    lines(host.secrets.map((secret) => secret.path))
  );
}

/** What the kernel's line needs beside the installer's own tree (see README). */
function bootLine(host: KickstartTarget<HostPlan>, { cluster }: Plan): string {
  const nic = host.links.find((link) => link.networks.includes('management'));
  return [
    `inst.ks=${cluster.server ?? 'http://SERVER'}/hosts/${host.name}/ks.cfg`,
    `inst.repo=${host.installUrl}`,
    'ip=dhcp',
    ...(nic?.macs[0] ? [`BOOTIF=01-${nic.macs[0].replaceAll(':', '-')}`] : []),
    'inst.nosave=all_ks',
    ...(host.console ? [`console=${host.console}`] : []),
  ].join(' ');
}

interface FileRow {
  path: string;
  mode: string;
  owner: string;
  /** Secrets are not read to be counted. */
  bytes: string;
  from: string;
}

function filesOf(host: HostPlan, plan: Plan): FileRow[] {
  const mode = (bits: number) => bits.toString(8).padStart(4, '0');
  const rows = composeHostFiles(host, plan.cluster, loadAssets()).map((file) => ({
    path: file.path,
    mode: mode(file.mode),
    owner: `${file.owner}:${file.group}`,
    bytes: String(file.content.length),
    from: file.origin,
  }));
  const secrets = host.secrets.map((secret) => ({
    path: secret.path,
    mode: mode(secret.mode),
    owner: 'root:root',
    bytes: '-',
    from: `secrets/${secret.ref}`,
  }));
  return [...rows, ...secrets].sort((a, b) => (a.path < b.path ? -1 : 1));
}
