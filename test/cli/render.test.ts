import { chmodSync, cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { filesOf, folder, type HostName, modeOf, put, renderedFolder, snapshot, specOf } from './folders.ts';
import { cli } from './run.ts';

const WITHOUT_KNODE2: HostName[] = ['kmaster', 'etcd-1', 'knode1', 'registry-1'];
/** What the output says of itself. */
const OWN = ['.gitignore', 'manifest.json'];
const everything = (dir: string) => filesOf(path.join(dir, 'out'));
const hostsIn = (dir: string) =>
  new Set(everything(dir).flatMap((name) => /^hosts\/([^/]+)/.exec(name)?.[1] ?? []));

/** A setting that one host alone has, to change nothing else. */
const CHANGED = specOf().replace('name: knode1, role', 'name: knode1, sysctls: { vm.swappiness: "1" }, role');

describe('render', () => {
  test('writes hosts, roles, packer and a manifest, and says what it did', async () => {
    const dir = folder({ 'cluster.yaml': specOf() });
    const { code, out, err } = await cli(dir, ['render']);
    expect(code).toBe(0);
    expect(err).toMatch(/warning: etcd has a single member/);
    const files = everything(dir);
    for (const host of ['kmaster', 'etcd-1', 'knode1', 'knode2', 'registry-1'])
      for (const name of ['ks.cfg', 'overlay.tar.gz', 'secrets.tar.gz'])
        expect(files).toContain(`hosts/${host}/${name}`);
    for (const role of ['master', 'etcd', 'worker', 'registry']) {
      for (const name of ['ks.cfg', 'overlay.tar.gz']) expect(files).toContain(`roles/${role}/${name}`);
      expect(files.some((name) => name.startsWith(`packer/${role}/`))).toBe(true);
    }
    const { files: listed } = JSON.parse(readFileSync(path.join(dir, 'out/manifest.json'), 'utf8'));
    expect(Object.keys(listed)).toEqual(files.filter((name) => !OWN.includes(name)));
    expect(out).toMatch(
      new RegExp(`^out: ${files.length - OWN.length} files for 5 hosts: ${files.length - OWN.length} new
secrets: \\d+ new secrets; keep this folder safe, and out of version control
addresses.lock.yaml: allotted addresses recorded; commit it with the spec
next: .*
$`),
    );
  });

  test('twice gives the same bytes, touches nothing and says so', async () => {
    const dir = await renderedFolder();
    const before = snapshot(dir);
    const { code, out } = await cli(dir, ['render']);
    expect(code).toBe(0);
    expect(out).toMatch(/^out: \d+ files for 5 hosts: nothing changed\n$/);
    expect(snapshot(dir)).toEqual(before);
  });

  test('a host that comes later: says how a cluster that runs is told of it', async () => {
    const dir = await renderedFolder();
    const file = path.join(dir, 'secrets/tokens.json');
    const { knode2: _, ...others } = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(file, JSON.stringify(others));
    const { out } = await cli(dir, ['render']);
    expect(out).toMatch(
      /^next: tell the cluster of knode2, .*: imgbuild secrets token knode2 \| kubectl apply -f -$/m,
    );
    expect(out).not.toContain('knode1,');
  });

  test('elsewhere, with the same secrets, gives the same bytes', async () => {
    const dir = await renderedFolder();
    await cli(dir, ['render', '--out', 'again/deeper']);
    expect(snapshot(path.join(dir, 'again/deeper'))).toEqual(snapshot(path.join(dir, 'out')));
  });

  test('an empty folder: renders the built-in example, and says so and what to do', async () => {
    const dir = folder();
    const { code, out, err } = await cli(dir, ['render', '--role', 'etcd']);
    expect(code).toBe(0);
    expect(err).toMatch(
      /^no cluster.yaml here: this is the built-in example; "imgbuild init" writes it for editing\n/,
    );
    // Whoever builds from it could not log in.
    expect(err).toMatch(/the only ssh key is the example’s/);
    expect(out).toMatch(/^out: \d+ files for 3 hosts: \d+ new\n/);
    expect([...hostsIn(dir)].sort()).toEqual(['etcd-1', 'etcd-2', 'etcd-3']);
    // What would only be in the way of a spec of one's own.
    expect(existsSync(path.join(dir, 'addresses.lock.yaml'))).toBe(false);
  });

  test('a spec that names others than it may: nothing is written', async () => {
    const dir = folder({ 'cluster.yaml': specOf().replace('role: worker', 'role: wroker') });
    expect(await cli(dir, ['render'])).toMatchObject({ code: 1 });
    expect(filesOf(dir)).toEqual(['cluster.yaml']);
  });

  test('secrets are for their owner alone, with a strict umask or a loose one', async () => {
    for (const mask of [0o000, 0o077]) {
      const dir = folder({ 'cluster.yaml': specOf() });
      const before = process.umask(mask);
      try {
        await cli(dir, ['render']);
      } finally {
        process.umask(before);
      }
      expect(modeOf(path.join(dir, 'secrets'))).toBe('700');
      for (const name of everything(dir)) {
        const mode = name.endsWith('secrets.tar.gz') ? '600' : '644';
        expect([name, modeOf(path.join(dir, 'out', name))]).toEqual([name, mode]);
      }
      for (const name of filesOf(path.join(dir, 'secrets')).filter(
        (file) => !/\.(crt|pub)$|gitignore$/.test(file),
      ))
        expect([name, modeOf(path.join(dir, 'secrets', name))]).toEqual([name, '600']);
    }
  });

  test('--secrets keeps them elsewhere', async () => {
    const dir = folder({ 'cluster.yaml': specOf() });
    await cli(dir, ['render', '--secrets', 'vault']);
    expect(existsSync(path.join(dir, 'vault/pki/ca.key'))).toBe(true);
    expect(existsSync(path.join(dir, 'secrets'))).toBe(false);
  });

  test('--json says what was done, on standard output alone', async () => {
    const dir = folder({ 'cluster.yaml': specOf() });
    const { code, out, err } = await cli(dir, ['render', '--json']);
    expect(code).toBe(0);
    expect(err).toBe('');
    const first = JSON.parse(out);
    expect(first).toMatchObject({ out: path.join(dir, 'out'), builtInExample: false, addressesLocked: true });
    expect(first.changes.map((change: { path: string }) => change.path).sort()).toEqual(
      everything(dir).filter((name) => !OWN.includes(name)),
    );
    expect(first.secretsMade).toContain('pki/ca.key');
    expect(JSON.parse((await cli(dir, ['render', '--json'])).out)).toMatchObject({
      changes: [],
      secretsMade: [],
      secretsMissing: [],
      addressesLocked: false,
    });
  });

  test('--quiet says nothing', async () => {
    expect(await cli(await renderedFolder(), ['render', '--quiet'])).toMatchObject({ code: 0, all: '' });
  });
});

describe('--role and --host', () => {
  test('limit what is written', async () => {
    const dir = folder({ 'cluster.yaml': specOf() });
    const { out } = await cli(dir, ['render', '--host', 'knode1', '--host', 'registry-1']);
    expect(out).toMatch(/^out: 6 files for 2 hosts: 6 new\n/);
    expect(everything(dir).filter((name) => !/^hosts\/(knode1|registry-1)\//.test(name))).toEqual(OWN);
    await cli(dir, ['render', '--role', 'etcd']);
    expect([...hostsIn(dir)].sort()).toEqual(['etcd-1', 'knode1', 'registry-1']);
    expect(everything(dir)).toContain('roles/etcd/ks.cfg');
  });

  test('leave what is out of scope as it is, though the spec would change it', async () => {
    const dir = await renderedFolder();
    put(dir, { 'cluster.yaml': specOf(undefined, 'timezone: Europe/Berlin\n') });
    const before = snapshot(path.join(dir, 'out'));
    const { out } = await cli(dir, ['render', '--host', 'knode1']);
    expect(out).toMatch(/^out: 3 files for 1 host: \d changed\n/);
    const after = snapshot(path.join(dir, 'out'));
    const changed = Object.keys(after).filter((name) => after[name] !== before[name]);
    expect(changed).toEqual(['hosts/knode1/ks.cfg', 'manifest.json']);
  });

  test('a host that left the spec is removed only when in scope', async () => {
    const dir = await renderedFolder();
    put(dir, { 'cluster.yaml': specOf(WITHOUT_KNODE2) });
    for (const scope of [
      ['--host', 'knode1'],
      ['--role', 'etcd'],
      ['--role', 'master', '--host', 'registry-1'],
    ]) {
      await cli(dir, ['render', ...scope]);
      expect(hostsIn(dir)).toContain('knode2');
    }
    expect((await cli(dir, ['render', '--role', 'worker', '--dry-run'])).out).toMatch(
      /^- hosts\/knode2\/ks.cfg$/m,
    );
    expect(hostsIn(dir)).toContain('knode2');
    const { out } = await cli(dir, ['render', '--role', 'worker']);
    expect(out).toMatch(/3 removed/);
    expect(hostsIn(dir)).not.toContain('knode2');
    expect(existsSync(path.join(dir, 'out/hosts/knode2'))).toBe(false);
  });

  test('without a scope it is removed too, and its role with the last of it', async () => {
    const dir = await renderedFolder();
    put(dir, { 'cluster.yaml': specOf(['kmaster', 'etcd-1', 'knode1', 'knode2']) });
    await cli(dir, ['render']);
    expect(everything(dir).filter((name) => name.includes('registry'))).toEqual([]);
    expect(existsSync(path.join(dir, 'out/packer/registry'))).toBe(false);
  });
});

describe('--dry-run', () => {
  test('writes nothing, makes no secret, and says what would be', async () => {
    const dir = folder({ 'cluster.yaml': specOf() });
    const { code, out } = await cli(dir, ['render', '--dry-run']);
    expect(code).toBe(0);
    expect(filesOf(dir)).toEqual(['cluster.yaml']);
    expect(out).toMatch(/^\+ hosts\/kmaster\/ks.cfg \(\d+ bytes\)$/m);
    expect(out).toMatch(/^\d+ secrets would be made$/m);
    expect(out).toMatch(/^\d+ files would change, 0 as they are$/m);
  });

  test('shows a change as a diff, archives file by file, and leaves everything as it was', async () => {
    const dir = await renderedFolder();
    put(dir, { 'cluster.yaml': CHANGED });
    const before = snapshot(dir);
    const { code, out } = await cli(dir, ['render', '-n']);
    expect(code).toBe(0);
    expect(snapshot(dir)).toEqual(before);
    const shown = [...out.matchAll(/^\+\+\+ (\S+)/gm)].map(([, name]) => name ?? '');
    // In its archive the setting, and what looks after the first boot whether the kernel has it.
    expect(shown).toContainEqual(expect.stringMatching(/^hosts\/knode1\/overlay.tar.gz:\/etc\/sysctl.d\//));
    expect(shown).toContainEqual(expect.stringMatching(/^hosts\/knode1\/overlay.tar.gz:.*goss/));
    expect(out).toMatch(/^\+vm\.swappiness ?= ?1$/m);
    // The checksum of its overlay stands in the kickstart; nothing else changes, and no other host.
    expect(out).toMatch(/^2 files would change, \d+ as they are$/m);
    const files = shown.map((name) => name.replace(/:.*/, ''));
    expect([...new Set(files)]).toEqual(['hosts/knode1/ks.cfg', 'hosts/knode1/overlay.tar.gz']);
  });

  test('for a new host, names only the files that its coming changes', async () => {
    const dir = folder({ 'cluster.yaml': specOf(WITHOUT_KNODE2) });
    await cli(dir, ['render']);
    put(dir, { 'cluster.yaml': specOf() });
    const { changes, secretsMissing } = JSON.parse((await cli(dir, ['render', '-n', '--json'])).out);
    expect(secretsMissing).toEqual(['tokens/knode2']);
    const names = changes.map(({ path: name }: { path: string }) => name);
    // The control plane honours its token; the others' secrets stay what they are.
    expect(names).toContain('hosts/kmaster/secrets.tar.gz');
    expect(names.filter((name: string) => /^hosts\/(etcd-1|knode1|registry-1)\/secrets/.test(name))).toEqual(
      [],
    );
  });

  test('never shows what holds secrets', async () => {
    const dir = await renderedFolder();
    rmSync(path.join(dir, 'secrets/tokens.json'));
    await cli(dir, ['secrets', 'ensure']);
    const { out } = await cli(dir, ['render', '-n']);
    expect(out).toMatch(/^~ hosts\/kmaster\/secrets.tar.gz \(holds secrets: not shown\)$/m);
    expect(out).not.toMatch(/^[+-][a-z0-9]{6}\.[a-z0-9]{16}/m);
  });

  test('is silent where nothing would change', async () => {
    const dir = await renderedFolder();
    expect(await cli(dir, ['render', '-n'])).toMatchObject({
      code: 0,
      out: 'the output is what the spec gives\n',
    });
  });
});

describe('--check', () => {
  const check = (dir: string, ...more: string[]) => cli(dir, ['render', '--check', ...more]);

  test('0 where the output is what the spec gives, and nothing is written', async () => {
    const dir = await renderedFolder();
    const before = snapshot(dir);
    expect(await check(dir)).toMatchObject({ code: 0, out: 'the output is what the spec gives\n' });
    expect(snapshot(dir)).toEqual(before);
  });

  test('1 for a changed, a missing, a left-over file, a changed mode, each named', async () => {
    const dir = await renderedFolder();
    put(dir, { 'cluster.yaml': specOf(WITHOUT_KNODE2) });
    const at = (name: string) => path.join(dir, 'out', name);
    writeFileSync(at('hosts/knode1/ks.cfg'), 'changed');
    rmSync(at('roles/etcd/ks.cfg'));
    chmodSync(at('hosts/etcd-1/secrets.tar.gz'), 0o644);
    const before = snapshot(dir);
    const { code, out } = await check(dir);
    expect(code).toBe(1);
    for (const line of [
      'differs: hosts/knode1/ks.cfg',
      'missing: roles/etcd/ks.cfg',
      'mode differs: hosts/etcd-1/secrets.tar.gz',
      'left over: hosts/knode2/ks.cfg',
    ])
      expect(out.split('\n')).toContain(line);
    expect(snapshot(dir)).toEqual(before);
    expect(await check(dir, '--quiet')).toMatchObject({ code: 1, out: '' });
    expect(await check(dir, '--role', 'registry')).toMatchObject({ code: 1 });
  });

  test('1 for a spec that changed nothing but its digest, and says that it is no more', async () => {
    const dir = await renderedFolder();
    put(dir, { 'cluster.yaml': `${specOf()}# a comment\n` });
    expect(await check(dir)).toMatchObject({
      code: 1,
      out: 'the files are what the spec gives; the manifest names another spec or version\n',
    });
  });

  test('1 where nothing was rendered, and where secrets are missing', async () => {
    const dir = await renderedFolder();
    rmSync(path.join(dir, 'secrets/console-password.line'));
    rmSync(path.join(dir, 'secrets/console-password'));
    const { code, out } = await check(dir);
    expect(code).toBe(1);
    expect(out).toMatch(/^2 secrets would be made$/m);
    expect(existsSync(path.join(dir, 'secrets/console-password'))).toBe(false);
    expect(await check(dir, '--out', 'nowhere')).toMatchObject({ code: 1 });
  });
});

describe('files that imgbuild did not write', () => {
  test('are never touched where they are in nobody’s way', async () => {
    const dir = await renderedFolder();
    put(dir, {
      'out/README': 'mine',
      'out/hosts/knode2/notes.txt': 'mine',
      'cluster.yaml': specOf(WITHOUT_KNODE2),
    });
    expect(await cli(dir, ['render'])).toMatchObject({ code: 0 });
    expect(readFileSync(path.join(dir, 'out/README'), 'utf8')).toBe('mine');
    expect(filesOf(path.join(dir, 'out/hosts/knode2'))).toEqual(['notes.txt']);
  });

  test.each([
    ['a file', 'out/hosts/knode1/ks.cfg'],
    ['a file for a folder', 'out/hosts/knode1'],
    ['a folder for a file', 'out/hosts/knode1/ks.cfg/deeper'],
  ])('are refused where they are in the way: %s', async (_, name) => {
    const dir = folder({ 'cluster.yaml': specOf() });
    await cli(dir, ['render', '--host', 'kmaster']);
    put(dir, { [name]: 'mine' });
    const before = snapshot(path.join(dir, 'out'));
    for (const flags of [[], ['--dry-run'], ['--check']]) {
      const { code, err } = await cli(dir, ['render', ...flags]);
      expect(code).toBe(1);
      expect(err).toMatch(
        /hosts\/knode1\/ks.cfg.* in .*\/out (was|were) not written by imgbuild\n {4}fix: choose another folder/,
      );
    }
    expect(snapshot(path.join(dir, 'out'))).toEqual(before);
  });

  test.each([
    [
      'a folder that is somebody’s',
      'out/photos/1.jpg',
      /is not empty and was not written by imgbuild: it holds photos/,
    ],
    ['a file', 'out', /out/],
  ])('as the output folder are refused: %s', async (_, name, message) => {
    const dir = folder({ 'cluster.yaml': specOf(), [name]: 'mine' });
    const { code, err } = await cli(dir, ['render']);
    expect(err).toMatch(message);
    expect(err).not.toMatch(/mistake in imgbuild/);
    expect([1, 2, 3]).toContain(code);
    expect(readFileSync(path.join(dir, name), 'utf8')).toBe('mine');
  });

  test('output that somebody changed and that is no longer rendered is left, and told of', async () => {
    const dir = await renderedFolder();
    put(dir, { 'out/hosts/knode2/ks.cfg': 'mine now', 'cluster.yaml': specOf(WITHOUT_KNODE2) });
    const { code, err } = await cli(dir, ['render']);
    expect(code).toBe(0);
    expect(err).toMatch(
      /out\/hosts\/knode2\/ks.cfg is no longer rendered, but somebody changed it: left alone/,
    );
    expect(filesOf(path.join(dir, 'out/hosts/knode2'))).toEqual(['ks.cfg']);
  });

  test('a manifest of something else is refused', async () => {
    const dir = folder({ 'cluster.yaml': specOf(), 'out/manifest.json': '{"name": "web app"}' });
    const { code, err } = await cli(dir, ['render']);
    expect(code).toBe(1);
    expect(err).toMatch(/manifest.json is not a manifest that imgbuild wrote/);
    expect(filesOf(path.join(dir, 'out'))).toEqual(['manifest.json']);
  });
});

describe('another cluster', () => {
  const OTHER = specOf().replace('5e0a11', '0ddba1');

  test('its output is not written over, nor its secrets used', async () => {
    const dir = await renderedFolder();
    put(dir, { 'cluster.yaml': OTHER });
    const before = snapshot(dir);
    for (const args of [
      ['render'],
      ['render', '--check'],
      ['secrets', 'ensure'],
      ['secrets', 'show', '--password'],
    ]) {
      const { code, out, err } = await cli(dir, args);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/holds the secrets of cluster lab-5e0a11, and this is lab-0ddba1/);
    }
    const { err } = await cli(dir, ['render', '--secrets', 'other']);
    expect(err).toMatch(/out holds the output of cluster lab-5e0a11, and this is lab-0ddba1/);
    const after = snapshot(dir);
    for (const [name, text] of Object.entries(before)) expect([name, after[name]]).toEqual([name, text]);
    expect(await cli(dir, ['render', '--secrets', 'other', '--out', 'elsewhere'])).toMatchObject({ code: 0 });
  });

  test('secrets that are gone are not made anew for hosts that were rendered with them, unless told to', async () => {
    const dir = await renderedFolder();
    rmSync(path.join(dir, 'secrets'), { recursive: true });
    const { code, err } = await cli(dir, ['render']);
    expect(code).toBe(1);
    expect(err).toMatch(
      /has no \S*ca.crt, and .*out holds hosts of this cluster that were rendered with one\n {4}fix: restore/,
    );
    expect(existsSync(path.join(dir, 'secrets'))).toBe(false);
    expect(await cli(dir, ['render', '--new-secrets'])).toMatchObject({ code: 0 });
    expect(await cli(dir, ['render', '--check'])).toMatchObject({ code: 0 });
  });
});

describe('a run that is cut off', () => {
  test('is taken up by the next, and leaves nothing of itself', async () => {
    const whole = await renderedFolder();
    const dir = await renderedFolder();
    rmSync(path.join(dir, 'out'), { recursive: true });
    await cli(dir, ['render', '--host', 'kmaster']);
    // What the new file would be written to, before it takes its name, cannot be written.
    const inTheWay = path.join(dir, 'out/hosts/knode1/overlay.tar.gz.imgbuild-new');
    mkdirSync(inTheWay, { recursive: true });
    const { code, err } = await cli(dir, ['render']);
    expect(code).toBe(3);
    expect(err).toMatch(/cannot write .*\n {4}fix: .*run it again: it goes on where it stopped/);
    expect(everything(dir)).toContain('manifest.json');
    expect(everything(dir)).toContain('hosts/etcd-1/ks.cfg');
    rmSync(inTheWay, { recursive: true });

    // The spec changes in between: what the first run wrote is still known as ours.
    const changed = path.join(dir, 'changed');
    cpSync(path.join(dir, 'out'), changed, { recursive: true });
    expect(await cli(dir, ['render'])).toMatchObject({ code: 0 });
    expect(snapshot(path.join(dir, 'out'))).toEqual(snapshot(path.join(whole, 'out')));
    expect((await cli(dir, ['render'])).out).toMatch(/nothing changed/);

    put(dir, { 'cluster.yaml': specOf(WITHOUT_KNODE2, 'timezone: Europe/Berlin\n') });
    expect(await cli(dir, ['render', '--out', 'changed'])).toMatchObject({ code: 0 });
    await cli(dir, ['render', '--out', 'fresh']);
    expect(snapshot(changed)).toEqual(snapshot(path.join(dir, 'fresh')));
  });
});

describe('--self-contained', () => {
  test('one file a host, for its owner alone; and back again without showing it', async () => {
    const dir = await renderedFolder();
    expect(await cli(dir, ['render', '--self-contained', '--host', 'knode1'])).toMatchObject({ code: 0 });
    expect(filesOf(path.join(dir, 'out/hosts/knode1'))).toEqual(['ks.cfg']);
    expect(modeOf(path.join(dir, 'out/hosts/knode1/ks.cfg'))).toBe('600');
    const secret = /base64 -d >"\$work\/secrets.tar.gz" <<'END'\n(.*)\n/.exec(
      readFileSync(path.join(dir, 'out/hosts/knode1/ks.cfg'), 'utf8'),
    )?.[1];
    expect(secret?.length).toBeGreaterThan(50);
    const { out } = await cli(dir, ['render', '-n']);
    expect(out).toMatch(/^~ hosts\/knode1\/ks.cfg \(holds secrets: not shown\)$/m);
    expect(out).not.toContain(secret);
    await cli(dir, ['render']);
    expect(modeOf(path.join(dir, 'out/hosts/knode1/ks.cfg'))).toBe('644');
  });
});

describe('addresses', () => {
  test('stay with their hosts from run to run, whatever comes and goes', async () => {
    const dir = folder({ 'cluster.yaml': specOf(['kmaster', 'knode2']) });
    const addressOf = async (host: string) =>
      JSON.parse((await cli(dir, ['plan', host, '--json'])).out).addresses.management.address;
    await cli(dir, ['render']);
    const before = await addressOf('knode2');
    put(dir, { 'cluster.yaml': specOf(['knode1', 'kmaster', 'knode2']) });
    expect(await addressOf('knode2')).toBe(before);
    await cli(dir, ['render', '--host', 'kmaster']);
    put(dir, { 'cluster.yaml': specOf(['knode2', 'knode1', 'kmaster']) });
    expect(await addressOf('knode2')).toBe(before);
    expect(await addressOf('knode1')).toBe('10.10.0.13');
  });

  test('a lock that cannot be read stops everything: going on would move hosts', async () => {
    const dir = folder({ 'cluster.yaml': specOf(), 'addresses.lock.yaml/folder': '' });
    expect(await cli(dir, ['plan'])).toMatchObject({ code: 2, out: '' });
  });
});
