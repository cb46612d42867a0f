import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Argument, type Command, InvalidArgumentError } from 'commander';
import type { Plan } from '../../plan/types.ts';
import { ExitCode, reasonOf, UserError } from '../../report/errors.ts';
import { painter } from '../../report/paint.ts';
import { plural } from '../../report/print.ts';
import { table } from '../../report/table.ts';
import { describe, orphans, type Row } from '../../secrets/describe.ts';
import { ensure } from '../../secrets/ensure.ts';
import { importCa } from '../../secrets/import.ts';
import { belongsTo } from '../../secrets/owner.ts';
import { type Renewed, renew, renewCa } from '../../secrets/renew.ts';
import { AUTHORITIES, type CaName, PASSWORD } from '../../secrets/requirements.ts';
import { resolve } from '../../secrets/resolve.ts';
import { openStore, type SecretStore } from '../../secrets/store.ts';
import { joiningHosts, type Rotated, rotateTokens } from '../../secrets/tokens.ts';
import { examples } from '../help.ts';
import type { Io } from '../io.ts';
import { type GlobalOptions, globalOptions, repeatable } from '../options.ts';
import { hostNamed, soundProject } from '../project.ts';
import { tokenAction } from './secrets-token.ts';

const CA_NAMES = Object.keys(AUTHORITIES) as CaName[];

export function secretsCommand(program: Command, io: Io, done: (code: ExitCode) => void): void {
  const secrets = program
    .command('secrets')
    .summary('the cluster’s keys, certificates, tokens and password')
    .description(
      'The cluster’s authorities, etcd’s certificates, the service-account key, a bootstrap token for each joining ' +
        'host, the break-glass password and, where the spec has a server, the master of the keys that hosts sign their ' +
        'reports with. "render" makes what is missing; they are kept in ./secrets.',
    )
    .addHelpText(
      'after',
      examples([
        ['imgbuild secrets show', 'what there is, and when it expires; no values'],
        ['imgbuild secrets show --password', 'the password of the break-glass account'],
        ['imgbuild secrets rotate-tokens --host worker-7', 'a new token for a host that was rebuilt'],
        ['imgbuild secrets renew --within 180', 'certificates that expire within half a year'],
        ['imgbuild secrets import-ca kubernetes --cert ca.crt --key ca.key', 'an authority of your own'],
      ]),
    );
  const act =
    <F>(work: (flags: F, options: GlobalOptions) => Promise<ExitCode>) =>
    async (flags: F, command: Command) =>
      done(await work(flags, globalOptions(command, io)));

  const sub = (name: string, summary: string, about: string, cases: Parameters<typeof examples>[0]) =>
    secrets.command(name).summary(summary).description(about).addHelpText('after', examples(cases));

  sub(
    'show',
    'list secrets and when they expire, without their values',
    'Lists what the plan needs, how each of it is doing and when it expires. No value is shown. The time of a ' +
      'bootstrap token (kubernetes.tokenTtl) runs from the cluster’s init on; "secrets token" gives it a new one.',
    [
      ['imgbuild secrets show', 'what there is, and what is missing'],
      ['imgbuild secrets show --password', 'the password of the break-glass account, alone'],
      ['imgbuild secrets show --token worker-7', 'the bootstrap token of one host, alone'],
    ],
  )
    .option('--password', 'print the break-glass password instead')
    .option('--token <host>', 'print a host’s bootstrap token instead')
    .action(
      act((flags: { password?: true; token?: string }, options) => {
        if (flags.password) return showPassword(options, io);
        return flags.token === undefined ? show(options, io) : showToken(flags.token, options, io);
      }),
    );
  sub('ensure', 'make what is missing', 'Makes what is missing, as "render" does, and renders nothing.', [
    ['imgbuild secrets ensure', 'before the first render, to look at them'],
    ['imgbuild secrets ensure --ca-years 30', 'authorities that outlive the hardware'],
  ])
    .option('--ca-years <years>', 'how long a new authority lasts, 1 to 100 (default: 10)', wholeNumber)
    .action(act((flags: { caYears?: number }, options) => ensureAction(flags, options, io)));
  sub(
    'token',
    'what a cluster that runs already has to be told of a host that joins',
    'Prints the Secret by which the cluster honours a host’s token, for "kubectl apply -f -": for a host that is added ' +
      'later, or is installed anew. Where the host has no token yet, one is made.',
    [
      ['imgbuild secrets token worker-7 | kubectl apply -f -', 'from a machine that reaches the cluster'],
      ['imgbuild secrets token worker-7 --json', 'the same as JSON'],
    ],
  )
    .addArgument(new Argument('<host>', 'the host'))
    .action(async (host: string, _flags: object, command: Command) =>
      done(await tokenAction(host, globalOptions(command, io), io)),
    );
  sub(
    'rotate-tokens',
    'new bootstrap tokens',
    'Replaces the tokens that hosts join with. A host that has joined does not need its token any more.',
    [
      ['imgbuild secrets rotate-tokens', 'of all hosts'],
      ['imgbuild secrets rotate-tokens --host worker-7', 'of one that is rebuilt'],
    ],
  )
    .addOption(repeatable('-H, --host <host>', 'of this host alone; repeatable', 'all'))
    .action(act((flags: { host: string[] }, options) => rotate(flags.host, options, io)));
  sub(
    'renew',
    'issue certificates anew that expire soon or no longer fit the plan',
    'Issues certificates anew, with the key that they have. Without options: those that expire within 90 days or ' +
      'no longer fit the plan.',
    [
      ['imgbuild secrets renew --within 180', 'those that expire within half a year'],
      ['imgbuild secrets renew --all --new-keys', 'all of them, keys too'],
      ['imgbuild secrets renew --ca etcd', 'an authority’s own certificate'],
    ],
  )
    .option('--within <days>', 'those that expire within so many days (default: 90)', wholeNumber)
    .option('--all', 'all of them')
    .option('--new-keys', 'with new keys')
    .option('--ca <name>', `an authority’s own certificate instead, same key: ${CA_NAMES.join(', ')}`)
    .action(act((flags: RenewFlags, options) => renewAction(flags, options, io)));
  sub(
    'import-ca',
    'bring an authority of your own',
    'Takes an authority of your own in place of one that would be made.',
    [
      ['imgbuild secrets import-ca kubernetes --cert ca.crt --key ca.key', 'before the first render'],
      ['imgbuild secrets import-ca etcd --cert etcd-ca.crt', 'its key stays elsewhere'],
    ],
  )
    .addArgument(new Argument('<name>', 'which one').choices(CA_NAMES))
    .requiredOption('--cert <file>', 'its certificate, PEM')
    .option('--key <file>', 'its key, PEM; without it nothing can be signed here')
    .option('--force', 'replace another authority: every host has to be built anew')
    .action(async (name: CaName, flags: ImportFlags, command: Command) =>
      done(await importAction(name, flags, globalOptions(command, io), io)),
    );
}

function wholeNumber(text: string): number {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError('it must be a whole number.');
  return Number(text);
}

/** The store that options name, where it is this cluster’s. */
function storeOf(plan: Plan, options: GlobalOptions): SecretStore {
  const store = openStore(options.secrets);
  belongsTo(plan, store);
  return store;
}

async function show(options: GlobalOptions, io: Io): Promise<ExitCode> {
  const { plan } = await soundProject(options, io);
  const store = storeOf(plan, options);
  const rows = describe(plan, store, io.now());
  const old = orphans(plan, store);
  if (options.json) {
    io.out(`${JSON.stringify({ directory: options.secrets, secrets: rows, notInPlan: old }, null, 2)}\n`);
    return ExitCode.done;
  }
  const paint = painter(io.outIsTerminal, io.env);
  const status = ({ status: text }: Row) =>
    text === 'ok' ? text : paint(text === 'missing' || text === 'expires soon' ? 'yellow' : 'red', text);
  io.out(
    table(
      ['SECRET', 'KIND', 'EXPIRES', 'DAYS', 'STATUS', 'FOR'],
      rows.map((row) => [
        row.ref,
        row.kind,
        row.notAfter?.toISOString().slice(0, 10) ?? termText(row),
        row.daysLeft?.toString() ?? '-',
        status(row),
        (row.sans ?? []).join(' ') || (row.kind === 'pin' ? (row.fingerprint ?? '') : (row.host ?? '-')),
      ]),
      io.columns,
    ),
  );
  for (const row of rows) for (const note of row.notes) io.err(`${row.ref}: ${note}\n`);
  if (old.length > 0 && !options.quiet) io.err(`no longer in the plan: ${old.join(', ')}\n`);
  return ExitCode.done;
}

/** A token's time, which nothing here knows the beginning of. */
function termText({ ttl, status }: Row): string {
  if (ttl === undefined || status === 'missing') return '-';
  return ttl === '0s' ? 'never' : `${ttl.replace(/(?<=h)0m0s$|(?<=m)0s$/, '')} after init`;
}

async function showPassword(options: GlobalOptions, io: Io): Promise<ExitCode> {
  const { plan } = await soundProject(options, io);
  const password = storeOf(plan, options).read(PASSWORD)?.trim();
  if (password === undefined)
    throw new UserError(
      `${options.secrets} holds no break-glass password`,
      'make it: imgbuild secrets ensure',
    );
  if (options.json) io.out(`${JSON.stringify({ user: plan.cluster.breakGlassUser, password })}\n`);
  else io.out(`${password}\n`);
  return ExitCode.done;
}

async function showToken(host: string, options: GlobalOptions, io: Io): Promise<ExitCode> {
  const { plan } = await soundProject(options, io);
  hostNamed(host, plan);
  joiningHosts(plan, [host]);
  const token = resolve(plan, storeOf(plan, options))(`tokens/${host}`).trim();
  io.out(options.json ? `${JSON.stringify({ host, token })}\n` : `${token}\n`);
  return ExitCode.done;
}

async function ensureAction(flags: { caYears?: number }, options: GlobalOptions, io: Io): Promise<ExitCode> {
  const { plan } = await soundProject(options, io);
  const { made } = await ensure(plan, storeOf(plan, options), { now: io.now(), ...flags });
  if (options.json) io.out(`${JSON.stringify({ directory: options.secrets, made }, null, 2)}\n`);
  else if (!options.quiet)
    io.out(made.length === 0 ? 'nothing was missing\n' : `${made.map((ref) => `made ${ref}\n`).join('')}`);
  return ExitCode.done;
}

async function rotate(hosts: string[], options: GlobalOptions, io: Io): Promise<ExitCode> {
  const { plan } = await soundProject(options, io);
  for (const name of hosts) hostNamed(name, plan);
  const rotated = await rotateTokens(plan, storeOf(plan, options), hosts.length > 0 ? { hosts } : {});
  if (options.json) {
    const names = rotated.map(({ host }) => host);
    const oldIds = Object.fromEntries(rotated.flatMap(({ host, oldId }) => (oldId ? [[host, oldId]] : [])));
    io.out(`${JSON.stringify({ rotated: names, oldIds }, null, 2)}\n`);
  } else if (!options.quiet) io.out(rotatedText(rotated));
  return ExitCode.done;
}

/** The old tokens first: until they are deleted, whoever has one can join. */
function rotatedText(rotated: readonly Rotated[]): string {
  const count = `new tokens for ${plural(rotated.length, 'host')}: render again.`;
  const old = rotated.flatMap(({ host, oldId }) =>
    oldId === undefined ? [] : [`  kubeadm token delete ${oldId}   # ${host}\n`],
  );
  const apply = rotated.map(({ host }) => `  imgbuild secrets token ${host} | kubectl apply -f -\n`);
  return [
    `${count} Where the cluster runs already:\n`,
    ...(old.length > 0
      ? ['first, on a control plane, so that it honours the old ones no more:\n', ...old]
      : []),
    'then, for a host only where it has yet to join:\n',
    ...apply,
  ].join('');
}

interface RenewFlags {
  within?: number;
  all?: true;
  newKeys?: true;
  ca?: string;
}

async function renewAction(
  { within, all, newKeys, ca }: RenewFlags,
  options: GlobalOptions,
  io: Io,
): Promise<ExitCode> {
  const { plan } = await soundProject(options, io);
  const store = storeOf(plan, options);
  const now = io.now();
  let renewed: Renewed[];
  if (ca === undefined) {
    renewed = await renew(plan, store, {
      now,
      ...(within === undefined ? {} : { within }),
      ...(all ? { force: true } : {}),
      ...(newKeys ? { newKeys: true } : {}),
    });
  } else {
    if (!CA_NAMES.includes(ca as CaName))
      throw new UserError(
        `there is no authority "${ca}"`,
        `choose from: ${CA_NAMES.join(', ')}`,
        ExitCode.usage,
      );
    renewed = [await renewCa(store, ca as CaName, { now })];
  }
  if (options.json) io.out(`${JSON.stringify({ renewed }, null, 2)}\n`);
  else if (!options.quiet) {
    io.out(
      renewed.length === 0
        ? 'no certificate had to be renewed\n'
        : renewed
            .map(
              ({ ref, why, notAfter }) =>
                `renewed ${ref}: ${why}; now good until ${notAfter.toISOString().slice(0, 10)}\n`,
            )
            .join(''),
    );
    if (renewed.length > 0)
      io.out(
        'render again; a host that runs already takes them over like this:\n  scp out/hosts/HOST/secrets.tar.gz USER@HOST: && ssh USER@HOST sudo tar -xpzf secrets.tar.gz -C / --no-overwrite-dir\n  ssh USER@HOST sudo sh -c "chown -R root:etcd /etc/etcd/pki; chmod 0640 /etc/etcd/pki/*.key; systemctl restart etcd"\n',
      );
  }
  return ExitCode.done;
}

interface ImportFlags {
  cert: string;
  key?: string;
  force?: true;
}

async function importAction(
  name: CaName,
  flags: ImportFlags,
  options: GlobalOptions,
  io: Io,
): Promise<ExitCode> {
  const read = async (file: string) => {
    try {
      return await readFile(path.resolve(options.directory, file), 'utf8');
    } catch (error) {
      throw new UserError(
        `cannot read ${file}: ${reasonOf(error)}`,
        'correct its path or permissions',
        ExitCode.usage,
        error,
      );
    }
  };
  const cert = await read(flags.cert);
  const key = flags.key === undefined ? undefined : await read(flags.key);
  const { written, warnings } = await importCa(openStore(options.secrets), name, cert, key, {
    now: io.now(),
    force: flags.force === true,
  });
  if (options.json) io.out(`${JSON.stringify({ written, warnings }, null, 2)}\n`);
  else {
    for (const warning of warnings) io.err(`warning: ${warning}\n`);
    if (!options.quiet)
      io.out(
        written.length === 0 ? 'the same authority was there already\n' : `wrote ${written.join(' and ')}\n`,
      );
  }
  return ExitCode.done;
}
