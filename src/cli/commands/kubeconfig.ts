import { existsSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { API_PORT } from '../../plan/cluster.ts';
import { toAddress, toRange } from '../../plan/ipv4.ts';
import type { Plan } from '../../plan/types.ts';
import { toSeconds } from '../../plan/units.ts';
import { apiNames } from '../../render/documents/kubeadm-cluster.ts';
import { kubeYaml } from '../../render/documents/kubeadm-form.ts';
import { ExitCode, reasonOf, UserError } from '../../report/errors.ts';
import { kubeconfig, signClient } from '../../secrets/client.ts';
import { belongsTo } from '../../secrets/owner.ts';
import { openStore } from '../../secrets/store.ts';
import { examples } from '../help.ts';
import type { Io } from '../io.ts';
import { type GlobalOptions, globalOptions } from '../options.ts';
import { soundProject } from '../project.ts';

/** Whom RBAC does not ask: hard-wired in the API server. */
const MASTERS = 'system:masters';

interface KubeconfigFlags {
  user: string;
  group: string[];
  ttl: string;
  server?: string;
  out?: string;
  force?: true;
}

export function kubeconfigCommand(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('kubeconfig')
    .summary('a kubeconfig of your own, signed by the cluster’s authority')
    .description(
      'Signs a client certificate with the authority in ./secrets and prints a kubeconfig with it, or writes it to a ' +
        'file that you alone can read. The cluster need not run, nor exist yet. Nothing is kept of the key.',
    )
    .option('--user <name>', 'whom the API server takes it for, and its log names', subject, 'admin')
    .option(
      '--group <name>',
      `a group of that user; repeatable (default: ${MASTERS}, who may do everything)`,
      (value: string, before: string[] = []) => [...before, subject(value)],
    )
    .option('--ttl <time>', 'how long it is good for, in hours or minutes', duration, '8760h')
    .option('--server <url>', 'where the API is (default: the cluster’s endpoint)', serverUrl)
    .option('-o, --out <file>', 'write it to this file, with mode 0600')
    .option('--force', 'replace the file where it is there already')
    .addHelpText(
      'after',
      examples([
        ['imgbuild kubeconfig --out ~/.kube/config', 'an administrator’s, for a year'],
        [
          'imgbuild kubeconfig --user ann --group kubeadm:cluster-admins --ttl 12h',
          'one that RBAC can take back',
        ],
        [
          'imgbuild kubeconfig --server https://100.64.0.11:6443',
          'from where the endpoint’s name is not known',
        ],
      ]),
    )
    .action(async (flags: KubeconfigFlags, command: Command) =>
      done(await kubeconfigAction(flags, globalOptions(command, io), io)),
    );
}

function subject(text: string): string {
  // 64 characters: what X.509 allows for a name.
  if (!/^[^\p{Cc}]{1,64}$/u.test(text)) throw new InvalidArgumentError('it must have 1 to 64 characters.');
  return text;
}

function duration(text: string): string {
  if (!/^[1-9]\d{0,5}[hm]$/.test(text))
    throw new InvalidArgumentError('it must be hours or minutes, such as 8760h.');
  return text;
}

function serverUrl(text: string): string {
  if (!/^https:\/\/[^/\s]+\/?$/.test(text) || !URL.canParse(text))
    throw new InvalidArgumentError('it must be an https:// URL, such as https://100.64.0.11:6443.');
  return text.replace(/\/$/, '');
}

async function kubeconfigAction(flags: KubeconfigFlags, options: GlobalOptions, io: Io): Promise<ExitCode> {
  const { plan } = await soundProject(options, io);
  const file = flags.out === undefined ? undefined : path.resolve(options.directory, flags.out);
  if (file !== undefined && !flags.force) mustBeFree(file);
  const store = openStore(options.secrets);
  belongsTo(plan, store);

  const now = io.now();
  const { user, group: groups = [MASTERS] } = flags;
  const until = new Date(now.getTime() + toSeconds(flags.ttl) * 1000);
  const credentials = await signClient(store, { user, groups, until }, now);
  const { name, endpoint } = plan.cluster;
  const server = flags.server ?? `https://${endpoint.name}:${endpoint.port}`;
  const config = kubeconfig(name, server, user, credentials);

  if (file !== undefined) await writePrivately(file, kubeYaml(config), flags.force === true);
  const { notAfter } = credentials;
  const warnings = [...strangerWarning(server, plan), ...cutWarning(notAfter, until)];
  if (options.json) {
    const about = { user, groups, server, notAfter, warnings };
    io.out(
      `${JSON.stringify({ ...about, ...(file === undefined ? { kubeconfig: config } : { file }) }, null, 2)}\n`,
    );
    return ExitCode.done;
  }
  if (file === undefined) io.out(kubeYaml(config));
  if (options.quiet) return ExitCode.done;
  if (file !== undefined)
    io.out(
      `${path.relative(io.cwd, file)}: ${user} of ${groups.join(', ')} at ${server}, good until ${day(notAfter)}\n`,
    );
  for (const warning of warnings) io.err(`warning: ${warning}\n`);
  if (groups.includes(MASTERS)) io.err(mastersNote(notAfter));
  if (flags.server === undefined) io.err(endpointNote(plan));
  return ExitCode.done;
}

const day = (date: Date) => date.toISOString().slice(0, 10);

const mastersNote = (notAfter: Date) =>
  `note: nothing limits ${MASTERS}, and nobody can take it back before ${day(notAfter)}; with --group kubeadm:cluster-admins a ClusterRoleBinding says what it may do (Kubernetes 1.29 and newer)\n`;

/** The endpoint's name stands in the hosts' own /etc/hosts; with the local proxy each finds it at itself, and nobody else anywhere. */
function endpointNote({ cluster: { endpoint } }: Plan): string {
  const { name, port, via, address, servers } = endpoint;
  return via === 'local-proxy'
    ? `note: https://${name}:${port} is a proxy on each of the cluster’s hosts, for that host alone; elsewhere: --server https://${servers[0]?.address}:${API_PORT}\n`
    : `note: ${name} is a name that the cluster’s hosts know; elsewhere it takes a DNS entry, or --server https://${address}:${port}\n`;
}

/** A client refuses an API server whose certificate does not name it as the client does. */
function strangerWarning(server: string, { cluster }: Plan): string[] {
  const { hostname } = new URL(server);
  const names = apiNames(cluster);
  if ([...names, ...ownNames(cluster)].some((name) => name.toLowerCase() === hostname)) return [];
  return [
    `the API servers’ certificates do not name ${hostname}: clients will refuse them; they name ${names.join(', ')}`,
  ];
}

/** What kubeadm names besides: the API by the names and the address that pods have for it. */
function ownNames({ kubernetes: { dnsDomain, serviceSubnet } }: Plan['cluster']): string[] {
  const service = ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc'];
  const first = toAddress(toRange(serviceSubnet).first + 1);
  return [...service, `kubernetes.default.svc.${dnsDomain}`, first];
}

/** What an authority signs ends with it. A certificate's times are whole seconds. */
function cutWarning(notAfter: Date, until: Date): string[] {
  if (until.getTime() - notAfter.getTime() < 1000) return [];
  return [`it is good until ${day(notAfter)}, not ${day(until)}: the cluster’s authority ends then`];
}

function mustBeFree(file: string): void {
  if (existsSync(file))
    throw new UserError(
      `${file} is there already`,
      'name another file, or replace it with --force',
      ExitCode.usage,
    );
}

/** Whole or not at all, and never open to others. */
async function writePrivately(file: string, text: string, replace: boolean): Promise<void> {
  const temporary = `${file}.new`;
  try {
    await mkdir(path.dirname(file), { recursive: true });
    await rm(temporary, { force: true });
    await writeFile(temporary, text, { mode: 0o600, flag: 'wx' });
    if (!replace) mustBeFree(file);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    if (error instanceof UserError) throw error;
    throw new UserError(
      `cannot write ${file}: ${reasonOf(error)}`,
      'make room, correct the permissions, or name another file',
      ExitCode.program,
      error,
    );
  }
}
