import { stringify } from 'yaml';
import { ETCD_PKI } from '../../plan/secrets.ts';
import { header } from './header.ts';
import type { HostDocument } from './types.ts';

/** How large the database may grow: etcd's own limit is 2 GiB, and 8 GiB the most that it advises. */
export const QUOTA = 8 * 1024 ** 3;

/** What lets two clusters that can reach each other tell their members apart. */
const tokenOf = (clusterName: string) => `etcd-${clusterName}`;

/** A dedicated etcd member's configuration. Of a stacked one, kubeadm writes the flags. */
export const etcd: HostDocument = {
  scope: 'host',
  paths: ['/etc/etcd/etcd.conf.yml'],
  render(cluster, host) {
    const address = host.addresses.management?.address;
    if (!host.isEtcd || cluster.etcd.topology !== 'external' || address === undefined) return [];
    const tls = (use: 'server' | 'peer') => ({
      'cert-file': `${ETCD_PKI}/${use}.crt`,
      'key-file': `${ETCD_PKI}/${use}.key`,
      'client-cert-auth': true,
      'trusted-ca-file': `${ETCD_PKI}/ca.crt`,
    });
    const client = `https://${address}:2379`;
    const peer = `https://${address}:2380`;
    const config = {
      name: host.name,
      'data-dir': '/data/etcd/data',
      'wal-dir': '/data/etcd/wal',
      'listen-client-urls': `${client},https://127.0.0.1:2379`,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'listen-metrics-urls': 'http://127.0.0.1:2381',
      'client-transport-security': tls('server'),
      'peer-transport-security': tls('peer'),
      'initial-cluster': cluster.etcd.members.map((m) => `${m.name}=https://${m.address}:2380`).join(','),
      'initial-cluster-token': tokenOf(cluster.name),
      // What is true of a member without data: imgbuild-etcd prepare finds out, and starts etcd with a copy of this file.
      'initial-cluster-state': 'new',
      'quota-backend-bytes': QUOTA,
      'auto-compaction-mode': 'periodic',
      'auto-compaction-retention': '8h',
      logger: 'zap',
      'log-outputs': ['stderr'],
    };
    const content = `# ${header(cluster, host, host.name)}\n${stringify(config, { lineWidth: 0 })}`;
    return [{ path: '/etc/etcd/etcd.conf.yml', content }];
  },
};
