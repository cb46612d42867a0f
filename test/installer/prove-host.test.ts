import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, shells } from './run.ts';

let root: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'imgbuild-host-'));
  const nic = (name: string, address: string, more: Record<string, string> = {}, physical = true) => {
    const dir = join(root, 'class/net', name);
    mkdirSync(join(dir, 'bonding_slave'), { recursive: true });
    if (physical) mkdirSync(join(dir, 'device'));
    writeFileSync(join(dir, 'address'), `${address}\n`);
    for (const [file, text] of Object.entries(more)) writeFileSync(join(dir, file), text);
  };
  nic('lo', '00:00:00:00:00:00', {}, false);
  nic('eno1', '3c:fd:fe:00:00:01');
  nic('eno2', '02:00:00:00:00:99', { 'bonding_slave/perm_hwaddr': '3C:FD:FE:00:00:02\n' });
  nic('bond0', '02:00:00:00:00:99', {}, false);
  mkdirSync(join(root, 'class/dmi/id'), { recursive: true });
  writeFileSync(join(root, 'class/dmi/id/product_serial'), '  CZ12345X \n');
  mkdirSync(join(root, 'firmware/efi'), { recursive: true });
});
afterAll(() => rmSync(root, { recursive: true }));

const planned = ['--name', 'cp1', '--mac', '3C:FD:FE:00:00:01', '3c:fd:fe:00:00:02'];

describe.each(shells)('$name', (shell) => {
  const prove = (...args: string[]) => run(shell, 'prove-host', ['--sys', root, ...args]);

  it('the planned machine', async () => {
    expect(await prove(...planned, '--serial', 'cz12345x', '--firmware', 'uefi')).toEqual({
      code: 0,
      stdout: '',
      stderr: '',
    });
    expect(await prove(...planned)).toMatchObject({ code: 0 });
    expect(
      await prove('--name', 'cp1', '--mac', '3c:fd:fe:00:00:01', '--mac', '3c:fd:fe:00:00:02'),
    ).toMatchObject({ code: 0 });
  });

  const others: [string, string[], RegExp][] = [
    [
      'a missing NIC',
      [...planned, '--mac', '3c:fd:fe:00:00:03'],
      /no NIC here has the address 3c:fd:fe:00:00:03/,
    ],
    ['the address of a bond', ['--name', 'cp1', '--mac', '02:00:00:00:00:99'], /no NIC here/],
    ['another serial', [...planned, '--serial', 'CZ12345'], /serial number is another/],
    ['a glob for a serial', [...planned, '--serial', 'CZ*'], /serial number is another/],
    ['other firmware', [...planned, '--firmware', 'bios'], /started with uefi, not bios/],
  ];
  it.each(others)('%s', async (_, args, text) => {
    const out = await prove(...args);
    expect(out).toMatchObject({ code: 3, stdout: '' });
    expect(out.stderr).toMatch(text);
    expect(out.stderr).toMatch(
      /^This machine: {2}MACs 3c:fd:fe:00:00:01 3c:fd:fe:00:00:02; serial CZ12345X; firmware uefi$/m,
    );
    expect(out.stderr).toMatch(/cp1 was planned/);
    expect(out.stderr).toMatch(/^What to do: /m);
  });

  const usages: string[][] = [
    [],
    ['--name', 'cp1'],
    ['--mac', '3c:fd:fe:00:00:01'],
    ['--name', 'cp1', '--mac', 'eno1'],
    ['--name', 'cp1', '--mac', '3c:fd:fe:00:00:0g'],
    ['--name', 'cp1', '--mac', '3c:fd:fe:00:00:01', '--firmware', 'coreboot'],
    ['--name', 'cp1', '--mac', '3c:fd:fe:00:00:01', '--serial', ''],
    ['--name', 'cp1', '--mac', '3c:fd:fe:00:00:01', '--serial'],
    ['--name', 'cp1', '--mac'],
  ];
  it.each(usages.map((args) => ({ args })))('wrong usage: $args', async ({ args }) => {
    expect(await prove(...args)).toMatchObject({ code: 2, stdout: '' });
  });

  it('a machine without serial or NICs', async () => {
    const out = await run(shell, 'prove-host', [
      '--sys',
      join(root, 'class'),
      ...planned,
      '--serial',
      'X',
      '--firmware',
      'bios',
    ]);
    expect(out.code).toBe(3);
    expect(out.stderr).toMatch(/MACs none; serial none; firmware bios/);
  });
});
