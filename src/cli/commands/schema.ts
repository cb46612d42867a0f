import type { Command } from 'commander';
import { ExitCode } from '../../report/errors.ts';
import { schemaText } from '../../spec/schema/text.ts';
import { examples } from '../help.ts';
import type { Io } from '../io.ts';

export function schemaCommand(program: Command, io: Io, done: (code: ExitCode) => void): void {
  program
    .command('schema')
    .summary('print the JSON Schema of the spec')
    .description('Prints the JSON Schema of cluster.yaml, for editors and other programs.')
    .addHelpText(
      'after',
      examples([
        ['imgbuild schema > cluster.schema.json', 'for an editor with a YAML language server'],
        ['imgbuild schema | jq .properties.kubernetes', 'what may be said of Kubernetes'],
      ]),
    )
    .action(() => {
      io.out(schemaText());
      done(ExitCode.done);
    });
}
