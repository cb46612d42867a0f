import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../rigs/programs.ts';
import { scratch } from '../rigs/scratch.ts';
import { assets } from './plans.ts';

/** A script of an overlay that reads and writes below a folder of the test instead of /. */
async function script(source: string, root: string, folders: string[]): Promise<string> {
  let text = assets.read(source);
  for (const folder of folders) text = text.replaceAll(folder, `${root}${folder}`);
  const file = join(root, 'script');
  await writeFile(file, text);
  return file;
}

async function put(root: string, path: string, content: string, mode = 0o644): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true });
  await writeFile(join(root, path), content, { mode });
}

describe('50-imgbuild-bonds', () => {
  const SOURCE = 'overlays/el/etc/NetworkManager/dispatcher.d/50-imgbuild-bonds';

  async function bonded(ports: Record<string, string>, primary = '') {
    const root = await scratch();
    await put(root, '/etc/imgbuild/bonds', '# a comment\nbond0 52:54:00:00:00:01\n');
    for (const [name, mac] of Object.entries(ports)) {
      await put(root, `/sys/class/net/bond0/lower_${name}/bonding_slave/perm_hwaddr`, `${mac}\n`);
    }
    await put(root, '/sys/class/net/bond0/bonding/primary', `${primary}\n`);
    const file = await script(SOURCE, root, ['/sys/class/net', '/etc/imgbuild']);
    return async (...args: string[]) => {
      expect(await run('bash', [file, ...args])).toMatchObject({ exitCode: 0, lines: [] });
      return (await readFile(join(root, '/sys/class/net/bond0/bonding/primary'), 'utf8')).trim();
    };
  }

  test('prefers the port that has the address', async () => {
    const call = await bonded({ ens3f0np0: '52:54:00:00:00:02', ens3f1np1: '52:54:00:00:00:01' });
    expect(await call('ens3f1np1', 'up')).toBe('ens3f1np1');
  });

  test('leaves things alone on other events, and where the port is not there yet', async () => {
    expect(await (await bonded({ eth0: '52:54:00:00:00:01' }))('eth0', 'down')).toBe('');
    expect(await (await bonded({ eth0: '52:54:00:00:00:02' }))('eth0', 'up')).toBe('');
    expect(await (await bonded({}))('bond0', 'up')).toBe('');
  });
});

describe('loose-filter', () => {
  const SOURCE = 'overlays/el/usr/libexec/imgbuild/loose-filter';

  test.each([
    ['several networks', '4100: from 100.64.17.11 lookup 102', '2'],
    ['one network', '0: from all lookup local', '1'],
  ])('on a host of %s', async (_, rules, value) => {
    const root = await scratch();
    await put(root, '/proc/sys/net/ipv4/conf/ens1/rp_filter', '1\n');
    await put(root, '/bin/ip', `#!/bin/sh\necho '${rules}'\n`, 0o755);
    const file = await script(SOURCE, root, ['/proc/sys/net']);
    const env = { PATH: `${join(root, 'bin')}:${process.env.PATH}` };
    for (const device of ['ens1', 'gone', ''])
      expect(await run('bash', [file, device], { env })).toMatchObject({ exitCode: 0, lines: [] });
    expect((await readFile(join(root, '/proc/sys/net/ipv4/conf/ens1/rp_filter'), 'utf8')).trim()).toBe(value);
  });
});

describe('keepalived-interface', () => {
  const SOURCE = 'overlays/base/usr/libexec/imgbuild/keepalived-interface';

  test('writes the name of the interface that has the address', async () => {
    const root = await scratch();
    // Not there at first, like an interface that is still coming up.
    await put(
      root,
      '/bin/ip',
      `#!/bin/bash\n[ "$*" = '-4 -o address show to 100.64.0.11/32' ] || exit 1\n` +
        `[ -e ${root}/asked ] || { touch ${root}/asked; exit 0; }\n` +
        `echo '3: ens4f0np0    inet 100.64.0.11/24 brd 100.64.0.255 scope global noprefixroute ens4f0np0'\n`,
      0o755,
    );
    const file = await script(SOURCE, root, ['/run/imgbuild']);
    const env = { PATH: `${root}/bin:${process.env.PATH}` };
    expect(await run('bash', [file, '100.64.0.11'], { env })).toMatchObject({ exitCode: 0 });
    expect(await readFile(join(root, '/run/imgbuild/keepalived-interface.conf'), 'utf8')).toBe(
      'interface ens4f0np0\n',
    );
  });
});

describe('check-haproxy', () => {
  const SOURCE = 'overlays/base/usr/libexec/imgbuild/check-haproxy';

  test('is content where something accepts connections, and only there', async () => {
    const file = await script(SOURCE, await scratch(), []);
    const server = createServer((socket) => socket.end());
    const port = await new Promise<number>((resolve) => {
      server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
    });
    expect((await run('bash', [file, String(port)])).exitCode).toBe(0);
    await new Promise((resolve) => server.close(resolve));
    expect((await run('bash', [file, String(port)])).exitCode).not.toBe(0);
  });
});

test('profile.d/imgbuild.sh puts /opt/k8s/bin on PATH once', async () => {
  const file = join(await scratch({ x: assets.read('overlays/base/etc/profile.d/imgbuild.sh') }), 'x');
  const { stdout } = await run('dash', ['-c', `. ${file}; . ${file}; echo "$PATH"`], {
    env: { PATH: '/usr/bin:/bin' },
  });
  expect(stdout).toBe('/opt/k8s/bin:/usr/bin:/bin');
});
