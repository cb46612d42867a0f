import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { describeWith } from '../../rigs/programs.ts';
import { bashN, shellcheck } from '../../rigs/validators.ts';
import { Host } from './host.ts';

const overlays = join(import.meta.dirname, '../../../overlays');
const libexec = join(overlays, 'base/usr/libexec/imgbuild');
const disk = join(overlays, 'base/usr/sbin/imgbuild-disk');
const libraries = ['disk', 'boot'].flatMap((folder) =>
  readdirSync(join(libexec, folder)).map((name) => join(libexec, folder, name)),
);
const programs = [disk, ...['boot-loader', 'disk-alert', 'alert-mail'].map((name) => join(libexec, name))];
const stubs = readdirSync(join(import.meta.dirname, 'programs')).map((name) =>
  join(import.meta.dirname, 'programs', name),
);

describeWith(['shellcheck', 'bash'], 'the programs', () => {
  test('shellcheck has nothing to say', async () => {
    expect((await shellcheck([...programs, ...libraries])).messages).toEqual([]);
  });

  test.each([...programs, ...libraries, ...stubs])('%s is bash', async (file) => {
    expect((await bashN(file)).messages).toEqual([]);
  });
});

test('bash 4.2 knows all that is used', () => {
  for (const file of [...programs, ...libraries]) {
    const text = readFileSync(file, 'utf8');
    const found = text.match(
      /(?:local|declare) -[aA]?n|\$\{\w+@[A-Za-z]\}|wait -n|\[\[? -[vR] |mapfile -d|readarray -d|EPOCH|SRANDOM|\binherit_errexit\b|;;&|\$\{[\w[\]]+: -/g,
    );
    expect({ file, found }).toEqual({ file, found: null });
    // Libraries of the installer are sourced, and an empty list is no mistake to them.
    if (file !== programs[3]) expect(text).not.toMatch(/^set -[a-z]*u/m);
    expect({ file, ascii: /^[\t\n -~]*$/.test(text) }).toEqual({ file, ascii: true });
  }
});

test('help is what stands at the head of a program', async () => {
  const host = new Host();
  const outcomes = [
    await host.disk('--help'),
    await host.disk('replace', '--help'),
    await host.loader('--help'),
  ];
  host.remove();
  for (const { code, out } of outcomes) {
    expect(code).toBe(0);
    expect(out).toMatch(/^The .*\n\n {2}(imgbuild-disk status \[--json\]|boot-loader install DISK)/);
    expect(out).toMatch(/exit {4}0 done|Exit: 0 done/);
    expect(out).not.toMatch(/#|shellcheck/);
  }
});

test('programs can be run, and lie where the units and mdadm look', () => {
  for (const file of programs) expect(statSync(file).mode & 0o111).toBe(0o111);
  const read = (path: string) => readFileSync(join(overlays, path), 'utf8');
  expect(read('base/etc/systemd/system/imgbuild-scrub.service')).toMatch(
    /^ExecStart=\/usr\/sbin\/imgbuild-disk scrub --due$/m,
  );
  expect(read('el/etc/mdadm.conf.d/90-imgbuild.conf')).toMatch(
    /^PROGRAM \/usr\/libexec\/imgbuild\/disk-alert$/m,
  );
  // Two monthly checks would run into each other.
  expect(read('el/etc/sysconfig/raid-check')).toMatch(/^ENABLED=no$/m);
});
