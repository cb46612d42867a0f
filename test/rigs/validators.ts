/**
 * The programs that read what we render, as functions from files to a `Verdict`. They touch no network and
 * nothing outside a scratch directory. `describeWith` (programs.ts) says which of them a test needs.
 */
import { existsSync } from 'node:fs';
import { readFile, realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { locate, type Program, run, type Verdict } from './programs.ts';
import { scratch } from './scratch.ts';

const rigs = import.meta.dirname;

/** For programs whose warnings count as well: not `ok` where anything is said, or the exit code says so. */
function silent(messages: string[], exitCode: number): Verdict {
  if (messages.length === 0 && exitCode !== 0) return { ok: false, messages: [`exit code ${exitCode}`] };
  return { ok: messages.length === 0, messages };
}

function without(lines: string[], ...noise: RegExp[]): string[] {
  return lines.filter((line) => !noise.some((pattern) => pattern.test(line)));
}

export type Handler = 'RHEL7' | 'RHEL8' | 'RHEL9' | 'RHEL10';
export type Kickstart = { handler: Handler } & ({ path: string } | { content: string });

/**
 * What ksvalidator says of each file, from one process for all. Messages are `line 3: …` and
 * `line 3: warning: …`; a warning makes a file not `ok`, so tests list the ones they expect.
 */
export async function ksvalidate(files: Kickstart[]): Promise<Verdict[]> {
  // ksvalidator's own Python, where pykickstart is.
  const python = join(dirname(await realpath(locate('ksvalidator'))), 'python3');
  const input = JSON.stringify(files);
  const result = await run({ path: python }, [join(rigs, 'ksvalidate.py')], { input });
  if (result.exitCode !== 0) throw new Error(result.lines.join('\n'));
  return (JSON.parse(result.stdout) as string[][]).map((messages) => silent(messages, 0));
}

/** All that the official program prints of one file. */
export async function ksvalidator(path: string, handler: Handler): Promise<string> {
  // It leaves a copy of the file in TMPDIR.
  const result = await run('ksvalidator', ['-v', handler, path], { env: { TMPDIR: await scratch() } });
  return result.lines.join('\n');
}

export interface Finding {
  file: string;
  line: number;
  column: number;
  level: 'error' | 'warning' | 'info' | 'style';
  code: number;
  message: string;
}

/** shellcheck over many files of one dialect. Without `shell` the first line of each file decides. */
export async function shellcheck(
  files: string[],
  { shell, exclude = [] }: { shell?: 'sh' | 'bash' | 'dash'; exclude?: string[] } = {},
): Promise<Verdict & { findings: Finding[] }> {
  const args = [
    '--norc',
    '--format=json',
    ...(shell ? [`--shell=${shell}`] : []),
    ...exclude.map((code) => `--exclude=${code}`),
  ];
  const result = await run('shellcheck', [...args, '--', ...files]);
  // 1 is 'there are findings'; above that it could not read a file or an argument.
  if (result.exitCode > 1) throw new Error(result.lines.join('\n'));
  const findings = (JSON.parse(result.stdout) as Finding[]).sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
  const messages = findings.map(
    (f) => `${f.file}:${f.line}:${f.column}: ${f.level} SC${f.code}: ${f.message}`,
  );
  return { ...silent(messages, result.exitCode), findings };
}

async function syntax(program: Program, args: string[]): Promise<Verdict> {
  const { exitCode, lines } = await run(program, args);
  return silent(lines, exitCode);
}

/** `bash -n`: syntax alone. */
export const bashN = (file: string): Promise<Verdict> => syntax('bash', ['-n', file]);
/** `dash -n`: the syntax of a POSIX shell. */
export const dashN = (file: string): Promise<Verdict> => syntax('dash', ['-n', file]);
/** `busybox sh -n`: the shell of a small installer. */
export const busyboxN = (file: string): Promise<Verdict> => syntax('busybox', ['sh', '-n', file]);

const unitDirs = ['etc/systemd/system', 'run/systemd/system', 'usr/lib/systemd/system'];
const unitStubs: Record<string, string> = {
  service: '[Service]\nExecStart=/bin/true\n',
  socket: '[Socket]\nListenStream=/run/stub\n',
  timer: '[Timer]\nOnCalendar=daily\n',
};

/**
 * `systemd-analyze verify` of units and drop-ins, apart from this machine's own units. With `rootDir` the
 * files are paths inside it, and the units around them are found there. A drop-in's unit which is not there
 * is made up. A command that this machine lacks is no fault.
 */
export async function systemdVerify(unitFiles: string[], rootDir?: string): Promise<Verdict> {
  const dirs = new Set<string>();
  const units = new Set<string>();
  const stubs: Record<string, string> = {};
  if (rootDir !== undefined) for (const dir of unitDirs) dirs.add(join(rootDir, dir));
  for (const file of unitFiles) {
    const path = rootDir === undefined ? file : join(rootDir, file);
    const dropIn = dirname(path).endsWith('.d');
    const unitPath = dropIn ? dirname(path).slice(0, -'.d'.length) : path;
    const unit = basename(unitPath);
    dirs.add(dirname(unitPath));
    units.add(unit);
    if (dropIn) stubs[unit] = unitStubs[unit.slice(unit.lastIndexOf('.') + 1)] ?? '[Unit]\n';
  }
  const result = await run('systemd-analyze', ['verify', '--man=no', '--recursive-errors=no', ...units], {
    // The stubs come last, so the real unit is taken where there is one. Without a colon at the end, the list
    // replaces the system's own directories.
    env: { SYSTEMD_UNIT_PATH: [...dirs, await scratch(stubs)].join(':') },
  });
  const said = without(result.lines, /: Command .+ is not executable: /);
  return silent([...new Set(said)], said.length === result.lines.length ? result.exitCode : 0);
}

/** `visudo -cf`; `messages` may hold warnings though it is `ok`. */
export async function visudo(file: string): Promise<Verdict> {
  const { exitCode, lines } = await run('visudo', ['-c', '-f', file]);
  return { ok: exitCode === 0, messages: without(lines, /: parsed OK$/) };
}

/** `haproxy -c`, warnings as errors. It resolves names and reads the certificates that the file names. */
export async function haproxy(file: string): Promise<Verdict> {
  const { exitCode, lines } = await run('haproxy', ['-c', '-dW', '-f', file]);
  return silent(
    without(lines, /^\[NOTICE\]/, /^(Warnings were found|Configuration file is valid)/).map((line) =>
      line.replace(/ +\(\d+\) : /, ' '),
    ),
    exitCode,
  );
}

/** `keepalived -t`, for a host that has the interfaces and scripts this machine lacks. */
export async function keepalived(file: string): Promise<Verdict> {
  // An interface that does not exist is an error unless interfaces may come and go. An include, so that
  // messages have the line numbers of the file itself.
  const wrapper = `global_defs {\n  dynamic_interfaces\n}\ninclude ${file}\n`;
  const dir = await scratch({ 'keepalived.conf': wrapper });
  const { exitCode, lines } = await run('keepalived', ['-t', '-f', join(dir, 'keepalived.conf')]);
  const said = without(lines, /^Disabling track script /);
  return silent([...new Set(said)], said.length === lines.length ? exitCode : 0);
}

/** `nginx -t` of a whole nginx.conf. */
export async function nginx(file: string): Promise<Verdict> {
  const prefix = await scratch();
  // Another distribution's user, modules and places for logs, of which -t opens the files.
  const text = (await readFile(file, 'utf8'))
    .replace(/^\s*(user|load_module)\s[^;]*;/gm, '')
    .replace(/^(\s*(?:pid|error_log|access_log)\s+)\/[^\s;]*\//gm, `$1${prefix}/`);
  const conf = join(await scratch({ 'nginx.conf': text }), 'nginx.conf');

  const built = (await run('nginx', ['-V'])).lines.join(' ');
  const modules = /--modules-path=(\S+)/.exec(built)?.[1];
  const stream = /^\s*stream\s*\{/m.test(text) && built.includes('--with-stream=dynamic');
  const global = stream ? ['-g', `load_module ${modules}/ngx_stream_module.so;`] : [];

  const { exitCode, lines } = await run('nginx', ['-t', '-q', '-p', prefix, '-c', conf, ...global]);
  // It binds too; addresses are the host's, and low ports are not for every user here.
  const said = without(lines, /\bbind\(\) to /, /configuration file .* test failed$/);
  const bound = lines.some((line) => /\bbind\(\) to /.test(line));
  return silent(said, bound ? 0 : exitCode);
}

/** `dnsmasq --test`. */
export async function dnsmasq(file: string): Promise<Verdict> {
  const { exitCode, lines } = await run('dnsmasq', ['--test', `--conf-file=${file}`]);
  return silent(without(lines, /syntax check OK/), exitCode);
}

/**
 * `packer validate` of a file or directory, with the plugins inside packer alone. `messages` may hold
 * warnings though it is `ok`.
 */
export async function packerValidate(path: string, vars: Record<string, string> = {}): Promise<Verdict> {
  const dir = await scratch();
  const args = Object.entries(vars).map(([name, value]) => `-var=${name}=${value}`);
  const { exitCode, lines } = await run('packer', ['validate', ...args, path], {
    env: {
      CHECKPOINT_DISABLE: '1', // no call home
      PACKER_CONFIG_DIR: dir,
      PACKER_CACHE_DIR: join(dir, 'cache'),
      PACKER_PLUGIN_PATH: join(dir, 'plugins'),
      PACKER_NO_COLOR: '1',
    },
  });
  const blocks = lines.join('\n').split(/^(?=Warning: |Error: |The configuration is valid)/m);
  const messages = blocks.map((block) => block.replace(/\s+/g, ' ').trim());
  return {
    ok: exitCode === 0,
    messages: without(messages, /^$/, /^The configuration is valid/, /^Warning: Bundled plugins used/),
  };
}

/** `kubeadm config validate`: unknown keys of all its kinds, and the values of its own. Its warnings count. */
export async function kubeadm(version: '1.28.2' | '1.34.2', file: string): Promise<Verdict> {
  const { exitCode, lines } = await run(`kubeadm-${version}`, ['config', 'validate', '--config', file]);
  return silent(without(lines, /^ok$/, /^To see the stack trace/), exitCode);
}

/** NetworkManager's reader over many keyfiles. Keys that it would ignore are faults. */
export async function nmKeyfiles(files: string[]): Promise<Verdict[]> {
  const result = await run('libnm', [join(rigs, 'nmkeyfiles.py'), ...files]);
  if (result.exitCode !== 0) throw new Error(result.lines.join('\n'));
  return (JSON.parse(result.stdout) as string[][]).map((messages) => silent(messages, 0));
}

/** Whether this machine's kernel has these sysctl keys. Those of a module that is not loaded are missing. */
export function sysctlKeys(keys: string[]): Verdict {
  const swap = (char: string) => (char === '.' ? '/' : '.');
  // As sysctl has it: the first separator is the one between names (`net/ipv4/conf/eth0.100/rp_filter`).
  const path = (key: string) => (/^[^/.]*\//.test(key) ? key : key.replace(/[./]/g, swap));
  const missing = keys.filter((key) => !existsSync(join('/proc/sys', path(key))));
  return silent(
    missing.map((key) => `no such key: ${key}`),
    0,
  );
}
