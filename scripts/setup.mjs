/**
 * Make a fresh clone ready to run: install the dependencies and compile `src/`, each only where needed.
 * npm runs this before `npm test` and `npm start`, so it may use nothing but Node itself.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const at = (path) => join(root, path);

/**
 * Whether `node_modules` holds what the lock file asks for. Contents are compared, not times: git gives
 * the lock file a new time on every checkout.
 */
function installed() {
  const record = at('node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const wanted = JSON.parse(readFileSync(at('package-lock.json'), 'utf8')).packages;
  const found = JSON.parse(readFileSync(record, 'utf8')).packages;
  delete wanted['']; // the project itself
  return (
    Object.keys(found).every((path) => path in wanted) &&
    Object.entries(wanted).every(([path, { version, integrity, optional }]) => {
      // What is optional may be for another platform, and is then absent.
      if (!(path in found)) return optional === true;
      return found[path].version === version && found[path].integrity === integrity;
    })
  );
}

/** The newest change below a path. Directories count: theirs is the only time that shows a deletion. */
function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function built() {
  if (!existsSync(at('dist'))) return false;
  const inputs = ['src', 'package.json', 'tsconfig.json', 'tsconfig.build.json'];
  return Math.max(...inputs.map((input) => newest(at(input)))) <= statSync(at('dist')).mtimeMs;
}

/** Run the npm that runs this script, and keep its output for when it fails. */
function npm(doing, args) {
  console.log(`setup: ${doing}`);
  const self = process.env.npm_execpath;
  const [command, first] = self?.endsWith('js') ? [process.execPath, [self]] : [self ?? 'npm', []];
  const run = spawnSync(command, [...first, ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  if (run.status === 0) return true;
  process.stderr.write(`${run.stdout ?? ''}${run.stderr ?? ''}`);
  const why = run.error?.message ?? (run.signal ? `killed by ${run.signal}` : `exit code ${run.status}`);
  console.error(`setup: \`npm ${args.join(' ')}\` failed: ${why}`);
  process.exitCode = 1;
  return false;
}

function install() {
  // --include=dev: the compiler is one of these, also where NODE_ENV=production.
  const args = ['ci', '--include=dev', '--no-audit', '--no-fund', '--loglevel=error'];
  return npm('installing dependencies', args);
}

function build() {
  const began = new Date();
  if (!npm('compiling src/ to dist/', ['run', '--silent', 'build'])) {
    // tsc writes its output in spite of errors; what is left would pass for a good build.
    rmSync(at('dist'), { recursive: true, force: true });
    return;
  }
  // The time of the start, so that a file saved while tsc ran counts as newer.
  utimesSync(at('dist'), began, began);
}

if ((installed() || install()) && !built()) build();
