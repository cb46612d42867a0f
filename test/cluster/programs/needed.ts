/**
 * The programs that `npm test` runs, and those of the one cluster that the gate has. `.ci/tools` builds them; others
 * are built when a test of clusters asks for them.
 */
import type { ProgramName } from './recipes.ts';

export const needed = [
  'goss-0.4.9',
  'kubeadm-1.28.2',
  'kubeadm-1.34.2',
  'etcd-3.5.33',
  'etcdctl-3.5.33',
  'etcdutl-3.5.33',
  'etcd-3.6.14',
  'etcdctl-3.6.14',
  'etcdutl-3.6.14',

  'kubelet-1.34.2',
  'kubectl-1.34.2',
  'kube-apiserver-1.34.2',
  'kube-controller-manager-1.34.2',
  'kube-scheduler-1.34.2',
  'kube-proxy-1.34.2',
  'cri-dockerd-0.3.17',
  'crictl-1.34.0',
  'cni-bridge-1.9.1',
  'cni-host-local-1.9.1',
  'cni-loopback-1.9.1',
  'cni-portmap-1.9.1',
  'cni-flannel-0.9.1',
  'flanneld-0.28.4',
  'coredns-1.12.1',
  'pause-1',
] as const satisfies readonly `${ProgramName}-${string}`[];

/** A program and its version, as they are called in the cache. */
export type Needed = (typeof needed)[number];
