import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { onTestFinished } from 'vitest';
import { NOW } from './plan.ts';

/** Runs openssl and gives what it printed. */
export async function openssl(...args: string[]): Promise<string> {
  const { stdout } = await execa('openssl', args);
  return stdout;
}

/** openssl verify at {@link NOW}, or another time; rejects where it is not content. */
export function verify(ca: string, file: string, args: string[] = [], at = NOW): Promise<string> {
  const seconds = String(Math.floor(at.getTime() / 1000));
  return openssl('verify', '-x509_strict', '-attime', seconds, ...args, '-CAfile', ca, file);
}

/** An authority as others make it. */
export interface MadeCa {
  dir: string;
  certificate: string;
  key: string;
}

/** Options of {@link makeCa}. */
export interface MakeCa {
  /** Of openssl genpkey. */
  key?: string[];
  subject?: string;
  extensions?: string[];
  days?: number;
  /** Signs it; without one it signs itself. */
  parent?: MadeCa;
}

/** Makes an authority with openssl, valid from today on: use it with the real time. */
export async function makeCa({
  key,
  subject,
  extensions,
  days = 3650,
  parent,
}: MakeCa = {}): Promise<MadeCa> {
  const dir = mkdtempSync(join(tmpdir(), 'imgbuild-ca-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  mkdirSync(dir, { recursive: true });
  const [crt, pem] = [join(dir, 'ca.crt'), join(dir, 'ca.key')];
  await openssl(
    'genpkey',
    ...(key ?? ['-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256']),
    '-out',
    pem,
  );
  const wanted = extensions ?? ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign,cRLSign'];
  await openssl(
    ...['req', '-x509', '-new', '-key', pem, '-out', crt, '-days', String(days), '-sha256'],
    ...['-config', emptyConfig(dir), '-subj', subject ?? '/C=DE/O=Müller & Söhne/CN=Company CA', '-utf8'],
    ...(parent ? ['-CA', join(parent.dir, 'ca.crt'), '-CAkey', join(parent.dir, 'ca.key')] : []),
    ...wanted.flatMap((extension) => ['-addext', extension]),
  );
  return { dir, certificate: readFileSync(crt, 'utf8'), key: readFileSync(pem, 'utf8') };
}

/** The system's own openssl.cnf would add extensions of its own. */
function emptyConfig(dir: string): string {
  const file = join(dir, 'openssl.cnf');
  writeFileSync(file, '[req]\ndistinguished_name = dn\nprompt = no\n[dn]\n');
  return file;
}
