/** A worker with a kernel and a clock of its own, for what hosts that share the machine's have not: IPVS, modules, sysctls, the time. */
import { beforeAll, expect, it } from 'vitest';
import { Fleet } from './fleet/fleet.ts';
import { says } from './fleet/mend.ts';
import { assembled, failing, LACKS } from './fleet/settle.ts';
import { describeOnHosts } from './rig/describe.ts';
import { buildKernel } from './rig/kernel.ts';

describeOnHosts('a worker with a kernel of its own', () => {
  let fleet: Fleet;
  const worker = () => fleet.host('worker-1');

  beforeAll(async () => {
    await buildKernel();
    fleet = await Fleet.open({
      ...{ kubernetes: '1.34.2', runtime: 'containerd', etcd: 1, masters: 1, workers: 1 },
      proxyMode: 'ipvs',
      emulated: { 'worker-1': { clockOff: -3 * 3600 } },
    });
    await Promise.all(fleet.hosts.map((host) => host.start()));
    await assembled(fleet.host('master-1'));
  }, 1_800_000);

  it('sets its clock, which is three hours late, before it asks for anything', async () => {
    await says(worker(), 'time: done', 600);
    const { stdout } = await worker().exec('date +%s');
    expect(Math.abs(Number(stdout) - Date.now() / 1000)).toBeLessThan(5);
  });

  it('joins, and is as the plan has it: modules, settings, kernel', async () => {
    await assembled(worker(), 1500);
    const wrong = async () => (await failing(worker())).filter((name) => !LACKS.includes(name));
    // Emulated, kube-proxy takes minutes to start, and while it does programs say their versions too late.
    const end = Date.now() + 900_000;
    for (let names = await wrong(); names.length > 0 && Date.now() < end; names = await wrong());
    expect(await wrong()).toEqual([]);
  }, 2_700_000);

  it('hands services on by IPVS', async () => {
    const { stdout } = await worker().exec('ipvsadm -Ln');
    expect(stdout).toMatch(/^TCP {2}10\.96\.0\.1:443 rr\n {2}-> 192\.0\.2\.12:6443 +Masq/m);
    await worker().waitFor(
      'curl -fsS --cacert /etc/kubernetes/pki/ca.crt https://10.96.0.1/readyz | grep -x ok',
      60,
    );
  });
}, ['qemu-system-x86_64']);
