import { describe, expect, test } from 'vitest';
import { archive } from '../../src/render/archive.ts';
import { changeText } from '../../src/render/diff.ts';
import type { HostFile, OutputFile } from '../../src/render/types.ts';
import { unarchive } from '../../src/render/unarchive.ts';
import { compare } from '../../src/render/write.ts';
import { ABOUT, file, newOut, put } from './outputs.ts';

const hostFile = (path: string, text: string): HostFile => ({
  ...{ path, mode: 0o644, owner: 'root', group: 'root', origin: 'test' },
  content: Buffer.from(text),
});
const archived = async (files: Record<string, string>) =>
  archive(
    Object.entries(files)
      .sort()
      .map(([path, text]) => hostFile(path, text)),
  );

/** What is said of going from one output to another. */
async function said(before: OutputFile[], after: OutputFile[]): Promise<string> {
  const out = newOut();
  put(out, before);
  const texts = compare(out, after, ABOUT).changes.map((change) => changeText(out, change));
  return (await Promise.all(texts)).join('');
}

describe('a change as text', () => {
  test('new, gone, another mode', async () => {
    expect(await said([file('gone', 'x')], [file('new', 'four')])).toBe('+ new (4 bytes)\n- gone\n');
    expect(await said([file('a', 'x')], [file('a', 'x', {}, 0o600)])).toBe('~ a (mode 0600)\n');
  });

  test('a text is a unified diff that other programs read', async () => {
    expect(await said([file('ks.cfg', 'one\ntwo\n')], [file('ks.cfg', 'one\nthree\n')])).toBe(
      '--- ks.cfg\n+++ ks.cfg\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n',
    );
  });

  test('an archive is one diff for each file in it that changed', async () => {
    const before = await archived({ '/etc/a': 'same\n', '/etc/b': 'old\n', '/etc/c': 'gone\n' });
    const after = await archived({ '/etc/a': 'same\n', '/etc/b': 'new\n', '/etc/d': 'come\n' });
    const text = await said(
      [{ ...file('o.tar.gz', ''), content: before }],
      [{ ...file('o.tar.gz', ''), content: after }],
    );
    expect(text.match(/^\+\+\+ .*/gm)?.map((line) => line.split('/').at(-1))).toEqual(['b', 'c', 'd']);
    expect(text.match(/^[-+][a-z]+$/gm)).toEqual(['-old', '+new', '-gone', '+come']);
  });

  test('an archive that is none any more is shown whole', async () => {
    const after = await archived({ '/etc/a': 'new\n' });
    const text = await said([file('o.tar.gz', 'damaged')], [{ ...file('o.tar.gz', ''), content: after }]);
    expect(text.match(/^[-+][a-z]+$/gm)).toEqual(['+new']);
  });

  test.each([
    ['what holds secrets', 0o600, 0o600],
    ['what will hold them', 0o644, 0o600],
    ['what held them', 0o600, 0o644],
  ])('%s is named and not shown', async (_, before, after) => {
    const text = await said(
      [file('ks.cfg', 'hunter2\n', {}, before)],
      [file('ks.cfg', 'hunter3\n', {}, after)],
    );
    expect(text).toBe('~ ks.cfg (holds secrets: not shown)\n');
  });
});

test('an archive is read as it was packed', async () => {
  const files = { '/etc/a': 'one', '/etc/b': 'zwei\n' };
  const read = await unarchive(await archived(files));
  expect(Object.fromEntries([...read].map(([name, text]) => [name.replace(/^\/?/, '/'), text]))).toEqual(
    files,
  );
  expect((await unarchive(Buffer.from('no archive'))).size).toBe(0);
});
