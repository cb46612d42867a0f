/** Programs run to their end. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';

export interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a program, whatever its exit code. A signal that ends it counts as 128 + 9. */
export async function run(command: readonly string[], input: string | Buffer = ''): Promise<Result> {
  const [program = '', ...args] = command;
  const child = spawn(program, args, { env: { ...process.env, LC_ALL: 'C.UTF-8', LANGUAGE: '' } });
  const out: Buffer[] = [];
  const err: Buffer[] = [];
  child.stdout.on('data', (bytes: Buffer) => out.push(bytes));
  child.stderr.on('data', (bytes: Buffer) => err.push(bytes));
  // It need not read all that it is given.
  child.stdin.on('error', () => {}).end(input);
  const closed = once(child, 'close');
  await once(child, 'exit');
  // A daemon that it left may hold its output open, and has nothing to say.
  await Promise.race([closed, setTimeout(500)]);
  child.stdout.destroy();
  child.stderr.destroy();
  return {
    code: child.exitCode ?? 137,
    stdout: String(Buffer.concat(out)),
    stderr: String(Buffer.concat(err)),
  };
}

/** As `run`, where a failure is an error of the rig. */
export async function must(command: readonly string[], input?: string | Buffer): Promise<string> {
  const { code, stdout, stderr } = await run(command, input);
  if (code !== 0) throw new Error(`exit code ${code}: ${command.join(' ')}\n${stdout}${stderr}`);
  return stdout;
}
