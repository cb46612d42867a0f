/** What each program is built from. A version that is not listed was never tried. */

export interface Pins {
  /** Kubernetes' own libraries, where a module has them in its repository. */
  staging?: string;
  /** Other versions than the module's go.mod has, with the reason beside them. */
  instead?: Record<string, string>;
  /** A line of the module's source in place of another, by file; what a Go newer than upstream's takes otherwise. */
  lines?: Record<string, { old: string; new: string }>;
  /** Lines of go.sum for the module itself, where the checksum database may not have it. */
  sums?: string[];
}

export interface Recipe {
  /** The Go module; none for a program of our own. */
  module?: string;
  /** The main package; for a program of our own its folder here. */
  package: string;
  /** Some of it is C: a C compiler and a static libc are needed. */
  hasC?: boolean;
  /** What the linker writes into which variable. */
  variables?: (version: string) => Record<string, string>;
  /** Arguments that make it say its version. */
  says: string[];
  versions: Record<string, Pins>;
}

/** It writes an IPv4 address as `[10.96.0.1]`, which Go took for one until 1.25. */
const IPV4_IN_BRACKETS: Pins['lines'] = {
  'cmd/kubeadm/app/preflight/checks.go': {
    old: 'if len(testIP) == net.IPv6len {',
    new: 'if testIP.To4() == nil {',
  },
};

const kubernetes = (name: string, says: string[], lines1_28?: Pins['lines']): Recipe => ({
  module: 'k8s.io/kubernetes',
  package: `k8s.io/kubernetes/cmd/${name}`,
  variables: (version) => {
    const [major = '', minor = ''] = version.split('.');
    const values = {
      gitVersion: `v${version}`,
      gitMajor: major,
      gitMinor: minor,
      gitTreeState: 'clean',
      buildDate: '1970-01-01T00:00:00Z',
    };
    // Without these kubeadm takes itself for 1.0.0, and every other version for a mistake.
    return Object.fromEntries(
      ['k8s.io/component-base/version', 'k8s.io/client-go/pkg/version'].flatMap((where) =>
        Object.entries(values).map(([name, value]) => [`${where}.${name}`, value]),
      ),
    );
  },
  says,
  versions: {
    '1.28.2': { staging: 'v0.28.2', ...(lines1_28 ? { lines: lines1_28 } : {}) },
    '1.34.2': { staging: 'v0.34.2' },
  },
});

const etcd = (module: string, says: string[]): Recipe => ({
  module,
  package: module,
  says,
  versions: { '3.5.33': {}, '3.6.14': {} },
});

const cni = (folder: string, version: string): Recipe => ({
  module: 'github.com/containernetworking/plugins',
  package: `github.com/containernetworking/plugins/plugins/${folder}`,
  variables: (built) => ({
    'github.com/containernetworking/plugins/pkg/utils/buildversion.BuildVersion': `v${built}`,
  }),
  // Without CNI_COMMAND a plugin says what it is.
  says: [],
  versions: { [version]: {} },
});

export const recipes = {
  kubeadm: kubernetes('kubeadm', ['version', '-o', 'short'], IPV4_IN_BRACKETS),
  kubelet: kubernetes('kubelet', ['--version']),
  kubectl: kubernetes('kubectl', ['version', '--client']),
  'kube-apiserver': kubernetes('kube-apiserver', ['--version']),
  'kube-controller-manager': kubernetes('kube-controller-manager', ['--version']),
  'kube-scheduler': kubernetes('kube-scheduler', ['--version']),
  'kube-proxy': kubernetes('kube-proxy', ['--version']),

  etcd: etcd('go.etcd.io/etcd/server/v3', ['--version']),
  etcdctl: etcd('go.etcd.io/etcd/etcdctl/v3', ['version']),
  etcdutl: etcd('go.etcd.io/etcd/etcdutl/v3', ['version']),

  'cri-dockerd': {
    module: 'github.com/Mirantis/cri-dockerd',
    package: 'github.com/Mirantis/cri-dockerd',
    variables: (version) => ({ 'github.com/Mirantis/cri-dockerd/cmd/version.Version': version }),
    says: ['--version'],
    // The checksum database of some proxies lacks this library's 0.29.10.
    versions: { '0.3.17': { instead: { 'k8s.io/component-helpers': 'v0.29.11' } } },
  },
  crictl: {
    module: 'sigs.k8s.io/cri-tools',
    package: 'sigs.k8s.io/cri-tools/cmd/crictl',
    variables: (version) => ({ 'sigs.k8s.io/cri-tools/pkg/version.Version': `v${version}` }),
    says: ['--version'],
    versions: {
      '1.34.0': {
        // Releases instead of candidates.
        instead: { 'k8s.io/cri-api': 'v0.34.0', 'k8s.io/cri-client': 'v0.34.0' },
        sums: [
          'sigs.k8s.io/cri-tools v1.34.0 h1:KqL9EJ+WgHtz1HR1exezm91n+o8O2uMLs/eHzHJHAWw=',
          'sigs.k8s.io/cri-tools v1.34.0/go.mod h1:JyYVG0YFsly+p/hfDfmQcQBNFVHh0+BpMTn49YpasMA=',
        ],
      },
    },
  },
  goss: {
    module: 'github.com/goss-org/goss',
    package: 'github.com/goss-org/goss/cmd/goss',
    variables: (version) => ({ 'github.com/goss-org/goss/util.Version': `v${version}` }),
    says: ['--version'],
    versions: { '0.4.9': {} },
  },

  'cni-bridge': cni('main/bridge', '1.9.1'),
  'cni-host-local': cni('ipam/host-local', '1.9.1'),
  'cni-loopback': cni('main/loopback', '1.9.1'),
  'cni-portmap': cni('meta/portmap', '1.9.1'),
  // The last release that had it: it moved to a repository of its own.
  'cni-flannel': cni('meta/flannel', '0.9.1'),
  flanneld: {
    module: 'github.com/flannel-io/flannel',
    package: 'github.com/flannel-io/flannel',
    variables: (version) => ({ 'github.com/flannel-io/flannel/pkg/version.Version': `v${version}` }),
    // Its UDP backend.
    hasC: true,
    says: ['--version'],
    versions: {
      // Some proxies lack the 1.3.79 that it asks for.
      '0.28.4': {
        instead: { 'github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common': 'v1.3.103' },
      },
    },
  },

  coredns: {
    module: 'github.com/coredns/coredns',
    package: 'github.com/coredns/coredns',
    says: ['-version'],
    // What kubeadm 1.28 and 1.34 want.
    versions: { '1.10.1': {}, '1.12.1': {} },
  },
  pause: {
    package: 'pause',
    variables: (version) => ({ 'main.version': version }),
    says: ['-v'],
    versions: { '1': {} },
  },
} satisfies Record<string, Recipe>;

export type ProgramName = keyof typeof recipes;
