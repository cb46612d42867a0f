import { alerts } from './alerts.ts';
import { apt } from './apt.ts';
import { artifacts } from './artifacts.ts';
import { cni } from './cni.ts';
import { containerd } from './containerd.ts';
import { layout } from './disks.ts';
import { docker } from './docker.ts';
import { etcd } from './etcd.ts';
import { firstboot } from './firstboot.ts';
import { goss, gossHost } from './goss.ts';
import { keepalived } from './keepalived.ts';
import { modules, sysctl } from './kernel.ts';
import { kubeadm } from './kubeadm.ts';
import { kubeadmCluster } from './kubeadm-cluster.ts';
import { networkIfcfg } from './network-ifcfg.ts';
import { networkKeyfile } from './network-keyfile.ts';
import { networkNetworkd } from './network-networkd.ts';
import { repositories } from './repositories.ts';
import type { Document } from './types.ts';
import { authorizedKeys } from './users.ts';

/** Every document, by the name that its files' origin shows. A path on a host is found here or in an overlay. */
export const documents: Readonly<Record<string, Document>> = {
  alerts,
  apt,
  artifacts,
  'authorized-keys': authorizedKeys,
  cni,
  containerd,
  docker,
  etcd,
  firstboot,
  goss,
  'goss-host': gossHost,
  keepalived,
  kubeadm,
  'kubeadm-cluster': kubeadmCluster,
  layout,
  modules,
  'network-ifcfg': networkIfcfg,
  'network-keyfile': networkKeyfile,
  'network-networkd': networkNetworkd,
  repositories,
  sysctl,
};
