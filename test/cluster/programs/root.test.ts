import { mkdir, symlink } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { scratch } from '../../rigs/scratch.ts';
import { fromRoot } from './root.ts';

/** As Debian has it: merged /usr, and iptables by way of its alternatives. */
async function debian(): Promise<string> {
  const root = await scratch({
    'usr/sbin/xtables-nft-multi': '#!/bin/sh\n',
    'usr/lib/xtables/libxt_mark.so': 'mark',
    'usr/lib/xtables/deep/libxt_set.so': 'set',
  });
  const links = {
    sbin: 'usr/sbin',
    lib: 'usr/lib',
    'usr/sbin/iptables': '/etc/alternatives/iptables',
    'etc/alternatives/iptables': '/usr/sbin/iptables-nft',
    'usr/sbin/iptables-nft': 'xtables-nft-multi',
    'usr/sbin/round': 'round',
  };
  for (const [path, target] of Object.entries(links)) {
    await mkdir(dirname(join(root, path)), { recursive: true });
    await symlink(target, join(root, path));
  }
  return root;
}

it('brings what a program links to, by the paths of the root', async () => {
  const root = await debian();
  expect(await fromRoot(root, ['/sbin/iptables'])).toEqual({
    files: { '/usr/sbin/xtables-nft-multi': join(root, 'usr/sbin/xtables-nft-multi') },
    links: {
      '/sbin': 'usr/sbin',
      '/usr/sbin/iptables': '/etc/alternatives/iptables',
      '/etc/alternatives/iptables': '/usr/sbin/iptables-nft',
      '/usr/sbin/iptables-nft': 'xtables-nft-multi',
    },
  });
});

it('brings whole directories', async () => {
  const root = await debian();
  const { files } = await fromRoot(root, ['/lib/xtables']);
  expect(Object.keys(files).sort()).toEqual([
    '/usr/lib/xtables/deep/libxt_set.so',
    '/usr/lib/xtables/libxt_mark.so',
  ]);
});

it('says what is missing and what leads nowhere', async () => {
  const root = await debian();
  await expect(fromRoot(root, ['/usr/sbin/gone'])).rejects.toThrow('/usr/sbin/gone');
  await expect(fromRoot(root, ['/usr/sbin/round'])).rejects.toThrow('circle');
});
