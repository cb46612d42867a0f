import { layoutFile } from '../layout-file.ts';
import { header } from './header.ts';
import type { HostDocument } from './types.ts';

/** What was laid on the host's disks: what imgbuild-disk holds against what it finds. */
export const layout: HostDocument = {
  scope: 'host',
  paths: ['/etc/imgbuild/layout'],
  render(cluster, host) {
    const [only] = host.disks.layouts;
    if (!only) return [];
    const content = `# ${header(cluster, host, host.name)}\n${layoutFile(only, cluster.mark)}`;
    return [{ path: '/etc/imgbuild/layout', content }];
  },
};
