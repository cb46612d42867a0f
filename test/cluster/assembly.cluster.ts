/** Three etcd hosts, three masters and two workers, all started at the same moment: each Kubernetes on each runtime. */
import { afterAll, describe, expect, it } from 'vitest';
import { Fleet } from './fleet/fleet.ts';
import type { KubernetesVersion } from './fleet/images.ts';
import { secretsOn } from './fleet/leaks.ts';
import { assembled, settled } from './fleet/settle.ts';
import { describeOnHosts } from './rig/describe.ts';

const COMBINATIONS: { kubernetes: KubernetesVersion; runtime: 'containerd' | 'docker' }[] = [
  { kubernetes: '1.34.2', runtime: 'containerd' },
  { kubernetes: '1.34.2', runtime: 'docker' },
  { kubernetes: '1.28.2', runtime: 'docker' },
  { kubernetes: '1.28.2', runtime: 'containerd' },
];

const MASTERS = ['master-1', 'master-2', 'master-3'];
const WORKERS = ['worker-1', 'worker-2'];

describeOnHosts('a cluster of eight hosts', () => {
  describe.each(COMBINATIONS)('Kubernetes $kubernetes on $runtime', ({ kubernetes, runtime }) => {
    let fleet: Fleet;
    /** Seconds from the start of all hosts, and of each step. */
    const times: Record<string, Record<string, number>> = {};

    afterAll(async () => {
      console.table(times);
      await fleet.lab.close();
    });

    it('assembles itself', async () => {
      fleet = await Fleet.open({ kubernetes, runtime, etcd: 3, masters: 3, workers: 2 });
      const start = Date.now();
      await Promise.all(fleet.hosts.map((host) => host.start()));
      await Promise.all(
        fleet.hosts.map(async (host) => {
          await assembled(host);
          const all = Math.round((Date.now() - start) / 1000);
          times[host.name] = { ...(await settled(host)), all };
        }),
      );
    });

    it('has every node Ready, with its role, its address and its version', async () => {
      const nodes = JSON.parse(await fleet.kubectl('get nodes -o json')).items as Node[];
      expect(nodes.map(summary)).toEqual(
        [...MASTERS, ...WORKERS].map((name, index) => ({
          name,
          role: name.replace(/-\d$/, ''),
          controlPlane: name.startsWith('master'),
          address: `192.0.2.${14 + index}`,
          ready: 'True',
          kubelet: `v${kubernetes}`,
          runtime,
        })),
      );
    });

    it('was made once, and the others joined with certificates that it signed', async () => {
      const made = await Promise.all(
        MASTERS.map(async (name) =>
          (await fleet.host(name).journal('-u', 'imgbuild-firstboot')).match(/kubeadm init$/m),
        ),
      );
      expect(made.filter(Boolean)).toHaveLength(1);
      for (const name of [...MASTERS, ...WORKERS]) {
        const { stdout } = await fleet
          .host(name)
          .exec(
            'cd /var/lib/kubelet/pki && openssl verify -CAfile /etc/kubernetes/pki/ca.crt kubelet-client-current.pem',
          );
        expect(stdout).toBe('kubelet-client-current.pem: OK\n');
      }
    });

    it('has one etcd of three members', async () => {
      const { stdout, code } = await fleet.host('etcd-2').exec('imgbuild-etcd status');
      expect([code, stdout]).toEqual([0, expect.stringContaining('All well: 3 of 3 members serve')]);
    });

    it('runs a pod on each worker, which reach each other', async () => {
      await fleet.kubectl(`apply -f -`, 'master-1', { input: PODS });
      await fleet.kubectl('rollout status daemonset web --timeout=180s', 'master-1', { seconds: 190 });
      const pods = (
        await fleet.kubectl(
          `get pods -l app=web -o jsonpath='{range .items[*]}{.metadata.name} {.status.podIP}{"\\n"}{end}'`,
        )
      )
        .trim()
        .split('\n')
        .map((line) => line.split(' '));
      expect(pods).toHaveLength(2);
      for (const [from] of pods) {
        for (const [, to] of pods) {
          await fleet
            .host('master-1')
            .waitFor(
              `kubectl --kubeconfig /etc/kubernetes/admin.conf exec ${from} -- busybox wget -qO- http://${to}:8080 | grep ^web-`,
              30,
            );
        }
      }
    });

    it('has deleted the token of each host that joined with it', async () => {
      for (const name of MASTERS) await fleet.host(name).exec('systemctl start imgbuild-tokens');
      const left = await fleet.kubectl(
        '-n kube-system get secrets --field-selector type=bootstrap.kubernetes.io/token -o name',
      );
      expect(left).toBe('');
    });

    it('keeps no secret where it is not used', async () => {
      const pki = ['apiserver-etcd-client', 'ca', 'front-proxy-ca', 'sa'];
      for (const name of WORKERS) expect(await secretsOn(fleet, name)).toEqual([]);
      expect(await secretsOn(fleet, 'master-3')).toEqual(
        pki.map((key) => `pki/${key}.key: /etc/kubernetes/pki/${key}.key`),
      );
    });
  });
});

interface Node {
  metadata: { name: string; labels: Record<string, string> };
  status: {
    addresses: { type: string; address: string }[];
    conditions: { type: string; status: string }[];
    nodeInfo: { kubeletVersion: string; containerRuntimeVersion: string };
  };
}

function summary({ metadata: { name, labels }, status }: Node) {
  return {
    name,
    role: labels['imgbuild.io/role'],
    controlPlane: 'node-role.kubernetes.io/control-plane' in labels,
    address: status.addresses.find(({ type }) => type === 'InternalIP')?.address,
    ready: status.conditions.find(({ type }) => type === 'Ready')?.status,
    kubelet: status.nodeInfo.kubeletVersion,
    runtime: status.nodeInfo.containerRuntimeVersion.replace(/:.*/, ''),
  };
}

const PODS = `apiVersion: apps/v1
kind: DaemonSet
metadata: { name: web }
spec:
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      containers:
        - name: web
          image: rig.test/busybox:1
          command: [sh, -c, 'hostname >/tmp/index.html; exec busybox httpd -f -p 8080 -h /tmp']
`;
