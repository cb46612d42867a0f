import { hasKickstart } from '../plan/kickstart.ts';
import type { HostPlan, Plan, RolePlan } from '../plan/types.ts';
import { archive } from './archive.ts';
import { composeParts } from './compose.ts';
import { renderKickstart } from './kickstart.ts';
import { renderPacker } from './packer.ts';
import type { Assets, HostFile, OutputFile } from './types.ts';
import { inScope, type Scope, sha256 } from './write.ts';

export interface RenderOptions {
  assets: Assets;
  /** The value of a secret by its name in the store. */
  resolve: (ref: string) => string;
  scope?: Scope;
  /** Both archives inside the kickstart, which is then itself a secret. */
  selfContained?: boolean;
  /** Called after each host and role. */
  onProgress?: (done: number, all: number) => void;
}

/** Every file of the output, in memory. The same plan and secrets give the same bytes. */
export async function renderAll(plan: Plan, options: RenderOptions): Promise<OutputFile[]> {
  const { scope } = options;
  const hosts = plan.hosts.filter((host) => inScope({ host: host.name, role: host.role.name }, scope));
  const roles = plan.roles.filter((role) => inScope({ role: role.name }, scope));
  const files: OutputFile[] = [];
  const all = hosts.length + roles.length;
  let done = 0;
  for (const batch of batches([...hosts, ...roles])) {
    const rendered = await Promise.all(
      batch.map((target) =>
        target.kind === 'host' ? renderHost(target, plan, options) : renderRole(target, plan, options),
      ),
    );
    files.push(...rendered.flat());
    done += batch.length;
    options.onProgress?.(done, all);
  }
  return files;
}

/** So many at once that compression keeps the other cores busy, and few enough to hold in memory. */
const BATCH = 16;

function* batches<T>(list: readonly T[]): Generator<T[]> {
  for (let start = 0; start < list.length; start += BATCH) yield list.slice(start, start + BATCH);
}

async function renderHost(host: HostPlan, plan: Plan, options: RenderOptions): Promise<OutputFile[]> {
  const { assets, resolve, selfContained } = options;
  const { shared, own } = composeParts(host, plan.cluster, assets);
  const [overlay, secrets] = await Promise.all([archive(shared, own), archive(secretFiles(host, resolve))]);
  const owner = { host: host.name, role: host.role.name };
  const file = (name: string, content: Buffer, mode = 0o644): OutputFile => ({
    path: `hosts/${host.name}/${name}`,
    content,
    mode,
    owner,
  });
  const archives = [file('overlay.tar.gz', overlay), file('secrets.tar.gz', secrets, 0o600)];
  if (!hasKickstart(host)) return archives;
  const kickstart = renderKickstart(host, plan, assets, {
    overlaySha256: sha256(overlay),
    secretsSha256: sha256(secrets),
    ...(selfContained ? { embed: { overlay, secrets } } : {}),
  });
  if (selfContained) return [file('ks.cfg', Buffer.from(kickstart), 0o600)];
  return [file('ks.cfg', Buffer.from(kickstart)), ...archives];
}

async function renderRole(role: RolePlan, plan: Plan, { assets }: RenderOptions): Promise<OutputFile[]> {
  const { shared, own } = composeParts(role, plan.cluster, assets);
  const overlay = await archive(shared, own);
  const digest = sha256(overlay);
  const owner = { role: role.name };
  const file = (path: string, content: Buffer): OutputFile => ({ path, content, mode: 0o644, owner });
  const laid = file(`roles/${role.name}/overlay.tar.gz`, overlay);
  if (!hasKickstart(role)) return [laid];
  const kickstart = renderKickstart(role, plan, assets, { overlaySha256: digest });
  return [
    file(`roles/${role.name}/ks.cfg`, Buffer.from(kickstart)),
    laid,
    ...renderPacker(role, plan, assets, { content: overlay, sha256: digest }),
  ];
}

function secretFiles(host: HostPlan, resolve: (ref: string) => string): HostFile[] {
  return host.secrets.map(({ path, mode, ref }) => ({
    path,
    mode,
    owner: 'root',
    group: 'root',
    content: Buffer.from(resolve(ref)),
    origin: 'secrets',
  }));
}
