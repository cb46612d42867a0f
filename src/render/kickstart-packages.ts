import type { KickstartTarget } from '../plan/kickstart.ts';
import type { Target } from '../plan/types.ts';
import { quoted } from './template.ts';

/** The package manager of %post. */
export function packageManager({ os }: KickstartTarget) {
  const command = os.kickstart.packageManager;
  const options = command === 'dnf' ? ['--setopt=install_weak_deps=False'] : [];
  return {
    command,
    run: [command, '-y', '--setopt=gpgcheck=1', ...options].join(' '),
    config: command === 'yum' ? '/etc/yum.conf' : '/etc/dnf/dnf.conf',
  };
}

/** The kernel that %post makes the default. */
export function kernel({ kernel: { flavor }, os }: Target) {
  const bls = os.major >= 8;
  return {
    package: flavor === 'stock' ? (bls ? 'kernel-core' : 'kernel') : `kernel-${flavor}`,
    /** Boot entries are files of their own (el8 on); grub.cfg holds them on el7. */
    bls,
    /**
     * From el9 on each entry has a line of its own, copied from the running system; and only there does a new
     * kernel's entry become the default for the named package alone, where el8 would take any.
     */
    ownLine: os.major >= 9,
  };
}

/** What Docker's documentation has one remove, by whatever name an earlier Docker came. */
const OLD_DOCKER = [
  'docker',
  'docker-client',
  'docker-client-latest',
  'docker-common',
  'docker-latest',
  'docker-latest-logrotate',
  'docker-logrotate',
  'docker-engine',
  'podman-docker',
  'runc',
];

/** %packages: what Anaconda installs. */
export function chosen({ packages: { installer, removed }, os }: KickstartTarget) {
  const installed = installer.some((name) => name.startsWith('@')) ? installer : ['@core', ...installer];
  return {
    flags: os.kickstart.weakDeps === '' ? '' : ` ${os.kickstart.weakDeps}`,
    installed: [...new Set(installed)],
    removed,
  };
}

/** What %post installs, and how each package is asked for afterwards. */
export function thirdParty({ packages: { post } }: Target) {
  const shell = (name: string) => quoted(name, 'shell');
  return {
    replaced: OLD_DOCKER,
    post: post.map((group) => ({
      ...group,
      packages: group.packages.map(shell),
      // rpm before 4.14 takes no epoch, and none takes a group.
      queries: group.packages
        .filter((name) => !name.startsWith('@'))
        .map((name) => shell(name.replace(/-\d+:/, '-'))),
    })),
    pinned: [
      ...new Set(post.flatMap((group) => group.packages.flatMap((name) => pinnedName(name) ?? []))),
    ].sort(),
  };
}

/** `kubelet` of `kubelet-1.34.1-150500.1.1`; undefined where no version is named. */
export function pinnedName(name: string): string | undefined {
  return /^(.+?)-(?:\d+:)?\d+\.[^-]*(?:-\d[^-]*)?$/.exec(name)?.[1];
}
