import { describe, expect, test } from 'vitest';
import { folder, specOf } from './folders.ts';
import { cli } from './run.ts';

/** Nothing listens there, and nothing is asked of a network. */
const kinds = ['os', 'epel', 'docker', 'kubernetes', 'elrepo', 'criDockerd', 'etcd', 'cni', 'goss'];
const NOWHERE = `mirrors: { repositories: { ${kinds.map((kind) => `${kind}: "http://127.0.0.1:1/${kind}"`).join(', ')} } }\n`;
const dir = () => folder({ 'cluster.yaml': specOf(undefined, NOWHERE) });

describe('doctor', () => {
  test('mirrors that do not answer: each is named, and exit 3', async () => {
    const { code, out, err } = await cli(dir(), ['doctor']);
    expect(code).toBe(3);
    expect(err).toBe('');
    expect(out).toMatch(/^STATE +WHAT +DETAIL\n/);
    expect(out).toMatch(/^failed +install tree +http:\/\/127.0.0.1:1\/os\/.*\.treeinfo: ECONNREFUSED$/m);
    expect(out).toMatch(
      /^failed +Kubernetes +http:\/\/127.0.0.1:1\/kubernetes\/repodata\/repomd.xml: ECONNREFUSED$/m,
    );
    expect(out).toMatch(/^failed +etcd \d/m);
    expect(out).toMatch(/^ok +folder/m);
  });

  test('--offline asks nobody', async () => {
    const { code, out } = await cli(dir(), ['doctor', '--offline']);
    expect(code).toBe(0);
    expect(out).not.toContain('http');
  });

  test('a program that is missing is no failure: render does without', async () => {
    const before = process.env.PATH;
    process.env.PATH = '/nowhere';
    try {
      const { code, out } = await cli(dir(), ['doctor', '--offline']);
      expect(code).toBe(0);
      expect(out).toMatch(/^missing +packer +for golden images; not needed for render$/m);
    } finally {
      process.env.PATH = before;
    }
  });

  test('--json', async () => {
    const { code, out, err } = await cli(dir(), ['doctor', '--json']);
    expect(code).toBe(3);
    expect(err).toBe('');
    const { ok, checks } = JSON.parse(out);
    expect(ok).toBe(false);
    expect(checks).toContainEqual(expect.objectContaining({ what: 'folder', state: 'ok', needed: true }));
    expect(checks.filter(({ state }: { state: string }) => state === 'failed').length).toBeGreaterThan(5);
  });

  test('--quiet shows what is not well', async () => {
    const { out } = await cli(dir(), ['doctor', '--quiet']);
    expect(out).not.toMatch(/^ok/m);
    expect(out).toMatch(/^failed/m);
  });
});
