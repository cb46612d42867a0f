/** Three members of real etcd on loopback addresses, with the certificates that imgbuild makes. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { secretFiles } from '../../../src/plan/secrets.ts';
import { ensure } from '../../../src/secrets/ensure.ts';
import { openStore } from '../../../src/secrets/store.ts';
import { locate, type Program } from '../../rigs/programs.ts';
import { planOf } from '../../secrets/plan.ts';
import { configOf, Host, type MemberPlan, type Outcome } from './host.ts';

/** Addresses of this test alone: the ports are etcd's own. */
const net = `127.${1 + (process.pid % 250)}.${Math.floor(process.pid / 250) % 250}`;

export type EtcdVersion = '3.5.33' | '3.6.14';

export class Member extends Host {
  #etcd: ChildProcess | undefined;
  #said = '';

  /** What etcd itself logged since it was started last. */
  said = (): string => this.#said;
  running = (): boolean => this.#etcd !== undefined;

  override configure(config: Record<string, unknown>): void {
    const client = String(config['advertise-client-urls']);
    super.configure({
      ...config,
      // Other members of this machine have 127.0.0.1 too.
      'listen-client-urls': client,
      'listen-metrics-urls': client.replace(/^https/, 'http').replace('2379', '2381'),
      'unsafe-no-fsync': true,
    });
  }

  /** `systemctl start etcd`, up to its first try: what prepare says, and etcd where it lets it. */
  async start(): Promise<Outcome> {
    this.write('service', 'activating\n');
    const outcome = await this.run('prepare');
    if (outcome.code !== 0) return outcome;
    this.#said = '';
    const etcd = spawn(
      join(this.root, 'programs/etcd'),
      ['--config-file', `${this.root}/run/imgbuild/etcd.conf.yml`],
      {
        env: this.env,
        stdio: ['ignore', 'ignore', 'pipe'],
      },
    );
    this.#etcd = etcd;
    etcd.stderr.on('data', (text) => {
      this.#said += text;
    });
    etcd.on('exit', () => {
      this.#etcd = undefined;
      this.write('service', 'activating\n');
      etcd.emit('told');
    });
    etcd.stderr.on('data', () => etcd.emit('told'));
    return outcome;
  }

  /** Until etcd logs this, or is gone. */
  async logs(text: string): Promise<boolean> {
    while (!this.#said.includes(text)) {
      const etcd = this.#etcd;
      if (!etcd) return false;
      await new Promise((resolve) => etcd.once('told', resolve));
    }
    return true;
  }

  /** Until it has a quorum, and systemd has called what comes after. */
  async ready(): Promise<void> {
    if (!(await this.logs('ready to serve client requests'))) throw new Error(`${this.name}: ${this.#said}`);
    this.write('service', 'active\n');
    const { code, err } = await this.run('started');
    if (code !== 0) throw new Error(err);
  }

  /** Started, as often as systemd would try, and part of a quorum: all that prepare said. */
  async serve(): Promise<string> {
    let said = '';
    // etcd changes no membership where a connection is younger than five seconds; a busy machine takes its time.
    const end = Date.now() + 60_000;
    while (!this.running()) {
      if (Date.now() > end) throw new Error(`${this.name}: ${said}`);
      const { err } = await this.start();
      said += `${err}\n`;
    }
    await this.ready();
    return said;
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    const etcd = this.#etcd;
    if (etcd) {
      const gone = new Promise((resolve) => etcd.once('exit', resolve));
      etcd.kill(signal);
      await gone;
    }
    this.write('service', 'inactive\n');
  }

  /** etcdctl of this member. */
  async ctl(...args: string[]): Promise<string> {
    const pki = join(this.root, 'etc/etcd/pki');
    const pair = ['--cert', `${pki}/server.crt`, '--key', `${pki}/server.key`, '--cacert', `${pki}/ca.crt`];
    const config = this.read('etc/etcd/etcd.conf.yml');
    const endpoint = /^advertise-client-urls: (.*)$/m.exec(config)?.[1] ?? '';
    const { stdout } = await execa(
      join(this.root, 'programs/etcdctl'),
      [...pair, '--endpoints', endpoint, '--command-timeout=60s', ...args],
      {
        env: this.env,
      },
    );
    return stdout;
  }

  /** Name and ID of all whom the cluster knows. */
  async members(): Promise<Record<string, string>> {
    const lines = (await this.ctl('member', 'list')).split('\n').map((line) => line.split(', '));
    return Object.fromEntries(lines.map(([id = '', , name = '']) => [name, id]));
  }
}

export class Cluster {
  readonly store = mkdtempSync(join(tmpdir(), 'imgbuild-etcd-store-'));
  plan: MemberPlan[];
  readonly members: Member[];

  constructor(version: EtcdVersion, part: number) {
    const address = (n: number) => `${net}.${part * 10 + n}`;
    this.plan = [1, 2, 3].map((n) => ({ name: `e${n}`, address: address(n) }));
    this.members = this.plan.map(({ name }) => new Member(name, this.plan));
    for (const member of this.members) {
      for (const program of ['etcd', 'etcdctl', 'etcdutl'] as const)
        member.link(program, locate(`${program}-${version}` satisfies Program));
    }
  }

  /** An address that is nobody's yet. */
  spare = (n: number): string => (this.plan[0]?.address ?? '').replace(/\d$/, String(n));

  /** Gives each member what `imgbuild render` would, as of this time. */
  async certify(now = new Date()): Promise<void> {
    rmSync(join(this.store, 'secrets/etcd'), { recursive: true, force: true });
    const store = openStore(join(this.store, 'secrets'));
    const plan = planOf(Object.fromEntries(this.plan.map(({ name, address }) => [name, ['etcd', address]])));
    await ensure(plan, store, { now });
    for (const member of this.members) {
      const kind = { name: member.name, isControlPlane: false, isNode: false, isEtcd: true };
      const given = { breakGlass: false, reports: false };
      for (const { path, ref } of secretFiles(kind, { topology: 'external' }, given))
        member.write(path, store.read(ref) ?? '');
    }
  }

  /** Another spec: new addresses. */
  async move(name: string, address: string): Promise<void> {
    this.plan = this.plan.map((member) => (member.name === name ? { name, address } : member));
    for (const member of this.members) member.configure(configOf(member.name, this.plan));
    await this.certify();
  }

  async serve(): Promise<void> {
    await Promise.all(this.members.map((member) => member.serve()));
  }

  async stop(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop()));
  }

  async remove(): Promise<void> {
    await Promise.all(this.members.map((member) => member.stop('SIGKILL')));
    for (const member of this.members) member.remove();
    rmSync(this.store, { recursive: true, force: true });
  }
}
