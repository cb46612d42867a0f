import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { secretFiles } from '../../src/plan/secrets.ts';
import type { HostPlan, Plan } from '../../src/plan/types.ts';
import { ProblemsError } from '../../src/report/errors.ts';
import { ensure } from '../../src/secrets/ensure.ts';
import { openStore, type SecretStore } from '../../src/secrets/store.ts';

/** Everything in these tests happens at this moment. */
export const NOW = new Date('2026-03-01T12:00:00.500Z');

type Kind = 'control' | 'etcd' | 'worker';

/** What src/secrets looks at in a plan; the secrets are given out by the planner's own function. */
export function planOf(
  hosts: Record<string, [Kind, string]>,
  {
    topology = 'external' as 'external' | 'stacked',
    user = 'breakglass' as string | false,
    reports = true,
  } = {},
): Plan {
  const made = Object.entries(hosts).map(([name, [kind, address]]) => {
    const target = {
      name,
      isControlPlane: kind === 'control',
      isNode: kind !== 'etcd',
      isEtcd: kind === 'etcd',
    };
    return {
      kind: 'host',
      ...target,
      addresses: {
        management: { network: 'management', address, prefix: 24, subnet: '10.0.0.0/24', allotted: false },
      },
      secrets: secretFiles(target, { topology }, { breakGlass: user !== false, reports }),
    } as unknown as HostPlan;
  });
  const cluster = {
    ...{ name: 'test', mark: 'test-0a1b2c', kubernetes: { tokenTtl: '24h0m0s' } },
    ...(user === false ? {} : { breakGlassUser: user }),
  };
  return { cluster, hosts: made, roles: [] } as unknown as Plan;
}

/** Three members, one control plane, two workers. */
export function smallPlan(): Plan {
  return planOf({
    c1: ['control', '10.0.0.21'],
    e1: ['etcd', '10.0.0.11'],
    e2: ['etcd', '10.0.0.12'],
    e3: ['etcd', '10.0.0.13'],
    w1: ['worker', '10.0.0.31'],
    w2: ['worker', '10.0.0.32'],
  });
}

/** A store below a directory of its own, removed when the test is done. */
export function newStore(): SecretStore {
  const dir = mkdtempSync(join(tmpdir(), 'imgbuild-secrets-'));
  onTestFinished(() => rmSync(dir, { recursive: true, force: true }));
  return openStore(join(dir, 'secrets'));
}

/** Every ref that a plan's hosts are given. */
export function everyRef(plan: Plan): string[] {
  return [...new Set(plan.hosts.flatMap((host) => host.secrets.map((file) => file.ref)))];
}

/** A store's files as they are on the disk. */
export function contents(store: SecretStore): Record<string, string> {
  return Object.fromEntries(store.list().map((ref) => [ref, readFileSync(store.file(ref), 'utf8')]));
}

/** The files of a full store for {@link smallPlan}. */
export async function everything(): Promise<Record<string, string>> {
  const dir = mkdtempSync(join(tmpdir(), 'imgbuild-secrets-'));
  try {
    const store = openStore(join(dir, 'secrets'));
    await ensure(smallPlan(), store, { now: NOW });
    return contents(store);
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Puts files there (null: takes them away) as a user does, and opens the store again. */
export function drop(store: SecretStore, files: Record<string, string | null>): SecretStore {
  mkdirSync(store.dir, { recursive: true, mode: 0o700 });
  for (const [ref, value] of Object.entries(files)) {
    mkdirSync(dirname(store.file(ref)), { recursive: true, mode: 0o700 });
    if (value === null) rmSync(store.file(ref));
    else writeFileSync(store.file(ref), value, { mode: 0o600 });
  }
  return openStore(store.dir);
}

/** The codes of the problems that something fails with. */
export async function codes(work: Promise<unknown>): Promise<string[]> {
  const error = await work.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ProblemsError)) throw new Error(`no ProblemsError but ${String(error)}`);
  return error.problems.map((problem) => problem.code);
}
