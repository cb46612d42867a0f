/** The smallest cluster there is, from the first boot of its hosts to a pod that serves: one etcd, one master, one worker. */

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, expect, it } from 'vitest';
import { reportKey } from '../../src/secrets/reports.ts';
import { cli } from '../cli/run.ts';
import { Fleet } from './fleet/fleet.ts';
import { BUSYBOX } from './fleet/images.ts';
import { secretsOn } from './fleet/leaks.ts';
import { Reports } from './fleet/reports.ts';
import { settled } from './fleet/settle.ts';
import { needed } from './programs/needed.ts';
import { describeOnHosts } from './rig/describe.ts';

describeOnHosts(
  'a cluster of three hosts',
  () => {
    let fleet: Fleet;
    let reports: Reports;

    beforeAll(async () => {
      fleet = await Fleet.open({
        ...{ kubernetes: '1.34.2', runtime: 'containerd', etcd: 1, masters: 1, workers: 1 },
        more: 'server: http://192.0.2.1:8080\n',
      });
      const master = (await readFile(join(fleet.directory, 'secrets/report-master'), 'utf8')).trim();
      reports = new Reports((host) => reportKey(master, host));
      await fleet.lab.serve(8080, reports.server);
      await Promise.all(fleet.hosts.map((host) => host.start()));
      await Promise.all(fleet.hosts.map((host) => settled(host)));
    });

    it('is Ready with no hand on it, each node with its role, label and address', async () => {
      const path = `{range .items[*]}{.metadata.name} {.metadata.labels.imgbuild\\.io/role} {.status.addresses[?(@.type=="InternalIP")].address} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}`;
      expect(await fleet.kubectl(`get nodes -o jsonpath='${path}'`)).toBe(
        'master-1 master 192.0.2.12 True\nworker-1 worker 192.0.2.13 True\n',
      );
      expect(await fleet.kubectl('get nodes -l node-role.kubernetes.io/control-plane -o name')).toBe(
        'node/master-1\n',
      );
    });

    it('has signed the certificate of every kubelet', async () => {
      for (const name of ['master-1', 'worker-1']) {
        const { stdout } = await fleet
          .host(name)
          .exec(
            'openssl verify -CAfile /etc/kubernetes/pki/ca.crt /var/lib/kubelet/pki/kubelet-client-current.pem; openssl x509 -noout -subject -in /var/lib/kubelet/pki/kubelet-client-current.pem',
          );
        expect(stdout).toContain('kubelet-client-current.pem: OK');
        expect(stdout).toContain(`O = system:nodes, CN = system:node:${name}`);
      }
    });

    it('runs pods on its pod network, with services and names', async () => {
      await fleet.kubectl(
        `create deployment web --image=${BUSYBOX} --replicas=2 -- sh -c 'hostname >/tmp/index.html; exec busybox httpd -f -p 8080 -h /tmp'`,
      );
      await fleet.kubectl('expose deployment web --port=80 --target-port=8080');
      await fleet.kubectl('rollout status deployment web --timeout=120s', 'master-1', { seconds: 130 });
      await fleet.kubectl('-n kube-system rollout status deployment coredns --timeout=120s', 'master-1', {
        seconds: 130,
      });
      const address = await fleet.kubectl(`get service web -o jsonpath='{.spec.clusterIP}'`);
      // By kube-proxy from hosts, and from a pod by the cluster's names.
      for (const name of ['master-1', 'worker-1']) {
        await fleet.host(name).waitFor(`curl -fsS -m 3 http://${address} | grep ^web-`, 30);
      }
      await fleet
        .host('master-1')
        .waitFor(
          'kubectl --kubeconfig /etc/kubernetes/admin.conf exec deployment/web -- busybox wget -qO- http://web.default.svc.cluster.local | grep ^web-',
          60,
        );
    });

    it('has told the server each step of each host, signed', () => {
      // The second time after the restart at which verify is left out, which this test does.
      const twice = (steps: string[]) => [...steps, 'cleanup', ...steps, 'cleanup', ''];
      expect(reports.done('etcd-1')).toEqual(twice(['network', 'time', 'data', 'docker', 'etcd']));
      const node = ['network', 'time', 'data', 'containerd', 'images'];
      expect(reports.done('master-1')).toEqual(twice([...node, 'init', 'join', 'cni', 'ready']));
      expect(reports.done('worker-1')).toEqual(twice([...node, 'join', 'ready']));
      expect(reports.refused).toBe(0);
    });

    it('deletes a token once its host is Ready', async () => {
      // By its timer, or a little sooner.
      await fleet.host('master-1').exec('systemctl start imgbuild-tokens');
      const left = await fleet.kubectl(
        '-n kube-system get secrets --field-selector type=bootstrap.kubernetes.io/token -o name',
      );
      expect(left).toBe('');
    });

    it('keeps no secret where it is not used', async () => {
      const pki = ['apiserver-etcd-client', 'ca', 'front-proxy-ca', 'sa'];
      expect(await secretsOn(fleet, 'worker-1')).toEqual([]);
      expect(await secretsOn(fleet, 'master-1')).toEqual(
        pki.map((name) => `pki/${name}.key: /etc/kubernetes/pki/${name}.key`),
      );
      // What Kubernetes keeps in etcd is in etcd's files, deleted or not: tokens are good for a day.
      const files = [
        '/data/etcd/data/member/snap/db',
        '/data/etcd/wal/0000000000000000-0000000000000000.wal',
      ];
      expect(await secretsOn(fleet, 'etcd-1')).toEqual([
        ...['healthcheck-client', 'peer', 'server'].map(
          (name) => `etcd/etcd-1/${name}.key: /etc/etcd/pki/${name}.key`,
        ),
        ...['master-1', 'worker-1'].flatMap((host) => files.map((file) => `token of ${host}: ${file}`)),
      ]);
    });

    it('renews what kubeadm has signed, and goes on by it', async () => {
      const master = fleet.host('master-1');
      const serials = async () =>
        (
          await master.exec(
            'for f in /etc/kubernetes/pki/apiserver*.crt; do openssl x509 -noout -serial -in $f; done',
          )
        ).stdout;
      const before = await serials();
      const { code, stdout, stderr } = await master.exec('/usr/libexec/imgbuild/renew-certs --now', {
        seconds: 240,
      });
      expect([code, stderr], stdout).toEqual([0, '']);
      expect(await serials()).not.toBe(before);
      const served = await master.exec(
        'openssl s_client -connect 192.0.2.12:6443 </dev/null 2>/dev/null | openssl x509 -noout -serial',
      );
      expect(await serials()).toContain(served.stdout);
      await fleet.kubectl('get nodes');
    });

    it('lets an administrator in, whom nobody on a host has to ask', async () => {
      const { code, out } = await cli(fleet.directory, ['kubeconfig'], { now: () => new Date() });
      expect(code).toBe(0);
      const worker = fleet.host('worker-1');
      await worker.write({ '/run/admin.conf': { content: out, mode: 0o600 } });
      const { stdout, stderr } = await worker.exec('kubectl --kubeconfig /run/admin.conf get nodes -o name');
      expect(stdout, stderr).toBe('node/master-1\nnode/worker-1\n');
    });

    it('starts again after a power cut of all hosts, and does nothing twice', async () => {
      for (const host of fleet.hosts) await host.kill();
      await Promise.all(fleet.hosts.map((host) => host.boot()));
      await fleet
        .host('master-1')
        .waitFor(
          'kubectl --kubeconfig /etc/kubernetes/admin.conf wait --for=condition=Ready node --all --timeout=10s',
          120,
        );
      for (const host of fleet.hosts) {
        expect((await host.exec('systemctl is-active imgbuild-firstboot')).stdout).toBe('inactive\n');
      }
    });
  },
  needed,
);
