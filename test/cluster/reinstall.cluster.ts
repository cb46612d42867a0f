/** Masters that die, in the middle of a join or for good: the others go on, and a new machine in one's place joins them. */
import { beforeAll, expect, it } from 'vitest';
import { Fleet } from './fleet/fleet.ts';
import { failsFor, log, nodes, says, tellToken, tokensOf } from './fleet/mend.ts';
import { assembled } from './fleet/settle.ts';
import { describeOnHosts } from './rig/describe.ts';

const ALL = ['master-1', 'master-2', 'master-3', 'worker-1'].map((name) => `${name} True`);

describeOnHosts('masters that die', () => {
  let fleet: Fleet;

  beforeAll(async () => {
    fleet = await Fleet.open({
      ...{ kubernetes: '1.34.2', runtime: 'containerd', etcd: 1, masters: 3, workers: 1 },
    });
    await fleet.host('etcd-1').start();
    await fleet.host('master-1').start();
    // The others come too late to make the cluster.
    await says(fleet.host('master-1'), 'init: kubeadm init', 300);
    for (const name of ['master-2', 'master-3', 'worker-1']) await fleet.host(name).start();
  });

  it('one in the middle of its join: the others join meanwhile, and it does when it is on again', async () => {
    const dying = fleet.host('master-2');
    await says(dying, 'init:   [kubelet-start]', 300);
    await dying.kill();
    for (const name of ['master-1', 'master-3', 'worker-1']) await assembled(fleet.host(name));
    const others = ALL.filter((node) => !node.startsWith('master-2'));
    expect(await nodes(fleet)).toEqual(expect.arrayContaining(others));
    await dying.boot();
    await assembled(dying);
    expect(await nodes(fleet)).toEqual(ALL);
    expect(await log(dying)).toContain('takes away what an earlier try left');
  });

  it('the one that made the cluster, and is installed anew: it joins what it once made', async () => {
    const before = await identities('master-3');
    const [id] = (await tokensOf(fleet))['master-1']?.split('.') ?? [];
    // It is deleted when the node is Ready, or a little later.
    await fleet.kubectl(`-n kube-system delete secret bootstrap-token-${id} --ignore-not-found`);
    const host = await fleet.reinstall('master-1');
    await host.start();
    await failsFor(host, 'init', `the cluster does not know this host's token, ${id}`, 300);
    await tellToken(fleet, 'master-1');
    await assembled(host);
    expect(await nodes(fleet, 'master-1')).toEqual(ALL);
    expect(await identities('master-1')).toEqual(before);
    expect(await log(host)).not.toMatch(/^init: kubeadm init/m);
  });

  /** What a second cluster would have of its own. */
  async function identities(on: string): Promise<string> {
    const uids = `{range .items[*]}{.kind} {.metadata.name} {.metadata.uid}{"\\n"}{end}`;
    return await fleet.kubectl(`get nodes,namespaces -o jsonpath='${uids}'`, on);
  }
});
