import { createHash } from 'node:crypto';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, onTestFinished } from 'vitest';
import { cli } from './run.ts';

/** Hosts of the cluster in these tests, one of each kind that is given other secrets, with their roles. */
export const HOSTS = {
  kmaster: 'master',
  'etcd-1': 'etcd',
  knode1: 'worker',
  knode2: 'worker',
  'registry-1': 'registry',
} as const;
export type HostName = keyof typeof HOSTS;

const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIH8kq0bXvQm3cT5uYw1eRz7nLd9pGs2jKfA4hVxNtBuE ops';

/** Its spec, with these of its hosts, and with `extra` at the end. */
export function specOf(hosts = Object.keys(HOSTS) as HostName[], extra = ''): string {
  const numbers = Object.keys(HOSTS);
  return `name: lab
id: "5e0a11"
kubernetes: { version: 1.34.12, runtime: containerd, cni: { plugin: flannel } }
networks:
  management: { cidr: 10.10.0.0/20, gateway: 10.10.0.1, dns: [223.5.5.5] }
server: http://10.10.0.5:8080
users: [{ name: devops, sshKeys: [${KEY}] }]
disks: { system: { count: 1 }, data: { count: 0 } }
hosts:
${hosts
  .map((name) => {
    const mac = `52:54:00:00:00:0${numbers.indexOf(name) + 1}`;
    return `  - { name: ${name}, role: ${HOSTS[name]}, nics: [{ mac: "${mac}", networks: [management] }] }\n`;
  })
  .join('')}${extra}`;
}

function temporary(): string {
  return mkdtempSync(path.join(tmpdir(), 'imgbuild-cli-'));
}

/** A folder with these files, removed when the test is done. */
export function folder(files: Record<string, string> = {}): string {
  const dir = temporary();
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  put(dir, files);
  return dir;
}

export function put(dir: string, files: Record<string, string>): void {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(dir, name)), { recursive: true });
    writeFileSync(path.join(dir, name), text);
  }
}

let rendered: string | undefined;

/** A folder in which the whole cluster was rendered: a copy of one that is made once for a test file, or itself. */
export async function renderedFolder({ keep = false } = {}): Promise<string> {
  if (!rendered) {
    rendered = temporary();
    put(rendered, { 'cluster.yaml': specOf() });
    const { code, err } = await cli(rendered, ['render']);
    if (code !== 0) throw new Error(err);
  }
  if (keep) return rendered;
  const dir = folder();
  cpSync(rendered, dir, { recursive: true });
  return dir;
}

afterAll(() => {
  if (rendered) rmSync(rendered, { recursive: true, force: true });
});

/** Every file below a folder, by its path there. */
export function filesOf(dir: string): string[] {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(dir, path.join(entry.parentPath, entry.name)))
    .sort();
}

/** Every file below a folder with its mode and digest: two that are equal hold the same. */
export function snapshot(dir: string): Record<string, string> {
  return Object.fromEntries(
    filesOf(dir).map((name) => {
      const file = path.join(dir, name);
      const digest = createHash('sha256').update(readFileSync(file)).digest('hex');
      return [name, `${modeOf(file)} ${digest}`];
    }),
  );
}

export function modeOf(file: string): string {
  return (statSync(file).mode & 0o777).toString(8);
}
