/** A host of every other role: each is made what its role is, though its first boot is killed at every step. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { AFTER, BEFORE, Crashes, type Cut, JOIN } from './fleet/crashes.ts';
import { Fleet } from './fleet/fleet.ts';
import { BUSYBOX } from './fleet/images.ts';
import { secretsOn } from './fleet/leaks.ts';
import { settled } from './fleet/settle.ts';
import { describeOnHosts } from './rig/describe.ts';

const VIP = '198.51.100.9';

/** Hosts with Docker and nothing of Kubernetes. */
const PLAIN = ['registry', 'prometheus', 'elk', 'git', 'jenkins'];

describeOnHosts('a cluster with a host of every role', () => {
  let fleet: Fleet;
  const crashes = new Crashes();

  beforeAll(async () => {
    fleet = await Fleet.open({
      ...{ kubernetes: '1.34.2', runtime: 'docker', etcd: 1, masters: 1, workers: 1 },
      others: ['ingress', ...PLAIN],
      more: `ingress: { vip: ${VIP} }\n`,
    });
    const cluster = ['etcd-1', 'master-1', 'worker-1'].map((name) => fleet.host(name));
    await Promise.all(cluster.map((host) => host.start()));
    await Promise.all(cluster.map((host) => settled(host)));
  });
  afterAll(() => console.table(crashes.table));

  it.each(PLAIN)('%s: has Docker, its disks and no secret', async (role) => {
    const host = fleet.host(`${role}-1`);
    const docker: Cut = ['docker', /^(data|docker|cleanup|verify): /m];
    await crashes.kills(host, [...BEFORE.slice(0, 2), docker, ...AFTER.slice(1)]);
    const { stdout } = await host.exec(
      'docker info -f "{{.CgroupDriver}} {{.DockerRootDir}}"; ls /etc/kubernetes',
    );
    expect(stdout).toBe('systemd /data/docker\n');
    expect(await secretsOn(fleet, host.name)).toEqual([]);
  });

  it('ingress: is a node, and hands requests at its virtual address to the workers', async () => {
    const host = fleet.host('ingress-1');
    const docker: Cut = ['docker', /^(data|docker|images): /m];
    await crashes.kills(host, [...BEFORE.slice(0, 2), docker, ...BEFORE.slice(4), ...JOIN, ...AFTER]);
    await fleet.kubectl(
      `create deployment web --image=${BUSYBOX} -- sh -c 'hostname >/tmp/index.html; exec busybox httpd -f -p 8080 -h /tmp'`,
    );
    await fleet.kubectl('create service nodeport web --tcp=80:8080 --node-port=30080');
    await fleet.host('worker-1').waitFor(`curl -fsS -m 3 http://${VIP}/ | grep ^web-`, 120);
    expect((await host.exec(`ip -4 -o address show to ${VIP}/32`)).stdout).toContain(VIP);
    expect(await secretsOn(fleet, host.name)).toEqual([]);
  });
});
