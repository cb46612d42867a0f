import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { folder, specOf } from './folders.ts';
import { cli } from './run.ts';

/** Every command with its subcommands, as help lists them. */
async function commandLines(before: string[] = []): Promise<string[][]> {
  const { out } = await cli('.', [...before, '--help']);
  // What follows "Arguments:" is none.
  const listed = out.replace(/\nArguments:\n(.+\n)*/, '');
  const names = [...listed.matchAll(/^ {2}([a-z-]+)( \S+)* {2,}\S/gm)].map(([, name = '']) => name);
  const lines = names
    .filter((name) => name !== 'help' && !name.startsWith('-'))
    .map((name) => [...before, name]);
  const below = await Promise.all(lines.map((line) => (before.length === 0 ? commandLines(line) : [])));
  return lines.flatMap((line, index) => [line, ...(below[index] ?? [])]);
}

const allLines = await commandLines();

describe('help', () => {
  test('knows all commands', () => {
    expect(allLines.map((line) => line.join(' '))).toEqual([
      ...['init', 'check', 'plan', 'lock', 'render'],
      ...[
        'secrets',
        'secrets show',
        'secrets ensure',
        'secrets token',
        'secrets rotate-tokens',
        'secrets renew',
        'secrets import-ca',
      ],
      ...['kubeconfig', 'schema', 'doctor', 'completion'],
    ]);
  });

  test.each([[[] as string[]], ...allLines.map((line) => [line])])('of %j has examples', async (line) => {
    const { code, out, err } = await cli(folder(), [...line, '--help']);
    expect(code).toBe(0);
    expect(err).toBe('');
    expect(out).toMatch(/^Usage: imgbuild/);
    expect(out).toMatch(/\nExamples:\n {2}\$ imgbuild|\nExamples:\n {2}\$ source/);
    expect(out).not.toMatch(/default: \[\]|undefined/);
    // A description, not only options.
    expect(out.split('\n')[2]).toMatch(/^[A-Z].*\S/);
    for (const text of out.split('\n')) expect(text).toBe(text.trimEnd());
  });

  test('every example is a command line that imgbuild understands', async () => {
    const lines = [[], ...allLines];
    const helps = await Promise.all(
      lines.map(async (line) => (await cli(folder(), [...line, '--help'])).out),
    );
    const shown = helps.flatMap((text) =>
      [...text.matchAll(/^ {2}\$ (.*?)(?: {2,}.*)?$/gm)].map(([, example]) => example ?? ''),
    );
    expect(shown.length).toBeGreaterThan(25);
    for (const example of new Set(shown)) {
      for (const part of example.matchAll(/imgbuild ([^|&>)]*)/g)) {
        const words = (part[1] ?? '').trim().split(/\s+/);
        // With --help behind it a line is parsed up to unknown commands and options.
        const { code, err } = await cli(folder(), [...words, '--help']);
        expect(code, `${example}: ${err}`).toBe(0);
      }
    }
  });

  test('of the program names the exit codes, and `help COMMAND` is the command’s own', async () => {
    expect((await cli(folder(), ['--help'])).out).toContain('Exit codes: 0 done, 1 problems');
    const { out } = await cli(folder(), ['help', 'render']);
    expect(out).toBe((await cli(folder(), ['render', '--help'])).out);
  });

  test('no arguments: help on standard error, and wrong usage', async () => {
    const { code, out, err } = await cli(folder(), []);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toBe((await cli(folder(), ['--help'])).out);
  });

  test('--version is the package’s', async () => {
    const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
    expect(await cli(folder(), ['--version'])).toMatchObject({ code: 0, out: `${version}\n`, err: '' });
  });
});

describe('wrong usage', () => {
  test.each([
    [['rendr'], /unknown command 'rendr'[\s\S]*Did you mean render\?/],
    [['render', '--rol', 'etcd'], /unknown option '--rol'[\s\S]*--role/],
    [['--frobnicate'], /unknown option '--frobnicate'/],
    [['secrets', 'shw'], /unknown command 'shw'/],
    [['render', '--role'], /argument missing/],
    [['render', '--dry-run', '--check'], /cannot be used with/],
    [['check', 'cluster.yaml'], /too many arguments/],
    [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
    [['init', '--example', 'big'], /Allowed choices are production/],
    [['secrets', 'ensure', '--ca-years', 'many'], /it must be a whole number/],
    [['secrets', 'import-ca', 'kubernetes'], /required option '--cert <file>'/],
    [['secrets', 'renew', '--ca', 'front'], /there is no authority "front"/],
    [['check', '--spec', 'none.yaml'], /cannot read the spec none.yaml: there is no such file/],
    [['-C', 'nowhere', 'check'], /there is no folder .*nowhere/],
    [['plan', '--files'], /--files needs a host/],
    [['plan', 'knod1'], /there is no host "knod1"[\s\S]*did you mean "knode1"/],
    [['render', '--host', 'knod1'], /there is no host "knod1"[\s\S]*did you mean "knode1"/],
    [['render', '--role', 'wroker'], /no host of the spec has the role "wroker"[\s\S]*did you mean "worker"/],
    [['secrets', 'rotate-tokens', '--host', 'knod1'], /knod1/],
    [['secrets', 'token'], /missing required argument 'host'/],
    [['secrets', 'token', 'knod1'], /there is no host "knod1"[\s\S]*did you mean "knode1"/],
    [['kubeconfig', '--ttl', '1y'], /hours or minutes, such as 8760h/],
    [['kubeconfig', '--user', ''], /1 to 64 characters/],
    [['kubeconfig', '--server', 'http://10.10.0.11:6443'], /an https:\/\/ URL/],
    [['kubeconfig', '--out', 'cluster.yaml'], /cluster\.yaml is there already[\s\S]*--force/],
  ])('%j: exit 2, and what is wrong', async (args, message) => {
    const { code, out, err } = await cli(folder({ 'cluster.yaml': specOf() }), args);
    expect(err).toMatch(message);
    expect(code).toBe(2);
    expect(out).toBe('');
  });
});

describe('wrong usage names the help that helps', () => {
  test.each([
    [['--frobnicate'], 'imgbuild --help'],
    [['rendr'], 'imgbuild --help'],
    [['render', '--rol', 'etcd'], 'imgbuild render --help'],
    [['secrets', 'shw'], 'imgbuild secrets --help'],
    [['secrets', 'token'], 'imgbuild secrets token --help'],
    [['kubeconfig', '--ttl', '1y'], 'imgbuild kubeconfig --help'],
  ])('%j: %s', async (args, help) => {
    const { err } = await cli(folder({ 'cluster.yaml': specOf() }), args);
    expect(err).toContain(`"${help}" shows what there is`);
    expect((await cli(folder(), help.split(' ').slice(1))).code).toBe(0);
  });
});

describe('the schema', () => {
  const described = (schema: unknown, where: string): string[] => {
    if (typeof schema !== 'object' || schema === null) return [];
    const { description, properties, items, additionalProperties } = schema as Record<string, unknown>;
    return [
      ...(typeof description === 'string' && description !== '' ? [] : [where]),
      ...Object.entries(properties ?? {}).flatMap(([key, inner]) => described(inner, `${where}.${key}`)),
      ...(items ? described(items, `${where}[]`) : []),
      ...(typeof additionalProperties === 'object' ? described(additionalProperties, `${where}.*`) : []),
    ];
  };

  test('has a description on every field', async () => {
    const { out, code } = await cli(folder(), ['schema']);
    expect(code).toBe(0);
    expect(described(JSON.parse(out), 'cluster')).toEqual([]);
  });

  test.runIf(existsSync('schema/cluster.schema.json'))('is the one that is committed', async () => {
    const { out } = await cli(folder(), ['schema']);
    expect(readFileSync('schema/cluster.schema.json', 'utf8')).toBe(out);
  });
});

describe('completion', () => {
  const has = (shell: string) => spawnSync(shell, ['-c', ':']).status === 0;

  test.each(['bash', 'zsh', 'fish'])('the script for %s names every command and option', async (shell) => {
    const { out, code } = await cli(folder(), ['completion', shell]);
    expect(code).toBe(0);
    for (const line of allLines) for (const word of line) expect(out).toContain(word);
    for (const option of ['--dry-run', '--self-contained', '--spec', '--password']) {
      expect(out).toContain(shell === 'fish' ? `-l ${option.slice(2)}` : option);
    }
    if (has(shell)) {
      const check = spawnSync(shell, ['-n'], { input: out, encoding: 'utf8' });
      expect([check.status, check.stderr]).toEqual([0, '']);
    }
  });

  test('bash completes commands, subcommands and options', async () => {
    const { out } = await cli(folder(), ['completion', 'bash']);
    const complete = (...words: string[]) => {
      const list = ['imgbuild', ...words].map((word) => `'${word}'`).join(' ');
      const script = `${out}\nCOMP_WORDS=(${list}); COMP_CWORD=${words.length}; _imgbuild; printf '%s\\n' "\${COMPREPLY[@]}"`;
      const { stdout, stderr } = spawnSync('bash', ['--norc', '-c', script], { encoding: 'utf8' });
      expect(stderr).toBe('');
      return stdout.trim().split('\n');
    };
    expect(complete('re')).toEqual(['render']);
    expect(complete('secrets', 're')).toEqual(['renew']);
    expect(complete('secrets', 'show', '--pass')).toEqual(['--password']);
    expect(complete('--json', 'plan', '--f')).toEqual(['--files']);
    expect(complete('--spec', 'a.yaml', '-C', 'lab', 'plan', '--f')).toEqual(['--files']);
    expect(complete('completion', '')).toEqual(expect.arrayContaining(['bash', 'zsh', 'fish']));
    expect(complete('render', '--d')).toEqual(['--dry-run', '--directory']);
  });
});
