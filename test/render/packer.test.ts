import { join } from 'node:path';
import { expect, it } from 'vitest';
import { renderPacker } from '../../src/render/packer.ts';
import { checkKickstart, withLayout } from '../rigs/kickstart-rules.ts';
import { describeWith, run } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';
import { packerValidate } from '../rigs/validators.ts';
import { assets, planFor, RELEASES } from './kickstart-cases.ts';

const overlay = { content: Buffer.from('an archive'), sha256: 'c'.repeat(64) };
/** `packer validate` would fetch the list of checksums; nothing else of it needs a network. */
const OFFLINE = { iso_checksum: `sha256:${'0'.repeat(64)}` };

/** The files of every role of a release, by path. */
function filesOf(release: string): Record<string, string> {
  const plan = planFor(release, 'uefi', 'docker');
  const files = plan.roles.flatMap((role) => renderPacker(role, plan, assets, overlay));
  return Object.fromEntries(files.map(({ path, content }) => [path, content.toString()]));
}

it('puts a template and its kickstart into a folder for each role', () => {
  const plan = planFor('rocky-9', 'uefi', 'docker');
  const role = plan.roles.find(({ name }) => name === 'etcd');
  if (!role) throw new Error('no etcd');
  const files = renderPacker(role, plan, assets, overlay);
  expect(files.map(({ path, mode, owner }) => ({ path, mode, owner }))).toEqual([
    { path: 'packer/etcd/etcd.pkr.hcl', mode: 0o644, owner: { role: 'etcd' } },
    { path: 'packer/etcd/ks.cfg', mode: 0o644, owner: { role: 'etcd' } },
  ]);
  expect(renderPacker(role, plan, assets, overlay)).toEqual(files);
});

it('boots the medium of the release, and needs nothing typed', () => {
  const { 'packer/git/git.pkr.hcl': hcl = '' } = filesOf('centos-7.9');
  expect(hcl).toContain('https://vault.centos.org/7.9.2009/isos/x86_64/CentOS-7-x86_64-Minimal-2009.iso');
  expect(hcl).toContain('file:https://vault.centos.org/7.9.2009/isos/x86_64/sha256sum.txt');
  // Packer finds no fault with a key that does not exist: there are none.
  expect(hcl).toMatch(/variable "boot_command" \{[^}]*default {5}= \[\]/);
  expect(hcl).not.toMatch(/<[a-z]+>|qemuargs/i);
});

it.each(RELEASES)('carries a kickstart that stands alone: %s', (release) => {
  for (const [path, ks] of Object.entries(filesOf(release)).filter(([name]) => name.endsWith('ks.cfg'))) {
    for (const firmware of ['bios', 'uefi'] as const) {
      expect(checkKickstart(withLayout(ks, firmware), { firmware }), path).toEqual([]);
    }
    expect(ks).toContain(overlay.content.toString('base64'));
    expect(ks).toMatch(/^poweroff$/m);
    expect(ks).not.toMatch(/base_url|prove-host --name|secrets\.tar/);
  }
});

describeWith(['packer'], 'packer', () => {
  it.each(RELEASES)('accepts every role of %s', async (release) => {
    const dir = await scratch(filesOf(release));
    for (const role of planFor(release, 'uefi', 'docker').roles) {
      expect(await packerValidate(join(dir, 'packer', role.name), OFFLINE)).toEqual({
        ok: true,
        messages: [],
      });
    }
  });

  it('formats nothing otherwise', async () => {
    const dir = await scratch(filesOf('rocky-9'));
    const { exitCode, lines } = await run('packer', [
      'fmt',
      '-check',
      '-diff',
      join(dir, 'packer', 'master'),
    ]);
    expect({ exitCode, lines }).toEqual({ exitCode: 0, lines: [] });
  });

  it('refuses a template with an argument that is none', async () => {
    const files = filesOf('rocky-9');
    const path = 'packer/etcd/etcd.pkr.hcl';
    const dir = await scratch({ ...files, [path]: (files[path] ?? '').replace('cd_label ', 'cd_lable ') });
    expect((await packerValidate(join(dir, 'packer/etcd'), OFFLINE)).ok).toBe(false);
  });
});
