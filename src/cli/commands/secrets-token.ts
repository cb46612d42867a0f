import { toSeconds } from '../../plan/units.ts';
import { kubeYaml } from '../../render/documents/kubeadm-form.ts';
import { ExitCode, UserError } from '../../report/errors.ts';
import { belongsTo } from '../../secrets/owner.ts';
import { openStore } from '../../secrets/store.ts';
import { tokenSecret } from '../../secrets/token-secret.ts';
import { tokenOf } from '../../secrets/tokens.ts';
import type { Io } from '../io.ts';
import type { GlobalOptions } from '../options.ts';
import { hostNamed, soundProject } from '../project.ts';

/** `imgbuild secrets token HOST`: what a cluster that runs already has to be told of a host, as a manifest. */
export async function tokenAction(host: string, options: GlobalOptions, io: Io): Promise<ExitCode> {
  const { plan, spec, isExample } = await soundProject(options, io);
  if (isExample)
    throw new UserError(
      'there is no spec here, and no cluster runs that the built-in example stands for',
      'run it where this cluster’s spec is, or name that folder: imgbuild -C DIR secrets token HOST',
      ExitCode.usage,
    );
  hostNamed(host, plan);
  const store = openStore(options.secrets);
  belongsTo(plan, store);
  const { token, made } = await tokenOf(plan, store, host);

  const ttl = toSeconds(spec.cluster.kubernetes.tokenTtl);
  const expires = ttl === 0 ? undefined : new Date(io.now().getTime() + ttl * 1000);
  const secret = tokenSecret(token, host, expires);
  io.out(options.json ? `${JSON.stringify(secret, null, 2)}\n` : kubeYaml(secret));
  if (options.json || options.quiet) return ExitCode.done;

  if (made) io.err(`made a token for ${host}: render, so that its secrets.tar.gz holds it\n`);
  // Where the output goes elsewhere, this has been read and is being done.
  if (!io.outIsTerminal) return ExitCode.done;

  // Not the host itself: where it is a control plane that was installed anew it serves nothing.
  const { servers } = plan.cluster.endpoint;
  const server = (servers.find(({ name }) => name !== host) ?? servers[0])?.address;
  const user = plan.cluster.users.find(({ sudo }) => sudo === 'nopasswd')?.name;
  const login = `${user === undefined ? '' : `${user}@`}${server}`;
  io.err(
    `${host} can join${expires ? ` until ${expires.toISOString().slice(0, 16)}Z` : ''} once the cluster knows this:\n` +
      `  imgbuild secrets token ${host} | kubectl apply -f -\n` +
      `  imgbuild secrets token ${host} | ssh ${login} sudo kubectl --kubeconfig /etc/kubernetes/admin.conf apply -f -\n`,
  );
  return ExitCode.done;
}
