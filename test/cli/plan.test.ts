import { describe, expect, test } from 'vitest';
import { filesOf, folder, HOSTS, specOf } from './folders.ts';
import { cli } from './run.ts';

const dir = () => folder({ 'cluster.yaml': specOf() });

describe('plan', () => {
  test('is a table of hosts, with the warnings below', async () => {
    const { code, out, err } = await cli(dir(), ['plan']);
    expect(code).toBe(0);
    expect(err).toBe('');
    const lines = out.split('\n');
    expect(lines[0]).toBe('lab: 5 hosts, Kubernetes 1.34.12 with containerd, flannel (vxlan, MTU 1450)');
    expect(lines[1]).toMatch(
      /^API api\.lab:6443 via direct \(10\.10\.0\.11\), etcd \d.* external, 1 member$/,
    );
    // What all hosts share is said once, and stands in no column.
    expect(lines[2]).toMatch(/^every host: rocky-9, kernel lt \S+, uefi, wipe owned$/);
    expect(lines[4]).toMatch(/^HOST +ROLE +MANAGEMENT +DISKS$/);
    for (const [index, [name, role]] of Object.entries(HOSTS).entries()) {
      expect(lines[5 + index]).toMatch(new RegExp(`^${name} +${role} +10\\.10\\.0\\.${11 + index} +1 \\S+$`));
    }
    expect(out).toMatch(/\n\ncluster.yaml:9:1: warning: etcd has a single member/);
  });

  test('of a host: addresses, disks, packages, services, secrets by path', async () => {
    const { code, out } = await cli(dir(), ['plan', 'etcd-1']);
    expect(code).toBe(0);
    expect(out).toMatch(/^etcd-1: etcd member, Rocky Linux 9, kernel lt /);
    for (const text of [
      '10.10.0.12/20 (allotted)',
      '52:54:00:00:00:02',
      '/etc/etcd/pki/server.key',
      'wipe: owned',
    ])
      expect(out).toContain(text);
  });

  test('of a host’s files: each with its mode, owner, size and origin, sorted', async () => {
    const { code, out } = await cli(dir(), ['plan', 'etcd-1', '--files']);
    expect(code).toBe(0);
    const rows = out.trimEnd().split('\n').slice(1);
    const paths = rows.map((row) => row.split(/\s+/)[3] ?? '');
    expect(paths).toEqual([...paths].sort());
    expect(paths).toContain('/etc/hostname');
    for (const row of rows)
      expect(row).toMatch(/^0[0-7]{3} {2}\w+:\w+ +(\d+|-) +\/\S+ +(overlays|documents|secrets|spec)/);
    expect(rows.find((row) => row.includes('/etc/etcd/pki/server.key'))).toMatch(
      /^0600 .* secrets\/etcd\/etcd-1\/server.key$/,
    );
  });

  test('an empty folder: the built-in example, and how to make it one’s own', async () => {
    const { code, out, err } = await cli(folder(), ['plan']);
    expect(code).toBe(0);
    expect(err).toMatch(
      /no cluster.yaml here: this is the built-in example; "imgbuild init" writes it for editing/,
    );
    expect(out).toMatch(/^prod: 19 hosts/);
  });

  test.each([
    [['plan', '--json'], (value: Record<string, unknown[]>) => expect(value.hosts).toHaveLength(5)],
    [['plan', 'etcd-1', '--json'], (value) => expect(value).toMatchObject({ name: 'etcd-1', isEtcd: true })],
    [
      ['plan', 'etcd-1', '--files', '--json'],
      (value) => expect(value).toContainEqual(expect.objectContaining({ path: '/etc/hostname' })),
    ],
  ] as [string[], (value: Record<string, unknown[]>) => void][])(
    '%j is data on standard output alone',
    async (args, check) => {
      const { code, out, err } = await cli(dir(), args);
      expect(code).toBe(0);
      expect(err).toBe('');
      check(JSON.parse(out));
    },
  );

  test('writes nothing', async () => {
    const where = dir();
    for (const args of [['plan'], ['plan', 'knode1'], ['plan', 'knode1', '--files'], ['check']])
      await cli(where, args);
    expect(filesOf(where)).toEqual(['cluster.yaml']);
  });
});
