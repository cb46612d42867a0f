import { NETWORKS } from '../../spec/schema/host.ts';
import { networksOf } from '../addresses.ts';
import { normalMac } from '../links.ts';
import { type Rule, repeated, words } from './rule.ts';

export const nicRules: Rule[] = [
  {
    code: 'nic-mac',
    severity: 'error',
    title: 'A NIC has no MAC address, or both forms of it',
    reason:
      'A NIC is found by its MAC address: names change with the kernel. One NIC has `mac`, a bond `macs`.',
    remedy: 'Give `mac` or `macs`, and `bond` only with `macs`.',
    example: 'hosts:\n  - { name: knode1, nics: [{ networks: [management] }] }\n',
    check: ({ cluster }, report) => {
      for (const [h, host] of cluster.hosts.entries()) {
        for (const [n, nic] of host.nics.entries()) {
          const at = ['hosts', h, 'nics', n];
          if ((nic.mac === undefined) === (nic.macs === undefined))
            report(at, `a NIC of ${host.name} needs either mac or macs`, 'one NIC has mac, a bond macs');
          else if (nic.bond && !nic.macs)
            report([...at, 'bond'], `a bond of ${host.name} has one NIC alone`, 'list its NICs under macs');
        }
      }
    },
  },
  {
    code: 'mac-duplicate',
    severity: 'error',
    title: 'One MAC address stands in two places',
    reason:
      'The installer proves by its MAC addresses which host it is on: two hosts with one address would be installed as either.',
    remedy: 'Correct one of them.',
    example: 'hosts:\n  - { name: knode1, nics: [{ mac: "52:54:00:00:00:03", networks: [management] }] }\n',
    check: ({ cluster }, report) => {
      const all = cluster.hosts.flatMap((host, h) =>
        host.nics.flatMap((nic, n) => [
          ...(nic.mac
            ? [{ host: host.name, mac: normalMac(nic.mac), path: ['hosts', h, 'nics', n, 'mac'] }]
            : []),
          ...(nic.macs ?? []).map((mac, m) => ({
            host: host.name,
            mac: normalMac(mac),
            path: ['hosts', h, 'nics', n, 'macs', m],
          })),
        ]),
      );
      for (const [first, ...others] of repeated(all, ({ mac }) => mac)) {
        for (const { host, mac, path } of others)
          report(
            path,
            `${host} has the MAC address ${mac} of ${first?.host === host ? 'another of its NICs' : first?.host}`,
            'correct one of them',
          );
      }
      for (const { mac, path, host } of all) {
        // The lowest bit of the first octet marks a group, which no NIC's own address is.
        if (Number.parseInt(mac.slice(0, 2), 16) % 2 === 1 || mac === '00:00:00:00:00:00')
          report(
            path,
            `${mac} of ${host} is no NIC’s own address`,
            'read it off the machine: ip link, or the BMC',
          );
      }
    },
  },
  {
    code: 'nic-network-unknown',
    severity: 'error',
    title: 'A NIC carries a network that the spec does not describe',
    reason: 'Range, gateway and VLAN of the network would be unknown.',
    remedy: 'Describe it under `networks`, or take it off the NIC.',
    example:
      'hosts:\n  - { name: knode1, nics: [{ mac: "52:54:00:00:00:02", networks: [management, storage] }] }\n',
    check: ({ cluster }, report) => {
      for (const [h, host] of cluster.hosts.entries()) {
        for (const [n, nic] of host.nics.entries()) {
          for (const [i, name] of nic.networks.entries()) {
            if (!cluster.networks[name])
              report(
                ['hosts', h, 'nics', n, 'networks', i],
                `networks.${name} is not described`,
                `add it under networks, or take it off ${host.name}`,
              );
          }
        }
      }
    },
  },
  {
    code: 'nic-network-twice',
    severity: 'error',
    title: 'A host has a network on two NICs',
    reason: 'Two interfaces in one subnet answer for each other’s addresses; traffic leaves by either.',
    remedy: 'Bond the NICs, or leave the network on one.',
    example:
      'hosts:\n  - name: knode1\n    nics: [{ mac: "52:54:00:00:00:02", networks: [management] }, { mac: "52:54:00:00:00:12", networks: [management] }]\n',
    check: ({ cluster }, report) => {
      for (const [h, host] of cluster.hosts.entries()) {
        for (const name of NETWORKS) {
          const on = host.nics.flatMap((nic, n) => (nic.networks.includes(name) ? [n] : []));
          for (const n of on.slice(1))
            report(
              ['hosts', h, 'nics', n, 'networks'],
              `${host.name} has the ${name} network on two NICs`,
              'bond them with macs, or leave it on one',
            );
        }
      }
    },
  },
  {
    code: 'nic-management-missing',
    severity: 'error',
    title: 'A host is not on the management network',
    reason: 'The API, etcd, kubelets and ssh use it.',
    remedy: 'Put `management` on one of its NICs.',
    example:
      'networks: { storage: { cidr: 10.30.0.0/20, gateway: 10.30.0.1 } }\nhosts:\n  - { name: knode1, nics: [{ mac: "52:54:00:00:00:02", networks: [storage] }] }\n',
    check: ({ cluster }, report) => {
      for (const [h, host] of cluster.hosts.entries()) {
        if (!networksOf(host).includes('management'))
          report(
            ['hosts', h, 'nics'],
            `${host.name} is not on the management network`,
            'put management on one of its NICs',
          );
      }
    },
  },
  {
    code: 'nic-three-in-one',
    severity: 'error',
    title: 'All three networks lie on one NIC',
    reason:
      'Pods’ or storage traffic would then starve the API, etcd and the kubelets’ heartbeats, and nodes drop out exactly when they are busy.',
    remedy: 'Give management a NIC of its own; storage and container may share one.',
    example:
      'networks:\n  container: { cidr: 10.20.0.0/20, gateway: 10.20.0.1, vlan: 20, shareWith: [management, storage] }\n  storage: { cidr: 10.30.0.0/20, gateway: 10.30.0.1, vlan: 30, shareWith: [management] }\nhosts:\n  - { name: knode1, nics: [{ mac: "52:54:00:00:00:02", networks: [management, container, storage] }] }\n',
    check: ({ cluster }, report) => {
      for (const [h, host] of cluster.hosts.entries()) {
        for (const [n, nic] of host.nics.entries()) {
          if (nic.networks.length === 3)
            report(
              ['hosts', h, 'nics', n, 'networks'],
              `${host.name} has all three networks on one NIC`,
              'give management a NIC of its own; storage and container may share one',
            );
        }
      }
    },
  },
  {
    code: 'nic-share',
    severity: 'error',
    title: 'Two networks share a NIC without leave',
    reason:
      'Sharing is a decision about the site, so the network has to say that it may: a slip in one host’s list is found this way.',
    remedy: 'Set `shareWith` on one of the networks, or use another NIC.',
    example:
      'networks: { storage: { cidr: 10.30.0.0/20, gateway: 10.30.0.1, vlan: 30 } }\nhosts:\n  - { name: knode1, nics: [{ mac: "52:54:00:00:00:02", networks: [management, storage] }] }\n',
    check: ({ cluster }, report) => {
      const may = (a: (typeof NETWORKS)[number], b: (typeof NETWORKS)[number]) =>
        (cluster.networks[a]?.shareWith.includes(b) ?? true) ||
        (cluster.networks[b]?.shareWith.includes(a) ?? true);
      for (const [h, host] of cluster.hosts.entries()) {
        for (const [n, nic] of host.nics.entries()) {
          const [a, b] = nic.networks;
          if (nic.networks.length === 2 && a && b && !may(a, b)) {
            report(
              ['hosts', h, 'nics', n, 'networks'],
              `${a} and ${b} share a NIC of ${host.name}`,
              `set networks.${b}.shareWith: [${a}], or use another NIC`,
            );
          }
        }
      }
    },
  },
  {
    code: 'nic-untagged',
    severity: 'error',
    title: 'Two networks without a VLAN share a NIC',
    reason: 'On one cable at most one network can go untagged: the switch could not tell them apart.',
    remedy: 'Give one of them a `vlan`.',
    example:
      'networks: { storage: { cidr: 10.30.0.0/20, gateway: 10.30.0.1, shareWith: [management] } }\nhosts:\n  - { name: knode1, nics: [{ mac: "52:54:00:00:00:02", networks: [management, storage] }] }\n',
    check: ({ cluster }, report) => {
      for (const [h, host] of cluster.hosts.entries()) {
        for (const [n, nic] of host.nics.entries()) {
          const untagged = nic.networks.filter(
            (name) => cluster.networks[name] && cluster.networks[name].vlan === undefined,
          );
          if (untagged.length > 1)
            report(
              ['hosts', h, 'nics', n, 'networks'],
              `${words(untagged)} share a NIC of ${host.name} and have no VLAN`,
              `set networks.${untagged.at(-1)}.vlan`,
            );
        }
      }
    },
  },
  {
    code: 'bond-name',
    severity: 'error',
    title: 'Two bonds of a host have one name',
    reason: 'They would be one interface.',
    remedy: 'Set `bond.name` on one of them.',
    example:
      'networks: { storage: { cidr: 10.30.0.0/20, gateway: 10.30.0.1 } }\nhosts:\n  - name: knode1\n    nics:\n      - { macs: ["52:54:00:00:00:21", "52:54:00:00:00:22"], networks: [management] }\n      - { macs: ["52:54:00:00:00:23", "52:54:00:00:00:24"], networks: [storage] }\n',
    check: ({ cluster }, report) => {
      for (const [h, host] of cluster.hosts.entries()) {
        const bonds = host.nics.flatMap((nic, n) =>
          nic.macs ? [{ n, name: nic.bond?.name ?? 'bond0' }] : [],
        );
        for (const [, ...others] of repeated(bonds, ({ name }) => name)) {
          for (const { n, name } of others)
            report(
              ['hosts', h, 'nics', n],
              `${host.name} has two bonds named ${name}`,
              'set bond: { name: bond1 } on one of them',
            );
        }
      }
    },
  },
];
