import type { Plan } from '../plan/types.ts';
import type { Finding } from '../report/problem.ts';
import type { Item } from './pairs.ts';
import { discoveryHash } from './pki.ts';
import {
  type CaNeed,
  DISCOVERY_HASH,
  type LeafNeed,
  needs,
  PASSWORD,
  PASSWORD_LINE,
  REPORT_MASTER,
} from './requirements.ts';
import type { SecretStore } from './store.ts';
import { survey } from './survey.ts';
import { readTokens, TOKENS } from './tokens.ts';

const DAY = 24 * 3600 * 1000;

/** How a secret is doing; the gravest that can be said of it. */
export type Status =
  | 'ok'
  | 'missing'
  | 'kept elsewhere'
  | 'unusable'
  | 'expired'
  | 'does not fit the plan'
  | 'not valid yet'
  | 'expires soon';

/** One secret, as `imgbuild secrets show` lists it: everything but its value. */
export interface Row {
  ref: string;
  kind: 'authority' | 'certificate' | 'key' | 'pin' | 'token' | 'password';
  subject?: string;
  sans?: string[];
  notAfter?: Date;
  daysLeft?: number;
  /** Of tokens: who joins with it, and for how long from the cluster's init on, as Go writes it; `0s`: for ever. */
  host?: string;
  ttl?: string;
  status: Status;
  /** Of certificates: SHA-256 over the whole. Of the pin: itself, which is public. */
  fingerprint?: string;
  /** What is wrong. */
  notes: string[];
}

/** Lists what a plan needs and how each of it is doing. Shows no secret. */
export function describe(plan: Plan, store: SecretStore, now: Date): Row[] {
  const found = survey(plan, store, now);
  const rows = [...found.cas.values()].flatMap((item) => pairRows(item, 'authority', store, now));
  const ca = found.cas.get('kubernetes')?.certificate;
  if (ca !== undefined)
    rows.push({ ref: DISCOVERY_HASH, kind: 'pin', status: 'ok', fingerprint: discoveryHash(ca), notes: [] });
  rows.push(...found.leaves.flatMap((item) => pairRows(item, 'certificate', store, now)));

  const row = (ref: string, kind: Row['kind'], isThere: boolean, about: string, more: Partial<Row> = {}) => {
    const notes = found.findings.filter((f) => f.message.includes(store.file(about))).map((f) => f.message);
    rows.push({
      ref,
      kind,
      ...more,
      status: notes.length > 0 ? 'unusable' : isThere ? 'ok' : 'missing',
      notes,
    });
  };
  if (found.needs.serviceAccount) {
    for (const ref of ['pki/sa.key', 'pki/sa.pub']) row(ref, 'key', store.has(ref), ref);
  }
  if (found.needs.passwordOf !== undefined) {
    const isKeptElsewhere = !store.has(PASSWORD) && store.has(PASSWORD_LINE);
    if (isKeptElsewhere) rows.push({ ref: PASSWORD, kind: 'password', status: 'kept elsewhere', notes: [] });
    else row(PASSWORD, 'password', store.has(PASSWORD), PASSWORD);
    row(PASSWORD_LINE, 'password', store.has(PASSWORD_LINE), PASSWORD_LINE);
  }
  if (found.needs.reports.length > 0) row(REPORT_MASTER, 'key', store.has(REPORT_MASTER), REPORT_MASTER);
  const ttl = plan.cluster.kubernetes.tokenTtl;
  for (const host of found.needs.tokens)
    row(`tokens/${host}`, 'token', found.tokens.has(host), TOKENS, { host, ttl });
  return rows;
}

function pairRows(
  item: Item<CaNeed | LeafNeed>,
  kind: 'authority' | 'certificate',
  store: SecretStore,
  now: Date,
): Row[] {
  const { need, certificate, findings } = item;
  const [crt, key] = [`${need.ref}.crt`, `${need.ref}.key`];
  const row = (ref: string, ofKind: Row['kind'], absent: Status): Row => {
    const own = findings.filter((f) => f.message.startsWith(`${store.file(ref)} `));
    return {
      ref,
      kind: ofKind,
      status: store.has(ref) ? statusOf(own) : absent,
      notes: own.map((f) => f.message),
    };
  };
  const about = row(crt, kind, 'missing');
  if (certificate !== undefined) {
    about.subject = certificate.subject;
    about.sans = certificate.sans;
    about.notAfter = certificate.notAfter;
    about.daysLeft = Math.floor((certificate.notAfter.getTime() - now.getTime()) / DAY);
    about.fingerprint = certificate.fingerprint;
  }
  // An authority's key may be away as long as nobody asks for it.
  const mayBeAway = store.has(crt) && !findings.some((f) => f.code === 'secret-incomplete');
  return [about, row(key, 'key', mayBeAway ? 'kept elsewhere' : 'missing')];
}

const STATUS: [Status, string[]][] = [
  [
    'unusable',
    ['secret-unusable', 'secret-key-mismatch', 'secret-not-a-ca', 'secret-not-signed', 'secret-incomplete'],
  ],
  ['expired', ['secret-expired']],
  ['does not fit the plan', ['secret-does-not-fit']],
  ['not valid yet', ['secret-not-yet-valid']],
  ['expires soon', ['secret-expires']],
];

function statusOf(findings: readonly Finding[]): Status {
  return STATUS.find(([, codes]) => findings.some((f) => codes.includes(f.code)))?.[0] ?? 'ok';
}

/**
 * Secrets in the store that the plan has no use for, such as those of hosts that are gone. They are listed, not
 * removed: the plan may be a part of the cluster, and a host may come back. Files of other kinds are not named.
 */
export function orphans(plan: Plan, store: SecretStore): string[] {
  const needed = needs(plan);
  const used = new Set([...needed.cas, ...needed.leaves].flatMap(({ ref }) => [`${ref}.crt`, `${ref}.key`]));
  if (needed.serviceAccount) for (const ref of ['pki/sa.key', 'pki/sa.pub']) used.add(ref);
  if (needed.passwordOf !== undefined) for (const ref of [PASSWORD, PASSWORD_LINE]) used.add(ref);
  if (needed.reports.length > 0) used.add(REPORT_MASTER);
  const ours = /^(pki|etcd)\/.*\.(crt|key|pub)$|^console-password|^report-master$/;
  return [
    ...store.list().filter((ref) => ours.test(ref) && !used.has(ref)),
    ...[...readTokens(store).keys()]
      .filter((host) => !needed.tokens.includes(host))
      .map((host) => `tokens/${host}`),
  ].sort();
}
