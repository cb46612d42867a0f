import { header } from './header.ts';
import type { SharedDocument } from './types.ts';

/**
 * The spec's public keys, one file a user, where sshd is told to look before ~/.ssh. They belong to root and
 * need no home: the overlay can be unpacked before a user exists, sshd's StrictModes has nothing to object to
 * on any release, and SELinux labels under /etc need no attention.
 */
export const authorizedKeys: SharedDocument = {
  scope: 'shared',
  paths: ['/etc/ssh/authorized_keys.d/*'],
  render(cluster, kind) {
    return cluster.users.map(({ name, sshKeys }) => ({
      path: `/etc/ssh/authorized_keys.d/${name}`,
      content: `# ${header(cluster, kind)}\n${sshKeys.map((key) => `${key}\n`).join('')}`,
    }));
  },
};
