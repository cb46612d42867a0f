/** A host of role etcd: imgbuild-etcd, what is rendered for it, and its programs, all below a folder of the test. */
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { execa } from 'execa';
import { parse, stringify } from 'yaml';
import type { ClusterPlan, HostPlan } from '../../../src/plan/types.ts';
import { etcd } from '../../../src/render/documents/etcd.ts';

const top = join(import.meta.dirname, '../../..');

export interface Outcome {
  code: number;
  out: string;
  err: string;
}

export interface MemberPlan {
  name: string;
  address: string;
}

/** What is rendered as /etc/etcd/etcd.conf.yml. */
export function configOf(name: string, members: readonly MemberPlan[]): Record<string, unknown> {
  const address = members.find((member) => member.name === name)?.address;
  const host = { name, isEtcd: true, role: { name: 'etcd' }, addresses: { management: { address } } };
  const cluster = { name: 'test', etcd: { topology: 'external', members } };
  const [file] = etcd.render(cluster as unknown as ClusterPlan, host as unknown as HostPlan);
  return parse(file?.content ?? '');
}

export class Host {
  readonly root = mkdtempSync(join(tmpdir(), 'imgbuild-etcd-'));
  readonly name: string;

  constructor(name: string, members: readonly MemberPlan[]) {
    this.name = name;
    for (const layer of ['base', 'etcd'])
      cpSync(join(top, 'overlays', layer, 'usr'), join(this.root, 'usr'), { recursive: true });
    cpSync(join(top, 'overlays/etcd/etc'), join(this.root, 'etc'), { recursive: true });
    this.configure(configOf(name, members));
    this.conf({ mounts: '/data' });
    this.write('service', 'inactive\n');
    this.write('log', '');
    mkdirSync(join(this.root, 'data'));
    // Programs of a host that a test has not, or must not run.
    this.program('systemctl', 'cat "$ROOT/service"');
    this.program('chown', 'echo "chown $*" >>"$ROOT/log"');
    this.program('mountpoint', '[ -d "$2" ] && [ ! -e "$ROOT/unmounted" ]');
    this.program('sync', ':');
    // A test waits for nothing: it says what happens meanwhile.
    this.program('sleep', '[ ! -e "$ROOT/on-sleep" ] || . "$ROOT/on-sleep"');
  }

  /** Its configuration, with the paths of this host. */
  configure(config: Record<string, unknown>): void {
    const text = stringify(config, { lineWidth: 0 });
    this.write('etc/etcd/etcd.conf.yml', text.replaceAll(/(: )(\/(data|etc)\/)/g, `$1${this.root}$2`));
  }

  /** What the first boot knows. */
  conf(settings: Record<string, string>): void {
    const lines = Object.entries({ endpoint: 'api.test:8443', ...settings });
    this.write('etc/imgbuild/firstboot.conf', lines.map(([key, value]) => `${key}='${value}'\n`).join(''));
  }

  write(path: string, text: string): void {
    const file = join(this.root, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  read = (path: string): string => readFileSync(join(this.root, path), 'utf8');
  exists = (path: string): boolean => existsSync(join(this.root, path));
  list = (path: string): string[] => (this.exists(path) ? readdirSync(join(this.root, path)).sort() : []);
  take = (path: string): void => rmSync(join(this.root, path), { recursive: true, force: true });
  remove = (): void => rmSync(this.root, { recursive: true, force: true });

  /** A program that stands before those of the machine. */
  program(name: string, body: string): void {
    this.take(`programs/${name}`);
    this.write(`programs/${name}`, `#!/bin/bash\n${body}\n`);
    chmodSync(join(this.root, 'programs', name), 0o755);
  }

  link(name: string, path: string): void {
    this.take(`programs/${name}`);
    symlinkSync(path, join(this.root, 'programs', name));
  }

  /** The markers that outlive its data. */
  markers = (): string[] =>
    this.list('var/lib/imgbuild').flatMap((name) => /^etcd-(.*)$/.exec(name)?.[1] ?? []);

  /** In the place of etcd's programs, ones that say what the test has laid below etcd/. */
  standIn(): void {
    const programs = join(import.meta.dirname, 'programs');
    for (const name of readdirSync(programs)) this.link(name, join(programs, name));
    mkdirSync(join(this.root, 'etcd'));
    for (const pair of ['server', 'peer', 'healthcheck-client']) this.write(`etc/etcd/pki/${pair}.key`, '');
  }

  /** What the programs were called with since the last time that this was asked. */
  calls(): string[] {
    const lines = this.read('log').replaceAll(this.root, '').split('\n').filter(Boolean);
    this.write('log', '');
    return lines;
  }

  /** What is left of a host that is installed anew. */
  reinstall(): void {
    for (const path of ['data/etcd', 'var', 'run']) this.take(path);
  }

  get env(): Record<string, string> {
    return { ROOT: this.root, PATH: `${this.root}/programs:/usr/sbin:/usr/bin:/sbin:/bin`, HOME: '/root' };
  }

  async run(...args: string[]): Promise<Outcome> {
    const program = join(this.root, 'usr/sbin/imgbuild-etcd');
    const result = await execa('bash', [program, '--root', this.root, ...args], {
      reject: false,
      extendEnv: false,
      env: this.env,
      stdin: 'ignore',
    });
    const plain = (text: string) => text.replaceAll(this.root, '');
    return { code: result.exitCode ?? -1, out: plain(result.stdout), err: plain(result.stderr) };
  }
}
