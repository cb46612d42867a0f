import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { filesOf, folder, put, snapshot, specOf } from './folders.ts';
import { cli } from './run.ts';

const tokens = (dir: string) => JSON.parse(readFileSync(path.join(dir, 'secrets/tokens.json'), 'utf8'));

describe('secrets token', () => {
  test('prints the Secret that a running cluster honours a host’s token by, and how to apply it', async () => {
    const dir = folder({ 'cluster.yaml': specOf() });
    await cli(dir, ['secrets', 'ensure']);
    const before = snapshot(path.join(dir, 'secrets'));
    const { code, out, err } = await cli(dir, ['secrets', 'token', 'knode1'], { outIsTerminal: true });
    expect(code).toBe(0);
    const [id, secret] = tokens(dir).knode1.split('.');
    expect(parse(out, { version: '1.1' })).toEqual({
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `bootstrap-token-${id}`, namespace: 'kube-system' },
      type: 'bootstrap.kubernetes.io/token',
      stringData: {
        description: 'knode1',
        'token-id': id,
        'token-secret': secret,
        expiration: '2026-03-02T12:00:00Z',
        'usage-bootstrap-signing': 'true',
        'usage-bootstrap-authentication': 'true',
        'auth-extra-groups': 'system:bootstrappers:kubeadm:default-node-token',
      },
    });
    expect(err).toMatch(/^knode1 can join until 2026-03-02T12:00Z once the cluster knows this:$/m);
    expect(err).toMatch(/^ {2}imgbuild secrets token knode1 \| kubectl apply -f -$/m);
    expect(err).toContain('ssh 10.10.0.11 sudo kubectl');
    expect(err).not.toContain(secret);
    expect(snapshot(path.join(dir, 'secrets'))).toEqual(before);
  });

  test('advises whom it is shown to, not a pipe; and to log in as the first who may use sudo', async () => {
    const users = (...sudo: string[]) => {
      const user = (each: string, index: number) => `{ name: u${index}, sudo: ${each}, sshKeys: [$1] }`;
      return specOf().replace(/^users: .*sshKeys: \[(.*)\] \}\]$/m, `users: [${sudo.map(user).join(', ')}]`);
    };
    const dir = folder({ 'cluster.yaml': users('none', 'nopasswd', 'nopasswd') });
    await cli(dir, ['secrets', 'ensure']);
    const line = ['secrets', 'token', 'knode1'];
    expect(await cli(dir, line)).toMatchObject({ code: 0, err: '' });
    expect((await cli(dir, line, { outIsTerminal: true })).err).toContain(
      '| ssh u1@10.10.0.11 sudo kubectl ',
    );
  });

  test('--json is the same, and nothing else is said', async () => {
    const dir = folder({ 'cluster.yaml': specOf() });
    await cli(dir, ['secrets', 'ensure']);
    const yaml = await cli(dir, ['secrets', 'token', 'knode1', '--quiet']);
    const json = await cli(dir, ['secrets', 'token', 'knode1', '--json']);
    expect(JSON.parse(json.out)).toEqual(parse(yaml.out));
    expect([yaml.err, json.err]).toEqual(['', '']);
  });

  test('makes the token of a host that was added later, and no other secret', async () => {
    const dir = folder({ 'cluster.yaml': specOf(['kmaster', 'etcd-1', 'knode1']) });
    await cli(dir, ['secrets', 'ensure']);
    const [before, known] = [snapshot(path.join(dir, 'secrets')), tokens(dir)];
    put(dir, { 'cluster.yaml': specOf() });
    const { out, err } = await cli(dir, ['secrets', 'token', 'knode2']);
    expect(err).toMatch(/^made a token for knode2: render, /);
    const { knode2, ...others } = tokens(dir);
    expect(others).toEqual(known);
    expect(out).toContain(knode2.slice(7));
    const after = snapshot(path.join(dir, 'secrets'));
    expect(Object.keys(after).filter((name) => after[name] !== before[name])).toEqual(['tokens.json']);
    // The next one is the same: what is printed twice is one token.
    expect((await cli(dir, ['secrets', 'token', 'knode2'])).out).toBe(out);
  });

  test.each([
    ['token', 'knode1'],
    ['rotate-tokens', '--host', 'knode1'],
  ])('%s in a folder without the cluster’s secrets is refused, and makes nothing', async (...args) => {
    const dir = folder({ 'cluster.yaml': specOf() });
    await cli(dir, ['secrets', 'ensure']);
    expect((await cli(dir, ['secrets', ...args])).code).toBe(0);
    // Gone altogether, and there but for the authority.
    for (const name of ['secrets/pki/ca.crt', 'secrets']) {
      rmSync(path.join(dir, name), { recursive: true });
      const before = snapshot(dir);
      const { code, out, err } = await cli(dir, ['secrets', ...args]);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(
        /^error: there is no \/.*\/secrets\/pki\/ca\.crt: .*\n {4}fix: restore it, or .*--secrets/m,
      );
      expect(snapshot(dir)).toEqual(before);
    }
  });

  test('for the built-in example there is none, secrets or not', async () => {
    const dir = folder();
    const refused = async () => {
      const { code, out, err } = await cli(dir, ['secrets', 'token', 'worker-1']);
      expect([code, out]).toEqual([2, '']);
      expect(err).toMatch(/^error: there is no spec here.*\n {4}fix: run it where this cluster’s spec is/m);
    };
    await refused();
    expect(filesOf(dir)).toEqual([]);
    await cli(dir, ['secrets', 'ensure']);
    await refused();
  });

  test.each([
    ['90m', '2026-03-01T13:30:00Z'],
    ['"0"', undefined],
  ])('with tokenTtl %s it is good until %s', async (ttl, expiration) => {
    const spec = specOf().replace('kubernetes: {', `kubernetes: { tokenTtl: ${ttl},`);
    const dir = folder({ 'cluster.yaml': spec });
    await cli(dir, ['secrets', 'ensure']);
    const { out } = await cli(dir, ['secrets', 'token', 'knode1', '--json']);
    expect(JSON.parse(out).stringData.expiration).toBe(expiration);
  });

  test.each(['registry-1', 'etcd-1'])('%s joins nothing', async (host) => {
    const dir = folder({ 'cluster.yaml': specOf() });
    const { code, out, err } = await cli(dir, ['secrets', 'token', host]);
    expect([code, out]).toEqual([1, '']);
    expect(err).toContain(`${host} is no node, and joins nothing`);
  });

  test('another cluster’s store is left alone', async () => {
    const dir = folder({ 'cluster.yaml': specOf() });
    await cli(dir, ['secrets', 'ensure']);
    put(dir, { 'cluster.yaml': specOf().replace('5e0a11', '000000') });
    const before = snapshot(path.join(dir, 'secrets'));
    expect((await cli(dir, ['secrets', 'token', 'knode1'])).code).toBe(1);
    expect(snapshot(path.join(dir, 'secrets'))).toEqual(before);
  });
});
