import { API_PORT } from '../../plan/cluster.ts';
import { ETCD_PKI } from '../../plan/secrets.ts';
import type { ClusterPlan, HostPlan } from '../../plan/types.ts';
import { absent, type Check, command, look, value } from './goss-checks.ts';
import { STACKED_DATA } from './kubeadm-cluster.ts';
import type { Kind } from './types.ts';

const PKI = '/etc/kubernetes/pki';

/** What a host is to the cluster, as far as all of its kind are the same. */
export function clusterChecks(cluster: ClusterPlan, kind: Kind): Check[] {
  return [
    ...(kind.isNode ? kubeletChecks(cluster) : []),
    ...(kind.isControlPlane ? controlPlaneChecks(cluster) : []),
    ...(kind.isEtcd ? etcdChecks() : []),
    ...(kind.isIngress ? ingressChecks() : []),
    ...foreignKeys(kind),
  ];
}

function kubeletChecks({ endpoint, kubernetes }: ClusterPlan): Check[] {
  return [
    {
      type: 'file',
      id: '/var/lib/kubelet/config.yaml',
      name: "kubelet's cgroup driver",
      fields: { exists: true, contents: ['/^cgroupDriver: "?systemd"?$/'] },
      expected: 'systemd',
      see: '/var/lib/kubelet/config.yaml',
    },
    answers(
      'API endpoint',
      `https://${endpoint.name}:${endpoint.port}/readyz`,
      endpoint.via === 'local-proxy' ? 'systemctl status api-proxy' : `getent hosts ${endpoint.name}`,
      `${PKI}/ca.crt`,
    ),
    {
      // It takes another mode by itself where it finds the planned one impossible.
      ...answers('kube-proxy', 'http://127.0.0.1:10249/proxyMode', 'crictl ps -a --name kube-proxy'),
      fields: { status: 200, timeout: 10_000, body: [kubernetes.proxyMode] },
      expected: `it runs, in mode ${kubernetes.proxyMode}`,
    },
  ];
}

/** That a server answers "200 OK"; where there is a CA, that the server's certificate is of it. */
function answers(name: string, url: string, see: string, ca?: string): Check {
  return {
    type: 'http',
    id: url,
    name,
    fields: { status: 200, timeout: 10_000, ...(ca === undefined ? {} : { 'ca-file': ca }) },
    expected: `${url} answers${ca === undefined ? '' : " with a certificate of the cluster's CA"}`,
    see,
  };
}

function controlPlaneChecks({ etcd }: ClusterPlan): Check[] {
  const stacked = etcd.topology === 'stacked';
  const pods = ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', ...(stacked ? ['etcd'] : [])];
  const keys = ['ca.key', 'sa.key', 'front-proxy-ca.key', 'apiserver.key', 'apiserver-kubelet-client.key'];
  return [
    ...pods.map((pod) =>
      command(
        `static pod ${pod}`,
        `crictl --timeout 10s ps --state Running --name '^${pod}$' -q 2>&1`,
        { 'match-regexp': '^[0-9a-f]{12,}\\s' },
        { expected: 'a container of it runs', see: `crictl ps -a --name ${pod}; crictl logs ID` },
      ),
    ),
    ...['/etc/kubernetes/admin.conf', ...keys.map((key) => `${PKI}/${key}`)].map((path) =>
      secretFile(path, 'root', '0600'),
    ),
    ...(stacked ? [dataOfEtcd('root'), localEtcd('crictl ps -a --name etcd')] : []),
  ];
}

function etcdChecks(): Check[] {
  return [
    look('etcd', ['succeeds', 'imgbuild-etcd', 'healthy'], {
      expected: 'a proposal goes through: there is a quorum, and this member is part of it',
      see: 'imgbuild-etcd status',
    }),
    localEtcd('imgbuild-etcd status; journalctl -u etcd'),
    dataOfEtcd('etcd'),
    ...['server', 'peer', 'healthcheck-client'].map((use) =>
      secretFile(`${ETCD_PKI}/${use}.key`, 'etcd', '0640'),
    ),
  ];
}

/** Where both kinds of members tell how they are, without a certificate. */
function localEtcd(see: string): Check {
  return answers('etcd on this host', 'http://127.0.0.1:2381/health', see);
}

function dataOfEtcd(owner: string): Check {
  return {
    type: 'file',
    id: `${STACKED_DATA}/member`,
    name: "etcd's data",
    fields: { exists: true, filetype: 'directory', owner },
    expected: `they lie in ${STACKED_DATA}`,
    see: `ls -la ${STACKED_DATA}`,
  };
}

function secretFile(path: string, group: string, mode: string): Check {
  return {
    type: 'file',
    id: path,
    name: 'keys of this host',
    fields: { exists: true, owner: 'root', group, mode },
    expected: group === 'root' ? 'root alone reads them' : `root and the group ${group} read them`,
    see: `ls -l ${path.slice(0, path.lastIndexOf('/'))}`,
  };
}

function ingressChecks(): Check[] {
  return [80, 443].map((port) => ({
    type: 'addr',
    id: `tcp://127.0.0.1:${port}`,
    name: `port ${port}`,
    fields: { reachable: true, timeout: 3000 },
    expected: 'haproxy answers',
    see: 'systemctl status haproxy',
  }));
}

/** The keys that sign are the control plane's: what took over another host must not be able to let more of them in. */
function foreignKeys({ isControlPlane, isEtcd, isNode }: Kind): Check[] {
  const paths = [
    ...(isNode && !isControlPlane ? [`${PKI}/ca.key`, `${PKI}/sa.key`, `${PKI}/etcd/ca.key`] : []),
    ...(isEtcd ? [`${ETCD_PKI}/ca.key`] : []),
  ];
  return paths.map((path) =>
    absent('keys of the authorities', path, {
      expected: 'none is on this host',
      see: 'who put it there? Only the control plane may have it',
    }),
  );
}

/** What a host is to the cluster by its own name and address. */
export function nodeChecks({ name, addresses, isNode, isControlPlane }: HostPlan): Check[] {
  const address = addresses.management?.address;
  if (!isNode || address === undefined) return [];
  const node = (path: string) =>
    `kubectl --kubeconfig /etc/kubernetes/kubelet.conf --request-timeout 10s get node ${name} -o 'jsonpath=${path}' 2>&1`;
  const see = `kubectl describe node ${name}; journalctl -u kubelet`;
  return [
    value('node is Ready', node('{.status.conditions[?(@.type=="Ready")].status}'), 'True', see),
    value("node's address", node('{.status.addresses[?(@.type=="InternalIP")].address}'), address, see),
    ...(isControlPlane
      ? [
          answers(
            'API server of this host',
            `https://${address}:${API_PORT}/readyz`,
            'crictl ps -a --name kube-apiserver; crictl logs ID',
            `${PKI}/ca.crt`,
          ),
        ]
      : []),
  ];
}
