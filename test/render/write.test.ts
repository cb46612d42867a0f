import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import type { OutputFile } from '../../src/render/types.ts';
import { type Changes, compare, write } from '../../src/render/write.ts';
import { snapshot } from '../cli/folders.ts';
import { ABOUT, file, newOut, put } from './outputs.ts';

const two = [
  file('hosts/a/ks.cfg', 'a', { host: 'a', role: 'r' }),
  file('hosts/b/ks.cfg', 'b', { host: 'b', role: 'r' }),
];
const kinds = ({ changes }: Changes) => changes.map(({ kind, path: name }) => `${kind} ${name}`);

describe('what would change', () => {
  test('everything is new at first, and nothing afterwards', () => {
    const out = newOut();
    expect(kinds(put(out, two))).toEqual(['create hosts/a/ks.cfg', 'create hosts/b/ks.cfg']);
    const again = compare(out, two, ABOUT);
    expect(again).toMatchObject({ changes: [], unchanged: 2, kept: [], manifestChanges: false });
  });

  test('another content, another mode, and what is gone from the disk', () => {
    const out = newOut();
    put(out, [...two, file('c', 'c')]);
    rmSync(path.join(out, 'c'));
    chmodSync(path.join(out, 'hosts/b/ks.cfg'), 0o600);
    const files = [file('hosts/a/ks.cfg', 'other'), file('hosts/b/ks.cfg', 'b'), file('c', 'c')];
    expect(kinds(compare(out, files, ABOUT))).toEqual([
      'update hosts/a/ks.cfg',
      'mode hosts/b/ks.cfg',
      'create c',
    ]);
  });

  test('another version alone changes the manifest alone', () => {
    const out = newOut();
    put(out, two);
    expect(compare(out, two, { ...ABOUT, imgbuild: '1.0.1' })).toMatchObject({
      changes: [],
      manifestChanges: true,
    });
  });

  test('two owners of a path are refused', () => {
    expect(() => compare(newOut(), [file('a', '1'), file('a', '2')], ABOUT)).toThrow(
      /two files have the path a/,
    );
  });

  test('what somebody else wrote is refused, unless it is the same', () => {
    const out = newOut();
    put(out, []);
    for (const name of ['a', 'b', 'c', 'd', 'e']) writeFileSync(path.join(out, name), name);
    expect(() => compare(out, [file('a', 'other')], ABOUT)).toThrow(/^a in .* was not written by imgbuild$/);
    const all = ['a', 'b', 'c', 'd', 'e'].map((name) => file(name, 'other'));
    expect(() => compare(out, all, ABOUT)).toThrow(/^a, b, c and 2 more in .* were not written by imgbuild$/);
    expect(compare(out, [file('a', 'a')], ABOUT)).toMatchObject({ changes: [], unchanged: 1 });
  });

  test('another cluster’s output is refused, and a folder that is somebody’s', () => {
    const out = newOut();
    put(out, two);
    expect(() => compare(out, two, { ...ABOUT, cluster: 'lab-000000' })).toThrow(
      /holds the output of cluster lab-5e0a11, and this is lab-000000/,
    );
    const theirs = newOut();
    mkdirSync(path.join(theirs, 'photos'), { recursive: true });
    expect(() => compare(theirs, two, ABOUT)).toThrow(
      /is not empty and was not written by imgbuild: it holds photos/,
    );
  });

  test('what holds secrets, or did until now, is marked', () => {
    const out = newOut();
    put(out, [file('a', 'x', {}, 0o600), file('b', 'x'), file('c', 'x')]);
    chmodSync(path.join(out, 'a'), 0o644);
    const { changes } = compare(out, [file('a', 'y'), file('b', 'y', {}, 0o600), file('c', 'y')], ABOUT);
    expect(changes.map(({ path: name, secret }) => [name, secret])).toEqual([
      ['a', true],
      ['b', true],
      ['c', false],
    ]);
  });
});

describe('scope', () => {
  test('what is out of it is neither removed nor forgotten', () => {
    const out = newOut();
    put(out, [...two, file('roles/r/ks.cfg', 'r', { role: 'r' })]);
    const a = two.slice(0, 1);
    expect(kinds(compare(out, a, ABOUT, { hosts: ['a'], roles: [], roleOf: new Map() }))).toEqual([]);
    put(out, a, { hosts: ['a'], roles: [], roleOf: new Map() });
    expect(kinds(compare(out, a, ABOUT))).toEqual(['remove hosts/b/ks.cfg', 'remove roles/r/ks.cfg']);
    expect(kinds(compare(out, a, ABOUT, { hosts: [], roles: ['other'], roleOf: new Map() }))).toEqual([]);
    expect(kinds(compare(out, a, ABOUT, { hosts: ['b'], roles: [], roleOf: new Map() }))).toEqual([
      'remove hosts/b/ks.cfg',
    ]);
    expect(kinds(compare(out, [], ABOUT, { hosts: [], roles: ['r'], roleOf: new Map() }))).toHaveLength(3);
  });
});

test('a host whose role changed is left alone while its new role is out of scope', () => {
  const out = newOut();
  put(out, two);
  const scope = { hosts: [], roles: ['r'], roleOf: new Map([['b', 'other']]) };
  expect(kinds(compare(out, two.slice(0, 1), ABOUT, scope))).toEqual([]);
  expect(kinds(compare(out, two.slice(0, 1), ABOUT, { ...scope, roles: ['other'] }))).toEqual([
    'remove hosts/b/ks.cfg',
  ]);
});

test('what holds secrets is kept out of version control', () => {
  const out = newOut();
  put(out, [file('hosts/a/ks.cfg', 'x'), file('hosts/a/secrets.tar.gz', 'x', {}, 0o600)]);
  expect(readFileSync(path.join(out, '.gitignore'), 'utf8')).toMatch(/\nhosts\/\*\/secrets\.tar\.gz\n$/);
});

describe('writing', () => {
  test('modes are what they should be, whatever the umask', () => {
    for (const mask of [0, 0o077]) {
      const out = newOut();
      const before = process.umask(mask);
      put(out, [file('a', 'x', {}, 0o600), file('b', 'x')]);
      process.umask(before);
      expect(['a', 'b'].map((name) => statSync(path.join(out, name)).mode & 0o777)).toEqual([0o600, 0o644]);
    }
  });

  test('what did not change keeps its time', () => {
    const out = newOut();
    put(out, two);
    const times = () =>
      [...two, { path: 'manifest.json' }].map(({ path: name }) => statSync(path.join(out, name)).mtimeMs);
    const before = times();
    put(out, two);
    expect(times()).toEqual(before);
  });

  test('folders that became empty go, others stay', () => {
    const out = newOut();
    put(out, two);
    writeFileSync(path.join(out, 'hosts/b/notes'), 'mine');
    put(out, []);
    expect(existsSync(path.join(out, 'hosts/a'))).toBe(false);
    expect(Object.keys(snapshot(out))).toEqual(['.gitignore', 'hosts/b/notes', 'manifest.json']);
  });

  test('a link is replaced, and what it leads to is left alone', () => {
    const out = newOut();
    put(out, two);
    const target = path.join(out, '../precious');
    writeFileSync(target, 'precious');
    rmSync(path.join(out, 'hosts/a/ks.cfg'));
    symlinkSync(target, path.join(out, 'hosts/a/ks.cfg'));
    put(out, two);
    expect(readFileSync(target, 'utf8')).toBe('precious');
    expect(readFileSync(path.join(out, 'hosts/a/ks.cfg'), 'utf8')).toBe('a');
  });

  test('output that somebody changed goes only when it is rendered anew', () => {
    const out = newOut();
    put(out, two);
    writeFileSync(path.join(out, 'hosts/b/ks.cfg'), 'mine');
    const { kept } = put(out, two.slice(0, 1));
    expect(kept).toEqual(['hosts/b/ks.cfg']);
    expect(readFileSync(path.join(out, 'hosts/b/ks.cfg'), 'utf8')).toBe('mine');
    // From now on it is theirs.
    expect(() => compare(out, two, ABOUT)).toThrow(/hosts\/b\/ks.cfg in .* was not written by imgbuild/);
  });
});

describe('a run that is cut off anywhere', () => {
  const before = [
    file('kept', 'same'),
    file('gone/one', 'x'),
    file('gone/two', 'x'),
    file('secret', 'old', {}, 0o600),
  ];
  const after = [
    file('kept', 'same'),
    file('new/one', 'y'),
    file('secret', 'new', {}, 0o600),
    file('new/two', 'y'),
  ];

  let isFull = false;
  /** Fails when one file is to be written, as a full disk would. */
  const failing = (files: readonly OutputFile[], at: string) =>
    files.map((each) => {
      if (each.path !== at) return each;
      return Object.defineProperty({ ...each }, 'content', {
        get: () => {
          if (isFull) throw new Error('cut off');
          return each.content;
        },
      });
    });

  test.each(['new/one', 'secret', 'new/two'])('at %s: the next one finishes it', (at) => {
    const whole = newOut();
    put(whole, after);
    const out = newOut();
    put(out, before);
    const changes = compare(out, failing(after, at), ABOUT);
    isFull = true;
    expect(() => write(out, changes)).toThrow('cut off');
    isFull = false;
    expect(() => compare(out, after, ABOUT)).not.toThrow();
    put(out, after);
    expect(snapshot(out)).toEqual(snapshot(whole));
    expect(compare(out, after, ABOUT)).toMatchObject({ changes: [], manifestChanges: false });
  });

  test('what it did not reach is still ours when it is no longer rendered', () => {
    const out = newOut();
    put(out, before);
    const changed = after.map((each) => (each.path === 'kept' ? file('kept', 'other') : each));
    const interrupted = compare(out, failing(changed, 'secret'), ABOUT);
    isFull = true;
    expect(() => write(out, interrupted)).toThrow('cut off');
    isFull = false;
    const changes = compare(out, [], ABOUT);
    expect(changes.kept).toEqual([]);
    write(out, changes);
    expect(Object.keys(snapshot(out))).toEqual(['.gitignore', 'manifest.json']);
  });

  test('what it left half-written is taken away, with the folder that it lies in', () => {
    const out = newOut();
    put(out, before);
    writeFileSync(path.join(out, 'gone/one.imgbuild-new'), 'half');
    writeFileSync(path.join(out, 'kept.imgbuild-new'), 'half');
    put(out, [file('kept', 'other')]);
    expect(Object.keys(snapshot(out))).toEqual(['.gitignore', 'kept', 'manifest.json']);
  });
});
