/** What test hosts install from: it has all that they want, and they take nothing that was changed. */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import type { Plan } from '../../src/plan/types.ts';
import { cli } from '../cli/run.ts';
import { scratch } from '../rigs/scratch.ts';
import { installHost } from './mirror/install.ts';
import { type Mirror, openMirror } from './mirror/mirror.ts';
import { BUILD_TIMEOUT } from './programs/build.ts';
import { describeOnHosts } from './rig/describe.ts';
import type { Host } from './rig/host.ts';
import { Lab } from './rig/lab.ts';
import { fileServer } from './rig/serve.ts';

const SPEC = `name: rig
id: "0badca"
os: { release: debian-12 }
kubernetes: { version: 1.34.2, runtime: docker, cni: { plugin: flannel } }
networks:
  management: { cidr: 192.0.2.0/24, gateway: 192.0.2.1 }
users:
  - { name: devops, sudo: nopasswd, sshKeys: [ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f example] }
hosts:
  - { name: etcd-1, role: etcd, nics: [{ mac: "02:00:5e:10:00:01", networks: [management] }] }
  - { name: master-1, role: master, nics: [{ mac: "02:00:5e:10:00:02", networks: [management] }] }
  - { name: worker-1, role: worker, nics: [{ mac: "02:00:5e:10:00:03", networks: [management] }] }
  - { name: worker-2, role: worker, nics: [{ mac: "02:00:5e:10:00:04", networks: [management] }] }
  - { name: worker-3, role: worker, nics: [{ mac: "02:00:5e:10:00:05", networks: [management] }] }
`;

describeOnHosts('a mirror of our own builds', () => {
  let lab: Lab;
  let mirror: Mirror;
  let project: string;
  let plan: Plan;

  const imgbuild = async (...args: string[]) => {
    const ran = await cli(project, args);
    expect(ran.code, ran.all).toBe(0);
    return ran.out;
  };
  const made = async (name: string): Promise<Host> => {
    const out = join(project, 'out/hosts', name);
    return await lab.host(name, {
      address: '192.0.2.11/24',
      archives: [join(out, 'overlay.tar.gz'), join(out, 'secrets.tar.gz')],
    });
  };

  beforeAll(async () => {
    mirror = await openMirror({ kubernetes: '1.34.2', runtime: 'docker' });
    project = await scratch({ 'cluster.yaml': `${SPEC}${mirror.spec}` });
    await mirror.prepare(project);
    await imgbuild('render', '--quiet');
    plan = JSON.parse(await imgbuild('plan', '--json')) as Plan;
    lab = await Lab.open();
    await lab.serve(80, fileServer(mirror.directory));
  }, BUILD_TIMEOUT);

  it('gives a worker all that its plan has', async () => {
    const host = await made('worker-1');
    await installHost(host, plan);
    const said = await host.chroot(
      'kubelet --version; kubeadm version -o short; kubectl version --client; crictl --version; cri-dockerd --version; goss --version; ls /opt/cni/bin',
    );
    for (const part of [
      'Kubernetes v1.34.2',
      'crictl version v1.34.0',
      'cri-dockerd 0.3.17',
      'goss version v0.4.9',
    ])
      expect(said).toContain(part);
    expect(said).toMatch(/^bridge\n(.*\n)*portmap$/m);
    expect(await host.chroot('systemctl is-enabled kubelet docker cri-docker imgbuild-firstboot')).toBe(
      'enabled\n'.repeat(4),
    );
  });

  it.each([
    ['a package', 'worker-2', 'kubernetes/1.34', /^kubelet_/, /Hash Sum mismatch|unexpected size/],
    [
      'a file',
      'worker-3',
      'files',
      /^cri-dockerd/,
      /cri-dockerd [0-9.]+ cannot be fetched|is not what it should be|cannot be had/,
    ],
  ])('gives nobody %s that somebody changed', async (_, on, folder, name, refusal) => {
    const file = (await readdir(join(mirror.directory, folder))).find((entry) => name.test(entry)) ?? '';
    const path = join(mirror.directory, folder, file);
    const was = await readFile(path);
    await rm(path);
    await writeFile(path, Buffer.concat([was.subarray(0, -1), Buffer.from([(was.at(-1) ?? 0) ^ 1])]));
    const host = await made(on);
    await expect(installHost(host, plan)).rejects.toThrow(refusal);
    await writeFile(path, was);
  });
});
