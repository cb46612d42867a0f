/** Takes a cluster back to a snapshot of etcd, by the commands that `imgbuild-etcd restore` prints. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Host } from '../rig/host.ts';
import { allWell } from './etcd.ts';
import type { Fleet } from './fleet.ts';

const STOP = 'mkdir -p /etc/kubernetes/stopped; mv /etc/kubernetes/manifests/*.yaml /etc/kubernetes/stopped/';
const LIST = 'crictl ps --name "kube-apiserver|kube-controller-manager|kube-scheduler"';
const START = 'mv /etc/kubernetes/stopped/*.yaml /etc/kubernetes/manifests/';

/** From the stop of the API server of master-1, which is the only one, to a node that is Ready. `from` has the snapshot. */
export async function restore(fleet: Fleet, snapshot: string, from: Host): Promise<void> {
  const master = fleet.host('master-1');
  const members = fleet.hosts.filter(({ name }) => name.startsWith('etcd-'));
  await must(master, STOP);
  await master.waitFor(`[ -z "$(${LIST} -q)" ]`, 120);
  const content = await readFile(join(fleet.lab.directory, from.name, 'volumes', snapshot));
  for (const host of members) {
    await must(host, 'systemctl stop etcd');
    await host.write({ '/data/restored.db': { content, mode: 0o600 } });
  }
  for (const host of members) {
    const said = await must(host, 'imgbuild-etcd restore /data/restored.db --yes');
    for (const command of [STOP, LIST, START, 'systemctl stop etcd', 'systemctl restart kubelet'])
      expect(said).toContain(command);
  }
  await Promise.all(members.map((host) => must(host, 'systemctl start etcd')));
  await allWell(members, 120);
  await must(master, START);
  await must(master, 'systemctl restart kubelet');
  const ready = 'kubectl --kubeconfig /etc/kubernetes/admin.conf wait --for=condition=Ready node --all';
  await master.waitFor(`${ready} --timeout=5s`, 180);
}

async function must(host: Host, command: string): Promise<string> {
  const { code, stdout, stderr } = await host.exec(command, { seconds: 120 });
  expect(code, `${command} on ${host.name}: ${stdout}${stderr}`).toBe(0);
  return stdout;
}
