import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { packageRoot } from '../../render/assets.ts';
import { ExitCode, reasonOf, UserError } from '../../report/errors.ts';
import { schemaText } from '../../spec/schema/text.ts';
import { examples } from '../help.ts';
import type { Io } from '../io.ts';
import { type GlobalOptions, globalOptions } from '../options.ts';
import { DEFAULT_SPEC } from '../project.ts';

/** The examples that can be written, each a file under examples/. */
const EXAMPLES = ['production', 'minimal', 'centos7', 'debian'] as const;

export function initCommand(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('init')
    .summary('write an example spec for editing')
    .description(
      `Writes an example spec to ${DEFAULT_SPEC}, and its JSON Schema beside it for editors. Nothing is overwritten.`,
    )
    .addOption(new Option('-e, --example <name>', 'which example').choices(EXAMPLES).default('production'))
    .addHelpText(
      'after',
      examples([
        ['imgbuild init', 'the production cluster: three networks, 19 hosts'],
        ['imgbuild init --example minimal', 'one control plane and two workers'],
        ['imgbuild -C lab init', 'in another folder'],
      ]),
    )
    .action(async (flags: { example: string }, command: Command) =>
      done(await initAction(flags.example, globalOptions(command, io), io)),
    );
}

async function initAction(example: string, options: GlobalOptions, io: Io): Promise<ExitCode> {
  const target = path.resolve(options.directory, options.spec[0] ?? DEFAULT_SPEC);
  const schema = path.join(path.dirname(target), 'cluster.schema.json');
  if (existsSync(target))
    throw new UserError(
      `${path.relative(io.cwd, target)} is there already`,
      'edit it, or name another file with --spec',
      ExitCode.usage,
    );
  const root = packageRoot();
  const text = await readFile(path.join(root, `examples/${example}.yaml`), 'utf8');
  const heading = '# yaml-language-server: $schema=cluster.schema.json\n';
  const own = text
    .replace(/^# yaml-language-server:.*\n/m, '')
    .replace(/^id: .*\n/m, '')
    // Everybody begins with the same example: the id keeps their clusters' disks apart.
    .replace(
      /^name: .*\n/m,
      (line) =>
        `${line}id: "${randomBytes(3).toString('hex')}"                # tells this cluster’s disks from another’s: never change it\n`,
    );
  const spec = heading + own;
  try {
    await mkdir(path.dirname(target), { recursive: true });
    if (!existsSync(schema)) await put(schema, schemaText());
    await put(target, spec);
  } catch (error) {
    throw new UserError(
      `cannot write ${target}: ${reasonOf(error)}`,
      'make room or correct the permissions, or choose another folder with -C',
      ExitCode.program,
      error,
    );
  }
  if (options.json) io.out(`${JSON.stringify({ spec: target, schema, example }, null, 2)}\n`);
  else if (!options.quiet) {
    const name = path.relative(io.cwd, target) || target;
    const left = ['out', 'secrets'].filter((folder) => existsSync(path.join(path.dirname(target), folder)));
    io.out(
      `${name}: the ${example} example. Replace its MAC addresses, serial numbers and ssh key by your own, then:\n  imgbuild check\n  imgbuild plan\n  imgbuild render\n`,
    );
    if (left.length > 0)
      io.out(
        `what lies in ${left.join(' and ')} is another cluster’s, such as the built-in example’s: move it away first
`,
      );
  }
  return ExitCode.done;
}

async function put(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
