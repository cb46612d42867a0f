import type { Static } from 'typebox';
import {
  choice,
  flag,
  integer,
  list,
  mapOf,
  object,
  optional,
  text,
  withDefault,
} from '../spec/schema/build.ts';
import { disks } from '../spec/schema/host.ts';

/** Shapes of the files under images/. They are read and checked by the same machinery as a spec. */

/** What is printed for people: one line. */
const line = (description: string) => text(description, /^[^\p{Cc}\p{Zl}\p{Zp}]+$/u, 'one line of text');
/** What is printed into shell, kickstarts and unit files: nothing that one of them would obey. */
const word = (description: string) =>
  text(description, /^[A-Za-z0-9@^:/][A-Za-z0-9@^._+:/{}%*~-]*$/, 'one plain word');
const strings = (description: string) => list(description, word('An entry.'));

const repository = object('A repository of the release.', {
  id: word('Its id.'),
  name: line('Its name.'),
  kind: word('Which base URL of a mirror set it lies under: os, epel, docker, kubernetes or elrepo.'),
  path: text('Where below that base URL; it may be empty.', /^.*$/),
  keys: list(
    'Names of signing keys in images/keys.yaml, or file:/… for one that the release itself installs.',
    word('A key.'),
    { minItems: 1 },
  ),
  inInstaller: withDefault(flag('Anaconda installs from it (without checking signatures).'), false),
  suites: optional(
    list('apt’s suites; / for a repository that is one flat folder.', text('A suite.', /^[a-z/][a-z/-]*$/), {
      minItems: 1,
    }),
  ),
  components: optional(strings('apt’s components.')),
});

const kernelFlavor = object('A kernel.', {
  version: word('The series, or the whole version where the repository keeps just one.'),
  packages: withDefault(strings('The packages; empty for the one that the release installs anyway.'), []),
  pin: optional(word('The exact version-release to install.')),
});

export const osSchema = object('A release of an operating system.', {
  name: word('Its name in a spec.'),
  title: optional(line('Its name for people.')),
  extends: optional(word('The entry that it completes; maps are merged, lists are joined.')),
  abstract: withDefault(flag('Not a release itself: holds what several share.'), false),
  family: optional(choice('Which templates it is rendered with.', ['el', 'debian'])),
  major: optional(integer('The major release.', 7, 99)),
  distro: optional(choice('Whose it is.', ['centos', 'rocky', 'almalinux', 'debian'])),
  handler: optional(word('The pykickstart handler that reads its kickstarts.')),
  systemd: optional(integer('The version of systemd.', 200, 999)),
  cgroup: optional(integer('The cgroup version that it boots with.', 1, 2)),
  installTree: optional(word('The tree that Anaconda installs from, below the base URL of kind os.')),
  iso: optional(
    object('The boot medium for golden images, below the base URL of kind os.', {
      path: word('The ISO.'),
      checksum: word('Its checksum file.'),
    }),
  ),
  kickstart: optional(
    object('How its Anaconda differs.', {
      timesource: optional(choice('Where time servers stand.', ['timezone', 'timesource'])),
      weakDeps: optional(
        text('The flag of %packages that leaves out weak dependencies; empty where there are none.', /^.*$/),
      ),
      packageManager: optional(choice('The program of %post.', ['yum', 'dnf'])),
      ksArgument: optional(word('The kernel argument that names the kickstart.')),
    }),
  ),
  network: optional(choice('The form of its network files.', ['ifcfg', 'keyfile', 'networkd'])),
  grubUefiConfig: optional(word('The grub.cfg that grub2-mkconfig writes on UEFI; never a stub on the ESP.')),
  kernels: optional(
    object('Kernels to choose from.', {
      default: optional(choice('The one that is advised.', ['lt', 'ml', 'stock'])),
      stock: optional(kernelFlavor),
      lt: optional(kernelFlavor),
      ml: optional(kernelFlavor),
    }),
  ),
  repositories: withDefault(list('Its repositories.', repository), []),
  packages: object(
    'Packages.',
    {
      installer: withDefault(
        strings('Installed with the system (by Anaconda), from the release’s own repositories.'),
        [],
      ),
      post: withDefault(
        strings('Installed after it (in %post), from any repository, signatures checked.'),
        [],
      ),
      removed: withDefault(strings('Never installed, and removed where something pulls them in.'), []),
    },
    { default: {} },
  ),
  features: withDefault(
    mapOf(
      'Packages that an overlay needs, by the overlay’s name.',
      object('Packages.', {
        installer: withDefault(strings('Installed with the system.'), []),
        post: withDefault(strings('Installed after it.'), []),
      }),
    ),
    {},
  ),
  docker: optional(
    object('Docker for this release.', {
      suffix: word('The mark of the release in its packages’ versions: el9, debian.12~bookworm.'),
      epoch: optional(integer('The epoch of docker-ce, where the package manager wants it said.', 1, 99)),
      default: word('The version of docker-ce.'),
      newest: optional(word('The last version built, where building has stopped.')),
      containerd: optional(
        word('The version-release of containerd.io, where it is not the one that came with Docker.'),
      ),
    }),
  ),
  nginx: optional(
    object('Where its packages of nginx differ.', {
      user: word('The account.'),
      modules: word('The folder of its modules.'),
    }),
  ),
  services: object(
    'systemd units.',
    { enabled: withDefault(strings('On.'), []), disabled: withDefault(strings('Off.'), []) },
    { default: {} },
  ),
  modules: withDefault(strings('Kernel modules loaded at boot.'), []),
  overlays: withDefault(strings('Overlays it gets, in order.'), []),
});

export const roleSchema = object('A kind of host.', {
  name: word('Its name in a spec.'),
  title: line('Its name for people.'),
  kubernetes: choice('What it is to Kubernetes.', ['control-plane', 'node', 'none']),
  etcd: withDefault(flag('It is a member of an external etcd.'), false),
  ingress: withDefault(flag('It brings in traffic from outside.'), false),
  disks,
  minimum: optional(
    object('The least hardware.', {
      cpus: withDefault(integer('CPUs.', 1, 1024), 1),
      memory: withDefault(word('Memory.'), '1G'),
      systemDisk: withDefault(word('The size of each system disk.'), '20G'),
    }),
  ),
  memoryPerCpu: optional(
    object('How much memory goes with a CPU, in GiB; outside of it is a warning.', {
      min: integer('At least.', 1, 1024),
      max: integer('At most.', 1, 1024),
    }),
  ),
  packages: withDefault(strings('Packages that it needs beside those of the release.'), []),
  services: withDefault(strings('Units that it switches on.'), []),
  overlays: withDefault(strings('Overlays it gets after the release’s and the runtime’s.'), []),
});

export const runtimeSchema = object('A container runtime.', {
  name: word('Its name in a spec.'),
  socket: word('The CRI socket.'),
  root: word('Where it keeps images and containers: on /data.'),
  packages: strings('Its RPMs.'),
  services: strings('Units that it switches on.'),
  criServices: withDefault(strings('Units that only hosts of Kubernetes switch on.'), []),
  overlays: strings('Overlays it brings.'),
});

export const mirrorSchema = object(
  'A set of mirrors: base URLs by kind of repository, then by distribution.',
  {
    name: word('Its name in a spec.'),
    title: line('Its name for people.'),
    os: mapOf('The distribution’s packages.', word('URL.')),
    epel: mapOf('EPEL, by major release; * for the others.', word('URL.')),
    docker: word('docker-ce.'),
    kubernetes: word('Kubernetes packages; {minor} is the minor version.'),
    elrepo: mapOf('elrepo, by major release; * for the others.', word('URL.')),
    criDockerd: word('cri-dockerd’s release archives; {version}.'),
    etcd: word('etcd’s release archives; {version}.'),
    cniPlugins: optional(word('The CNI plugins’ release archives; {version}.')),
    goss: optional(word('goss’ releases; {version}.')),
    cni: withDefault(
      mapOf('The folder of a pod network’s manifest, by its plugin; {version}.', word('URL.')),
      {},
    ),
    keys: withDefault(
      mapOf('Signing keys that do not lie below their repository’s base URL.', word('URL.')),
      {},
    ),
    imageRepository: optional(word('Where Kubernetes’ images come from.')),
    cniImages: withDefault(
      mapOf('Where a pod network’s images come from, by its plugin.', word('Repository.')),
      {},
    ),
    registries: withDefault(mapOf('Registry mirrors.', strings('URLs.')), {}),
  },
);

export const keysSchema = mapOf(
  'Signing keys.',
  object('A key; the host takes it only where the fingerprint is this.', {
    fingerprint: text('The primary key’s fingerprint.', /^[0-9A-F]{40}$/, 'forty hexadecimal digits'),
    kind: word('The kind of repository whose base URL it lies under.'),
    path: word('Where below it.'),
  }),
);

const minor = object('What one minor version of Kubernetes needs.', {
  newest: word('The newest patch known.'),
  criTools: word('version and build of cri-tools in its repository.'),
  cni: optional(
    word(
      'version and build of kubernetes-cni; without one the release archive of the CNI plugins is fetched.',
    ),
  ),
  calico: optional(word('The Calico that goes with it, where it is not the default.')),
  pause: word('The tag of the pause image.'),
  kernel: object('Kernels.', {
    min: word('Older is refused (or warned of).'),
    series: optional(strings('Series below 6 that it was tested with; another is a warning.')),
    severity: choice('What kubeadm’s preflight makes of an older one.', ['error', 'warning']),
  }),
  cgroupV1: choice('What it makes of cgroup v1.', ['works', 'warns', 'refuses']),
  etcd: object('etcd.', { min: word('The oldest external etcd.'), default: word('The version to install.') }),
  criDockerd: word('The oldest cri-dockerd.'),
  containerd: word('The oldest containerd.'),
  ipvs: choice('What it says of kube-proxy’s ipvs mode.', ['works', 'deprecated']),
  nftables: choice('What it says of kube-proxy’s nftables mode.', ['alpha', 'beta', 'stable']),
});

const dockerSet = object(
  'One version of docker-ce and what goes with it; version-release without the release’s mark.',
  {
    containerd: word('containerd.io.'),
    buildx: word('docker-buildx-plugin.'),
    compose: word('docker-compose-plugin.'),
    criDockerd: word('The oldest cri-dockerd that speaks with it.'),
    majors: mapOf(
      'The major releases that it is built for, by family.',
      list('Releases.', integer('A release.', 7, 99)),
    ),
    unmarked: withDefault(
      mapOf(
        'containerd.io by family, where it is another and its version bears no release’s mark.',
        word('The version.'),
      ),
      {},
    ),
  },
);

const checksums = mapOf(
  'Of the file that hosts fetch, by version. Others have to be locked: imgbuild lock.',
  text('sha256.', /^[0-9a-f]{64}$/, '64 hexadecimal digits'),
);
const release = (description: string) =>
  object(description, { default: word('The version to install.'), sha256: checksums });

export const kubernetesSchema = object('What goes with what.', {
  oldest: word('The oldest minor version supported, e.g. 1.28.'),
  oldestReason: line('Why not older.'),
  packageRelease: word('The build of Kubernetes’ own packages.'),
  packagePrefix: withDefault(
    mapOf(
      'What stands before the build in the release of Kubernetes’ packages, by family.',
      word('A prefix.'),
    ),
    {},
  ),
  minors: mapOf('By minor version.', minor),
  docker: mapOf('By version of docker-ce.', dockerSet),
  criDockerd: release('cri-dockerd.'),
  etcd: object('etcd.', { sha256: checksums }),
  calico: release('Calico’s manifest.'),
  flannel: release('flannel’s manifest.'),
  cniPlugins: release('The CNI plugins.'),
  goss: release('goss, which says whether a host is as it should be.'),
});

export type OsEntry = Static<typeof osSchema>;
export type Role = Static<typeof roleSchema>;
export type Runtime = Static<typeof runtimeSchema>;
export type MirrorSet = Static<typeof mirrorSchema>;
export type SigningKeys = Static<typeof keysSchema>;
export type KubernetesData = Static<typeof kubernetesSchema>;
export type KubernetesMinor = Static<typeof minor>;
export type KernelFlavor = Static<typeof kernelFlavor>;

type Complete<T, K extends keyof T> = Omit<T, K> & { [P in K]-?: NonNullable<T[P]> };

/** A release with everything that it extends merged in: what a plan uses. */
export type OsRelease = Complete<
  OsEntry,
  'title' | 'family' | 'major' | 'distro' | 'systemd' | 'cgroup' | 'network' | 'nginx'
> & {
  kernels: { default: 'lt' | 'ml' | 'stock'; stock: KernelFlavor; lt?: KernelFlavor; ml?: KernelFlavor };
  docker: NonNullable<OsEntry['docker']>;
};

/** A release that Anaconda installs, by a kickstart. */
export type AnacondaRelease = OsRelease &
  Complete<Pick<OsEntry, 'handler' | 'installTree' | 'iso'>, 'handler' | 'installTree' | 'iso'> & {
    kickstart: Required<NonNullable<OsEntry['kickstart']>>;
  };

/** The whole catalogue. */
export interface Catalog {
  os: Map<string, OsRelease>;
  roles: Map<string, Role>;
  runtimes: Map<string, Runtime>;
  mirrors: Map<string, MirrorSet>;
  keys: SigningKeys;
  kubernetes: KubernetesData;
}
