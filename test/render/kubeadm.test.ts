import { describe, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import type { Plan } from '../../src/plan/types.ts';
import { composeHostFiles } from '../../src/render/compose.ts';
import { kubeYaml } from '../../src/render/documents/kubeadm-form.ts';
import { assets, hostOf, planOf, production, RELEASES } from '../overlays/plans.ts';

type Document = Record<string, unknown>;
const FOLDER = '/etc/imgbuild/kubeadm';

/** kubeadm's files of a host: each by its name, as the documents that are in it by their kind. */
function filesOf(plan: Plan, name: string): Record<string, Record<string, Document>> {
  const files = composeHostFiles(hostOf(plan, name), plan.cluster, assets);
  return Object.fromEntries(
    files
      .filter(({ path }) => path.startsWith(`${FOLDER}/`))
      .map(({ path, content, mode }) => {
        expect(mode).toBe(0o644);
        const all = parseAllDocuments(String(content), { version: '1.1' }).map((d) => d.toJS() as Document);
        return [path.slice(FOLDER.length + 1), Object.fromEntries(all.map((d) => [d.kind, d]))];
      }),
  );
}

function registrationOf(plan: Plan, name: string, of: 'init' | 'join' = 'join'): Document {
  const kind = of === 'init' ? 'InitConfiguration' : 'JoinConfiguration';
  return (filesOf(plan, name)[`${of}.yaml`]?.[kind]?.nodeRegistration ?? {}) as Document;
}

const cluster = (plan: Plan, name = 'master-1') => filesOf(plan, name)['cluster.yaml'] ?? {};
const kubernetes = (over: object) => production({ kubernetes: over });
const one = (hosts: object[], over: object = {}) =>
  planOf({
    name: 'lab',
    kubernetes: { version: '1.34.12', ...over },
    networks: { management: { cidr: '10.10.0.0/20', gateway: '10.10.0.1', dns: ['10.10.0.1'] } },
    hosts: hosts.map((host, index) => ({
      nics: [{ mac: `52:54:00:00:00:0${index}`, networks: ['management'] }],
      ...host,
    })),
  });

const plan = await production();
const el7 = await production({
  os: { release: 'centos-7.9' },
  kubernetes: { version: '1.28.2', runtime: 'docker' },
});

describe('which hosts have which files', () => {
  test.each([
    ['master-1', ['cluster.yaml', 'init.yaml', 'join.yaml']],
    ['worker-1', ['join.yaml']],
    ['ingress-1', ['join.yaml']],
    ['etcd-1', []],
    ['registry-1', []],
  ])('%s', (name, files) => {
    expect(Object.keys(filesOf(plan, name)).sort()).toEqual(files);
  });

  test('they hold no secret and no other host’s name but the control plane’s', () => {
    const own = composeHostFiles(hostOf(plan, 'worker-1'), plan.cluster, assets);
    const text = String(own.find(({ path }) => path === `${FOLDER}/join.yaml`)?.content);
    expect(text).not.toMatch(/[a-z0-9]{6}\.[a-z0-9]{16}|sha256:[0-9a-f]/);
    expect(text).not.toContain('worker-2');
  });
});

describe('the cluster', () => {
  test('is reached by a name that outlives its hosts, and is called what the spec calls it', () => {
    expect(cluster(plan).ClusterConfiguration).toMatchObject({
      apiVersion: 'kubeadm.k8s.io/v1beta4',
      clusterName: 'prod',
      kubernetesVersion: 'v1.34.12',
      controlPlaneEndpoint: 'api.prod:8443',
      imageRepository: 'registry.aliyuncs.com/google_containers',
      networking: { podSubnet: '10.244.0.0/16', serviceSubnet: '10.96.0.0/12', dnsDomain: 'cluster.local' },
    });
  });

  test('is the same on each control plane', () => {
    expect(cluster(plan, 'master-2')).toEqual(cluster(plan));
  });

  test('its API servers are believed by whatever name they are reached', async () => {
    const sans = (from: Plan) => {
      const { apiServer } = cluster(from).ClusterConfiguration ?? {};
      return (apiServer as Document).certSANs;
    };
    const hosts = ['master-1', '100.64.0.11', 'master-2', '100.64.0.12', 'master-3', '100.64.0.13'];
    expect(sans(plan)).toEqual(['api.prod', '127.0.0.1', 'localhost', ...hosts]);
    const vip = await kubernetes({ endpoint: { via: 'vip', vip: '100.64.0.10' } });
    expect(sans(vip)).toEqual(['api.prod', '100.64.0.10', 'localhost', '127.0.0.1', ...hosts]);
    const external = await kubernetes({ endpoint: { via: 'external', address: '172.20.0.9' } });
    expect(sans(external)).toEqual(['api.prod', '172.20.0.9', 'localhost', '127.0.0.1', ...hosts]);
    expect(cluster(external).ClusterConfiguration?.controlPlaneEndpoint).toBe('api.prod:6443');
  });

  test('external etcd is reached with the certificate that every control plane is given', () => {
    expect(cluster(plan).ClusterConfiguration?.etcd).toEqual({
      external: {
        endpoints: ['https://100.64.0.21:2379', 'https://100.64.0.22:2379', 'https://100.64.0.23:2379'],
        caFile: '/etc/kubernetes/pki/etcd/ca.crt',
        certFile: '/etc/kubernetes/pki/apiserver-etcd-client.crt',
        keyFile: '/etc/kubernetes/pki/apiserver-etcd-client.key',
      },
    });
    const given = hostOf(plan, 'master-1').secrets.map(({ path }) => path);
    for (const file of ['etcd/ca.crt', 'apiserver-etcd-client.crt', 'apiserver-etcd-client.key'])
      expect(given).toContain(`/var/lib/imgbuild/pki/${file}`);
  });

  test('stacked etcd lies on the data disks, and a try that was cut off may find its data there', () => {
    const stacked = one([{ name: 'm1', role: 'master' }]);
    expect(cluster(stacked, 'm1').ClusterConfiguration?.etcd).toEqual({
      local: {
        dataDir: '/data/etcd/data',
        extraArgs: [{ name: 'quota-backend-bytes', value: '8589934592' }],
      },
    });
    for (const of of ['init', 'join'] as const)
      expect(registrationOf(stacked, 'm1', of).ignorePreflightErrors).toEqual([
        'DirAvailable--data-etcd-data',
      ]);
  });
});

describe('the kubelet and kube-proxy', () => {
  test('go by the runtime’s cgroups and the plan’s name server, and leave logs to Docker', () => {
    expect(cluster(plan).KubeletConfiguration).toMatchObject({
      cgroupDriver: 'systemd',
      clusterDNS: ['10.96.0.10'],
      clusterDomain: 'cluster.local',
      rotateCertificates: true,
      containerLogMaxSize: '128Mi',
    });
    const daemon = composeHostFiles(hostOf(plan, 'master-1'), plan.cluster, assets).find(
      ({ path }) => path === '/etc/docker/daemon.json',
    );
    // 100 million bytes, less than 128 MiB.
    expect(JSON.parse(String(daemon?.content))['log-opts']['max-size']).toBe('100m');
  });

  test('kube-proxy has the plan’s mode, and leaves nf_conntrack_max alone', async () => {
    const nftables = await kubernetes({ proxyMode: 'nftables' });
    expect(cluster(nftables).KubeProxyConfiguration).toMatchObject({
      mode: 'nftables',
      clusterCIDR: '10.244.0.0/16',
      conntrack: { maxPerCore: 0 },
    });
  });

  test.each([
    ['1.36.5', 'docker', { ExtendWebSocketsToKubelet: false }],
    ['1.36.5', 'containerd', undefined],
    ['1.35.9', 'docker', undefined],
  ])('%s with %s: exec goes through cri-dockerd', async (version, runtime, gates) => {
    const made = await kubernetes({ version, runtime });
    expect(cluster(made).KubeletConfiguration?.featureGates).toEqual(gates);
  });

  test('cgroup v1 is borne where a node has nothing else and the kubelet asks, and only there', async () => {
    const over = (version: string) => ({
      kubernetes: { version, runtime: 'docker' },
      roles: { worker: { os: { release: 'centos-7.9' } } },
    });
    const asked = await production(over('1.35.9'));
    expect(cluster(asked).KubeletConfiguration).toMatchObject({ failCgroupV1: false });
    const ignored = (name: string) => registrationOf(asked, name).ignorePreflightErrors;
    expect(ignored('worker-1')).toEqual(['SystemVerification']);
    expect(ignored('master-1')).toBeUndefined();
    // An unknown key for older ones.
    expect(cluster(await production(over('1.28.2'))).KubeletConfiguration).not.toHaveProperty('failCgroupV1');
    const unified = { os: { release: 'rocky-8' }, kernelArgs: ['systemd.unified_cgroup_hierarchy=1'] };
    const v2 = await production({ ...unified, kubernetes: { version: '1.35.9' } });
    expect(cluster(v2).KubeletConfiguration).not.toHaveProperty('failCgroupV1');
  });
});

describe('a host', () => {
  test('registers by its name, its management address and its role, with the runtime that it has', () => {
    const { 'init.yaml': init, 'join.yaml': join } = filesOf(plan, 'master-2');
    const registration = {
      name: 'master-2',
      criSocket: 'unix:///run/cri-dockerd.sock',
      kubeletExtraArgs: [
        { name: 'node-ip', value: '100.64.0.12' },
        { name: 'node-labels', value: 'imgbuild.io/role=master' },
      ],
    };
    expect(init?.InitConfiguration?.nodeRegistration).toEqual(registration);
    expect(join?.JoinConfiguration?.nodeRegistration).toEqual(registration);
    const endpoint = { advertiseAddress: '100.64.0.12', bindPort: 6443 };
    expect(init?.InitConfiguration?.localAPIEndpoint).toEqual(endpoint);
    expect(join?.JoinConfiguration?.controlPlane).toEqual({ localAPIEndpoint: endpoint });
    expect(filesOf(plan, 'worker-1')['join.yaml']?.JoinConfiguration).not.toHaveProperty('controlPlane');
  });

  test.each(RELEASES)('%s: the kubelet is told its address by kubeadm alone', async (release) => {
    const made = await production({ os: { release }, kubernetes: { version: '1.34.12' } });
    for (const name of ['master-1', 'worker-1']) {
      const files = composeHostFiles(hostOf(made, name), made.cluster, assets);
      const telling = files.filter(({ content }) => /node-ip|KUBELET_EXTRA_ARGS/.test(String(content)));
      expect(telling.map(({ path }) => path).filter((path) => !path.startsWith(`${FOLDER}/`))).toEqual([]);
      expect(telling.length).toBe(name === 'master-1' ? 2 : 1);
    }
  });

  test('sets no label that the API server keeps from kubelets', () => {
    for (const { name } of plan.hosts)
      for (const text of composeHostFiles(hostOf(plan, name), plan.cluster, assets)
        .filter(({ path }) => path.startsWith(FOLDER))
        .map(({ content }) => String(content)))
        expect(text).not.toMatch(/node-labels.*kubernetes\.io/s);
  });

  test('joins at the endpoint, where its token and the CA’s hash take the place of words', () => {
    expect(filesOf(plan, 'worker-1')['join.yaml']?.JoinConfiguration?.discovery).toEqual({
      bootstrapToken: { apiServerEndpoint: 'api.prod:8443', token: '@TOKEN@', caCertHashes: ['@HASH@'] },
      tlsBootstrapToken: '@TOKEN@',
    });
  });

  test('of the control plane takes pods where there is nobody else', () => {
    const taints = (from: Plan) => registrationOf(from, 'm1', 'init').taints;
    expect(taints(one([{ name: 'm1', role: 'master' }]))).toEqual([]);
    expect(
      taints(
        one([
          { name: 'm1', role: 'master' },
          { name: 'w1', role: 'worker' },
        ]),
      ),
    ).toBeUndefined();
  });
});

describe('versions', () => {
  test('below 1.31 kubeadm reads v1beta3, where arguments are maps', () => {
    const { 'cluster.yaml': shared, 'init.yaml': init, 'join.yaml': join } = filesOf(el7, 'master-1');
    for (const document of [shared?.ClusterConfiguration, init?.InitConfiguration, join?.JoinConfiguration])
      expect(document?.apiVersion).toBe('kubeadm.k8s.io/v1beta3');
    expect(init?.InitConfiguration?.nodeRegistration).toMatchObject({
      kubeletExtraArgs: { 'node-ip': '100.64.0.11', 'node-labels': 'imgbuild.io/role=master' },
    });
  });

  test.each([
    ['1.30.14', 'v1beta3'],
    ['1.31.14', 'v1beta4'],
  ])('%s: %s', async (version, form) => {
    const made = await kubernetes({ version });
    expect(cluster(made).ClusterConfiguration?.apiVersion).toBe(`kubeadm.k8s.io/${form}`);
  });
});

describe('names that YAML 1.1 takes for something else', () => {
  test.each(['on', 'no', 'y', 'null', '012', '1e3', '0b101', '1_000', '123456'])('%s stays text', (name) => {
    expect(parse(kubeYaml({ name }), { version: '1.1' })).toEqual({ name });
    expect(kubeYaml({ name })).toBe(`name: "${name}"\n`);
  });
});

test('tokens have the spec’s time to live, in Go’s words', async () => {
  const ttl = async (tokenTtl?: string) => {
    const made = await kubernetes(tokenTtl === undefined ? {} : { tokenTtl });
    const files = composeHostFiles(hostOf(made, 'master-1'), made.cluster, assets);
    const text = String(files.find(({ path }) => path === `${FOLDER}/init.yaml`)?.content);
    return /ttl: (\S+)/.exec(text)?.[1];
  };
  expect(await ttl()).toBe('24h0m0s');
  expect(await ttl('90m')).toBe('1h30m0s');
  expect(await ttl('30m')).toBe('30m0s');
  expect(await ttl('0')).toBe('0s');
});
