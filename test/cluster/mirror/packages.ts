/** What Debian's own mirror lacks, from our own builds: the packages of Kubernetes' repository. */
import { buildProgram } from '../programs/build.ts';
import type { ProgramName } from '../programs/recipes.ts';
import { buildDeb, type Deb, type Package } from './deb.ts';

/** The versions of programs that there are, by what a catalogue calls them. */
export interface PackageVersions {
  kubernetes: string;
  criTools: string;
  cni: string;
}

/** The same for all of them. The catalogue's, which a test sees to. */
export const BUILD = '1.1';

const PLUGINS = ['bridge', 'host-local', 'loopback', 'portmap'] as const;

/** kubelet, kubeadm, kubectl, cri-tools and kubernetes-cni. */
export async function kubernetesDebs(versions: PackageVersions): Promise<Deb[]> {
  const debs: Deb[] = [];
  for (const wanted of await packages(versions)) debs.push(await buildDeb(wanted));
  return debs;
}

async function packages({ kubernetes, criTools, cni }: PackageVersions): Promise<Package[]> {
  const plugins: Record<string, string> = {};
  for (const name of PLUGINS) plugins[`/opt/cni/bin/${name}`] = await buildProgram(`cni-${name}`, cni);
  const build = (version: string) => `${version}-${BUILD}`;
  const program = async (name: ProgramName, version: string) => ({
    [`/usr/bin/${name}`]: await buildProgram(name, version),
  });
  return [
    {
      name: 'kubelet',
      version: build(kubernetes),
      depends: ['iptables (>= 1.4.21)', 'kubernetes-cni (>= 1.2.0)', 'mount', 'util-linux'],
      description: 'the node agent of Kubernetes',
      programs: await program('kubelet', kubernetes),
      texts: {
        '/usr/lib/systemd/system/kubelet.service': KUBELET_UNIT,
        '/etc/default/kubelet': 'KUBELET_EXTRA_ARGS=\n',
        // dpkg keeps no empty directories.
        '/etc/kubernetes/manifests/.kubelet-keep': '',
        '/var/lib/kubelet/.kubelet-keep': '',
      },
    },
    {
      name: 'kubeadm',
      version: build(kubernetes),
      depends: kubeadmDepends(kubernetes),
      description: 'makes clusters of Kubernetes',
      programs: await program('kubeadm', kubernetes),
      texts: { '/usr/lib/systemd/system/kubelet.service.d/10-kubeadm.conf': KUBEADM_DROP_IN },
    },
    {
      name: 'kubectl',
      version: build(kubernetes),
      depends: [],
      description: 'speaks with clusters of Kubernetes',
      programs: await program('kubectl', kubernetes),
      texts: {},
    },
    {
      name: 'cri-tools',
      version: build(criTools),
      depends: [],
      description: 'speaks with container runtimes',
      programs: await program('crictl', criTools),
      texts: {},
    },
    {
      name: 'kubernetes-cni',
      version: build(cni),
      depends: [],
      description: 'programs for the network of pods',
      // flannel's is in none of its releases since 1.0: the manifest brings it.
      programs: plugins,
      texts: { '/etc/cni/net.d/.kubernetes-cni-keep': '' },
    },
  ];
}

/** From 1.32 on it asks for nothing. */
function kubeadmDepends(kubernetes: string): string[] {
  const minor = Number(kubernetes.split('.')[1]);
  if (minor >= 32) return [];
  const tools = `cri-tools (>= ${minor >= 30 ? '1.30.0' : '1.28.0'})`;
  return minor >= 30
    ? [tools]
    : ['kubelet (>= 1.19.0)', 'kubectl (>= 1.19.0)', 'kubernetes-cni (>= 1.2.0)', tools];
}

/** It ends at once until kubeadm has given it a configuration, and is started again for ever. */
const KUBELET_UNIT = `[Unit]
Description=kubelet, the node agent of Kubernetes
Documentation=https://kubernetes.io/docs/
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=/usr/bin/kubelet
Restart=always
StartLimitInterval=0
RestartSec=10

[Install]
WantedBy=multi-user.target
`;

const KUBEADM_DROP_IN = `# What kubeadm writes, and behind it what /etc/default/kubelet says.
[Service]
Environment="KUBELET_KUBECONFIG_ARGS=--bootstrap-kubeconfig=/etc/kubernetes/bootstrap-kubelet.conf --kubeconfig=/etc/kubernetes/kubelet.conf"
Environment="KUBELET_CONFIG_ARGS=--config=/var/lib/kubelet/config.yaml"
EnvironmentFile=-/var/lib/kubelet/kubeadm-flags.env
EnvironmentFile=-/etc/default/kubelet
ExecStart=
ExecStart=/usr/bin/kubelet $KUBELET_KUBECONFIG_ARGS $KUBELET_CONFIG_ARGS $KUBELET_KUBEADM_ARGS $KUBELET_EXTRA_ARGS
`;
