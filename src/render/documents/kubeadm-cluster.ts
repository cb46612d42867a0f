import type { ClusterPlan, KubernetesPlan } from '../../plan/types.ts';
import { compareVersions } from '../../plan/units.ts';
import { QUOTA } from './etcd.ts';
import { header } from './header.ts';
import { kubeadmForm, kubeYaml } from './kubeadm-form.ts';
import type { SharedDocument } from './types.ts';

/** Where a control plane finds its keys; the first boot lays them there from /var/lib/imgbuild. */
const PKI = '/etc/kubernetes/pki';
/** Of etcd on the control plane: away from /var/lib/etcd, so that it lies on the data disks. */
export const STACKED_DATA = '/data/etcd/data';

/** What `kubeadm init` reads of the cluster. It becomes ConfigMaps, by which every later join goes. */
export const kubeadmCluster: SharedDocument = {
  scope: 'shared',
  paths: ['/etc/imgbuild/kubeadm/cluster.yaml'],
  render(cluster, kind) {
    if (!kind.isControlPlane) return [];
    const parts = [clusterConfiguration(cluster), kubelet(cluster.kubernetes), proxy(cluster.kubernetes)];
    const content = `# ${header(cluster, kind)}\n${parts.map(kubeYaml).join('---\n')}`;
    return [{ path: '/etc/imgbuild/kubeadm/cluster.yaml', content }];
  },
};

function clusterConfiguration(cluster: ClusterPlan): object {
  const { kubernetes, endpoint } = cluster;
  return {
    apiVersion: kubeadmForm(kubernetes).apiVersion,
    kind: 'ClusterConfiguration',
    clusterName: cluster.name,
    kubernetesVersion: `v${kubernetes.version}`,
    controlPlaneEndpoint: `${endpoint.name}:${endpoint.port}`,
    imageRepository: kubernetes.imageRepository,
    networking: {
      podSubnet: kubernetes.podSubnet,
      serviceSubnet: kubernetes.serviceSubnet,
      dnsDomain: kubernetes.dnsDomain,
    },
    etcd: etcd(cluster),
    apiServer: { certSANs: apiNames(cluster) },
  };
}

/** Every way in to an API server: whoever reaches one of them by another name than its own has to believe it. */
export function apiNames({ endpoint }: ClusterPlan): string[] {
  const ways = [endpoint.name, endpoint.address, 'localhost', '127.0.0.1'];
  return [...new Set([...ways, ...endpoint.servers.flatMap(({ name, address }) => [name, address])])];
}

function etcd({ etcd: { topology, endpoints }, kubernetes }: ClusterPlan): object {
  if (topology === 'stacked') {
    const extraArgs = kubeadmForm(kubernetes).args({ 'quota-backend-bytes': String(QUOTA) });
    return { local: { dataDir: STACKED_DATA, extraArgs } };
  }
  return {
    external: {
      endpoints,
      caFile: `${PKI}/etcd/ca.crt`,
      certFile: `${PKI}/apiserver-etcd-client.crt`,
      keyFile: `${PKI}/apiserver-etcd-client.key`,
    },
  };
}

function kubelet({ minor, runtime, dnsAddress, dnsDomain, cgroupV1 }: KubernetesPlan): object {
  const since = (version: string) => compareVersions(minor, version) >= 0;
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    cgroupDriver: 'systemd',
    clusterDNS: [dnsAddress],
    clusterDomain: dnsDomain,
    staticPodPath: '/etc/kubernetes/manifests',
    rotateCertificates: true,
    // Nobody would approve what kubelets asked for.
    serverTLSBootstrap: false,
    // More than Docker's own 100 MB (daemon.json): Docker turns a log over before the kubelet tries, which cri-dockerd
    // cannot do (Mirantis/cri-dockerd#150). With containerd it is what the kubelet goes by.
    containerLogMaxSize: '128Mi',
    ...(cgroupV1 && since('1.35') ? { failCgroupV1: false } : {}),
    // cri-dockerd has no scheme in the URLs of its streams, and the kubelet of 1.36 takes them for https: kubectl exec and
    // attach fail (Mirantis/cri-dockerd#569). API servers pass streams on only to kubelets that say they can.
    ...(runtime === 'docker' && since('1.36') ? { featureGates: { ExtendWebSocketsToKubelet: false } } : {}),
  };
}

function proxy({ proxyMode, podSubnet }: KubernetesPlan): object {
  return {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: proxyMode,
    clusterCIDR: podSubnet,
    // The host's own sysctl stays: kube-proxy would set it by the number of processors.
    conntrack: { maxPerCore: 0 },
  };
}
