import type { ArtifactPlan } from '../../plan/types.ts';
import { proxyVariables } from '../proxy.ts';
import { quoted } from '../template.ts';
import { header } from './header.ts';
import type { SharedDocument } from './types.ts';

const PATH = '/etc/imgbuild/artifacts';
const PROXY = '/etc/imgbuild/proxy';

/** What usr/libexec/imgbuild/fetch.sh fetches, and the way out. */
export const artifacts: SharedDocument = {
  scope: 'shared',
  paths: [PATH, PROXY],
  render(cluster, kind) {
    if (kind.artifacts.length === 0) return [];
    const head = `# ${header(cluster, kind)}\n`;
    const proxy = proxyVariables(kind, cluster.proxy) ?? [];
    const variables = proxy.map(([name, value]) => `export ${name}=${quoted(value, 'shell')}\n`);
    return [
      {
        path: PATH,
        content: `${head}# NAME SHA256 SIZE URL...; - is not known. Without a checksum it is fetched only where "allowed" stands before the URLs.\n${kind.artifacts.map(line).join('')}`,
      },
      ...(variables.length > 0
        ? [{ path: PROXY, mode: 0o600, content: `${head}${variables.join('')}` }]
        : []),
    ];
  },
};

function line({ name, sha256 = '-', size, urls, unchecked }: ArtifactPlan): string {
  return `${[name, sha256, size ?? '-', ...(unchecked ? ['allowed'] : []), ...urls].join(' ')}\n`;
}
