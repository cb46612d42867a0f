import path from 'node:path';
import { type Command, Option } from 'commander';
import { writeLock } from '../../plan/lock.ts';
import type { Plan } from '../../plan/types.ts';
import { loadAssets } from '../../render/assets.ts';
import { changeText } from '../../render/diff.ts';
import { readManifest } from '../../render/manifest.ts';
import { renderAll } from '../../render/render.ts';
import type { OutputFile } from '../../render/types.ts';
import { type Changes, compare, type Scope, sha256, write } from '../../render/write.ts';
import { suggest } from '../../report/did-you-mean.ts';
import { ExitCode, UserError } from '../../report/errors.ts';
import { painter } from '../../report/paint.ts';
import { plural, problemsText } from '../../report/print.ts';
import { ensure, missing } from '../../secrets/ensure.ts';
import { belongsTo } from '../../secrets/owner.ts';
import { resolve } from '../../secrets/resolve.ts';
import { openStore } from '../../secrets/store.ts';
import { readTokens } from '../../secrets/tokens.ts';
import { version } from '../../version.ts';
import { examples } from '../help.ts';
import type { Io } from '../io.ts';
import { type GlobalOptions, globalOptions, repeatable } from '../options.ts';
import { progress } from '../progress.ts';
import { hostNamed, type SoundProject, soundProject } from '../project.ts';

interface RenderFlags {
  role: string[];
  host: string[];
  out: string;
  dryRun?: true;
  check?: true;
  selfContained?: true;
  newSecrets?: true;
}

export function renderCommand(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('render')
    .summary('write kickstarts, overlays, secrets and Packer HCL')
    .description(
      'Writes everything that hosts are installed from. Secrets that are missing are made first; addresses that ' +
        'are not given are allotted and kept in addresses.lock.yaml. Without a cluster.yaml the built-in example is rendered.',
    )
    .addOption(
      repeatable('-r, --role <role>', 'this role alone: its hosts and its golden image; repeatable', 'all'),
    )
    .addOption(repeatable('-H, --host <host>', 'this host alone; repeatable', 'all'))
    .option('-o, --out <dir>', 'where to write', 'out')
    .addOption(
      new Option('-n, --dry-run', 'write nothing and show what would change, as a diff').conflicts('check'),
    )
    .option('--check', 'write nothing; exit 1 where the output is not what the spec gives')
    .option(
      '--self-contained',
      'put both archives inside the kickstart, for a stick or an OEMDRV volume; it is then a secret',
    )
    .option(
      '--new-secrets',
      'make a new authority though this cluster was rendered before: every host has to be built anew',
    )
    .addHelpText(
      'after',
      examples([
        ['imgbuild render', 'everything, to out/'],
        ['imgbuild render --role etcd', 'the etcd hosts and the etcd image'],
        ['imgbuild render --host worker-7 --dry-run', 'what a change of the spec means for one host'],
        ['imgbuild render --check --quiet', 'in CI: is the committed output up to date?'],
        ['imgbuild render --spec base.yaml --spec site.yaml', 'one file laid over another'],
      ]),
    )
    .action(async (flags: RenderFlags, command: Command) =>
      done(await renderAction(flags, globalOptions(command, io), io)),
    );
}

async function renderAction(flags: RenderFlags, options: GlobalOptions, io: Io): Promise<ExitCode> {
  const project = await soundProject(options, io);
  const scope = scopeOf(flags, project.plan);
  const out = path.resolve(options.directory, flags.out);
  const writes = !flags.dryRun && !flags.check;
  const store = openStore(options.secrets);
  const now = io.now();
  belongsTo(project.plan, store);
  const lacking = missing(project.plan, store);
  if (writes && !flags.newSecrets) refuseNewAuthority(lacking, out, project.plan, options);
  const isFirst = readTokens(store).size === 0;
  const made = writes ? (await ensure(project.plan, store, { now })).made : [];
  const stored = resolve(project.plan, store);
  // A dry run makes no secret: for one that is missing stands its name.
  const value = (ref: string) => {
    try {
      return stored(ref);
    } catch (error) {
      if (writes || lacking.length === 0) throw error;
      return `${ref} is made when this is rendered\n`;
    }
  };

  const counter = progress(io, 'rendering', options.quiet || options.json);
  const files = await renderAll(project.plan, {
    assets: loadAssets(),
    resolve: value,
    ...(scope ? { scope } : {}),
    ...(flags.selfContained ? { selfContained: true } : {}),
    onProgress: counter.step,
  });
  counter.end();
  const about = {
    imgbuild: version(),
    cluster: project.plan.cluster.mark,
    spec: sha256(Buffer.from(project.texts.map(({ text }) => text).join('\n'))),
  };
  const changes = compare(out, files, about, scope);
  // The init makes the first tokens known, and none that come later.
  const newcomers = isFirst ? [] : made.flatMap((ref) => (ref.startsWith('tokens/') ? [ref.slice(7)] : []));
  const result: Result = { project, flags, options, io, out, changes, made, newcomers, lacking, files };
  if (writes) {
    write(out, changes);
    const lockChanged = project.isExample
      ? false
      : await writeLock(project.lockFile, project.lockBefore, project.lock);
    report({ ...result, lockChanged });
    return ExitCode.done;
  }
  await reportDry(result);
  const differs = changes.changes.length > 0 || changes.manifestChanges || lacking.length > 0;
  return flags.check && differs ? ExitCode.problems : ExitCode.done;
}

/** A second authority for a cluster that was rendered before would part its new hosts from its old ones. */
function refuseNewAuthority(
  lacking: readonly string[],
  out: string,
  plan: Plan,
  { secrets }: GlobalOptions,
): void {
  const authority = lacking.find((ref) => /(^|-|\/)ca\.crt$/.test(ref));
  const before = readManifest(out);
  if (authority === undefined || before.cluster !== plan.cluster.mark) return;
  throw new UserError(
    `${secrets} has no ${authority}, and ${out} holds hosts of this cluster that were rendered with one`,
    'restore the folder, or name it with --secrets; --new-secrets begins a new cluster of the same name',
  );
}

interface Result {
  project: SoundProject;
  flags: RenderFlags;
  options: GlobalOptions;
  io: Io;
  out: string;
  changes: Changes;
  made: readonly string[];
  /** Hosts that a cluster which runs already has not heard of. */
  newcomers: readonly string[];
  lacking: readonly string[];
  files: readonly OutputFile[];
  lockChanged?: boolean;
}

function scopeOf({ role, host }: RenderFlags, plan: Plan): Scope | undefined {
  const roles = plan.roles.map(({ name }) => name);
  for (const name of role)
    if (!roles.includes(name))
      throw new UserError(`no host of the spec has the role "${name}"`, suggest(name, roles), ExitCode.usage);
  for (const name of host) hostNamed(name, plan);
  return role.length + host.length > 0
    ? { roles: role, hosts: host, roleOf: new Map(plan.hosts.map((each) => [each.name, each.role.name])) }
    : undefined;
}

function json({ project, changes, made, lacking, out, lockChanged }: Result): string {
  return `${JSON.stringify(
    {
      out,
      builtInExample: project.isExample,
      changes: changes.changes.map(({ kind, path: name }) => ({ kind, path: name })),
      unchanged: changes.unchanged,
      keptThoughNotRendered: changes.kept,
      secretsMade: made,
      secretsMissing: made.length > 0 ? [] : lacking,
      addressesLocked: lockChanged ?? false,
      problems: project.problems,
    },
    null,
    2,
  )}\n`;
}

function report(result: Result): void {
  const { io, options, project, changes, made, out } = result;
  if (options.json) return void io.out(json(result));
  warn(result);
  if (options.quiet) return;
  const relative = path.relative(options.directory, out) || '.';
  const hosts = new Set(result.files.flatMap(({ owner }) => owner.host ?? []));
  const kinds = { new: ['create'], changed: ['update', 'mode'], removed: ['remove'] };
  const what = Object.entries(kinds)
    .map(([word, of]) => ({ word, count: changes.changes.filter(({ kind }) => of.includes(kind)).length }))
    .flatMap(({ word, count }) => (count > 0 ? [`${count} ${word}`] : []))
    .join(', ');
  io.out(
    `${relative}: ${plural(result.files.length, 'file')} for ${plural(hosts.size, 'host')}: ${what || 'nothing changed'}\n`,
  );
  if (made.length > 0)
    io.out(
      `${path.relative(options.directory, options.secrets)}: ${plural(made.length, 'new secret')}; keep this folder safe, and out of version control\n`,
    );
  if (result.lockChanged)
    io.out(`${path.basename(project.lockFile)}: allotted addresses recorded; commit it with the spec\n`);
  const [host] = hosts;
  if (host !== undefined && changes.changes.length > 0)
    io.out(
      `next: look at one host ("imgbuild plan ${host}" also says how to boot it), then publish ${relative}\n`,
    );
  for (const joining of result.newcomers.slice(0, 3))
    io.out(
      `next: tell the cluster of ${joining}, where it runs already: imgbuild secrets token ${joining} | kubectl apply -f -\n`,
    );
  if (result.newcomers.length > 3) io.out(`      and so for ${result.newcomers.length - 3} more\n`);
}

/** What a person should know, on standard error. */
function warn({ io, options, project, changes, out }: Result): void {
  const paint = painter(io.errIsTerminal, io.env);
  if (!options.quiet) io.err(problemsText(project.problems, paint));
  for (const name of changes.kept)
    io.err(`${path.join(out, name)} is no longer rendered, but somebody changed it: left alone\n`);
}

async function reportDry(result: Result): Promise<void> {
  const { io, options, changes, lacking, flags, out } = result;
  if (options.json) return void io.out(json(result));
  warn(result);
  if (flags.dryRun) for (const change of changes.changes) io.out(await changeText(out, change));
  if (options.quiet) return;
  if (flags.check)
    for (const { kind, path: name } of changes.changes)
      io.out(
        `${{ create: 'missing', update: 'differs', mode: 'mode differs', remove: 'left over' }[kind]}: ${name}\n`,
      );
  if (lacking.length > 0) io.out(`${plural(lacking.length, 'secret')} would be made\n`);
  const differ = changes.changes.length;
  if (differ > 0)
    io.out(
      `${plural(differ, 'file')} ${flags.check ? 'differ' : 'would change'}, ${changes.unchanged} as they are\n`,
    );
  else if (changes.manifestChanges)
    io.out('the files are what the spec gives; the manifest names another spec or version\n');
  else if (lacking.length === 0) io.out('the output is what the spec gives\n');
}
