import { CNI_MODES, ENCAPSULATION, podNic } from '../cluster.ts';
import { compareVersions } from '../units.ts';
import { minorData, names, nodeKinds } from './kinds.ts';
import type { Rule } from './rule.ts';

export const podNetworkRules: Rule[] = [
  {
    code: 'proxy-mode',
    severity: 'error',
    title: 'kube-proxy’s mode does not suit',
    reason:
      'nftables mode is for Kubernetes 1.31 (beta) or 1.33 (stable) on, and kernel 5.13 on. ipvs mode is deprecated from 1.35 on.',
    remedy: 'Use `ipvs` or `iptables` on older systems, `nftables` on new ones.',
    example: 'kubernetes: { version: 1.28.15, proxyMode: nftables }\n',
    check: (context, report) => {
      const minor = minorData(context);
      const { proxyMode, version } = context.cluster.kubernetes;
      const at = ['kubernetes', 'proxyMode'];
      if (!minor) return;
      if (proxyMode === 'ipvs' && minor.ipvs === 'deprecated')
        report(at, `Kubernetes ${version} calls ipvs mode deprecated`, 'use nftables', 'warning');
      if (proxyMode !== 'nftables') return;
      if (minor.nftables === 'alpha')
        report(
          at,
          `in Kubernetes ${version} nftables mode is an alpha feature`,
          'use ipvs, or Kubernetes 1.31 or newer',
        );
      for (const hosts of nodeKinds(context)) {
        const [host] = hosts;
        if (host && compareVersions(host.kernel.version, '5.13') < 0)
          report(
            at,
            `nftables mode wants kernel 5.13 or newer, and ${names(hosts)} would run ${host.kernel.version}`,
            'use ipvs or iptables',
          );
      }
    },
  },
  {
    code: 'cni-mode',
    severity: 'error',
    title: 'The pod network has no such mode',
    reason: 'calico knows ipip, vxlan and bgp, flannel vxlan and host-gw.',
    remedy: 'Correct `kubernetes.cni.mode`, or leave it out.',
    example: 'kubernetes: { cni: { plugin: flannel, mode: ipip } }\n',
    check: ({ cluster }, report) => {
      const { plugin, mode } = cluster.kubernetes.cni;
      const known = CNI_MODES[plugin] ?? [];
      if (mode !== undefined && !known.includes(mode))
        report(
          ['kubernetes', 'cni', 'mode'],
          `${plugin} has no mode ${mode}`,
          plugin === 'none' ? 'leave it out' : `choose from: ${known.join(', ')}`,
        );
    },
  },
  {
    code: 'flannel-network',
    severity: 'error',
    title: 'flannel’s network is not the pod subnet',
    reason:
      'flannel hands out what its own configuration says, kube-controller-manager what kubeadm was told: where they differ, pods get no address.',
    remedy: 'Leave `kubernetes.cni.network` out: it is then the pod subnet.',
    example: 'kubernetes: { cni: { plugin: flannel, network: 10.99.0.0/16 } }\n',
    check: ({ cluster }, report) => {
      const { cni, podSubnet } = cluster.kubernetes;
      if (cni.network !== undefined && cni.network !== podSubnet)
        report(
          ['kubernetes', 'cni', 'network'],
          `${cni.network} is not the pod subnet ${podSubnet}`,
          'leave network out, or set it to the pod subnet',
        );
    },
  },
  {
    code: 'pod-mtu',
    severity: 'error',
    title: 'The pods’ MTU is larger than the NIC carries',
    reason:
      'IPIP takes 20 bytes of each packet, VXLAN 50. Too large an MTU lets small packets through and loses the large ones: connections open and then hang.',
    remedy: 'Leave `kubernetes.cni.mtu` out, or set it to the NIC’s MTU less the encapsulation.',
    example: 'kubernetes: { cni: { plugin: calico, mode: ipip, mtu: 1500 } }\n',
    check: ({ cluster, plan }, report) => {
      const { mtu } = cluster.kubernetes.cni;
      const overhead = ENCAPSULATION[plan.cluster.kubernetes.cni.mode] ?? 0;
      const nic = podNic(cluster).mtu;
      if (mtu !== undefined && mtu > nic - overhead)
        report(
          ['kubernetes', 'cni', 'mtu'],
          `the NIC carries ${nic} bytes, and ${plan.cluster.kubernetes.cni.mode} takes ${overhead} of them`,
          `set mtu: ${nic - overhead}, or leave it out`,
        );
    },
  },
];
