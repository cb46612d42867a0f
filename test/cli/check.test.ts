import { describe, expect, test } from 'vitest';
import { folder, put, specOf } from './folders.ts';
import { cli } from './run.ts';

const BROKEN = specOf().replace('role: worker', 'role: wroker');

describe('check', () => {
  test('a sound spec: one line on standard output', async () => {
    const hosts = specOf(['kmaster', 'knode1']);
    expect(await cli(folder({ 'cluster.yaml': hosts }), ['check'])).toMatchObject({
      code: 0,
      out: 'cluster.yaml: 2 hosts, no errors\n',
      err: '',
    });
  });

  test('warnings are told of, and are no failure unless --strict', async () => {
    const dir = folder({ 'cluster.yaml': specOf() });
    const { code, out, err } = await cli(dir, ['check']);
    expect(code).toBe(0);
    expect(out).toBe('cluster.yaml: 5 hosts, no errors\n');
    expect(err).toMatch(/warning: etcd has a single member \[etcd-few\]/);
    expect(await cli(dir, ['check', '--strict'])).toMatchObject({ code: 1, out: '', err });
  });

  test('an empty folder: the built-in example', async () => {
    const { code, out, err } = await cli(folder(), ['check']);
    expect(code).toBe(0);
    expect(out).toBe('examples/production.yaml: 19 hosts, no errors\n');
    expect(err).toMatch(/no cluster.yaml here: this is the built-in example; "imgbuild init" writes it/);
  });

  test.each([
    ['check'],
    ['plan'],
    ['plan', 'etcd-1'],
    ['secrets', 'show'],
    ['doctor', '--offline'],
    ['render', '-n'],
  ])('%s %s: an empty folder is told of before anything else, and only to people', async (...args) => {
    const notice = /^no cluster.yaml here: this is the built-in example; "imgbuild init" writes it/;
    expect((await cli(folder(), args)).all).toMatch(notice);
    expect((await cli(folder(), [...args, '--quiet'])).all).not.toMatch(notice);
    expect((await cli(folder(), [...args, '--json'])).err).toBe('');
  });

  test('a spec by another name is not passed over for the example', async () => {
    const { code, out, err } = await cli(folder({ 'prod.yaml': specOf() }), ['render']);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(
      /there is no cluster.yaml here, and there is prod.yaml\n {4}fix: name the spec: --spec prod.yaml/,
    );
  });

  test('secrets that do not fit are told of as well', async () => {
    const dir = folder({ 'cluster.yaml': specOf() });
    await cli(dir, ['secrets', 'ensure']);
    put(dir, {
      'cluster.yaml': specOf().replace(
        'name: etcd-1,',
        'name: etcd-1, addresses: { management: 10.10.0.99 },',
      ),
    });
    const { code, all } = await cli(dir, ['check']);
    expect(all).toMatch(
      /secrets\/etcd\/etcd-1\/server.crt lacks IP:10.10.0.99 \[secret-does-not-fit\]\n {4}fix: .*secrets renew/,
    );
    expect(code).toBe(1);
  });

  test('-C works in another folder, from where other paths are taken', async () => {
    const dir = folder({ 'lab/cluster.yaml': BROKEN, 'lab/site/other.yaml': BROKEN });
    expect((await cli(dir, ['-C', 'lab', 'check'])).err).toMatch(/^cluster.yaml:12:/);
    expect((await cli(dir, ['check', '-C', 'lab', '--spec', 'site/other.yaml'])).err).toMatch(
      /^site\/other.yaml:12:/,
    );
  });

  test('--spec twice lays the second over the first', async () => {
    const dir = folder({
      'base.yaml': BROKEN,
      'site.yaml': 'hosts: [{ name: knode1, role: worker }, { name: knode2, role: worker }]\n',
    });
    expect(await cli(dir, ['check', '--spec', 'base.yaml'])).toMatchObject({ code: 1 });
    expect(await cli(dir, ['check', '--spec', 'base.yaml', '-s', 'site.yaml'])).toMatchObject({
      code: 0,
      out: 'base.yaml + site.yaml: 5 hosts, no errors\n',
    });
  });

  test('--json: the same problems as data, and nothing else', async () => {
    const { code, out, err } = await cli(folder({ 'cluster.yaml': BROKEN }), ['check', '--json']);
    expect(code).toBe(1);
    expect(err).toBe('');
    const { ok, spec, problems } = JSON.parse(out);
    expect(ok).toBe(false);
    expect(spec).toEqual(['cluster.yaml']);
    expect(problems[0]).toEqual({
      code: 'role-unknown',
      severity: 'error',
      path: ['hosts', 2, 'role'],
      place: { file: 'cluster.yaml', line: 12, col: 27 },
      message: 'there is no role "wroker"',
      hint: 'did you mean "worker"?',
    });
  });

  test.each([['check'], ['plan'], ['render'], ['secrets', 'show'], ['doctor', '--offline']])(
    '%s: a spec with errors is exit 1, as text and as JSON',
    async (...args) => {
      const dir = folder({ 'cluster.yaml': BROKEN });
      const text = await cli(dir, args);
      expect(text).toMatchObject({ code: 1, out: '' });
      expect(text.err).toMatch(/role-unknown/);
      const json = await cli(dir, [...args, '--json']);
      expect(json).toMatchObject({ code: 1, err: '' });
      expect(JSON.parse(json.out)).toMatchObject({ ok: false, problems: [{ code: 'role-unknown' }, {}] });
    },
  );

  test('--quiet says errors and nothing else', async () => {
    expect(await cli(folder({ 'cluster.yaml': specOf(['kmaster']) }), ['check', '--quiet'])).toMatchObject({
      out: '',
      err: '',
    });
    expect((await cli(folder({ 'cluster.yaml': BROKEN }), ['check', '-q'])).err).toMatch(/role-unknown/);
  });

  test('a mistake of imgbuild’s own is told of as one, with its trace only on demand', async () => {
    const io = {
      now: () => {
        throw new Error('the clock stands still');
      },
    };
    const dir = folder({ 'cluster.yaml': specOf() });
    const { code, err } = await cli(dir, ['render'], io);
    expect(code).toBe(3);
    expect(err).toMatch(/error: the clock stands still\n {4}fix: this is a mistake in imgbuild/);
    expect(err).not.toMatch(/at .*\.ts/);
    expect((await cli(dir, ['render', '--debug'], io)).err).toMatch(/at .*\.ts/);
    expect(JSON.parse((await cli(dir, ['render', '--json'], io)).out)).toMatchObject({ ok: false });
  });
});

describe('colour', () => {
  const terminal = { outIsTerminal: true, errIsTerminal: true, columns: 100 };
  const broken = { 'cluster.yaml': BROKEN };
  const lines: [string[], Record<string, string>][] = [
    [['check'], broken],
    [['plan'], { 'cluster.yaml': specOf() }],
    [['plan', 'knode1'], { 'cluster.yaml': specOf() }],
    [['secrets', 'show'], { 'cluster.yaml': specOf() }],
    [['doctor', '--offline'], { 'cluster.yaml': specOf() }],
    [['check', '--spec', 'none.yaml'], {}],
  ];
  test.each(lines)('%j: on a terminal, and never elsewhere or with NO_COLOR', async (args, files) => {
    expect((await cli(folder(files), args, terminal)).all).toContain('\u001b[');
    expect((await cli(folder(files), args)).all).not.toContain('\u001b[');
    expect((await cli(folder(files), args, { ...terminal, env: { NO_COLOR: '1' } })).all).not.toContain(
      '\u001b[',
    );
    expect((await cli(folder(files), args, { ...terminal, env: { TERM: 'dumb' } })).all).not.toContain(
      '\u001b[',
    );
  });

  test('the two streams are coloured apart', async () => {
    const { out, err } = await cli(folder(broken), ['check'], { outIsTerminal: true });
    expect(out + err).not.toContain('\u001b[');
  });
});
