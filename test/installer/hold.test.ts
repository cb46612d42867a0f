import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { run, shells } from './run.ts';

describe.each(shells)('$name', (shell) => {
  it('shows the message on every console there is, again and again', async () => {
    const root = mkdtempSync(join(tmpdir(), 'imgbuild-hold-'));
    const console1 = join(root, 'console');
    writeFileSync(console1, '');
    const env = {
      IMGBUILD_HOLD_TURNS: '3',
      IMGBUILD_HOLD_PAUSE: '0',
      IMGBUILD_CONSOLES: `${console1} ${root}/absent`,
    };
    const out = await run(shell, 'hold', ['no disks for cp1'], {
      env,
      input: "it's $(reboot)\nsecond line\n",
    });
    expect(out).toMatchObject({ code: 0, stdout: '' });
    expect(out.stderr.match(/INSTALLATION IS HELD: no disks for cp1/g)).toHaveLength(3);
    expect(out.stderr).toContain("it's $(reboot)\nsecond line\n");
    expect(out.stderr).toContain('Nothing was erased.');
    expect(out.stderr).toContain('Ctrl+Alt+F2');
    expect(readFileSync(console1, 'utf8')).toContain('second line');
    expect(existsSync(join(root, 'absent'))).toBe(false);
    rmSync(root, { recursive: true });
  });

  it('does not claim that disks are untouched when they are not', async () => {
    const env = { IMGBUILD_HOLD_TURNS: '1', IMGBUILD_CONSOLES: '/nowhere' };
    const out = await run(shell, 'hold', ['--changed', 'cannot name partitions'], { env });
    expect(out.stderr).toContain('Disks were already changed.');
    expect(out.stderr).not.toContain('Nothing was erased');
  });

  it('wrong usage', async () => {
    expect(await run(shell, 'hold', [])).toMatchObject({ code: 2 });
    expect(await run(shell, 'hold', ['a', 'b'])).toMatchObject({ code: 2 });
  });
});
