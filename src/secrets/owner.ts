import type { Plan } from '../plan/types.ts';
import { UserError } from '../report/errors.ts';
import type { SecretStore } from './store.ts';

/** Says whose secrets these are: the cluster's mark. It is no secret. */
export const OWNER = 'cluster';

/**
 * Refuses the store of another cluster: two that shared an authority would honour each other's members.
 * A store that says nothing (made by hand, or new) belongs to whoever asks first.
 */
export function belongsTo(plan: Plan, store: SecretStore): void {
  const owner = store.read(OWNER)?.trim();
  if (owner === undefined || owner === plan.cluster.mark) return;
  // Shown only where it is a mark: whatever else lies there may be a secret.
  const whose = /^[a-z0-9-]{1,20}$/.test(owner) ? `cluster ${owner}` : 'another cluster';
  throw new UserError(
    `${store.dir} holds the secrets of ${whose}, and this is ${plan.cluster.mark}`,
    'name this cluster’s own folder with --secrets; where its name, id or management network was changed on purpose, write the new mark into the file "cluster" there',
  );
}
