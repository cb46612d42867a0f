import type { ClusterPlan } from '../../plan/types.ts';
import { type Check, look } from './goss-checks.ts';
import type { Kind } from './types.ts';

/** Who may come in, and how: by key alone, and never as root. */
export function accountChecks({ users, breakGlassUser }: ClusterPlan, { os }: Kind): Check[] {
  const names = users.map(({ name }) => name);
  const account = (id: string, sudo: boolean): Check => {
    // The kickstart puts it there.
    const groups = sudo && os.family === 'el' ? ['wheel'] : [];
    return {
      type: 'user',
      id,
      name: `account ${id}`,
      fields: { exists: true, ...(groups.length > 0 ? { groups } : {}) },
      expected: ['it exists', ...groups.map((group) => `is in the group ${group}`)].join(', '),
      see: `id ${id}`,
    };
  };
  return [
    ...users.map(({ name, sudo }) => account(name, sudo !== 'none')),
    ...(breakGlassUser === undefined ? [] : [account(breakGlassUser, true)]),
    ...names.map(keys),
    look('passwords', ['passwords', 'root', ...names], {
      expected: 'neither root nor an account of the spec has one',
      see: 'passwd --lock NAME',
    }),
    look('ssh', ['ssh', ...(breakGlassUser === undefined ? [] : [breakGlassUser])], {
      expected: 'by key alone, never as root',
      see: 'sshd -T',
    }),
  ];
}

function keys(name: string): Check {
  return {
    type: 'file',
    id: `/etc/ssh/authorized_keys.d/${name}`,
    name: `ssh keys of ${name}`,
    fields: { exists: true, owner: 'root', mode: '0644' },
    expected: "they are there, and root's",
    see: `ls -l /etc/ssh/authorized_keys.d/${name}`,
  };
}
