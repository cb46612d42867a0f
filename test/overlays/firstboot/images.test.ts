/** The images that a node has before anything needs them. */
import { afterEach, expect, test } from 'vitest';
import { Host } from './host.ts';

let host: Host;
afterEach(() => host.remove());

const PAUSE = 'registry.k8s.io/pause:3.10.1';
const PROXY = 'registry.k8s.io/kube-proxy:v1.34.2';

/** A worker with archives of images; what its runtime has, and what its containerd labelled, are lines of files. */
function make(runtime: 'containerd' | 'docker') {
  host = new Host(undefined, ['base', 'node']);
  host.only('50-images', host.read('usr/libexec/imgbuild/firstboot/steps/50-images.sh'));
  host.write(
    'etc/imgbuild/firstboot.conf',
    `host='knode1'\nrole='worker'\nruntime='${runtime}'\nreport_url=''
control_plane=''\nkubernetes_version='1.34.2'
image_repository='registry.k8s.io'\npause_image='${PAUSE}'\n`,
  );
  for (const image of [PAUSE, PROXY]) {
    host.write(`var/lib/imgbuild/images/${image.split(/[/:]/)[1]}.tar`, image);
  }
  host.program('crictl', '[ "$3" = inspecti ] && grep -qx "$5" "$ROOT/has"');
  host.program('docker', 'cat "$3" >>"$ROOT/has"; echo >>"$ROOT/has"');
  host.program(
    'ctr',
    `case $4 in
import) cat "$5" >>"$ROOT/has"; echo >>"$ROOT/has" ;;
label) echo "$5 $6" >>"$ROOT/labels" ;;
ls)
  [ "$6" != 'name==${PAUSE},labels."io.cri-containerd.pinned"==pinned' ] ||
    ! grep -qx '${PAUSE} io.cri-containerd.pinned=pinned' "$ROOT/labels" || echo '${PAUSE}'
  ;;
esac`,
  );
  host.write('has', '');
  host.write('labels', '');
}

test('loads archives, and keeps the kubelet from removing the pause image', async () => {
  make('containerd');
  expect((await host.run('run')).out).toContain('images: done');
  expect(host.read('has').trim().split('\n').sort()).toEqual([PROXY, PAUSE].sort());
  expect(host.read('labels')).toBe(`${PAUSE} io.cri-containerd.pinned=pinned\n`);
});

test('pins a pause image that was loaded before the power went', async () => {
  make('containerd');
  host.write('has', `${PAUSE}\n${PROXY}\n`);
  expect((await host.run('run')).out).toContain('images: done');
  expect(host.read('labels')).toBe(`${PAUSE} io.cri-containerd.pinned=pinned\n`);
});

test('asks no containerd where Docker runs the containers', async () => {
  make('docker');
  host.program('ctr', 'touch "$ROOT/asked"');
  expect((await host.run('run')).out).toContain('images: done');
  expect(host.exists('asked')).toBe(false);
});

test('takes away what a power cut left of a layer, and loads again', async () => {
  make('containerd');
  const ingest = 'data/containerd/io.containerd.content.v1.content/ingest';
  host.write(`${ingest}/half/data`, 'half a layer');
  const ctr = host.read('programs/ctr');
  host.program(
    'ctr',
    `if [ "$4" = import ] && [ -e "$ROOT/${ingest}/half" ]; then echo 'unable to discard to offset'; exit 1; fi\n${ctr}`,
  );
  host.program('systemctl', 'echo "$@" >>"$ROOT/units"');
  expect((await host.run('run')).out).toContain('images: done');
  expect(host.read('units')).toBe('stop containerd.service\nstart containerd.service\n');
});

test('says where to look when an archive cannot be loaded', async () => {
  make('containerd');
  host.program('ctr', 'exit 1');
  host.program('systemctl', '');
  host.write('on-sleep', 'kill -TERM $PPID');
  expect((await host.run('run')).out).toMatch(
    /images: failed: .*\.tar cannot be loaded\. See: df -h \/data; /,
  );
});
