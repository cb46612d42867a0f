/** Which tokens a control plane deletes, with a stand-in for the API server. */
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { scratch } from '../rigs/scratch.ts';

const program = 'overlays/control-plane/usr/libexec/imgbuild/used-tokens';

/** As kubectl prints them by the program's own paths. */
const KUBECTL = `#!/bin/bash
echo $* >>"$ROOT/asked"
case "$*" in
*'get nodes'*) cat "$ROOT/nodes" ;;
*'get secrets '*) cat "$ROOT/secrets" ;;
*'delete secret '*) for word; do case $word in bootstrap-token-*) echo "$word" >>"$ROOT/deleted" ;; esac; done ;;
*) exit 1 ;;
esac
exit 0
`;

interface Token {
  /** Whose it is: its description. */
  of: string;
  made: string;
  /** When somebody has applied it, or changed it. */
  applied?: string[];
}

/** The tokens that are deleted, where nodes say this; and what was asked for that. */
async function deleted(
  nodes: string[],
  tokens: Record<string, Token>,
): Promise<{ deleted: string[]; asked: string[] }> {
  const root = await scratch();
  const put = (name: string, lines: string[]) =>
    writeFileSync(join(root, name), lines.map((line) => `${line}\n`).join(''));
  mkdirSync(join(root, 'etc/kubernetes'), { recursive: true });
  put('etc/kubernetes/admin.conf', ['an administrator’s']);
  put('kubectl', [KUBECTL]);
  chmodSync(join(root, 'kubectl'), 0o755);
  put('nodes', nodes);
  put(
    'secrets',
    Object.entries(tokens).map(([id, { of, made, applied = [] }]) =>
      [`bootstrap-token-${id}`, Buffer.from(of).toString('base64'), made, ...applied].join(' '),
    ),
  );
  const env = { ROOT: root, PATH: `${root}:/usr/bin:/bin` };
  const { stderr } = await execa('bash', [program, '--root', root], { env, extendEnv: false });
  expect(stderr).toBe('');
  const linesOf = (name: string) =>
    existsSync(join(root, name)) ? readFileSync(join(root, name), 'utf8').trim().split('\n') : [];
  return { deleted: linesOf('deleted'), asked: linesOf('asked') };
}

const TOKEN = { of: 'worker-1', made: '2026-01-01T00:00:00Z', applied: ['2026-01-01T00:00:00Z'] };
const [SELF, FORMER] = ['0a'.repeat(16), '0b'.repeat(16)];
/** A node's line: with what it says, when it was said, by which installation of the host. */
const said = (id: string, at: string, ready = 'True', machine = SELF) =>
  `worker-1 ${ready} ${at} "${SELF}" "${id} ${machine} 2026-01-01T00:00:30Z"`;

test('one that its own host has joined with', async () => {
  const node = said('abcdef', '2026-01-01T00:01:00Z');
  expect((await deleted([node], { abcdef: TOKEN })).deleted).toEqual(['bootstrap-token-abcdef']);
});

test.each([
  ['a host that is not Ready', [said('abcdef', '2026-01-01T00:01:00Z', 'False')], TOKEN],
  ['a host that has not said so', [], TOKEN],
  ['what was said before the token was made', [said('abcdef', '2025-12-31T23:59:59Z')], TOKEN],
  [
    'what an earlier self of the host has said',
    [said('abcdef', '2026-01-01T00:01:00Z', 'True', FORMER)],
    TOKEN,
  ],
  [
    'a line that a node has made up for another',
    [
      'worker-2 True 2026-01-02T00:00:00Z "x" "\\nworker-1 True 2026-01-02T00:00:00Z \\"0a\\" \\"abcdef 0a 1\\""',
    ],
    TOKEN,
  ],
  [
    'one that was given again, after its host had joined',
    [said('abcdef', '2026-01-01T00:01:00Z')],
    { ...TOKEN, applied: ['2026-01-01T00:00:00Z', '2026-01-02T00:00:00Z'] },
  ],
  ['another host’s', [said('abcdef', '2026-01-01T00:01:00Z')], { ...TOKEN, of: 'worker-2' }],
  ['a name that is none', [said('../x', '2026-01-01T00:01:00Z')], TOKEN],
  ['one that is gone', [said('fedcba', '2026-01-01T00:01:00Z')], TOKEN],
] as const)('not: %s', async (_, nodes, token) => {
  expect((await deleted([...nodes], { abcdef: token as Token })).deleted).toEqual([]);
});

test('asks once, and no node, where there is none', async () => {
  const { asked } = await deleted([said('abcdef', '2026-01-01T00:01:00Z')], {});
  expect(asked).toHaveLength(1);
});

test('asks twice for any number of them', async () => {
  const ids = Array.from({ length: 50 }, (_, index) => `abcd${String(index).padStart(2, '0')}`);
  const tokens = Object.fromEntries(ids.map((id) => [id, { ...TOKEN, of: 'worker-2' }]));
  const { asked } = await deleted([said('abcdef', '2026-01-01T00:01:00Z')], tokens);
  expect(asked).toHaveLength(2);
});
