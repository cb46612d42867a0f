import type { Plan } from '../plan/types.ts';
import { UserError } from '../report/errors.ts';

/** The three authorities, each for one purpose: whoever trusts one trusts nothing of the others. */
export type CaName = 'kubernetes' | 'front-proxy' | 'etcd';

/** Where each authority lies (add `.crt` or `.key`) and its name, as kubeadm has them (its phases/certs/certlist.go). */
export const AUTHORITIES: Record<CaName, { ref: string; commonName: string }> = {
  kubernetes: { ref: 'pki/ca', commonName: 'kubernetes' },
  'front-proxy': { ref: 'pki/front-proxy-ca', commonName: 'front-proxy-ca' },
  etcd: { ref: 'pki/etcd/ca', commonName: 'etcd-ca' },
};

/** An authority that a plan needs. */
export interface CaNeed {
  name: CaName;
  ref: string;
  commonName: string;
  /** Hosts that are given its key. Where there are none, the key may be kept elsewhere. */
  keyFor: string[];
}

/** A certificate of ours, signed by one of the authorities. */
export interface LeafNeed {
  ref: string;
  ca: CaName;
  commonName: string;
  /** To Kubernetes, the groups of whoever shows it. */
  organizations?: string[];
  dns: string[];
  ips: string[];
  usages: ('serverAuth' | 'clientAuth')[];
}

/** Everything that has to be in the store before a plan can be rendered. */
export interface Needs {
  cas: CaNeed[];
  leaves: LeafNeed[];
  /** The key that service account tokens are signed with. */
  serviceAccount: boolean;
  /** Hosts that join by a token, sorted. */
  tokens: string[];
  /** The console account, which has a password. */
  passwordOf?: string;
  /** Hosts that sign reports, sorted: one secret for all of them. */
  reports: string[];
}

/** Refs that are worked out from other secrets and never stored. */
export const DISCOVERY_HASH = 'pki/discovery-hash';
export const ALL_TOKENS = 'tokens/all';
export const reportKeyOf = (host: string) => `report/${host}`;
export const PASSWORD = 'console-password';
export const PASSWORD_LINE = 'console-password.line';
/** What every host's key for reports is made from; no host has it. */
export const REPORT_MASTER = 'report-master';

/** What a plan needs: read off the refs that its hosts are given, so that this cannot disagree with the plan. */
export function needs(plan: Plan): Needs {
  const asked = new Map<string, string[]>();
  for (const host of plan.hosts) {
    for (const { ref } of host.secrets) asked.set(ref, [...(asked.get(ref) ?? []), host.name]);
  }
  const tokens = tokenHosts(plan);
  const leaves = leafNeeds(plan, asked);
  const cas = (Object.keys(AUTHORITIES) as CaName[])
    .map((name) => ({ name, ...AUTHORITIES[name], keyFor: asked.get(`${AUTHORITIES[name].ref}.key`) ?? [] }))
    .filter(
      (ca) =>
        asked.has(`${ca.ref}.crt`) ||
        ca.keyFor.length > 0 ||
        leaves.some((leaf) => leaf.ca === ca.name) ||
        (ca.name === 'kubernetes' && asked.has(DISCOVERY_HASH)),
    );
  const serviceAccount = asked.has('pki/sa.key') || asked.has('pki/sa.pub');
  const user = asked.has(PASSWORD_LINE) ? plan.cluster.breakGlassUser : undefined;
  const reports = plan.hosts.map(({ name }) => name).filter((host) => asked.has(reportKeyOf(host)));
  const known = new Set([
    ...[...cas, ...leaves].flatMap(({ ref }) => [`${ref}.crt`, `${ref}.key`]),
    ...tokens.map((host) => `tokens/${host}`),
    ...['pki/sa.key', 'pki/sa.pub', DISCOVERY_HASH, ALL_TOKENS],
    ...(user === undefined ? [] : [PASSWORD_LINE]),
    ...reports.map(reportKeyOf),
  ]);
  for (const ref of asked.keys()) {
    if (!known.has(ref)) throw new Error(`the plan asks for a secret that nothing makes: ${ref}`);
  }
  return {
    ...{ cas, leaves, serviceAccount, tokens, reports: reports.sort() },
    ...(user === undefined ? {} : { passwordOf: user }),
  };
}

function tokenHosts(plan: Plan): string[] {
  const hosts = plan.hosts.filter((host) => host.isNode).map((host) => host.name);
  // Its file would be `tokens/all`, and it would be given everybody's.
  if (hosts.includes('all'))
    throw new UserError('a host that joins the cluster is named "all"', 'give it another name');
  return hosts.sort();
}

function leafNeeds(plan: Plan, asked: ReadonlyMap<string, unknown>): LeafNeed[] {
  const isAsked = (ref: string) => asked.has(`${ref}.crt`) || asked.has(`${ref}.key`);
  const leaves: LeafNeed[] = [];
  // No system:masters here, as in kubeadm from 1.29 on: etcd does not look at it, and should somebody use one CA
  // for both, a certificate for etcd must not be an administrator's of the cluster (kubernetes/kubernetes#120521).
  const client = { dns: [], ips: [], usages: ['clientAuth' as const] };
  const apiClient = 'pki/apiserver-etcd-client';
  if (isAsked(apiClient)) {
    leaves.push({ ref: apiClient, ca: 'etcd', commonName: 'kube-apiserver-etcd-client', ...client });
  }
  for (const host of plan.hosts) {
    const ref = (use: string) => `etcd/${host.name}/${use}`;
    for (const use of ['server', 'peer']) {
      if (!isAsked(ref(use))) continue;
      const address = host.addresses.management?.address;
      if (address === undefined) throw new Error(`${host.name} has no management address in the plan`);
      leaves.push({
        ref: ref(use),
        ca: 'etcd',
        commonName: host.name,
        dns: [host.name, 'localhost'],
        ips: [address, '127.0.0.1', '::1'],
        // Both, for a server too: etcd's gRPC gateway calls its own server with this certificate
        // (etcd-io/etcd#9785).
        usages: ['serverAuth', 'clientAuth'],
      });
    }
    const health = ref('healthcheck-client');
    if (isAsked(health))
      leaves.push({ ref: health, ca: 'etcd', commonName: 'kube-etcd-healthcheck-client', ...client });
  }
  return leaves;
}
