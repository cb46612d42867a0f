import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Command } from 'commander';
import fetch from 'node-fetch';
import { type AgentFor, agentsOf } from '../../artifacts/proxy.ts';
import { familyOf } from '../../catalog/families.ts';
import { artifactsOf } from '../../plan/artifacts.ts';
import { hasKickstart } from '../../plan/kickstart.ts';
import type { Plan } from '../../plan/types.ts';
import { compareVersions } from '../../plan/units.ts';
import { ExitCode } from '../../report/errors.ts';
import { painter } from '../../report/paint.ts';
import { table } from '../../report/table.ts';
import { runProgram } from '../exec.ts';
import { examples } from '../help.ts';
import type { Io } from '../io.ts';
import { type GlobalOptions, globalOptions } from '../options.ts';
import { progress } from '../progress.ts';
import { soundProject } from '../project.ts';

/** One thing that was looked at. */
interface Check {
  what: string;
  state: 'ok' | 'missing' | 'failed';
  /** What was found, or what is wrong and what to do. */
  detail: string;
  /** Without it the main job cannot be done. */
  needed: boolean;
}

/** Programs that imgbuild or its output is used with: how to ask for their version, and what they are for. */
const PROGRAMS = [
  { name: 'packer', args: ['version'], oldest: '1.9.0', use: 'golden images' },
  { name: 'qemu-system-x86_64', args: ['--version'], oldest: '5.0', use: 'golden images' },
  { name: 'ksvalidator', args: ['--version'], oldest: '3.0', use: 'a second opinion on kickstarts' },
] as const;

const TIMEOUT_MS = 10_000;

export function doctorCommand(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('doctor')
    .summary('check this machine, and the mirrors that hosts will use')
    .description(
      'Looks for the programs that are used with imgbuild, and asks each mirror of the spec for what hosts will fetch.',
    )
    .option('--offline', 'leave the mirrors alone')
    .addHelpText(
      'after',
      examples([
        ['imgbuild doctor', 'programs, folders, and every repository of the spec'],
        ['imgbuild doctor --offline', 'this machine alone'],
      ]),
    )
    .action(async (flags: { offline?: true }, command: Command) =>
      done(await doctorAction(flags.offline === true, globalOptions(command, io), io)),
    );
}

async function doctorAction(offline: boolean, options: GlobalOptions, io: Io): Promise<ExitCode> {
  const { plan } = await soundProject(options, io);
  const counter = progress(io, 'checking', options.quiet || options.json);
  const urls = offline ? [] : urlsOf(plan);
  const agentFor = agentsOf(offline ? {} : io.env);
  let done = 0;
  const counted = async (check: Promise<Check>) => {
    const result = await check;
    counter.step(++done, PROGRAMS.length + urls.length + 1);
    return result;
  };
  const checks = await Promise.all([
    counted(folderCheck(options.directory)),
    ...PROGRAMS.map((program) => counted(programCheck(program))),
    ...urls.map((each) => counted(urlCheck(each, agentFor))),
  ]);
  counter.end();
  const failed = checks.some((check) => check.needed && check.state !== 'ok');
  if (options.json) io.out(`${JSON.stringify({ ok: !failed, checks }, null, 2)}\n`);
  else {
    const paint = painter(io.outIsTerminal, io.env);
    const colour = { ok: 'green', missing: 'yellow', failed: 'red' } as const;
    const shown = options.quiet ? checks.filter((check) => check.state !== 'ok') : checks;
    if (shown.length > 0)
      io.out(
        table(
          ['STATE', 'WHAT', 'DETAIL'],
          shown.map(({ what, state, detail }) => [paint(colour[state], state), what, detail]),
        ),
      );
  }
  return failed ? ExitCode.program : ExitCode.done;
}

async function folderCheck(directory: string): Promise<Check> {
  const writable = await access(directory, constants.W_OK).then(
    () => true,
    () => false,
  );
  return {
    what: 'folder',
    needed: true,
    state: writable ? 'ok' : 'failed',
    detail: writable ? directory : `${directory} cannot be written to`,
  };
}

async function programCheck({ name, args, oldest, use }: (typeof PROGRAMS)[number]): Promise<Check> {
  const about = { what: name, needed: false };
  try {
    const version = /(\d+\.\d+(\.\d+)?)/.exec(await runProgram(name, args))?.[1] ?? '?';
    if (compareVersions(version, oldest) < 0)
      return { ...about, state: 'failed', detail: `${version}; ${use} want ${oldest} or newer` };
    return { ...about, state: 'ok', detail: version };
  } catch {
    return { ...about, state: 'missing', detail: `for ${use}; not needed for render` };
  }
}

/** Something that hosts will fetch; any of the URLs will do. */
interface Source {
  what: string;
  urls: readonly string[];
}

/** What hosts will fetch: each repository's index, each key, each file; once each. */
function urlsOf(plan: Plan): Source[] {
  const found = new Map<string, string>();
  for (const target of [...plan.hosts, ...plan.roles]) {
    const family = familyOf(target.os);
    if (hasKickstart(target)) found.set(`${target.installUrl.replace(/\/+$/, '')}/.treeinfo`, 'install tree');
    for (const repository of target.repositories)
      found.set(`${repository.url.replace(/\/+$/, '')}/${family.index(repository)}`, repository.name);
    for (const { name, url } of target.keys) found.set(url, `key ${name}`);
  }
  return [
    ...[...found].map(([url, what]) => ({ what, urls: [url] })),
    ...artifactsOf(plan).map(({ name, version, urls }) => ({ what: `${name} ${version}`, urls })),
  ];
}

async function urlCheck({ what, urls }: Source, agentFor: AgentFor): Promise<Check> {
  const wrong: string[] = [];
  for (const url of urls) {
    const why = await noAnswer(url, agentFor);
    if (why === undefined) return { what, needed: true, state: 'ok', detail: url };
    wrong.push(why);
  }
  return { what, needed: true, state: 'failed', detail: wrong.join('; ') };
}

/** Why a URL does not answer as it should. */
async function noAnswer(url: string, agentFor: AgentFor): Promise<string | undefined> {
  try {
    const answer = await fetch(url, {
      method: 'HEAD',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      agent: (at) => agentFor(at),
    });
    return answer.ok ? undefined : `${url} answers ${answer.status}`;
  } catch (error) {
    const { name, code } = error as { name: string; code?: string };
    const why =
      name === 'AbortError' || name === 'TimeoutError'
        ? `no answer in ${TIMEOUT_MS / 1000} s`
        : (code ?? name);
    return `${url}: ${why}`;
  }
}
