import { chmodSync, readdirSync, rmSync, statSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { describeWith, locate } from '../../rigs/programs.ts';
import { Host } from './host.ts';
import { command, gossJson, type Result, sysctl } from './results.ts';

interface Report {
  version: number;
  host: string;
  time: string;
  checks: { name: string; ok: boolean; expected: string; found: string; see: string | null }[];
}

const GOOD = [...command('swap', '', true, 0, { expected: 'none' }), sysctl('vm.swappiness', '0', '0')];
const BAD = [
  ...GOOD,
  sysctl('net.ipv4.ip_forward', '0', '1'),
  ...command('disks', 'array root is degraded\narray boot is degraded\n', false, 0, {
    expected: 'all are well',
    see: 'imgbuild-disk status',
  }),
];

let host: Host;
beforeEach(async () => {
  host = await Host.make();
});

/** goss finds this. */
function finds(results: readonly Result[]): void {
  host.write('said/goss', gossJson(results));
  host.program(
    'goss',
    'printf "%s\\n" "$*" >"$ROOT/asked"; env >"$ROOT/environment"; cat "$ROOT/said/goss"; ! grep -q \'"successful":false\' "$ROOT/said/goss"',
  );
}
const kept = () => JSON.parse(host.read('var/lib/imgbuild/verify.json')) as Report;
const checkOf = (name: string) => kept().checks.find((check) => check.name === name);

describeWith(['bash', 'jq'], 'imgbuild-verify', () => {
  test('all is well: exit 0, in a line', () => {
    finds(GOOD);
    expect(host.verify()).toEqual({ code: 0, out: 'All well: 2 checks.', err: '' });
    expect(host.verify('--brief')).toEqual({ code: 0, out: 'all 2 checks are well', err: '' });
    expect(host.read('asked')).toMatch(/^--gossfile \S+\/goss-host\.yaml validate --format json /);
  });

  test('something is wrong: exit 1, with what was found, what was expected, and what to look at', () => {
    finds(BAD);
    const { code, out } = host.verify();
    expect(code).toBe(1);
    expect(out).toBe(
      `2 of 4 checks failed.

disks
  found:    array root is degraded array boot is degraded
  expected: all are well
  see:      imgbuild-disk status

sysctl net.ipv4.ip_forward
  found:    0
  expected: 1
  see:      sysctl --system`,
    );
  });

  test('--brief is one line for a log, however much is wrong', () => {
    finds(BAD);
    expect(host.verify('--brief')).toEqual({
      code: 1,
      out: '2 of 4 checks failed: disks (found array root is degraded array boot is degraded, expected all are well); sysctl net.ipv4.ip_forward (found 0, expected 1)',
      err: '',
    });
    finds(Array.from({ length: 40 }, (_, index) => sysctl(`k.k${index}`, '0', 'x'.repeat(400))));
    const { out } = host.verify('--brief');
    expect(out.split('\n')).toHaveLength(1);
    expect(out).toMatch(/; and 35 more$/);
    expect(out.length).toBeLessThan(1200);
  });

  test('--json, and what is kept for others to read', () => {
    finds(BAD);
    const { code, out } = host.verify('--json');
    expect(code).toBe(1);
    const report = JSON.parse(out) as Report;
    expect(report).toMatchObject({ version: 1, host: hostname() });
    expect(report.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/);
    expect(report.checks).toContainEqual({
      name: 'sysctl net.ipv4.ip_forward',
      ok: false,
      expected: '1',
      found: '0',
      see: 'sysctl --system',
    });
    expect(report.checks).toContainEqual({
      name: 'swap',
      ok: true,
      expected: 'none',
      found: 'none',
      see: null,
    });
    expect(kept()).toEqual(report);
    expect(statSync(join(host.root, 'var/lib/imgbuild/verify.json')).mode & 0o777).toBe(0o644);
  });

  test('the next result takes the place of the last in one step, and leaves nothing beside it', () => {
    finds(BAD);
    host.verify();
    const before = statSync(join(host.root, 'var/lib/imgbuild/verify.json')).ino;
    finds(GOOD);
    host.verify();
    expect(kept().checks.every(({ ok }) => ok)).toBe(true);
    expect(statSync(join(host.root, 'var/lib/imgbuild/verify.json')).ino).not.toBe(before);
    expect(readdirSync(join(host.root, 'var/lib/imgbuild'))).toEqual(['verify.json']);
  });

  test('what cannot be kept is told all the same', () => {
    finds(BAD);
    host.write('var/lib/imgbuild', 'a file');
    const { code, out, err } = host.verify();
    expect({ code, err }).toEqual({
      code: 1,
      err: `imgbuild-verify: the result cannot be kept in ${host.root}/var/lib/imgbuild/verify.json`,
    });
    expect(out).toContain('2 of 4 checks failed.');
  });

  test('results of one title are one check', () => {
    const name = (id: string, actual: string): Result[] => [
      { title: 'names', id, type: 'DNS', property: 'resolvable', ok: true, actual: true, expected: true },
      {
        title: 'names',
        id,
        type: 'DNS',
        property: 'addrs',
        ok: actual === '10.0.0.1',
        actual: [actual],
        expected: ['10.0.0.1'],
        ...(id === 'a' ? { meta: { expected: 'each leads to its address' } } : {}),
      },
    ];
    finds([...name('a', '10.0.0.1'), ...name('b', '10.0.0.9')]);
    host.verify();
    expect(kept().checks).toEqual([
      {
        name: 'names',
        ok: false,
        expected: 'each leads to its address',
        found: 'b addrs: 10.0.0.9',
        see: null,
      },
    ]);
  });

  test('what is wrong is told in words, whatever kind of thing it is', () => {
    finds([
      {
        title: 'unit sshd',
        id: 'sshd',
        type: 'Service',
        property: 'enabled',
        ok: true,
        actual: true,
        expected: true,
      },
      {
        title: 'unit sshd',
        id: 'sshd',
        type: 'Service',
        property: 'running',
        ok: false,
        actual: false,
        expected: true,
      },
      {
        title: 'data',
        id: '/data',
        type: 'File',
        property: 'exists',
        ok: false,
        actual: false,
        expected: true,
      },
      { title: 'data', id: '/data', type: 'File', property: 'mode', ok: true, skipped: true },
      {
        title: 'driver',
        id: '/f',
        type: 'File',
        property: 'contents',
        ok: false,
        actual: 'object: *os.File',
        expected: ['a', 'b'],
        missing: ['b'],
      },
      { title: 'slow', id: 'slow', type: 'Command', property: 'stdout', ok: false, err: 'timed out (30s)' },
      ...command('silent', '', false, 7),
      ...command('absent', 'sh: kubelet: not found\n', false, 127),
    ]);
    host.verify();
    const found = Object.fromEntries(kept().checks.map((check) => [check.name, check.found]));
    expect(found).toEqual({
      'unit sshd': 'running: no',
      data: 'exists: no',
      driver: 'contents: lacks b',
      slow: 'timed out (30s)',
      silent: 'exit code 7',
      absent: 'sh: kubelet: not found',
    });
  });

  test('what programs print cannot write on the terminal', () => {
    finds(command('evil', '\u001b[2Jline\r\nFAKE \u0007\u0085well\n', false));
    expect(host.verify().out).toContain('  found:    [2Jline FAKE well\n');
    expect(checkOf('evil')?.found.length).toBeLessThan(40);
  });

  test('goss gets nothing of the caller', () => {
    finds(GOOD);
    host.verify();
    // GOSS_FMT=tap stands in the environment of these tests.
    expect(host.read('environment')).not.toMatch(/GOSS_/);
    expect(host.read('environment')).toMatch(/^LC_ALL=C$/m);
  });

  test('a golden image, which has no files of one host, is looked at by those of its role', () => {
    finds(GOOD);
    rmSync(join(host.root, 'etc/imgbuild/goss-host.yaml'));
    expect(host.verify().code).toBe(0);
    expect(host.read('asked')).toContain('/goss.yaml validate');
  });
});

describeWith(['bash', 'jq'], 'imgbuild-verify cannot tell', () => {
  const refusal = (pattern: RegExp) => {
    const words = host.verify();
    expect(words).toMatchObject({ code: 3, out: '' });
    expect(words.err).toMatch(pattern);
    // What is wrong, and what to do about it.
    expect(words.err.split('\n')).toHaveLength(2);
    const brief = host.verify('--brief');
    expect(brief).toMatchObject({ code: 3, err: '' });
    expect(brief.out).toMatch(pattern);
    expect(brief.out.split('\n')).toHaveLength(1);
    expect(readdirSync(host.root)).not.toContain('var');
  };

  test('without goss', () => refusal(/goss is not there[\s\S]*fetch_artifact goss/));

  test('without its file', () => {
    finds(GOOD);
    for (const name of ['goss.yaml', 'goss-host.yaml']) rmSync(join(host.root, 'etc/imgbuild', name));
    refusal(/there is no \S+goss\.yaml/);
  });

  test('where goss refuses the file', () => {
    host.program('goss', 'echo "Error: yaml: line 7: did not find expected key"; exit 78');
    refusal(/goss refuses \S+: yaml: line 7: did not find expected key[\s\S]*goss --gossfile/);
  });

  test('where goss is another kind of file', () => {
    host.program('goss', '');
    host.write('programs/goss', '\u007fELF\u0001\u0002');
    chmodSync(join(host.root, 'programs/goss'), 0o755);
    refusal(/goss cannot be run|goss refuses/);
  });

  test('where goss ends without a word', () => {
    host.program('goss', 'exit 0');
    refusal(/goss refuses \S+: exit code 0/);
  });

  test.each([[['--all']], [['--json', '--brief']], [['status']]])('wrong usage: %j', (args) => {
    const { code, err } = host.verify(...args);
    expect(code).toBe(2);
    expect(err).toMatch(/^imgbuild-verify: .+ \(imgbuild-verify --help tells how it is used\)$/);
  });

  test('--help tells the exit codes', () => {
    expect(host.verify('--help')).toMatchObject({ code: 0, err: '' });
    expect(host.verify('--help').out).toMatch(/Exit: 0 all is well; 1 something is wrong/);
    expect(host.verify('--help').out).not.toContain('shellcheck');
  });
});

describeWith(['bash', 'jq', 'goss-0.4.9'], 'imgbuild-verify with the real goss', () => {
  test('reads what goss prints', () => {
    host.program('goss', `exec ${locate('goss-0.4.9')} "$@"`);
    const look = `bash ${host.root}/usr/libexec/imgbuild/verify/look --root ${host.root}`;
    host.write('sys/module/overlay/x', '');
    host.write(
      'etc/imgbuild/goss.yaml',
      `file:
  "${host.root}/run": {title: "a folder", exists: true, filetype: "directory"}
  "${host.root}/etc/imgbuild/goss.yaml": {title: "words", exists: true, contents: ["/^no such line$/"]}
kernel-param:
  "kernel.ostype": {title: "sysctl kernel.ostype", value: {"match-regexp": "^Linux$"}, meta: {expected: "Linux"}}
`,
    );
    host.write(
      'etc/imgbuild/goss-host.yaml',
      `gossfile:
  "goss.yaml": {}
command:
  "modules": {exec: "${look} modules overlay", exit-status: 0, stdout: "", meta: {expected: "all"}}
  "more modules": {exec: "${look} modules overlay ip_vs ip_vs_rr", exit-status: 0, stdout: "", meta: {expected: "all", see: "modprobe"}}
  "slow": {exec: "sleep 3", exit-status: 0, stdout: "", timeout: 100}
`,
    );
    const { code, out } = host.verify('--json');
    expect(code).toBe(1);
    expect((JSON.parse(out) as Report).checks).toEqual([
      { name: 'a folder', ok: true, expected: 'yes', found: 'yes', see: null },
      { name: 'modules', ok: true, expected: 'all', found: 'all', see: null },
      {
        name: 'more modules',
        ok: false,
        expected: 'all',
        found: 'not loaded: ip_vs ip_vs_rr',
        see: 'modprobe',
      },
      { name: 'slow', ok: false, expected: '', found: 'Command execution timed out (100ms)', see: null },
      { name: 'sysctl kernel.ostype', ok: true, expected: 'Linux', found: 'Linux', see: null },
      expect.objectContaining({ name: 'words', ok: false, found: 'contents: lacks /^no such line$/' }),
    ]);
  });
});
