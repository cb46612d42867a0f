import type { EtcdPlan, SecretFile, Target } from './types.ts';

/** Where a host keeps what it was given, away from kubeadm, whose reset empties /etc/kubernetes/pki. */
export const STAGE = '/var/lib/imgbuild';
/** What a host's reports are signed with: it stays when the first boot is over. */
export const REPORT_KEY = `${STAGE}/report-key`;
/** Where a dedicated etcd host keeps its certificates. */
export const ETCD_PKI = '/etc/etcd/pki';

/** What a bootstrap token makes of its bearer: a member of the group whose requests for a node's certificate kubeadm has approved. */
export const TOKEN_GROUP = 'system:bootstrappers:kubeadm:default-node-token';
/** What it is honoured for: to know the cluster by, and to ask for that certificate. */
export const TOKEN_USAGES = ['signing', 'authentication'] as const;

/**
 * What a host of this kind is given, and no more: a worker never sees a CA's key, an etcd member
 * never the key that signs members, and nobody another host's token but the control plane, which
 * has to know every token to honour it.
 */
export function secretFiles(
  host: Pick<Target, 'isControlPlane' | 'isNode' | 'isEtcd'> & { name: string },
  etcd: Pick<EtcdPlan, 'topology'>,
  { breakGlass, reports }: { breakGlass: boolean; reports: boolean },
): SecretFile[] {
  const files: SecretFile[] = [];
  const give = (path: string, ref: string, mode = 0o600) => files.push({ path, mode, ref });
  const pair = (path: string, ref: string) => {
    give(`${path}.crt`, `${ref}.crt`, 0o644);
    give(`${path}.key`, `${ref}.key`);
  };
  if (host.isControlPlane) {
    pair(`${STAGE}/pki/ca`, 'pki/ca');
    pair(`${STAGE}/pki/front-proxy-ca`, 'pki/front-proxy-ca');
    give(`${STAGE}/pki/sa.key`, 'pki/sa.key');
    give(`${STAGE}/pki/sa.pub`, 'pki/sa.pub', 0o644);
    if (etcd.topology === 'external') {
      give(`${STAGE}/pki/etcd/ca.crt`, 'pki/etcd/ca.crt', 0o644);
      pair(`${STAGE}/pki/apiserver-etcd-client`, 'pki/apiserver-etcd-client');
    } else {
      pair(`${STAGE}/pki/etcd/ca`, 'pki/etcd/ca');
    }
    give(`${STAGE}/bootstrap-tokens`, 'tokens/all');
  }
  if (host.isNode) {
    give(`${STAGE}/bootstrap-token`, `tokens/${host.name}`);
    give(`${STAGE}/discovery-hash`, 'pki/discovery-hash', 0o644);
  }
  if (host.isEtcd) {
    give(`${ETCD_PKI}/ca.crt`, 'pki/etcd/ca.crt', 0o644);
    for (const use of ['server', 'peer', 'healthcheck-client'])
      pair(`${ETCD_PKI}/${use}`, `etcd/${host.name}/${use}`);
  }
  if (breakGlass) give(`${STAGE}/console-password`, 'console-password.line');
  if (reports) give(REPORT_KEY, `report/${host.name}`);
  return files;
}
