import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { scratch } from '../../rigs/scratch.ts';

const overlays = join(import.meta.dirname, '../../../overlays');

export interface Said {
  code: number | null;
  out: string;
  err: string;
}

/** A host's tree with the programs of imgbuild-verify, and programs that stand in for those of the machine. */
export class Host {
  readonly root: string;

  private constructor(root: string) {
    this.root = root;
  }

  static async make(): Promise<Host> {
    const host = new Host(await scratch());
    cpSync(join(overlays, 'base/usr'), join(host.root, 'usr'), { recursive: true });
    host.write('run/.keep', '');
    host.write('etc/imgbuild/goss.yaml', '');
    host.write('etc/imgbuild/goss-host.yaml', '');
    return host;
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  read = (path: string): string => readFileSync(join(this.root, path), 'utf8');

  program(name: string, body: string): void {
    this.write(`programs/${name}`, `#!/bin/bash\nROOT='${this.root}'\n${body}\n`);
    chmodSync(join(this.root, 'programs', name), 0o755);
  }

  /** A command that prints this, whatever it is asked. */
  says = (name: string, text: string, code = 0): void => {
    this.write(`said/${name}`, text);
    this.program(name, `cat "$ROOT/said/${name}"; exit ${code}`);
  };

  verify(...args: string[]): Said {
    const { code, out, err } = this.run('usr/sbin/imgbuild-verify', args);
    return { code, out: out.trimEnd(), err: err.trimEnd() };
  }

  /** What a check of our own finds wrong. */
  look(...args: string[]): string {
    const { code, out, err } = this.run('usr/libexec/imgbuild/verify/look', args);
    // goss takes a line without a word for something.
    if (out === '\n') throw new Error(`look ${args.join(' ')} prints an empty line`);
    if (code !== 0 || err !== '') throw new Error(`look ${args.join(' ')}: exit code ${code}: ${err}`);
    return out.replace(/\n$/, '');
  }

  private run(program: string, args: string[]): Said {
    const env = {
      PATH: `${this.root}/programs:/usr/bin:/bin`,
      HOME: '/root',
      LC_ALL: 'C.UTF-8',
      GOSS_FMT: 'tap',
    };
    const command = [join(this.root, program), '--root', this.root, ...args];
    const { status, stdout, stderr } = spawnSync('bash', command, { env, encoding: 'utf8', input: '' });
    return { code: status, out: stdout, err: stderr };
  }
}
