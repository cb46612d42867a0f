import { header } from './header.ts';
import type { SharedDocument } from './types.ts';

const PATH = '/etc/imgbuild/alerts.conf';

/** Whom disk-alert tells. A webhook's URL may hold a token: root alone reads it. */
export const alerts: SharedDocument = {
  scope: 'shared',
  paths: [PATH],
  render(cluster, kind) {
    const { webhook, mail } = cluster.alerts;
    const lines = [
      `# ${header(cluster, kind)}`,
      ...(webhook === undefined ? [] : [`webhook=${webhook}`]),
      ...(mail ? [`mail_to=${mail.to.join(',')}`, `mail_from=${mail.from}`, `mail_relay=${mail.relay}`] : []),
    ];
    return [{ path: PATH, mode: 0o600, content: lines.map((line) => `${line}\n`).join('') }];
  },
};
