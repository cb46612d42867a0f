/** Builds the programs of a cluster from the Go module proxy: static, for linux/amd64, once for each version. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { cachePath } from '../../rigs/cache.ts';
import { type GoMod, wrap } from './module.ts';
import { type Pins, type ProgramName, type Recipe, recipes } from './recipes.ts';

/** Long enough for any one program on a busy machine, for a test's beforeAll. */
export const BUILD_TIMEOUT = 7_200_000;

/** Of Go 1: etcd and flannel ask for it. */
const OLDEST_GO = 25;

let last: Promise<unknown> = Promise.resolve();

/**
 * The path of a static program. Where the cache has none it is built, which takes minutes, one at a time: linking
 * a Kubernetes takes gigabytes.
 */
export function buildProgram(name: ProgramName, version: string): Promise<string> {
  const built = last.then(() => cached(name, version));
  last = built.catch(() => {});
  return built;
}

/** Where a program lies once it is built, `NAME-VERSION`. */
export function cachedProgram(program: string): string {
  return cachePath(`cluster-${program}`);
}

async function cached(name: ProgramName, version: string): Promise<string> {
  const whole = cachedProgram(`${name}-${version}`);
  if (existsSync(whole)) return whole;
  await mkdir(dirname(whole), { recursive: true });
  // In the cache itself, so that a rename puts the whole program there.
  const half = await mkdtemp(`${whole}.`);
  try {
    const program = join(half, name);
    await compile(name, version, half, program);
    await rename(program, whole);
  } finally {
    await rm(half, { recursive: true, force: true });
  }
  return whole;
}

async function compile(
  name: ProgramName,
  version: string,
  directory: string,
  program: string,
): Promise<void> {
  await needGo();
  const recipe: Recipe = recipes[name];
  const pins = recipe.versions[version];
  if (pins === undefined) {
    throw new Error(`${name} ${version} has no recipe; there is ${Object.keys(recipe.versions).join(', ')}`);
  }
  const variables = Object.entries(recipe.variables?.(version) ?? {});
  const linking = ['-s', '-w', ...variables.flatMap(([variable, value]) => ['-X', `${variable}=${value}`])];
  // A checkout whose owner is somebody else is no reason to build nothing.
  const flags = ['-trimpath', '-buildvcs=false', '-o', program];
  if (recipe.hasC) {
    linking.push('-linkmode', 'external', '-extldflags', '-static');
    // A static libc resolves no names: Go's own resolver does.
    flags.push('-tags', 'netgo,osusergo');
  }
  flags.push('-ldflags', linking.join(' '));
  const environment: NodeJS.ProcessEnv = { CGO_ENABLED: recipe.hasC ? '1' : '0' };
  if (recipe.module === undefined) {
    const folder = fileURLToPath(new URL(`${recipe.package}/`, import.meta.url));
    await go(['build', ...flags, '.'], folder, environment);
  } else {
    // Its go.sum vouches for it instead.
    if (pins.sums !== undefined) environment.GONOSUMDB = recipe.module;
    const { source, upstream } = await download(recipe.module, `v${version}`, environment);
    const choices = { version: `v${version}`, ...pins };
    await writeFile(join(directory, 'go.mod'), wrap(upstream, choices));
    await writeFile(join(directory, 'go.sum'), (pins.sums ?? []).map((line) => `${line}\n`).join(''));
    if (pins.lines) {
      const own = await withLines(source, pins.lines, directory);
      await go(['mod', 'edit', `-replace=${recipe.module}=${own}`], directory);
    }
    await go(['build', '-mod=mod', ...flags, recipe.package], directory, environment);
  }
  const said = await promisify(execFile)(program, recipe.says).catch((error) => error);
  if (!`${said.stdout}${said.stderr}`.includes(version)) {
    throw new Error(`${name} was to be ${version} and says: ${said.stdout}${said.stderr}`);
  }
}

/** Says what to do where Go is too old, before Go says it in words of its own. A development version has no number. */
export async function needGo(): Promise<void> {
  const found = (await go(['env', 'GOVERSION'], tmpdir()).catch(() => '')).trim();
  const [, minor = '99'] = /^go1\.(\d+)/.exec(found) ?? [];
  if (found !== '' && Number(minor) >= OLDEST_GO) return;
  const there = found || 'none';
  throw new Error(`programs of a cluster are built with Go 1.${OLDEST_GO} or newer, and PATH has ${there}`);
}

/** A copy of a module's source with other lines: Go changes nothing in its own cache. */
async function withLines(
  source: string,
  lines: NonNullable<Pins['lines']>,
  directory: string,
): Promise<string> {
  const own = join(directory, 'source');
  await promisify(execFile)('cp', ['-R', '--no-preserve=mode', source, own]);
  for (const [file, line] of Object.entries(lines)) {
    const text = await readFile(join(own, file), 'utf8');
    if (!text.includes(line.old)) throw new Error(`${source}/${file} has no line ${line.old}`);
    await writeFile(join(own, file), text.replace(line.old, line.new));
  }
  return own;
}

/** Where a module's source is, and its go.mod. */
async function download(
  module: string,
  version: string,
  environment: NodeJS.ProcessEnv,
): Promise<{ source: string; upstream: GoMod }> {
  // Outside any module.
  const asked = await go(['mod', 'download', '-json', `${module}@${version}`], tmpdir(), environment);
  const { Dir, GoMod } = JSON.parse(asked);
  return { source: Dir, upstream: JSON.parse(await go(['mod', 'edit', '-json', GoMod], tmpdir())) };
}

async function go(args: string[], cwd: string, environment: NodeJS.ProcessEnv = {}): Promise<string> {
  const env = {
    ...process.env,
    GOOS: 'linux',
    GOARCH: 'amd64',
    GOAMD64: 'v1',
    // Never another Go than the one that is installed.
    GOTOOLCHAIN: 'local',
    GOWORK: 'off',
    ...environment,
  };
  try {
    const { stdout } = await promisify(execFile)('go', args, { cwd, env, maxBuffer: 2 ** 26 });
    return stdout;
  } catch (error) {
    // With -json the reason is on the standard output.
    throw new Error(`${(error as Error).message}\n${(error as { stdout?: string }).stdout ?? ''}`);
  }
}
