import { cgroupVersion } from '../cgroup.ts';
import { planVersions } from '../packages.ts';
import { settingsFor } from '../settings.ts';
import { compareVersions, minorOf } from '../units.ts';
import { minorData, names, nodeKinds } from './kinds.ts';
import type { Rule } from './rule.ts';

const VERSION = ['kubernetes', 'version'];

const UNIFIED = 'systemd.unified_cgroup_hierarchy=1';

export const compatibilityRules: Rule[] = [
  {
    code: 'kubernetes-old',
    severity: 'error',
    title: 'Kubernetes is too old',
    reason:
      'Versions before 1.28 left the repositories that are still served and get no fixes; 1.23 and older know neither cri-dockerd nor the configuration that is written here.',
    remedy: 'Choose 1.28 or newer; 1.28.2 with Docker runs on CentOS 7.9.',
    example: 'kubernetes: { version: 1.17.5 }\n',
    check: ({ cluster, catalog }, report) => {
      const { oldest, oldestReason } = catalog.kubernetes;
      const { version } = cluster.kubernetes;
      if (compareVersions(version, oldest) < 0)
        report(
          VERSION,
          `Kubernetes ${version} is older than ${oldest}: ${oldestReason}`,
          `choose ${oldest} or newer`,
        );
    },
  },
  {
    code: 'kubernetes-unknown',
    severity: 'error',
    title: 'Kubernetes is newer than the catalogue',
    reason:
      'What a version needs (kernel, cgroups, etcd, packages beside it) is catalogue data; for an unknown one nothing could be checked.',
    remedy:
      'Choose a version that is listed, or describe the new one in `images/kubernetes.yaml` beside the spec.',
    example: 'kubernetes: { version: 1.99.0 }\n',
    check: (context, report) => {
      const { version } = context.cluster.kubernetes;
      const { minors, oldest } = context.catalog.kubernetes;
      const minor = minorData(context);
      if (compareVersions(version, oldest) < 0) return;
      if (!minor)
        report(
          VERSION,
          `Kubernetes ${minorOf(version)} is not in the catalogue`,
          `choose from: ${Object.keys(minors).join(', ')}`,
        );
      else if (compareVersions(version, minor.newest) > 0)
        report(
          VERSION,
          `${version} is newer than ${minor.newest}, the newest patch known here`,
          'make sure that your mirror has it',
          'warning',
        );
    },
  },
  {
    code: 'kernel-missing',
    severity: 'error',
    title: 'A kernel does not exist for a release',
    reason:
      'elrepo builds kernel-lt for EL 8 and 9 and keeps an archive for EL 7. For EL 10 there is only kernel-ml, and the release’s own 6.12 is a long-term kernel already. Debian 12 has its own 6.1 alone, a long-term one too.',
    remedy:
      'On EL 10 and Debian use `kernel: stock`, or say nothing; `ml` follows the newest kernel and is no long-term one.',
    example: 'os: { release: rocky-10, kernel: lt }\n',
    check: ({ cluster, catalog }, report) => {
      const reported = new Set<string>();
      for (const [index, host] of cluster.hosts.entries()) {
        const role = catalog.roles.get(host.role);
        if (!role) continue;
        const { os } = settingsFor(cluster, role, host);
        const release = catalog.os.get(os.release);
        if (!release || os.kernel === undefined || release.kernels[os.kernel]) continue;
        const choice = Object.keys(release.kernels).filter((k) => k !== 'default');
        const path =
          host.os?.kernel || host.os?.release
            ? ['hosts', index, 'os']
            : cluster.roles[host.role]?.os
              ? ['roles', host.role, 'os']
              : ['os'];
        // One report for each level and release that it is wrong for.
        const about = `${path.join('.')} ${release.name}`;
        if (reported.has(about)) continue;
        reported.add(about);
        report(
          [...path, 'kernel'],
          `there is no kernel-${os.kernel} for ${release.name}`,
          `use kernel: ${release.kernels.default} (${release.kernels[release.kernels.default]?.version}), or leave kernel out; the release has ${choice.join(' and ')}`,
        );
      }
    },
  },
  {
    code: 'kernel-old',
    severity: 'error',
    title: 'The kernel is too old for Kubernetes',
    reason:
      'kubeadm’s preflight refuses it (from 1.32 on: 4.19), or warns of a series that upstream did not test (from 1.34 on: 5.4, 5.10, 5.15 and 6 are tested).',
    remedy: 'Use `os.kernel: lt`, or a newer release.',
    example: 'os: { release: centos-7.9, kernel: stock }\nkubernetes: { version: 1.32.13 }\n',
    check: (context, report) => {
      const minor = minorData(context);
      if (!minor) return;
      const { version } = context.cluster.kubernetes;
      for (const hosts of nodeKinds(context)) {
        const [host] = hosts;
        if (!host) continue;
        const kernel = host.kernel.version;
        const hint =
          host.os.kernels.lt && host.kernel.flavor === 'stock'
            ? 'use os.kernel: lt'
            : 'use a newer release, or an older Kubernetes';
        if (compareVersions(kernel, minor.kernel.min) < 0)
          report(
            VERSION,
            `Kubernetes ${version} wants kernel ${minor.kernel.min} or newer, and ${names(hosts)} would run ${kernel} (${host.os.name})`,
            hint,
            minor.kernel.severity,
          );
        else if (
          minor.kernel.series &&
          compareVersions(kernel, '6') < 0 &&
          !minor.kernel.series.includes(minorOf(kernel))
        )
          report(
            VERSION,
            `Kubernetes ${version} was not tested with kernel ${kernel}, which ${names(hosts)} would run (${host.os.name})`,
            hint,
            'warning',
          );
      }
    },
  },
  {
    code: 'cgroup-v1',
    severity: 'error',
    title: 'The host boots with cgroup v1',
    reason:
      'From 1.35 on the kubelet refuses to start there; from 1.32 on it warns. EL 7 has nothing else; EL 8 can boot cgroup v2.',
    remedy: `On EL 8 add \`kernelArgs: [${UNIFIED}]\`; on EL 7 use Kubernetes up to 1.34. EL 9, EL 10 and Debian boot cgroup v2 unless their \`kernelArgs\` say otherwise. Who has to bear cgroup v1 all the same says so in \`images/kubernetes.yaml\` beside the spec, \`minors: { "1.35": { cgroupV1: warns } }\`: kubelets are then told \`failCgroupV1: false\`, and kubeadm to go on.`,
    example:
      'os: { release: rocky-8 }\nkubernetes: { version: 1.35.9, runtime: docker, proxyMode: nftables }\n',
    check: (context, report) => {
      const minor = minorData(context);
      if (!minor || minor.cgroupV1 === 'works') return;
      const { version } = context.cluster.kubernetes;
      for (const hosts of nodeKinds(context)) {
        const [host] = hosts;
        if (!host || cgroupVersion(host) !== 1) continue;
        const refuses = minor.cgroupV1 === 'refuses';
        const remedy =
          host.os.cgroup === 2
            ? 'take systemd.unified_cgroup_hierarchy out of kernelArgs'
            : host.os.systemd >= 226
              ? `add kernelArgs: [${UNIFIED}]`
              : 'use Kubernetes up to 1.34, or a newer release';
        report(
          VERSION,
          `Kubernetes ${version} ${refuses ? 'refuses' : 'warns of'} cgroup v1, which ${names(hosts)} would boot (${host.os.name})`,
          remedy,
          refuses ? 'error' : 'warning',
        );
      }
    },
  },
  {
    code: 'etcd-version',
    severity: 'error',
    title: 'etcd does not suit Kubernetes',
    reason: 'kubeadm refuses an external etcd older than it was tested with.',
    remedy: 'Leave `etcd.version` out, or choose a newer one.',
    example: 'etcd: { version: 3.3.12 }\n',
    check: (context, report) => {
      const minor = minorData(context);
      const { version } = context.cluster.etcd;
      if (version === undefined) return;
      if (minor && compareVersions(version, minor.etcd.min) < 0)
        report(
          ['etcd', 'version'],
          `Kubernetes ${context.cluster.kubernetes.version} wants etcd ${minor.etcd.min} or newer`,
          `use ${minor.etcd.default}, or leave version out`,
        );
    },
  },
  {
    code: 'docker-version',
    severity: 'error',
    title: 'Docker does not exist for a release, or is unknown',
    reason:
      'Docker stopped building for EL 7 at 26.1.4. containerd.io, buildx and compose are pinned beside docker-ce, so its set has to be known.',
    remedy: 'Leave `versions.docker` out, or choose a set that is listed in `images/kubernetes.yaml`.',
    example:
      'os: { release: centos-7.9 }\nkubernetes: { version: 1.28.2, runtime: docker }\nversions: { docker: 29.8.0 }\n',
    check: (context, report) => {
      const { catalog, cluster } = context;
      const wanted = cluster.versions.docker;
      if (wanted === undefined) return;
      const at = ['versions', 'docker'];
      const set = catalog.kubernetes.docker[wanted];
      if (!set)
        return report(
          at,
          `docker-ce ${wanted} is not in the catalogue`,
          `choose from: ${Object.keys(catalog.kubernetes.docker).join(', ')}; or add it in images/kubernetes.yaml beside the spec`,
        );
      for (const hosts of nodeKinds(context, true)) {
        const [host] = hosts;
        if (!host || set.majors[host.os.family]?.includes(host.os.major)) continue;
        report(
          at,
          `docker-ce ${wanted} is not built for ${host.os.name} (${names(hosts)})`,
          `use ${host.os.docker.default}${host.os.docker.newest ? ', the last one built for it' : ''}`,
        );
      }
    },
  },
  {
    code: 'cri-dockerd-version',
    severity: 'error',
    title: 'cri-dockerd does not suit',
    reason:
      'Docker 29 speaks an API that cri-dockerd knows from 0.3.16 on; newer kubelets ask for RuntimeConfig, which came with 0.3.17.',
    remedy: 'Leave `versions.criDockerd` out.',
    example: 'kubernetes: { runtime: docker }\nversions: { criDockerd: 0.3.14 }\n',
    check: (context, report) => {
      const { catalog, cluster } = context;
      const wanted = cluster.versions.criDockerd;
      if (wanted === undefined || cluster.kubernetes.runtime !== 'docker') return;
      const at = ['versions', 'criDockerd'];
      const minor = minorData(context);
      if (minor && compareVersions(wanted, minor.criDockerd) < 0)
        report(
          at,
          `Kubernetes ${cluster.kubernetes.version} wants cri-dockerd ${minor.criDockerd} or newer`,
          `use ${catalog.kubernetes.criDockerd.default}`,
        );
      for (const [host] of nodeKinds(context)) {
        if (!host) continue;
        const { docker } = planVersions(cluster, host.os, catalog);
        const least = catalog.kubernetes.docker[docker]?.criDockerd;
        if (least && compareVersions(wanted, least) < 0)
          return report(
            at,
            `Docker ${docker} wants cri-dockerd ${least} or newer`,
            `use ${catalog.kubernetes.criDockerd.default}`,
          );
      }
    },
  },
  {
    code: 'containerd-version',
    severity: 'warning',
    title: 'containerd is older than Kubernetes recommends',
    reason: 'Upstream tests each Kubernetes with certain versions of containerd; EL 7 stops at 1.6.33.',
    remedy: 'Use a newer release, an older Kubernetes, or Docker.',
    example: 'os: { release: centos-7.9 }\nkubernetes: { version: 1.31.14, runtime: containerd }\n',
    check: (context, report) => {
      const minor = minorData(context);
      if (!minor || context.cluster.kubernetes.runtime !== 'containerd') return;
      for (const hosts of nodeKinds(context)) {
        const [host] = hosts;
        if (!host) continue;
        const { containerd } = planVersions(context.cluster, host.os, context.catalog);
        if (containerd && compareVersions(containerd, minor.containerd) < 0)
          report(
            ['kubernetes', 'runtime'],
            `Kubernetes ${context.cluster.kubernetes.version} recommends containerd ${minor.containerd} or newer, and ${names(hosts)} would run ${containerd}`,
            'use a newer release, an older Kubernetes, or Docker',
          );
      }
    },
  },
];
