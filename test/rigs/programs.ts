import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execa, execaSync } from 'execa';
import { beforeAll, describe } from 'vitest';
import { cachedProgram } from '../cluster/programs/build.ts';
import { type Needed, needed } from '../cluster/programs/needed.ts';
import { cachePath } from './cache.ts';

/** What `.ci/tools` installs or builds. `libnm` is NetworkManager's library by way of Python, `ovmf` the firmware of a guest. */
export type Program =
  | Needed
  | 'apt-cache'
  | 'apt-config'
  | 'apt-get'
  | 'bash'
  | 'blivet-3.13.2'
  | 'blivet-3.6.1'
  | 'busybox'
  | 'createrepo_c'
  | 'dash'
  | 'dbus-daemon'
  | 'dnf'
  | 'dnsmasq'
  | 'gpg'
  | 'haproxy'
  | 'ip'
  | 'jq'
  | 'keepalived'
  | 'ksvalidator'
  | 'libnm'
  | 'mmdebstrap'
  | 'nginx'
  | 'ovmf'
  | 'packer'
  | 'parted'
  | 'qemu-system-x86_64'
  | 'rpmbuild'
  | 'setpriv'
  | 'sfdisk'
  | 'sgdisk'
  | 'shellcheck'
  | 'socat'
  | 'systemd-analyze'
  | 'udevadm'
  | 'systemd-nspawn'
  | 'visudo';

/** What a validator says. `messages` has warnings too; whether these make it not `ok` is told at each. */
export interface Verdict {
  ok: boolean;
  messages: string[];
}

/** Where `.ci/tools` puts what is no Debian package. Keep in step with it. */
const toolsDir = cachePath('bin');

/** The pinned tools go first; users' PATH often lacks the sbin directories. */
const searchPath = [
  toolsDir,
  ...(process.env.PATH ?? '').split(delimiter),
  '/usr/local/sbin',
  '/usr/sbin',
  '/sbin',
];

/** The distribution's Python, not one of pyenv or a venv: only that one sees the packaged `gi` module. */
const systemPython = '/usr/bin/python3';
/** UEFI for guests, as Debian's package `ovmf` lays it. */
const ovmfCode = '/usr/share/OVMF/OVMF_CODE_4M.fd';

const importLibnm = "import gi; gi.require_version('NM', '1.0'); from gi.repository import NM";

const found = new Map<Program, string | undefined>();

function search(program: Program): string | undefined {
  if (program === 'libnm') {
    return execaSync(systemPython, ['-c', importLibnm], { reject: false }).exitCode === 0
      ? systemPython
      : undefined;
  }
  if (program === 'ovmf') return existsSync(ovmfCode) ? ovmfCode : undefined;
  if ((needed as readonly string[]).includes(program)) {
    const built = cachedProgram(program);
    return existsSync(built) ? built : undefined;
  }
  return searchPath
    .filter((dir) => dir !== '')
    .map((dir) => join(dir, program))
    .find((path) => {
      try {
        accessSync(path, constants.X_OK);
        return true;
      } catch {
        return false;
      }
    });
}

/** The path of a program, or undefined. */
function find(program: Program): string | undefined {
  if (!found.has(program)) found.set(program, search(program));
  return found.get(program);
}

/** The path of a program, or an error which says how to get it. */
export function locate(program: Program): string {
  const path = find(program);
  if (path === undefined) throw new Error(`${program} is not installed: run .ci/tools`);
  return path;
}

/**
 * `describe` for tests that call programs. Where one is missing, the tests are skipped and skips.ts counts
 * them at the end of the run; in CI they fail, so that no check is lost unseen.
 */
export function describeWith(programs: Program[], title: string, tests: () => void): void {
  const missing = programs.filter((program) => find(program) === undefined);
  if (missing.length === 0) {
    describe(title, tests);
  } else if (process.env.CI === 'true') {
    describe(title, () => {
      beforeAll(() => {
        for (const program of missing) locate(program);
      });
      tests();
    });
  } else {
    describe.skip(`${title} (for want of ${missing.join(', ')})`, tests);
  }
}

export interface Run {
  exitCode: number;
  stdout: string;
  /** Both streams, as they came, without empty lines. */
  lines: string[];
}

export interface RunOptions {
  cwd?: string;
  env?: Record<string, string>;
  input?: string;
}

/** Run a program to its end, whatever its exit code, in English and without a terminal. */
export async function run(
  program: Program | { path: string },
  args: string[],
  options: RunOptions = {},
): Promise<Run> {
  const path = typeof program === 'string' ? locate(program) : program.path;
  const result = await execa(path, args, {
    reject: false,
    all: true,
    input: options.input ?? '',
    env: { LC_ALL: 'C.UTF-8', LANGUAGE: '', ...options.env },
    ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
  });
  // No exit code: it did not start, or a signal ended it.
  if (result.exitCode === undefined) throw result;
  return { exitCode: result.exitCode, stdout: result.stdout, lines: nonEmpty(result.all) };
}

function nonEmpty(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trimEnd())
    .filter((line) => line !== '');
}
