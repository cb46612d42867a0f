import { familyOf } from '../../catalog/families.ts';
import type { ClusterPlan, RepositoryPlan } from '../../plan/types.ts';
import { CIDR } from '../../spec/schema/words.ts';
import { proxyFor } from '../proxy.ts';
import { type Deb822, toDeb822 } from './deb822.ts';
import { header } from './header.ts';
import type { DocumentFile, SharedDocument } from './types.ts';

const SOURCES = '/etc/apt/sources.list.d';
const PINS = '/etc/apt/preferences.d/90-imgbuild.pref';
const PROXY = '/etc/apt/apt.conf.d/90-imgbuild-proxy.conf';
/** Where installers and images write Debian's own sources. */
const OWN = ['/etc/apt/sources.list', `${SOURCES}/debian.sources`];

/** Where apt fetches from, which versions stay, and the way out: the deb family. */
export const apt: SharedDocument = {
  scope: 'shared',
  paths: [`${SOURCES}/imgbuild-*.sources`, ...OWN, PINS, PROXY],
  render(cluster, kind) {
    if (familyOf(kind.os).format !== 'deb') return [];
    const note = `# ${header(cluster, kind)}\n`;
    const { repositories, packages } = kind;
    const own = new Set(
      kind.os.repositories.filter(({ kind: k }) => k === 'os').map(({ id }) => `imgbuild-${id}`),
    );
    return [
      ...repositories.map((each) => ({
        path: `${SOURCES}/${each.id}.sources`,
        content: note + source(each),
      })),
      // A mirror of Debian's own packages takes the place of what the machine had for them.
      ...(repositories.some(({ id }) => own.has(id)) ? OWN.map((path) => replaced(path, note)) : []),
      { path: PINS, content: note + toDeb822(packages.pinned.map(pin)) },
      ...proxy(cluster.proxy, repositories, note),
    ];
  },
};

function source({ url, enabled, suites = [], components = [], keyFiles }: RepositoryPlan): string {
  return toDeb822([
    {
      ...(enabled ? {} : { Enabled: 'no' }),
      Types: 'deb',
      URIs: url,
      Suites: suites.join(' '),
      ...(components.length > 0 ? { Components: components.join(' ') } : {}),
      Architectures: 'amd64',
      'Signed-By': keyFiles.join(' '),
    },
  ]);
}

function replaced(path: string, note: string): DocumentFile {
  return {
    path,
    content: `${note}# Debian's own packages come from the mirror that imgbuild-*.sources name.\n`,
  };
}

/** Above 1000 a version stays whatever else there is, and is gone back to where something has moved the package. */
function pin({ name, version }: { name: string; version: string }): Deb822 {
  return { Package: name, Pin: `version ${version}`, 'Pin-Priority': '1001' };
}

/** apt knows exceptions by the whole name of a host alone: those of our repositories are worked out here. */
function proxy(
  through: ClusterPlan['proxy'],
  repositories: readonly RepositoryPlan[],
  note: string,
): DocumentFile[] {
  if (through === undefined) return [];
  const named = through.noProxy.filter((entry) => !CIDR.test(entry) && !entry.startsWith('.'));
  const reached = repositories
    .filter(({ url }) => proxyFor(url, through) === undefined)
    .map(({ url }) => new URL(url).hostname);
  const schemes = [
    ['http', through.http],
    ['https', through.https ?? through.http],
  ] as const;
  const lines = schemes.flatMap(([scheme, url]) =>
    url === undefined
      ? []
      : [
          `Acquire::${scheme}::Proxy "${url}";\n`,
          ...[...new Set([...named, ...reached])].map(
            (host) => `Acquire::${scheme}::Proxy::${host} "DIRECT";\n`,
          ),
        ],
  );
  return [{ path: PROXY, content: note + lines.join('') }];
}
