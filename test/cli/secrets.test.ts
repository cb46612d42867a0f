import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesOf, folder, modeOf, put, snapshot, specOf } from './folders.ts';
import { cli, NOW } from './run.ts';

const newFolder = () => folder({ 'cluster.yaml': specOf() });
const later = (days: number) => ({ now: () => new Date(NOW.getTime() + days * 86_400_000) });
const read = (dir: string, name: string) => readFileSync(path.join(dir, 'secrets', name), 'utf8');
const store = (dir: string) => snapshot(path.join(dir, 'secrets'));

/** What differs between two snapshots. */
function changed(before: Record<string, string>, after: Record<string, string>): string[] {
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => before[name] !== after[name])
    .sort();
}

describe('secrets show', () => {
  test('before anything was made: what is missing, and nothing is made', async () => {
    const dir = newFolder();
    const { code, out } = await cli(dir, ['secrets', 'show']);
    expect(code).toBe(0);
    expect(out).toMatch(/^SECRET +KIND +EXPIRES +DAYS +STATUS +FOR\n/);
    expect(out).toMatch(/^pki\/ca\.crt +authority +- +- +missing +-$/m);
    expect(filesOf(dir)).toEqual(['cluster.yaml']);
  });

  test('afterwards: when each expires, and whether it is well', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    const { out } = await cli(dir, ['secrets', 'show']);
    expect(out).not.toMatch(/missing/);
    expect(out).toMatch(/^pki\/ca\.crt +authority +2036-\d\d-\d\d +3\d{3} +ok +\S/m);
    expect(out).toMatch(/^etcd\/etcd-1\/server\.crt +certificate +2031-\S+ +\d+ +ok +.*IP:10\.10\.0\.12/m);
    const old = await cli(dir, ['secrets', 'show'], later(5 * 365 - 20));
    expect(old.out).toMatch(/^etcd\/etcd-1\/server\.crt .* expires soon /m);
    expect((await cli(dir, ['secrets', 'show'], later(6 * 365))).out).toMatch(
      /etcd-1\/server\.crt .* expired /m,
    );
  });

  test.each([
    ['24h', '24h after init', '24h0m0s'],
    ['90m', '1h30m after init', '1h30m0s'],
    ['"0"', 'never', '0s'],
  ])('a token of %s: whose it is, and from when on its time runs', async (ttl, shown, json) => {
    const spec = specOf().replace('kubernetes: {', `kubernetes: { tokenTtl: ${ttl},`);
    const dir = folder({ 'cluster.yaml': spec });
    expect((await cli(dir, ['secrets', 'show'])).out).toMatch(
      /^tokens\/knode1 +token +- +- +missing +knode1$/m,
    );
    await cli(dir, ['secrets', 'ensure']);
    const { out } = await cli(dir, ['secrets', 'show']);
    expect(out).toMatch(new RegExp(`^tokens/knode1 +token +${shown} +- +ok +knode1$`, 'm'));
    const { secrets } = JSON.parse((await cli(dir, ['secrets', 'show', '--json'])).out);
    expect(secrets).toContainEqual(
      expect.objectContaining({ ref: 'tokens/knode1', host: 'knode1', ttl: json }),
    );
  });

  test('names what the plan has no use for any more', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    put(dir, { 'cluster.yaml': specOf(['kmaster', 'etcd-1', 'knode1']) });
    expect((await cli(dir, ['secrets', 'show'])).err).toMatch(/^no longer in the plan: tokens\/knode2$/m);
  });

  test('--json', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    const { out, err } = await cli(dir, ['secrets', 'show', '--json']);
    expect(err).toBe('');
    const { secrets, notInPlan, directory } = JSON.parse(out);
    expect(directory).toBe(path.join(dir, 'secrets'));
    expect(notInPlan).toEqual([]);
    expect(secrets).toContainEqual(
      expect.objectContaining({ ref: 'tokens/knode1', kind: 'token', status: 'ok' }),
    );
  });

  test('--password prints it and nothing else; where there is none, it says what to do', async () => {
    const dir = newFolder();
    const none = await cli(dir, ['secrets', 'show', '--password']);
    expect(none).toMatchObject({ code: 1, out: '' });
    expect(none.err).toMatch(/holds no break-glass password\n {4}fix: make it: imgbuild secrets ensure/);
    await cli(dir, ['secrets', 'ensure']);
    expect(await cli(dir, ['secrets', 'show', '--password'])).toMatchObject({
      code: 0,
      out: read(dir, 'console-password'),
      err: '',
    });
    expect(JSON.parse((await cli(dir, ['secrets', 'show', '--password', '--json'])).out)).toEqual({
      user: 'breakglass',
      password: read(dir, 'console-password').trim(),
    });
  });
});

describe('secrets show --token', () => {
  test('prints a host’s token and nothing else', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    const { knode1 } = JSON.parse(read(dir, 'tokens.json'));
    expect(await cli(dir, ['secrets', 'show', '--token', 'knode1'])).toMatchObject({
      code: 0,
      out: `${knode1}\n`,
      err: '',
    });
  });

  test('of a host that joins nothing is refused as "secrets token" refuses it; of one whose token is missing it is made', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    const shown = await cli(dir, ['secrets', 'show', '--token', 'etcd-1']);
    expect(shown.err).toContain('etcd-1 is no node, and joins nothing');
    expect(shown).toEqual(await cli(dir, ['secrets', 'token', 'etcd-1']));
    rmSync(path.join(dir, 'secrets/tokens.json'));
    const { code, err } = await cli(dir, ['secrets', 'show', '--token', 'knode1']);
    expect(code).toBe(1);
    expect(err).toContain('fix: make what is missing: imgbuild secrets ensure');
  });

  test.each(['registry-1', 'knod1'])('%s has none', async (host) => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    const { code, out, err } = await cli(dir, ['secrets', 'show', '--token', host]);
    expect(code).not.toBe(0);
    expect(out).toBe('');
    expect(err).toContain(host);
  });
});

describe('secrets ensure', () => {
  test('makes what is missing, once, for the owner alone', async () => {
    const dir = newFolder();
    const { code, out } = await cli(dir, ['secrets', 'ensure']);
    expect(code).toBe(0);
    for (const ref of [
      'pki/ca.key',
      'pki/etcd/ca.crt',
      'etcd/etcd-1/peer.key',
      'tokens/knode1',
      'console-password',
    ])
      expect(out.split('\n')).toContain(`made ${ref}`);
    expect(modeOf(path.join(dir, 'secrets'))).toBe('700');
    expect(read(dir, '.gitignore')).toBe('*\n');
    const before = store(dir);
    expect((await cli(dir, ['secrets', 'ensure'])).out).toBe('nothing was missing\n');
    expect(store(dir)).toEqual(before);
  });

  test('leaves the rest alone where one is missing', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    const before = store(dir);
    for (const end of ['crt', 'key']) rmSync(path.join(dir, `secrets/etcd/etcd-1/peer.${end}`));
    const { made } = JSON.parse((await cli(dir, ['secrets', 'ensure', '--json'])).out);
    expect(made.sort()).toEqual(['etcd/etcd-1/peer.crt', 'etcd/etcd-1/peer.key']);
    expect(changed(before, store(dir))).toEqual(['etcd/etcd-1/peer.crt', 'etcd/etcd-1/peer.key']);
  });

  test('--ca-years', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure', '--ca-years', '100']);
    expect((await cli(dir, ['secrets', 'show'])).out).toMatch(/^pki\/ca\.crt +authority +2126-/m);
    const { code, err } = await cli(newFolder(), ['secrets', 'ensure', '--ca-years', '101']);
    expect(code).not.toBe(0);
    expect(err).toMatch(/100/);
  });
});

describe('secrets rotate-tokens', () => {
  test('gives all hosts that join new ones, or the one that is named', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    const tokens = () => JSON.parse(read(dir, 'tokens.json'));
    const first = tokens();
    const before = store(dir);
    const { code, out } = await cli(dir, ['secrets', 'rotate-tokens', '--host', 'knode2']);
    expect(code).toBe(0);
    expect(out).toBe(
      [
        'new tokens for 1 host: render again. Where the cluster runs already:',
        'first, on a control plane, so that it honours the old ones no more:',
        `  kubeadm token delete ${first.knode2.slice(0, 6)}   # knode2`,
        'then, for a host only where it has yet to join:',
        '  imgbuild secrets token knode2 | kubectl apply -f -',
        '',
      ].join('\n'),
    );
    const second = tokens();
    expect(changed(first, second)).toEqual(['knode2']);
    expect(changed(before, store(dir))).toEqual(['tokens.json']);
    const { rotated, oldIds } = JSON.parse((await cli(dir, ['secrets', 'rotate-tokens', '--json'])).out);
    expect(rotated).toEqual(['kmaster', 'knode1', 'knode2']);
    expect(changed(second, tokens())).toEqual(rotated);
    expect(oldIds.knode1).toBe(second.knode1.slice(0, 6));
  });

  test('names the old token of each host, and none where there was none', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    const { knode2, ...known } = JSON.parse(read(dir, 'tokens.json'));
    writeFileSync(path.join(dir, 'secrets/tokens.json'), JSON.stringify(known));
    const { out } = await cli(dir, ['secrets', 'rotate-tokens']);
    const deletions = [...out.matchAll(/kubeadm token delete (\w{6}) {3}# (\S+)\n/g)];
    expect(Object.fromEntries(deletions.map(([, id, host]) => [host, id]))).toEqual({
      kmaster: known.kmaster.slice(0, 6),
      knode1: known.knode1.slice(0, 6),
    });
    expect(out).toMatch(/^ {2}imgbuild secrets token knode2 \| kubectl apply -f -$/m);
    expect(out).not.toContain(known.knode1);
    expect(out).not.toContain(knode2);
  });
});

describe('secrets renew', () => {
  test('nothing, as long as all is well', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    expect(await cli(dir, ['secrets', 'renew'])).toMatchObject({
      code: 0,
      out: 'no certificate had to be renewed\n',
    });
  });

  test('what expires within so many days, with the same keys', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    const before = store(dir);
    const { out } = await cli(dir, ['secrets', 'renew', '--within', '2000']);
    expect(out).toMatch(/^renewed etcd\/etcd-1\/server\.crt: .*; now good until 2031-/m);
    expect(out).toMatch(/^render again; /m);
    const names = changed(before, store(dir));
    expect(names.every((name) => name.endsWith('.crt'))).toBe(true);
    expect(names.some((name) => name.endsWith('ca.crt'))).toBe(false);
  });

  test('--all --new-keys: keys too; --ca: an authority’s own', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    const before = store(dir);
    await cli(dir, ['secrets', 'renew', '--all', '--new-keys']);
    const names = changed(before, store(dir));
    expect(names).toContain('etcd/etcd-1/peer.key');
    expect(names).not.toContain('pki/ca.key');
    const between = store(dir);
    const { renewed } = JSON.parse(
      (await cli(dir, ['secrets', 'renew', '--ca', 'etcd', '--json'], later(30))).out,
    );
    expect(renewed).toMatchObject([{ ref: 'pki/etcd/ca.crt' }]);
    expect(changed(between, store(dir))).toEqual(['pki/etcd/ca.crt']);
  });

  test('a certificate whose host moved', async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    put(dir, {
      'cluster.yaml': specOf().replace(
        'name: etcd-1,',
        'name: etcd-1, addresses: { management: 10.10.0.99 },',
      ),
    });
    const { out } = await cli(dir, ['secrets', 'renew']);
    expect(out).toMatch(/^renewed etcd\/etcd-1\/server\.crt: /m);
    expect((await cli(dir, ['secrets', 'show'])).out).toMatch(/etcd-1\/server\.crt .*IP:10\.10\.0\.99/);
  });
});

describe('secrets import-ca', () => {
  const authority = async () => {
    const dir = newFolder();
    await cli(dir, ['secrets', 'ensure']);
    return { cert: path.join(dir, 'secrets/pki/ca.crt'), key: path.join(dir, 'secrets/pki/ca.key') };
  };

  test('an authority of one’s own, from which the rest is made', async () => {
    const own = await authority();
    const dir = newFolder();
    const line = ['secrets', 'import-ca', 'etcd', '--cert', own.cert, '--key', own.key];
    expect(await cli(dir, line)).toMatchObject({
      code: 0,
      out: 'wrote pki/etcd/ca.key and pki/etcd/ca.crt\n',
      err: '',
    });
    expect(read(dir, 'pki/etcd/ca.crt')).toBe(readFileSync(own.cert, 'utf8'));
    expect(modeOf(path.join(dir, 'secrets/pki/etcd/ca.key'))).toBe('600');
    expect((await cli(dir, line)).out).toBe('the same authority was there already\n');
    const { made } = JSON.parse((await cli(dir, ['secrets', 'ensure', '--json'])).out);
    expect(made).not.toContain('pki/etcd/ca.crt');
  });

  test('never replaces another one but with --force', async () => {
    const [own, other] = [await authority(), await authority()];
    const dir = newFolder();
    const line = (from: typeof own) => [
      'secrets',
      'import-ca',
      'kubernetes',
      '--cert',
      from.cert,
      '--key',
      from.key,
    ];
    await cli(dir, line(own));
    const before = store(dir);
    const refused = await cli(dir, line(other));
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(/is another authority .*\n {4}fix: use --force to replace it/);
    expect(store(dir)).toEqual(before);
    expect(await cli(dir, [...line(other), '--force'])).toMatchObject({ code: 0 });
    expect(read(dir, 'pki/ca.crt')).toBe(readFileSync(other.cert, 'utf8'));
  });

  test.each([
    [
      'a key of another',
      (a: { cert: string; key: string }, b: typeof a) => [a.cert, b.key],
      1,
      /the key is not the certificate/,
    ],
    ['no file', (a) => [`${a.cert}.none`, a.key], 2, /cannot read .*ca\.crt\.none: there is no such file/],
    ['no certificate', (a) => [a.key, a.key], 1, /certificate/],
  ] as [
    string,
    (a: { cert: string; key: string }, b: { cert: string; key: string }) => string[],
    number,
    RegExp,
  ][])('%s is refused', async (_, pick, exit, message) => {
    const [cert = '', key = ''] = pick(await authority(), await authority());
    const dir = newFolder();
    const { code, err } = await cli(dir, [
      'secrets',
      'import-ca',
      'kubernetes',
      '--cert',
      cert,
      '--key',
      key,
    ]);
    expect(err).toMatch(message);
    // What was given is not repeated: it may be a key.
    expect(err).not.toMatch(/PRIVATE|[A-Za-z0-9+/]{40}/);
    expect(code).toBe(exit);
    expect(filesOf(dir)).toEqual(['cluster.yaml']);
  });
});
