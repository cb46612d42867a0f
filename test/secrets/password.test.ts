import { execa } from 'execa';
import { expect, test } from 'vitest';
import { ensure } from '../../src/secrets/ensure.ts';
import { isHashOf, newPassword } from '../../src/secrets/password.ts';
import { systemRandom } from '../../src/secrets/random.ts';
import { NOW, newStore, smallPlan } from './plan.ts';

test('a password is long, and no letter of it is taken for another', () => {
  const made = Array.from({ length: 200 }, () => newPassword(systemRandom));
  for (const password of made) expect(password).toMatch(/^[a-km-np-z2-9]{24}$/);
  expect(new Set(made).size).toBe(200);
  expect(made.join('')).not.toMatch(/[0o1li]/);
});

test('its hash is what openssl makes of it, with a salt of its own', async () => {
  const salts = new Set<string>();
  for (let i = 0; i < 2; i++) {
    const store = newStore();
    await ensure(smallPlan(), store, { now: NOW });
    const password = store.read('console-password')?.trim() ?? '';
    const line = store.read('console-password.line') ?? '';
    const [, salt = ''] = /^breakglass:\$6\$([./0-9A-Za-z]{16})\$[./0-9A-Za-z]{86}\n$/.exec(line) ?? [];
    salts.add(salt);
    const { stdout } = await execa('openssl', ['passwd', '-6', '-salt', salt, '-stdin'], { input: password });
    expect(line).toBe(`breakglass:${stdout}\n`);
  }
  expect(salts.size).toBe(2);
});

test('another password’s hash is told apart, and one cut short', () => {
  const hash = '$6$0123456789abcdef$';
  expect(isHashOf(`${hash}short`, 'secret')).toBe(false);
  expect(isHashOf('$6$', 'secret')).toBe(false);
  // Of a method that we cannot compute, the operator knows best.
  expect(isHashOf('$y$j9T$abc$def', 'secret')).toBe(true);
});

test('an operator’s own is taken', async () => {
  const store = newStore();
  await store.exclusively(async () => store.write('console-password', 'Correct Horse 9!\r\n'));
  const { made } = await ensure(smallPlan(), store, { now: NOW });
  expect(made).not.toContain('console-password');
  const hash = store.read('console-password.line')?.trim().split(':')[1] ?? '';
  expect(isHashOf(hash, 'Correct Horse 9!')).toBe(true);
});
