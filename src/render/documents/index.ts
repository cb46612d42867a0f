import { alerts } from './alerts.ts';
import { containerd } from './containerd.ts';
import { layout } from './disks.ts';
import { docker } from './docker.ts';
import { etcd } from './etcd.ts';
import { keepalived } from './keepalived.ts';
import { modules, sysctl } from './kernel.ts';
import { networkIfcfg } from './network-ifcfg.ts';
import { networkKeyfile } from './network-keyfile.ts';
import { repositories } from './repositories.ts';
import type { Document } from './types.ts';
import { authorizedKeys } from './users.ts';

/** Every document, by the name that its files' origin shows. A path on a host is found here or in an overlay. */
export const documents: Readonly<Record<string, Document>> = {
  alerts,
  'authorized-keys': authorizedKeys,
  containerd,
  docker,
  etcd,
  keepalived,
  layout,
  modules,
  'network-ifcfg': networkIfcfg,
  'network-keyfile': networkKeyfile,
  repositories,
  sysctl,
};
