import { toSeconds } from '../units.ts';
import type { Rule } from './rule.ts';

export const controlPlaneRules: Rule[] = [
  {
    code: 'control-plane-none',
    severity: 'error',
    title: 'There is no control plane',
    reason: 'Without a host that runs the API server there is no cluster to join.',
    remedy: 'Give at least one host the role `master`.',
    example: 'hosts:\n  - { name: kmaster, role: worker }\n',
    check: ({ plan, cluster }, report) => {
      if (cluster.hosts.length === plan.hosts.length && !plan.hosts.some((host) => host.isControlPlane))
        report(['hosts'], 'no host is a control plane', 'give at least one host the role master');
    },
  },
  {
    code: 'etcd-even',
    severity: 'error',
    title: 'etcd has an even number of members',
    reason:
      'A majority of four is three, as of five: the fourth member adds a host that can fail and no failure that can be borne. Two members stop when either does.',
    remedy: 'Have one, three or five members.',
    example:
      'hosts:\n  - { name: etcd-1, role: etcd, nics: [{ mac: "52:54:00:00:00:11", networks: [management] }] }\n  - { name: etcd-2, role: etcd, nics: [{ mac: "52:54:00:00:00:12", networks: [management] }] }\n',
    check: ({ plan }, report) => {
      const { members, topology } = plan.cluster.etcd;
      if (members.length === 0 || members.length % 2 === 1) return;
      const who = topology === 'stacked' ? 'control planes, each with an etcd member' : 'etcd members';
      report(
        ['hosts'],
        `there are ${members.length} ${who}: an even number bears no more failures than one less`,
        'have one, three or five',
      );
    },
  },
  {
    code: 'etcd-few',
    severity: 'warning',
    title: 'etcd has a single member',
    reason: 'When its host fails, the cluster’s state is gone but for the last snapshot.',
    remedy: 'Have three members for anything that matters.',
    example:
      'hosts:\n  - { name: etcd-1, role: etcd, nics: [{ mac: "52:54:00:00:00:11", networks: [management] }] }\n',
    check: ({ plan }, report) => {
      const { members, topology } = plan.cluster.etcd;
      // A single control plane with its own etcd is a laboratory, and says so by itself.
      if (topology === 'external' && members.length === 1)
        report(['hosts'], 'etcd has a single member', 'have three members for anything that matters');
    },
  },
  {
    code: 'etcd-none',
    severity: 'error',
    title: 'etcd is external and has no members',
    reason: 'The API server keeps everything in etcd.',
    remedy: 'Give one, three or five hosts the role `etcd`, or set `etcd.topology: stacked`.',
    example: 'etcd: { topology: external }\n',
    check: ({ cluster, plan }, report) => {
      if (
        plan.cluster.etcd.topology === 'external' &&
        plan.cluster.etcd.members.length === 0 &&
        cluster.hosts.length === plan.hosts.length
      )
        report(
          ['etcd', 'topology'],
          'etcd is external and no host has the role etcd',
          'add hosts of role etcd, or set topology: stacked',
        );
    },
  },
  {
    code: 'etcd-idle',
    severity: 'error',
    title: 'There are etcd hosts, and etcd is stacked',
    reason: 'Hosts of role etcd would be installed and serve nobody.',
    remedy: 'Set `etcd.topology: external`, or give the hosts another role.',
    example:
      'etcd: { topology: stacked }\nhosts:\n  - { name: etcd-1, role: etcd, nics: [{ mac: "52:54:00:00:00:11", networks: [management] }] }\n',
    check: ({ plan }, report) => {
      if (plan.cluster.etcd.topology === 'stacked' && plan.hosts.some((host) => host.isEtcd))
        report(
          ['etcd', 'topology'],
          'there are hosts of role etcd, and etcd is stacked',
          'set topology: external, or give the hosts another role',
        );
    },
  },
  {
    code: 'token-ttl',
    severity: 'warning',
    title: 'Bootstrap tokens never expire',
    reason:
      'Whoever finds one, on the disk of a host that never joined or in a backup of the output, can join a machine of his own, years later too.',
    remedy:
      'Leave `kubernetes.tokenTtl` at 24h. For a host that comes later, `imgbuild secrets token HOST` prints a new term for its token.',
    example: 'kubernetes: { tokenTtl: "0" }\n',
    check: ({ cluster }, report) => {
      if (toSeconds(cluster.kubernetes.tokenTtl) === 0)
        report(
          ['kubernetes', 'tokenTtl'],
          'tokens that hosts join with never expire',
          'leave tokenTtl out: a host that comes later is given a new term by imgbuild secrets token HOST',
        );
    },
  },
];
