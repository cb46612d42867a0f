import type { Catalog } from '../../catalog/schema.ts';
import type { Finding, Path, Severity } from '../../report/problem.ts';
import type { Cluster } from '../../spec/schema/cluster.ts';
import type { AddressLock } from '../addresses.ts';
import type { HostPlan, Plan } from '../types.ts';

/** What a rule may look at. */
export interface RuleContext {
  cluster: Cluster;
  catalog: Catalog;
  /** Without the hosts whose role or release is unknown. */
  plan: Plan;
  lock: AddressLock;
  /** Hosts of the plan by name. */
  host: ReadonlyMap<string, HostPlan>;
}

/** Reports a finding of the rule; `severity` only where it differs from the rule's own. */
export type Report = (path: Path, message: string, hint: string, severity?: Severity) => void;

/**
 * Something that cannot work, or will be regretted. What stands here is also docs/problems.md, and each
 * example is run: laid over examples/minimal.yaml it must give this code.
 */
export interface Rule {
  code: string;
  severity: Severity;
  title: string;
  /** Why it is refused. */
  reason: string;
  /** What to do about it. */
  remedy: string;
  /** YAML, laid over the minimal example. */
  example: string;
  check: (context: RuleContext, report: Report) => void;
}

/** All findings of these rules, in the rules' order. */
export function checkRules(rules: readonly Rule[], context: RuleContext): Finding[] {
  const findings: Finding[] = [];
  for (const rule of rules) {
    rule.check(context, (path, message, hint, severity = rule.severity) => {
      findings.push({ code: rule.code, severity, path, message, hint });
    });
  }
  return findings;
}

/** Groups items by a key and keeps the groups of more than one; items without a key are left out. */
export function repeated<T>(items: readonly T[], key: (item: T) => string | undefined): T[][] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const k = key(item);
    if (k === undefined) continue;
    const group = groups.get(k);
    if (group) group.push(item);
    else groups.set(k, [item]);
  }
  return [...groups.values()].filter((group) => group.length > 1);
}

/** `a`, `a and b`, `a, b and c`; long lists are cut. */
export function words(list: readonly string[], most = 4): string {
  if (list.length <= 1) return list.join('');
  if (list.length > most) return `${list.slice(0, most).join(', ')} and ${list.length - most} more`;
  return `${list.slice(0, -1).join(', ')} and ${list.at(-1)}`;
}
