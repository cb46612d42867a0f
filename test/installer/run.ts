/** Runs a program of installer/ as an installer would: under each shell that may be there. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { locate } from '../rigs/programs.ts';

export const installer = fileURLToPath(new URL('../../installer/', import.meta.url));

export interface Shell {
  name: string;
  command: string[];
  /** Where its programs come from; busybox brings its own. */
  path: string;
}

const path = ['/usr/sbin', '/usr/bin', '/sbin', '/bin', process.env.PATH ?? ''].join(delimiter);

function busybox(): Shell[] {
  let real: string;
  try {
    real = locate('busybox');
  } catch (error) {
    if (process.env.CI === 'true') throw error;
    return [];
  }
  const applets = execFileSync(real, ['--list'], { encoding: 'utf8' }).trim().split('\n');
  const bin = mkdtempSync(join(tmpdir(), 'imgbuild-busybox-'));
  process.on('exit', () => rmSync(bin, { recursive: true, force: true }));
  for (const applet of applets) symlinkSync(real, join(bin, applet));
  return [{ name: 'busybox sh', command: [join(bin, 'sh')], path: bin }];
}

export const dash: Shell = { name: 'dash', command: ['dash'], path };

export const shells: Shell[] = [
  dash,
  { name: 'bash --posix', command: ['bash', '--posix'], path },
  ...busybox(),
];

export interface Outcome {
  code: number;
  stdout: string;
  stderr: string;
}

export async function run(
  shell: Shell,
  program: string,
  args: string[],
  options: { env?: Record<string, string>; input?: string; first?: string } = {},
): Promise<Outcome> {
  const [command = 'sh', ...before] = shell.command;
  const result = await execa(command, [...before, join(installer, program), ...args], {
    reject: false,
    extendEnv: false,
    input: options.input ?? '',
    env: { PATH: options.first ? `${options.first}${delimiter}${shell.path}` : shell.path, ...options.env },
  });
  return { code: result.exitCode ?? -1, stdout: result.stdout, stderr: result.stderr };
}

/** A directory of stub programs, each logging its call before it runs its body. */
export function stubs(root: string, bodies: Record<string, string>): { bin: string; log: string } {
  const bin = join(root, 'bin');
  const log = join(root, 'log');
  mkdirSync(bin, { recursive: true });
  for (const [name, body] of Object.entries(bodies)) {
    execFileSync('sh', ['-c', 'cat >"$1" && chmod +x "$1"', 'sh', join(bin, name)], {
      input: `#!/bin/sh\nprintf '%s\\n' "${name} $*" >>'${log}'\n${body}\n`,
    });
  }
  return { bin, log };
}
