import { familyOf } from '../../catalog/families.ts';
import type { ClusterPlan, RepositoryPlan } from '../../plan/types.ts';
import { proxyFor } from '../proxy.ts';
import { header } from './header.ts';
import { type Section, toIni } from './ini.ts';
import type { SharedDocument } from './types.ts';

/** The repositories that a host installs and updates from, signatures checked: the rpm family. */
export const repositories: SharedDocument = {
  scope: 'shared',
  paths: ['/etc/yum.repos.d/imgbuild.repo'],
  render(cluster, kind) {
    if (familyOf(kind.os).format !== 'rpm') return [];
    const sections = Object.fromEntries(kind.repositories.map((r) => [r.id, section(r, cluster.proxy)]));
    const content = `# ${header(cluster, kind)}\n${toIni(sections)}`;
    return [{ path: '/etc/yum.repos.d/imgbuild.repo', content }];
  },
};

function section(repository: RepositoryPlan, proxy: ClusterPlan['proxy']): Section {
  // yum and dnf know no list of exceptions: a repository that is reached directly simply has no proxy.
  const through = proxyFor(repository.url, proxy);
  return {
    name: repository.name,
    baseurl: repository.url,
    enabled: repository.enabled ? 1 : 0,
    gpgcheck: 1,
    repo_gpgcheck: 0,
    gpgkey: repository.keyFiles.map((file) => `file://${file}`).join(' '),
    ...(through === undefined ? {} : { proxy: through }),
  };
}
