/** File systems with room, before anything writes to them. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Host } from './host.ts';

let host: Host;
afterEach(() => host.remove());

beforeEach(() => {
  host = new Host();
  host.only('30-data', host.read('usr/libexec/imgbuild/firstboot/steps/30-data.sh'));
  host.write(
    'etc/imgbuild/firstboot.conf',
    "host='knode1'\nrole='worker'\nreport_url=''\nmounts='/data /tape'\n",
  );
  host.write('data/kept', '');
  host.write('tape/kept', '');
  host.program('mountpoint', '');
  host.program('systemctl', '');
});

/** In MiB: each file system's size, and what is left of it. */
function disks(sizes: Record<'/data' | '/tape', [size: number, left: number]>): void {
  const lines = Object.entries(sizes).map(
    ([mount, [size, left]]) => `${mount}) echo "/dev/md1 ${size} ${size - left} ${left} 50% ${mount}" ;;`,
  );
  host.program(
    'df',
    `[ "$1" = -Pm ] && echo "Filesystem 1048576-blocks Used Available Capacity Mounted on"\ncase $2 in\n${lines.join('\n')}\nesac`,
  );
}

/** What the step says when it is tried once. */
async function tried(): Promise<string> {
  host.write('on-sleep', 'kill -TERM $PPID');
  return (await host.run('run')).out;
}

test.each([
  ['as large as they come', { '/data': [900_000, 400_000], '/tape': [8_000_000, 1024] }],
  ['a small one of the spec’s with a tenth of it left', { '/data': [20_000, 1024], '/tape': [500, 50] }],
] as const)('goes on: %s', async (_, sizes) => {
  disks(sizes as never);
  expect((await host.run('run')).out).toContain('data: done');
  expect(host.exists('data/.imgbuild-written')).toBe(false);
});

test.each([
  ['/data', 64, 64, 1024],
  ['/data', 900_000, 1023, 1024],
  ['/tape', 500, 49, 50],
  ['/tape', 900_000, 900, 1024],
] as const)('%s of %i MiB with %i left is full', async (mount, size, left, needs) => {
  disks({ '/data': [9000, 9000], '/tape': [9000, 9000], [mount]: [size, left] });
  expect(await tried()).toContain(
    `data: failed: ${mount} has ${left} MiB left, and needs ${needs}. See: df -h ${mount}; du -xhd 1 ${mount}.`,
  );
});

test('a file system that the kernel has made read-only', async () => {
  disks({ '/data': [9000, 9000], '/tape': [9000, 9000] });
  // Nothing can be made in what is no directory, by root neither.
  host.write(
    'etc/imgbuild/firstboot.conf',
    "host='knode1'\nrole='worker'\nreport_url=''\nmounts='/data/kept'\n",
  );
  host.program('df', 'echo Filesystem; echo "/dev/md1 9000 0 9000 0% /data"');
  expect(await tried()).toContain('data: failed: /data/kept cannot be written to. See: findmnt /data/kept');
});
