import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesOf, folder, put } from './folders.ts';
import { cli } from './run.ts';

describe('init', () => {
  test.each(['production', 'minimal', 'centos7', 'debian'])(
    'writes the %s example, which has no errors',
    async (name) => {
      const dir = folder();
      const { code, out } = await cli(dir, ['init', '--example', name]);
      expect(code).toBe(0);
      expect(out).toMatch(new RegExp(`^cluster.yaml: the ${name} example`));
      expect(filesOf(dir)).toEqual(['cluster.schema.json', 'cluster.yaml']);
      const text = readFileSync(path.join(dir, 'cluster.yaml'), 'utf8');
      expect(text).toMatch(/^# yaml-language-server: \$schema=cluster.schema.json\n/);
      expect(text.match(/yaml-language-server/g)).toHaveLength(1);
      expect(readFileSync(path.join(dir, 'cluster.schema.json'), 'utf8')).toBe(
        (await cli(dir, ['schema'])).out,
      );
      expect(await cli(dir, ['check'])).toMatchObject({ code: 0 });
    },
  );

  test('gives each cluster an id of its own, by which it knows its disks', async () => {
    const ids = await Promise.all(
      ['production', 'minimal', 'centos7', 'minimal'].map(async (example) => {
        const dir = folder();
        await cli(dir, ['init', '-e', example]);
        const text = readFileSync(path.join(dir, 'cluster.yaml'), 'utf8');
        return text.match(/^id: "([0-9a-f]{6})"/gm);
      }),
    );
    for (const found of ids) expect(found).toHaveLength(1);
    expect(new Set(ids.flat()).size).toBe(4);
  });

  test('overwrites nothing', async () => {
    const dir = folder({ 'cluster.yaml': 'mine', 'other/cluster.schema.json': 'mine' });
    const { code, err } = await cli(dir, ['init']);
    expect(code).toBe(2);
    expect(err).toMatch(/cluster.yaml is there already\n {4}fix: edit it, or name another file with --spec/);
    expect(readFileSync(path.join(dir, 'cluster.yaml'), 'utf8')).toBe('mine');
    expect(filesOf(dir)).toEqual(['cluster.yaml', 'other/cluster.schema.json']);
    expect(await cli(dir, ['-C', 'other', 'init'])).toMatchObject({ code: 0 });
    expect(readFileSync(path.join(dir, 'other/cluster.schema.json'), 'utf8')).toBe('mine');
  });

  test('into another folder, and under another name, relative or not', async () => {
    const dir = folder();
    expect((await cli(dir, ['-C', 'new/lab', 'init'])).out).toMatch(/^new\/lab\/cluster.yaml: /);
    await cli(dir, ['--spec', 'site.yaml', 'init']);
    await cli(dir, ['-C', 'new', '--spec', path.join(dir, 'far/off.yaml'), 'init']);
    expect(filesOf(dir).filter((name) => name.endsWith('.yaml'))).toEqual([
      'far/off.yaml',
      'new/lab/cluster.yaml',
      'site.yaml',
    ]);
  });

  test('--json says what was written', async () => {
    const dir = folder();
    expect(JSON.parse((await cli(dir, ['init', '--json'])).out)).toEqual({
      spec: path.join(dir, 'cluster.yaml'),
      schema: path.join(dir, 'cluster.schema.json'),
      example: 'production',
    });
  });

  test('where nothing can be written, it says so', async () => {
    const dir = folder();
    put(dir, { 'a-file': '' });
    const { code, err } = await cli(dir, ['-C', 'a-file/lab', 'init']);
    expect(code).toBe(3);
    expect(err).toMatch(/cannot write .*a-file\/lab\/cluster.yaml: a part of its path is no folder/);
  });
});
