import { gossFile } from './goss-checks.ts';
import { clusterChecks, nodeChecks } from './goss-cluster.ts';
import { diskChecks } from './goss-disks.ts';
import { addressChecks, nameChecks, routeChecks } from './goss-network.ts';
import { runtimeChecks } from './goss-runtime.ts';
import { leftoverChecks } from './goss-secrets.ts';
import { bootChecks, systemChecks } from './goss-system.ts';
import { accountChecks } from './goss-users.ts';
import { header } from './header.ts';
import type { HostDocument, SharedDocument } from './types.ts';

const SHARED = '/etc/imgbuild/goss.yaml';
const HOST = '/etc/imgbuild/goss-host.yaml';

const NOTE = '# What imgbuild-verify looks at, by way of goss: each check with what people are told of it.\n';

/** What all hosts of a kind have to be. */
export const goss: SharedDocument = {
  scope: 'shared',
  paths: [SHARED],
  render(cluster, kind) {
    const checks = [
      ...systemChecks(cluster, kind),
      ...accountChecks(cluster, kind),
      ...nameChecks(cluster, kind),
      ...runtimeChecks(cluster, kind),
      ...clusterChecks(cluster, kind),
    ];
    return [{ path: SHARED, content: `# ${header(cluster, kind)}\n${NOTE}${gossFile(checks)}` }];
  },
};

/** What one host has to be beside that; it includes the other file. */
export const gossHost: HostDocument = {
  scope: 'host',
  paths: [HOST],
  render(cluster, host) {
    const checks = [
      ...bootChecks(host),
      ...diskChecks(host),
      ...addressChecks(cluster, host),
      ...routeChecks(cluster, host),
      ...nodeChecks(host),
      ...leftoverChecks(host),
    ];
    const content = `# ${header(cluster, host, host.name)}\n${NOTE}${gossFile(checks, 'goss.yaml')}`;
    return [{ path: HOST, content }];
  },
};
