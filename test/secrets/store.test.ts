import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UserError } from '../../src/report/errors.ts';
import { ensure } from '../../src/secrets/ensure.ts';
import { openStore } from '../../src/secrets/store.ts';
import { NOW, newStore, smallPlan } from './plan.ts';

const mode = (file: string) => (statSync(file).mode & 0o777).toString(8);

describe('the directory', () => {
  test('is its owner’s alone, whatever the umask, and git sees nothing of it', async () => {
    const store = newStore();
    const umask = process.umask(0o077);
    try {
      await ensure(smallPlan(), store, { now: NOW });
    } finally {
      process.umask(umask);
    }
    expect(mode(store.dir)).toBe('700');
    for (const folder of ['pki', 'etcd', 'etcd/e1']) expect(mode(join(store.dir, folder))).toBe('700');
    for (const ref of store.list())
      expect([ref, mode(store.file(ref))]).toEqual([ref, /\.(crt|pub)$/.test(ref) ? '644' : '600']);
    await execa('git', ['init', '-q', join(store.dir, '..')]);
    const { stdout } = await execa('git', [
      '-C',
      join(store.dir, '..'),
      'status',
      '--porcelain',
      '--untracked-files=all',
    ]);
    expect(stdout).toBe('');
  });

  test.each([0o755, 0o750, 0o701])('is refused when others may enter it (mode %i)', (bits) => {
    const store = newStore();
    mkdirSync(store.dir);
    chmodSync(store.dir, bits);
    expect(() => openStore(store.dir)).toThrow(
      expect.objectContaining({ hint: `run: chmod -R go= ${store.dir}` }),
    );
    chmodSync(store.dir, 0o700);
    expect(() => openStore(store.dir)).not.toThrow();
  });

  test('may be missing, may be a link, may not be a file', () => {
    const store = newStore();
    expect(openStore(store.dir).list()).toEqual([]);
    mkdirSync(store.dir, { mode: 0o700 });
    symlinkSync(store.dir, `${store.dir}-link`);
    expect(openStore(`${store.dir}-link`).list()).toEqual([]);
    writeFileSync(`${store.dir}-file`, '');
    expect(() => openStore(`${store.dir}-file`)).toThrow('is not a directory');
    expect(() => openStore(`${store.dir}-file/below`).list()).not.toThrow();
  });

  test('that is already there is kept out of git too', async () => {
    const store = newStore();
    mkdirSync(store.dir, { mode: 0o700 });
    await store.exclusively(async () => store.write('pki/ca.key', 'x'));
    expect(readFileSync(join(store.dir, '.gitignore'), 'utf8')).toBe('*\n');
  });
});

describe('files', () => {
  test('are replaced whole, and an interrupted write is swept away', async () => {
    const store = newStore();
    await store.exclusively(async () => store.write('pki/ca.key', 'old'));
    writeFileSync(join(store.dir, 'pki/.new-0123'), 'ha');
    expect(store.list()).toEqual(['pki/ca.key']);
    await store.exclusively(async () => store.write('pki/ca.key', 'new'));
    expect(readdirSync(join(store.dir, 'pki'))).toEqual(['ca.key']);
    expect(openStore(store.dir).read('pki/ca.key')).toBe('new');
  });

  test('keep what they held when a write fails', async () => {
    const store = newStore();
    await store.exclusively(async () => store.write('pki/ca.key', 'old'));
    mkdirSync(join(store.dir, 'pki/dir.key'));
    await expect(store.exclusively(async () => store.write('pki/dir.key', 'new'))).rejects.toThrow(UserError);
    expect(openStore(store.dir).read('pki/ca.key')).toBe('old');
    expect(() => store.read('pki/dir.key')).toThrow('is not a file');
  });

  test.skipIf(process.getuid?.() === 0)('that may not be read are named, with what to do', () => {
    const store = newStore();
    mkdirSync(join(store.dir, 'pki'), { recursive: true, mode: 0o700 });
    chmodSync(store.dir, 0o700);
    writeFileSync(store.file('pki/ca.key'), 'x', { mode: 0o000 });
    expect(() => openStore(store.dir).read('pki/ca.key')).toThrow('cannot be read (EACCES)');
  });

  test('never lie outside, whatever a host is called', () => {
    const store = newStore();
    fc.assert(
      fc.property(
        fc.oneof(fc.string(), fc.constantFrom('../x', '/etc/passwd', 'a/../../b', '.gitignore', 'a//b', '')),
        (ref) => {
          try {
            expect(store.file(ref).startsWith(`${store.dir}/`)).toBe(true);
            expect(ref.split('/')).not.toContain('..');
          } catch (error) {
            expect(String(error)).toContain('not a name for a secret');
          }
        },
      ),
    );
    for (const ref of ['../x', '/etc/passwd', 'a/../../b', '.lock', ''])
      expect(() => store.file(ref)).toThrow('not a name');
  });
});

describe('the lock', () => {
  test('is gone afterwards, whether the work was done or failed', async () => {
    const store = newStore();
    const lock = join(store.dir, '.lock');
    await store.exclusively(async () => expect(existsSync(lock)).toBe(true));
    expect(existsSync(lock)).toBe(false);
    await expect(store.exclusively(() => Promise.reject(new Error('failed')))).rejects.toThrow('failed');
    expect(existsSync(lock)).toBe(false);
  });

  test('keeps others out while its process lives, or may live elsewhere', async () => {
    const store = newStore();
    const lock = join(store.dir, '.lock');
    await store.exclusively(async () => {
      await expect(openStore(store.dir).exclusively(async () => 1)).rejects.toThrow('another imgbuild');
      expect(existsSync(lock)).toBe(true);
    });
    const ended = execa('true');
    await ended;
    for (const text of [`${ended.pid} another-machine\n`, '', 'nonsense']) {
      writeFileSync(lock, text);
      await expect(store.exclusively(async () => 1)).rejects.toThrow('another imgbuild');
    }
  });

  test('is taken over from a process that is gone', async () => {
    const store = newStore();
    const { hostname } = await import('node:os');
    await store.exclusively(async () => 1);
    const ended = execa('true');
    await ended;
    writeFileSync(join(store.dir, '.lock'), `${ended.pid} ${hostname()}\n`);
    await expect(store.exclusively(async () => 'done')).resolves.toBe('done');
  });
});
