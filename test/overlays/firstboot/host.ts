/** A host's tree with the programs of the first boot, steps of the test's own, and a log of what was called. */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';

const overlays = join(import.meta.dirname, '../../../overlays');

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

export class Host {
  readonly root = mkdtempSync(join(tmpdir(), 'firstboot-'));

  /** Steps by name; without any, those of these overlays. */
  constructor(steps?: Record<string, string>, layers: string[] = ['base']) {
    for (const layer of layers) {
      const from = join(overlays, layer, 'usr');
      if (existsSync(from)) cpSync(from, join(this.root, 'usr'), { recursive: true });
    }
    const folder = join(this.root, 'usr/libexec/imgbuild/firstboot/steps');
    if (steps) rmSync(folder, { recursive: true });
    for (const [name, text] of Object.entries(steps ?? {}))
      this.write(`${folder.slice(this.root.length)}/${name}.sh`, text);
    this.write('etc/imgbuild/firstboot.conf', "host='knode1'\nrole='worker'\nreport_url=''\n");
    this.write('log', '');
    // Nobody waits in a test.
    this.program('sleep', 'echo "sleep $1" >>"$ROOT/log"; [ ! -e "$ROOT/on-sleep" ] || . "$ROOT/on-sleep"');
  }

  /** This step and no other. */
  only(name: string, text: string): void {
    const folder = 'usr/libexec/imgbuild/firstboot/steps';
    rmSync(join(this.root, folder), { recursive: true });
    this.write(`${folder}/${name}.sh`, text);
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  read = (path: string): string => readFileSync(join(this.root, path), 'utf8');
  exists = (path: string): boolean => existsSync(join(this.root, path));
  remove = (): void => rmSync(this.root, { recursive: true, force: true });

  /** A program that stands before those of the machine. */
  program(name: string, body: string): void {
    this.write(`programs/${name}`, `#!/bin/bash\n${body}\n`);
    chmodSync(join(this.root, 'programs', name), 0o755);
  }

  async run(...args: string[]): Promise<Outcome> {
    const program = join(this.root, 'usr/sbin/imgbuild-firstboot');
    const result = await execa('bash', [program, '--root', this.root, ...args], {
      reject: false,
      extendEnv: false,
      env: { ROOT: this.root, PATH: `${this.root}/programs:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: '/root' },
      stdin: 'ignore',
    });
    return { code: result.exitCode ?? -1, out: result.stdout, err: result.stderr };
  }
}
