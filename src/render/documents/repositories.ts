import { contains, toNumber, toRange } from '../../plan/ipv4.ts';
import type { ClusterPlan, RepositoryPlan } from '../../plan/types.ts';
import { CIDR, IPV4 } from '../../spec/schema/words.ts';
import { header } from './header.ts';
import { type Section, toIni } from './ini.ts';
import type { SharedDocument } from './types.ts';

/** The repositories that a host installs and updates from, signatures checked. */
export const repositories: SharedDocument = {
  scope: 'shared',
  paths: ['/etc/yum.repos.d/imgbuild.repo'],
  render(cluster, kind) {
    const sections = Object.fromEntries(kind.repositories.map((r) => [r.id, section(r, cluster.proxy)]));
    const content = `# ${header(cluster, kind)}\n${toIni(sections)}`;
    return [{ path: '/etc/yum.repos.d/imgbuild.repo', content }];
  },
};

function section(repository: RepositoryPlan, proxy: ClusterPlan['proxy']): Section {
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

/** yum and dnf know no list of exceptions: a repository that is reached directly simply has no proxy. */
function proxyFor(url: string, proxy: ClusterPlan['proxy']): string | undefined {
  if (!proxy) return undefined;
  // $releasever and $basearch only stand in paths.
  const host = /^https?:\/\/(?:[^/@]*@)?(\[[^\]]*\]|[^/:]*)/.exec(url)?.[1] ?? '';
  const direct = proxy.noProxy.some(
    (entry) => host === entry || host.endsWith(entry.startsWith('.') ? entry : `.${entry}`),
  );
  if (direct || inRanges(host, proxy.noProxy)) return undefined;
  return (url.startsWith('https:') ? proxy.https : undefined) ?? proxy.http;
}

function inRanges(host: string, ranges: readonly string[]): boolean {
  if (!IPV4.test(host)) return false;
  return ranges.some((range) => CIDR.test(range) && contains(toRange(range), toNumber(host)));
}
