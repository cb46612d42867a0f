import { X509Certificate } from 'node:crypto';
import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { TLSSocket } from 'node:tls';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readCertificate, readKey } from '../../src/secrets/certificate.ts';
import { issueLeaf, keyPem, newKey } from '../../src/secrets/pki.ts';
import { describeWith, run } from '../rigs/programs.ts';
import { verify } from '../secrets/openssl.ts';
import { filesOf, folder, modeOf, put, snapshot, specOf } from './folders.ts';
import { cli } from './run.ts';

/** A folder whose store has everything. */
async function withSecrets(extra = ''): Promise<string> {
  const dir = folder({ 'cluster.yaml': specOf(undefined, extra) });
  await cli(dir, ['secrets', 'ensure']);
  return dir;
}

const pem = (base64: string) => Buffer.from(base64, 'base64').toString();

/** What a kubeconfig says of its only user. */
function userOf(text: string) {
  const { users, clusters, ...rest } = parse(text);
  const { 'client-certificate-data': certificate, 'client-key-data': key } = users[0].user;
  return { ...rest, name: users[0].name, cluster: clusters[0], certificate: pem(certificate), key: pem(key) };
}

describe('kubeconfig', () => {
  test('is an administrator’s for a year, at the endpoint, and openssl believes its certificate', async () => {
    const dir = await withSecrets();
    const { code, out, err } = await cli(dir, ['kubeconfig']);
    expect(code).toBe(0);
    const { certificate, key, cluster, name, ...rest } = userOf(out);
    expect(rest).toEqual({
      apiVersion: 'v1',
      kind: 'Config',
      contexts: [{ name: 'admin@lab', context: { cluster: 'lab', user: 'admin' } }],
      'current-context': 'admin@lab',
    });
    expect([name, cluster.name, cluster.cluster.server]).toEqual(['admin', 'lab', 'https://api.lab:6443']);
    expect(pem(cluster.cluster['certificate-authority-data'])).toBe(
      readFileSync(path.join(dir, 'secrets/pki/ca.crt'), 'utf8'),
    );
    const x509 = new X509Certificate(certificate);
    expect(x509.subject.split('\n').sort()).toEqual(['CN=admin', 'O=system:masters']);
    expect(new Date(x509.validTo)).toEqual(new Date('2027-03-01T12:00:00Z'));
    expect(x509.checkPrivateKey(readKey(key, 'the key'))).toBe(true);
    put(dir, { 'client.crt': certificate });
    await verify(path.join(dir, 'secrets/pki/ca.crt'), path.join(dir, 'client.crt'), [
      '-purpose',
      'sslclient',
    ]);
    // Whoever holds it cannot be stopped: that is said, and how it is done better.
    expect(err).toMatch(/nothing limits system:masters.*before 2027-03-01.*--group kubeadm:cluster-admins/);
    expect(err).toMatch(
      /api\.lab is a name that the cluster’s hosts know; .*--server https:\/\/10\.10\.0\.11:6443/,
    );
  });

  test('is whose one says, for as long as one says', async () => {
    const dir = await withSecrets();
    const { out, err } = await cli(dir, [
      ...['kubeconfig', '--user', 'ann', '--group', 'dev', '--group', 'ops'],
      ...['--ttl', '90m', '--server', 'https://10.10.0.11:6443/'],
    ]);
    expect(err).toBe('');
    const { certificate, cluster, contexts } = userOf(out);
    const x509 = new X509Certificate(certificate);
    expect(x509.subject.split('\n').sort()).toEqual(['CN=ann', 'O=dev', 'O=ops']);
    expect(new Date(x509.validTo)).toEqual(new Date('2026-03-01T13:30:00Z'));
    expect(cluster.cluster.server).toBe('https://10.10.0.11:6443');
    expect(contexts[0].name).toBe('ann@lab');
  });

  test('is good no longer than the authority, and says until when', async () => {
    const dir = await withSecrets();
    const line = ['kubeconfig', '--ttl', '200000h', '--group', 'ops'];
    const said = 'it is good until 2036-03-01, not 2048-12-23: the cluster’s authority ends then';
    expect((await cli(dir, line)).err).toContain(`warning: ${said}\n`);
    const { out } = await cli(dir, ['kubeconfig', '--ttl', '200000h', '--json']);
    expect(JSON.parse(out)).toMatchObject({
      user: 'admin',
      groups: ['system:masters'],
      server: 'https://api.lab:6443',
      notAfter: '2036-03-01T12:00:00.000Z',
      warnings: [said],
      kubeconfig: { kind: 'Config' },
    });
  });

  test('--out: the owner’s alone; nothing is replaced unasked, and nothing kept in the store', async () => {
    const dir = await withSecrets();
    const before = snapshot(path.join(dir, 'secrets'));
    const line = ['kubeconfig', '--out', 'lab/config'];
    const { code, out } = await cli(dir, line);
    expect([code, out]).toEqual([
      0,
      'lab/config: admin of system:masters at https://api.lab:6443, good until 2027-03-01\n',
    ]);
    const file = path.join(dir, 'lab/config');
    expect(modeOf(file)).toBe('600');
    const first = readFileSync(file, 'utf8');

    const refused = await cli(dir, line);
    expect(refused).toMatchObject({ code: 2, out: '' });
    expect(refused.err).toMatch(/lab\/config is there already\n {4}fix: .*--force/);
    expect(readFileSync(file, 'utf8')).toBe(first);

    chmodSync(file, 0o644);
    const replaced = await cli(dir, [...line, '--force', '--json']);
    expect(JSON.parse(replaced.out)).toMatchObject({ user: 'admin', file });
    expect(replaced.out).not.toMatch(/PRIVATE|key-data/);
    expect(readFileSync(file, 'utf8')).not.toBe(first);
    expect(modeOf(file)).toBe('600');
    expect(snapshot(path.join(dir, 'secrets'))).toEqual(before);
    expect(filesOf(path.join(dir, 'lab'))).toEqual(['config']);
  });

  test.each([
    [
      'no store',
      (dir: string) => rmSync(path.join(dir, 'secrets'), { recursive: true }),
      /there is no .*ca\.crt to sign with[\s\S]*secrets ensure/,
    ],
    [
      'no key of the authority',
      (dir: string) => rmSync(path.join(dir, 'secrets/pki/ca.key')),
      /ca\.key is missing/,
    ],
    [
      'another authority’s key',
      (dir: string) =>
        writeFileSync(
          path.join(dir, 'secrets/pki/ca.key'),
          readFileSync(path.join(dir, 'secrets/pki/etcd/ca.key')),
        ),
      /is not the key of pki\/ca\.crt/,
    ],
    [
      'another cluster’s store',
      (dir: string) => writeFileSync(path.join(dir, 'secrets/cluster'), 'prod-5e0a11\n'),
      /holds the secrets of cluster prod-5e0a11/,
    ],
  ])('%s: refused, and nothing written', async (_, spoil, message) => {
    const dir = await withSecrets();
    spoil(dir);
    const { code, out, err } = await cli(dir, ['kubeconfig', '--out', 'config']);
    expect([code, out]).toEqual([1, '']);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/PRIVATE|[A-Za-z0-9+/]{40}/);
    expect(filesOf(dir)).not.toContain('config');
  });

  test.each([
    ['no name of theirs', 'https://API.example.com:6443', 'api.example.com'],
    ['no address of theirs', 'https://10.10.0.12:6443', '10.10.0.12'],
    ['the endpoint', 'https://API.lab:6443', undefined],
    ['a control plane’s address', 'https://10.10.0.11:6443', undefined],
    ['what a pod knows it by', 'https://kubernetes.default.svc', undefined],
    ['its own side of a tunnel', 'https://127.0.0.1:16443', undefined],
  ])('--server, %s: %s', async (_, server, stranger) => {
    const dir = await withSecrets();
    const { code, err } = await cli(dir, ['kubeconfig', '--server', server, '--group', 'ops']);
    expect(code).toBe(0);
    if (stranger === undefined) expect(err).toBe('');
    else
      expect(err).toMatch(
        new RegExp(`^warning: .* do not name ${stranger}: .*; they name api\\.lab, .*10\\.10\\.0\\.11`),
      );
  });

  test.each([
    [
      'local-proxy',
      '--server https://10.10.0.11:6443',
      '  endpoint: { via: local-proxy }',
      /for that host alone/,
    ],
    [
      'vip',
      '--server https://10.10.0.9:8443',
      '  endpoint: { via: vip, vip: 10.10.0.9 }',
      /takes a DNS entry/,
    ],
    [
      'external',
      '--server https://172.20.0.9:8443',
      '  endpoint: { address: 172.20.0.9, port: 8443 }',
      /takes a DNS entry/,
    ],
  ])('via %s: says how it is reached from elsewhere', async (via, hint, endpoint, why) => {
    const dir = folder({ 'cluster.yaml': specOf(), 'site.yaml': `kubernetes:\n${endpoint}\n` });
    const line = ['--spec', 'cluster.yaml', '--spec', 'site.yaml'];
    await cli(dir, ['secrets', 'ensure', ...line]);
    const { out, err } = await cli(dir, ['kubeconfig', ...line]);
    expect(err).toContain(hint);
    expect(err).toMatch(why);
    if (via === 'local-proxy') expect(err).not.toContain('DNS');
    expect(userOf(out).cluster.cluster.server).toBe('https://api.lab:8443');
  });
});

/** An API server that knows two things: who may ask, and which tokens there are. */
async function apiServer(dir: string, secrets: object[]) {
  const read = (name: string) => readFileSync(path.join(dir, 'secrets/pki', name), 'utf8');
  const key = newKey();
  const ca = {
    certificate: readCertificate(read('ca.crt'), 'ca.crt'),
    key: readKey(read('ca.key'), 'ca.key'),
  };
  const usages = ['serverAuth' as const];
  const need = { ref: 'x', ca: 'kubernetes' as const, commonName: 'x', dns: [], ips: ['127.0.0.1'], usages };
  const cert = await issueLeaf(need, key, ca, { now: new Date(), years: 1 });
  const seen: string[] = [];
  const server = createServer(
    { key: keyPem(key), cert, ca: read('ca.crt'), requestCert: true, rejectUnauthorized: true },
    (request, response) => {
      const { subject } = (request.socket as TLSSocket).getPeerCertificate();
      seen.push(`${subject.CN} of ${subject.O}: ${request.method} ${request.url?.split('?')[0]}`);
      const list = { kind: 'SecretList', apiVersion: 'v1', metadata: {}, items: secrets };
      response.setHeader('Content-Type', 'application/json');
      response.end(JSON.stringify(list));
    },
  );
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`,
    seen,
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

describeWith(['kubeadm-1.34.2'], 'the real kubeadm', () => {
  test('asks an API server with the kubeconfig, and reads the Secret of "secrets token" as a token', async () => {
    const now = () => new Date();
    const dir = folder({ 'cluster.yaml': specOf() });
    await cli(dir, ['secrets', 'ensure'], { now });
    const { out } = await cli(dir, ['secrets', 'token', 'knode1', '--json'], { now });
    const { stringData, ...secret } = JSON.parse(out);
    // As the API server stores it.
    const data = Object.fromEntries(
      Object.entries<string>(stringData).map(([name, text]) => [name, Buffer.from(text).toString('base64')]),
    );
    const api = await apiServer(dir, [{ ...secret, data }]);
    const line = ['kubeconfig', '--server', api.url, '--out', 'config', '--quiet'];
    expect((await cli(dir, line, { now })).code).toBe(0);
    const listed = await run('kubeadm-1.34.2', [
      ...['token', 'list', '-o', 'json', '--kubeconfig', path.join(dir, 'config')],
    ]);
    await api.close();
    expect(listed.exitCode, listed.lines.join('\n')).toBe(0);
    expect(JSON.parse(listed.stdout)).toMatchObject({
      token: JSON.parse(readFileSync(path.join(dir, 'secrets/tokens.json'), 'utf8')).knode1,
      description: 'knode1',
      expires: stringData.expiration,
      usages: ['authentication', 'signing'],
      groups: ['system:bootstrappers:kubeadm:default-node-token'],
    });
    expect(api.seen).toEqual(['admin of system:masters: GET /api/v1/namespaces/kube-system/secrets']);
  });
});
