import type { OsEntry } from './schema.ts';

/** What holds for every release of a family and is no data of one: how its packages are asked for, what it has of its own. */
export interface Family {
  /** Its name for people. */
  title: string;
  /** The form of its packages: what {format} in a mirror's URL stands for. */
  format: 'rpm' | 'deb';
  /** What an entry of it must have beside what every release needs. A family without a kickstart has overlays and secrets alone. */
  needs: readonly (keyof OsEntry)[];
  /** What a package can be called. */
  packageName: RegExp;
  /** A package of one version, as the package manager is asked for it. */
  exact(name: string, version: string): string;
  /** A version whose build is not known: whichever the repository has. */
  anyBuild(version: string): string;
  /** A version that was built for one release of the family, by that release's mark. */
  builtFor(version: string, mark: string): string;
  /** Where a signing key lies on a host. */
  keyFile(name: string): string;
  /** The file that tells whether a repository is there, below its URL. */
  index(repository: { suites?: readonly string[] }): string;
  /** Accounts that it has beside those of every family. */
  accounts: readonly string[];
  /** Links that it has beside those of every family, and where they lead. */
  links: Readonly<Record<string, string>>;
  /** The command that shows which kernels there are, and which the boot loader takes. */
  kernels: string;
}

const el: Family = {
  title: 'EL',
  format: 'rpm',
  needs: ['handler', 'installTree', 'iso', 'kickstart'],
  packageName: /^@?[A-Za-z0-9]/,
  exact: (name, version) => `${name}-${version}`,
  anyBuild: (version) => version,
  builtFor: (version, mark) => `${version}.${mark}`,
  keyFile: (name) => `/etc/pki/rpm-gpg/imgbuild-${name}`,
  index: () => 'repodata/repomd.xml',
  accounts: ['chrony', 'nginx', 'rpc', 'rpcuser', 'wheel'],
  links: { '/etc/ssl/certs': '/etc/pki/tls/certs', '/etc/init.d': '/etc/rc.d/init.d' },
  kernels: 'grubby --info=ALL',
};

const debian: Family = {
  title: 'Debian',
  format: 'deb',
  needs: [],
  packageName: /^[a-z0-9][a-z0-9+.-]+$/,
  exact: (name, version) => `${name}=${version}`,
  anyBuild: (version) => `${version}-*`,
  builtFor: (version, mark) => `${version}~${mark}`,
  // apt takes an armoured key by its name alone: a keyring that ends in .gpg has to be a binary one.
  keyFile: (name) => `/etc/apt/keyrings/imgbuild-${name}.asc`,
  index: ({ suites: [suite = '/'] = [] }) => (suite === '/' ? 'Release' : `dists/${suite}/Release`),
  accounts:
    '_apt _chrony backup gnats irc list man messagebus news proxy sudo systemd-timesync uucp www-data'.split(
      ' ',
    ),
  links: {},
  kernels: 'ls /boot; grep menuentry /boot/grub/grub.cfg',
};

/** Every family, by its name in images/os. */
export const FAMILIES: Readonly<Record<NonNullable<OsEntry['family']>, Family>> = { el, debian };

/** The family of a release. */
export function familyOf(os: { family: NonNullable<OsEntry['family']> }): Family {
  return FAMILIES[os.family];
}
