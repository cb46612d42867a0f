import { readFileSync, statSync } from 'node:fs';
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DISK_SIZE, layoutFor } from '../rigs/kickstart-rules.ts';
import { scratch } from '../rigs/scratch.ts';
import { assets, kickstartOf, planFor } from './kickstart-cases.ts';
import { kickstart, section, shell } from './kickstart-run.ts';

/** What runs before the system exists, run for real with stand-ins for the installer's programs. */

describe('%pre', () => {
  const ks = kickstart('master');
  const pre = (number: string) => section(ks, `pre-${number}`).body;

  it('unpacks the installer’s programs byte for byte, and fit to run', async () => {
    const dir = await scratch();
    const { exitCode, lines } = await shell('dash', pre('unpack'), {
      dir,
      places: { '/tmp/imgbuild': '$DIR/got' },
    });
    expect({ exitCode, lines }).toEqual({ exitCode: 0, lines: [] });
    const paths = assets.list('installer').filter((path) => !/\/deploy\/|\/partition\.sh$/.test(path));
    expect(paths).toContain('installer/select-disks');
    for (const path of paths) {
      const got = join(dir, 'got', path.slice('installer/'.length));
      expect(readFileSync(got, 'utf8') === assets.read(path), path).toBe(true);
      if (assets.read(path).startsWith('#!')) expect(statSync(got).mode & 0o777, path).toBe(0o755);
    }
  });

  const stubs = {
    hold: 'echo "hold: $*: $(cat)"',
    'prove-host': 'exit 0',
    'select-disks': `echo "select: $*" >&2; for n in system_1 system_2 data_1 data_2; do echo "$n=disk/by-id/x-$n"; done
       echo system_size=${DISK_SIZE} data_size=${DISK_SIZE}`,
    'clean-disks': 'echo "clean: $*"',
    'mark-disks': 'echo "mark: $*"',
  };
  /** A folder with programs that answer as they are told, in place of the real ones. */
  async function stubbed(programs: Partial<Record<keyof typeof stubs, string>> = {}): Promise<string> {
    const files = Object.entries({ ...stubs, ...programs }).map(([name, body]) => [
      name,
      `#!/bin/sh\n${body}\n`,
    ]);
    const dir = await scratch(Object.fromEntries(files));
    for (const [name = ''] of files) await chmod(join(dir, name), 0o755);
    return dir;
  }
  const places = { '/tmp/imgbuild': '$DIR', '/sys/firmware': '$DIR/firmware' };

  it('stops where this is another host', async () => {
    const dir = await stubbed({ 'prove-host': 'echo "MACs differ" >&2; exit 3' });
    const { exitCode, lines } = await shell('dash', pre('identity'), { dir, places });
    expect({ exitCode, lines }).toEqual({ exitCode: 1, lines: ['hold: this is not master-1: MACs differ'] });
  });

  it.each([
    ['on', 1, 1],
    ['off', 0, 0],
  ])('with Secure Boot %s', async (_, value, code) => {
    const dir = await stubbed();
    await mkdir(join(dir, 'firmware/efi/efivars'), { recursive: true });
    const variable = join(dir, 'firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c');
    await writeFile(variable, Buffer.from([6, 0, 0, 0, value]));
    const { exitCode, lines } = await shell('dash', pre('identity'), { dir, places });
    expect(exitCode).toBe(code);
    expect(lines.join('\n')).toMatch(code === 1 ? /^hold: Secure Boot is on: The kernel planned/ : /^$/);
  });

  it('goes on where the firmware has no Secure Boot', async () => {
    expect((await shell('dash', pre('identity'), { dir: await stubbed(), places })).exitCode).toBe(0);
  });

  describe('the files that %post lays', () => {
    const files = section(ks, 'pre-files').body;
    const served = async (curl: string, cmdline = 'inst.ks=http://10.0.0.1:8080/hosts/master-1/ks.cfg') => {
      const dir = await stubbed();
      await writeFile(join(dir, 'cmdline'), `${cmdline}\n`);
      return shell('dash', files.replace('echo "$2  archive"', 'echo "$SUM  archive"'), {
        dir,
        places: { ...places, '/proc/cmdline': '$DIR/cmdline' },
        stubs: { curl: `echo "$@" >>"$DIR/asked"; while [ $# -gt 2 ]; do shift; done; ${curl}` },
      });
    };

    it('are asked for before a disk is touched, and checked', async () => {
      const { exitCode, lines } = await served('echo other >archive');
      expect(exitCode).toBe(1);
      expect(lines.join('\n')).toMatch(
        /^hold: http:\/\/10\.0\.0\.1:8080\/hosts\/master-1\/overlay\.tar\.gz is not the file/,
      );
    });

    it('stop the installation where they cannot be fetched', async () => {
      const { exitCode, lines } = await served('echo "curl: (22) 403" >&2; exit 22');
      expect(exitCode).toBe(1);
      expect(lines).toEqual([
        'hold: cannot fetch http://10.0.0.1:8080/hosts/master-1/overlay.tar.gz: curl: (22) 403',
      ]);
    });

    it('come from the spec’s server where the kernel’s line names none, and are both asked for', async () => {
      const dir = await stubbed();
      await writeFile(join(dir, 'cmdline'), 'quiet\n');
      const { exitCode, lines } = await shell('dash', files, {
        dir,
        places: { ...places, '/proc/cmdline': '$DIR/cmdline' },
        stubs: {
          curl: 'for last; do :; done; echo "$last" >>asked; : >archive',
          sha256sum: 'cat >/dev/null',
        },
      });
      expect({ exitCode, lines }).toEqual({ exitCode: 0, lines: [] });
      expect(await readFile(join(dir, 'asked'), 'utf8')).toBe(
        'http://100.64.0.5:8080/hosts/master-1/overlay.tar.gz\nhttp://100.64.0.5:8080/hosts/master-1/secrets.tar.gz\n',
      );
    });
  });

  it('shows what it would do, and does nothing, where the kernel’s line asks for a dry run', async () => {
    const dir = await stubbed();
    await writeFile(join(dir, 'cmdline'), 'inst.ks=http://x/y imgbuild.dry-run quiet\n');
    const { exitCode, lines } = await shell('dash', pre('disks'), {
      dir,
      places: { ...places, '/proc/cmdline': '$DIR/cmdline' },
    });
    expect(exitCode).toBe(1);
    expect(lines[0]).toMatch(/^hold: a dry run, as the kernel line asks: select: --dry-run --mark /);
    expect(lines.join('\n')).not.toContain('clean:');
  });

  it('writes the layout that layoutFor reads out of the text', async () => {
    const dir = await stubbed();
    const { exitCode, lines } = await shell('dash', pre('disks'), { dir, places });
    expect(exitCode).toBe(0);
    expect(lines[0]).toBe(
      'clean: disk/by-id/x-system_1 disk/by-id/x-system_2 disk/by-id/x-data_1 disk/by-id/x-data_2',
    );
    const names = ['system_1', 'system_2', 'data_1', 'data_2'];
    const disks = Object.fromEntries(names.map((name) => [name, `disk/by-id/x-${name}`]));
    expect(await readFile(join(dir, 'layout.ks'), 'utf8')).toBe(layoutFor(ks, disks, 'uefi'));
  });

  it('touches no disk where none is chosen', async () => {
    const dir = await stubbed({ 'select-disks': 'echo ambiguous >&2; exit 3' });
    const { exitCode, lines } = await shell('dash', pre('disks'), { dir, places });
    expect({ exitCode, lines }).toEqual({ exitCode: 1, lines: ['hold: no disks to install on: ambiguous'] });
  });

  it.each([
    [3, 'hold: the disks cannot be cleaned: an array'],
    [4, 'hold: --changed the disks could not be cleaned: an array'],
  ])('says whether disks were changed where cleaning ends with %i', async (code, said) => {
    const dir = await stubbed({ 'clean-disks': `echo "an array" >&2; exit ${code}` });
    const { exitCode, lines } = await shell('dash', pre('disks'), { dir, places });
    expect({ exitCode, lines }).toEqual({ exitCode: 1, lines: [said] });
  });

  it.each(['bios', 'uefi'] as const)('lays a golden image out for %s', async (firmware) => {
    const plan = planFor('rocky-9', 'uefi', 'docker');
    const [target] = plan.roles;
    if (!target) throw new Error('no role');
    const image = kickstartOf({ target, plan });
    const dir = await stubbed({ 'select-disks': `echo system_1=disk/by-path/a system_size=${DISK_SIZE}` });
    if (firmware === 'uefi') await mkdir(join(dir, 'firmware/efi'), { recursive: true });
    await shell('dash', section(image, 'pre-disks').body, { dir, places });
    const expected = layoutFor(image, { system_1: 'disk/by-path/a' }, firmware);
    expect(await readFile(join(dir, 'layout.ks'), 'utf8')).toBe(expected);
  });

  it('marks the partitions, and holds where that fails', async () => {
    const dir = await stubbed();
    await writeFile(join(dir, 'disks'), 'system_1=a\nsystem_2=b\ndata_1=c\ndata_2=d\n');
    const { body } = section(ks, 'pre-install');
    expect((await shell('dash', body, { dir, places })).lines).toEqual([
      `mark: --mark ${planFor('rocky-9', 'uefi', 'docker').cluster.mark} system_1=a system_2=b data_1=c data_2=d`,
    ]);
    await writeFile(join(dir, 'mark-disks'), '#!/bin/sh\necho no >&2\nexit 4\n');
    const failed = await shell('dash', body, { dir, places });
    expect(failed.lines).toEqual(['hold: --changed the partitions could not be marked as ours: no']);
    expect(failed.exitCode).toBe(1);
  });

  describe('calls the real programs as they want to be called', () => {
    /** The real ones, on a machine without any hardware; only `hold` is a stand-in, as it never ends. */
    async function real(more = '') {
      const text = kickstart('worker', 'rocky-9', 'uefi', more);
      const dir = await scratch({
        'sys/block/.keep': '',
        'dev/.keep': '',
        cmdline: '',
        mounts: '',
        disks: 'system_1=a\nsystem_2=b\ndata_1=c\ndata_2=d\n',
      });
      await shell('dash', section(text, 'pre-unpack').body, { dir, places });
      await writeFile(join(dir, 'hold'), `#!/bin/sh\n${stubs.hold}\n`);
      const run = (log: string) =>
        shell('dash', section(text, log).body, {
          dir,
          places: {
            ...places,
            './prove-host': './prove-host --sys $DIR/sys',
            './select-disks':
              './select-disks --sys $DIR/sys --dev $DIR/dev --cmdline $DIR/cmdline --mounts $DIR/mounts',
            './mark-disks': './mark-disks --dry-run --sys $DIR/sys --dev $DIR/dev',
          },
        });
      return run;
    }
    const rich =
      'disks: { wipe: always, tolerance: 3, system: { size: { min: 1G, max: 2T }, model: "A B*", serial: ["x y"] }, data: { wwn: [naa.5], path: ["pci-*"], transport: sas } }';

    it.each(['', rich])('select-disks: %s', async (more) => {
      const { lines } = await (await real(more))('pre-disks');
      expect(lines[0]).toMatch(
        /^hold: no disks to install on: select-disks: nothing chosen, nothing erased: /,
      );
    });

    it('prove-host', async () => {
      const { lines } = await (await real())('pre-identity');
      expect(lines[0]).toMatch(
        /^hold: this is not worker-1: prove-host: this is not the machine that worker-1 was planned for/,
      );
    });

    it('mark-disks', async () => {
      const { lines } = await (await real())('pre-install');
      expect(lines[0]).toMatch(/^hold: --changed \S.*: mark-disks: a is no whole disk of this machine/);
    });
  });
});
