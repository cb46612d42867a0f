import { readFileSync } from 'node:fs';
import path from 'node:path';
import { gunzipSync } from 'node:zlib';
import { beforeAll, describe, expect, test } from 'vitest';
import { unarchive } from '../../src/render/unarchive.ts';
import { reportKey } from '../../src/secrets/reports.ts';
import { filesOf, HOSTS, type HostName, renderedFolder } from './folders.ts';
import { cli, type Ran } from './run.ts';

/** A value that nobody but its owners may see: whose it is, and what of it to look for. */
interface Secret {
  ref: string;
  value: string;
}

const NAMES = Object.keys(HOSTS) as HostName[];

/** Everything in the store that is secret: private keys, tokens, the password and its hash. */
function secretsOf(dir: string): Secret[] {
  const store = path.join(dir, 'secrets');
  const text = (name: string) => readFileSync(path.join(store, name), 'utf8').trim();
  const keys = filesOf(store)
    .filter((name) => name.endsWith('.key'))
    // The second line of a key's PEM is its own; the first has much that all keys have.
    .map((name) => ({ ref: name, value: text(name).split('\n')[2] ?? '' }));
  const tokens = Object.entries(JSON.parse(text('tokens.json')) as Record<string, string>);
  return [
    ...keys,
    ...tokens.map(([host, token]) => ({ ref: `tokens/${host}`, value: token.split('.')[1] ?? '' })),
    { ref: 'console-password', value: text('console-password') },
    { ref: 'report-master', value: text('report-master') },
    ...NAMES.map((host) => ({ ref: `report/${host}`, value: reportKey(text('report-master'), host) })),
    { ref: 'console-password.line', value: text('console-password.line').split('$').at(-1) ?? '' },
  ];
}

/** What each kind of host is given, from the design: no more. */
function givenTo(host: HostName): string[] {
  const everybody = ['console-password.line', `report/${host}`];
  switch (HOSTS[host]) {
    case 'master':
      return [
        ...everybody,
        ...['pki/ca.key', 'pki/front-proxy-ca.key', 'pki/sa.key', 'pki/apiserver-etcd-client.key'],
        // It honours every host's.
        ...['tokens/kmaster', 'tokens/knode1', 'tokens/knode2'],
      ];
    case 'etcd':
      return [
        ...everybody,
        ...['server', 'peer', 'healthcheck-client'].map((use) => `etcd/${host}/${use}.key`),
      ];
    case 'worker':
      return [...everybody, `tokens/${host}`];
    default:
      return everybody;
  }
}

/** The texts that a file holds: itself, what it has packed, and what it has in base64. */
async function textsOf(file: string): Promise<string> {
  const bytes = readFileSync(file);
  const texts = [bytes.toString('latin1')];
  if (file.endsWith('.gz'))
    texts.push(gunzipSync(bytes).toString('latin1'), ...(await unarchive(bytes)).values());
  for (const [, block = ''] of texts.join('\n').matchAll(/<<'END'\n([A-Za-z0-9+/=\n]{40,}?)\nEND\n/g)) {
    const decoded = Buffer.from(block, 'base64');
    texts.push(decoded.toString('latin1'));
    if (decoded.readUInt16BE(0) === 0x1f8b) texts.push(gunzipSync(decoded).toString('latin1'));
  }
  return texts.join('\n');
}

const found = (secrets: readonly Secret[], text: string) =>
  secrets.filter(({ value }) => text.includes(value)).map(({ ref }) => ref);

/** Which secrets each file of the output holds; files that hold none are left out. */
async function holders(dir: string, secrets: readonly Secret[]): Promise<Record<string, string[]>> {
  const entries = await Promise.all(
    filesOf(path.join(dir, 'out')).map(
      async (name) => [name, found(secrets, await textsOf(path.join(dir, 'out', name)))] as const,
    ),
  );
  return Object.fromEntries(
    entries.filter(([, refs]) => refs.length > 0).map(([name, refs]) => [name, [...refs].sort()]),
  );
}

let dir: string;
let secrets: Secret[];
beforeAll(async () => {
  // Not removed with the first test, as folders of tests are.
  dir = await renderedFolder({ keep: true });
  secrets = secretsOf(dir);
});

describe('no secret is where it is not meant to be', () => {
  test('the list of secrets is whole, and each is long enough to be looked for', () => {
    expect(secrets.map(({ ref }) => ref)).toEqual(
      expect.arrayContaining([
        'pki/ca.key',
        'pki/etcd/ca.key',
        'pki/sa.key',
        'tokens/knode1',
        'console-password',
        'report-master',
        'report/etcd-1',
      ]),
    );
    for (const { ref, value } of secrets) expect(value.length, ref).toBeGreaterThanOrEqual(12);
    expect(new Set(secrets.map(({ value }) => value)).size).toBe(secrets.length);
  });

  test('in the output: each host’s own archive has what its role needs, and no other file has any', async () => {
    const expected = Object.fromEntries(
      NAMES.map((host) => [`hosts/${host}/secrets.tar.gz`, givenTo(host).sort()]),
    );
    expect(await holders(dir, secrets)).toEqual(expected);
  });

  test('--self-contained: in each host’s kickstart, and nowhere else', async () => {
    const own = await renderedFolder();
    await cli(own, ['render', '--self-contained']);
    const expected = Object.fromEntries(NAMES.map((host) => [`hosts/${host}/ks.cfg`, givenTo(host).sort()]));
    expect(await holders(own, secretsOf(own))).toEqual(expected);
  });

  test('the lock, the manifest and the spec’s folder have none', () => {
    for (const name of ['addresses.lock.yaml', 'cluster.yaml', 'out/manifest.json'])
      expect(found(secrets, readFileSync(path.join(dir, name), 'utf8'))).toEqual([]);
  });

  const lines = [
    ['check'],
    ['plan'],
    ...NAMES.flatMap((host) => [
      ['plan', host],
      ['plan', host, '--files'],
    ]),
    ['render'],
    ['render', '--dry-run'],
    ['render', '--dry-run', '--self-contained'],
    ['render', '--dry-run', '--out', 'elsewhere'],
    ['render', '--check', '--self-contained'],
    ['secrets', 'show'],
    ['secrets', 'ensure'],
    ['doctor', '--offline'],
  ];
  test.each(lines.flatMap((line) => [[line], [[...line, '--json']]]))('in what %j says', async (line) => {
    const { all } = await cli(dir, line);
    expect(found(secrets, all)).toEqual([]);
  });

  test('in what is said of secrets that change, or are damaged', async () => {
    const own = await renderedFolder();
    const said: Ran[] = [];
    const say = async (...line: string[]) => {
      const before = secretsOf(own);
      const ran = await cli(own, line);
      said.push(ran);
      expect(found([...before, ...secretsOf(own)], ran.all)).toEqual([]);
    };
    await say('secrets', 'rotate-tokens', '--debug');
    await say('render', '--dry-run');
    await say('secrets', 'renew', '--all', '--new-keys', '--json');
    await say('render', '--dry-run', '--json');
    await say('render');
    expect(said.map(({ code }) => code)).toEqual([0, 0, 0, 0, 0]);
  });

  test('`secrets show` with --password or --token is the one way to see one, and only that one', async () => {
    const shown = async (...args: string[]) =>
      found(secrets, (await cli(dir, ['secrets', 'show', ...args])).all);
    expect(await shown('--password')).toEqual(['console-password']);
    expect(await shown('--token', 'knode1')).toEqual(['tokens/knode1']);
    expect(await shown('--token', 'knode1', '--json')).toEqual(['tokens/knode1']);
  });
});
