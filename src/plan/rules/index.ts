import type { Finding } from '../../report/problem.ts';
import { addressRules } from './addresses.ts';
import { artifactRules } from './artifacts.ts';
import { compatibilityRules } from './compatibility.ts';
import { contentRules } from './contents.ts';
import { controlPlaneRules } from './control-plane.ts';
import { diskRules } from './disks.ts';
import { endpointRules } from './endpoints.ts';
import { hardwareRules } from './hardware.ts';
import { nameRules } from './names.ts';
import { networkRules } from './networks.ts';
import { nicRules } from './nics.ts';
import { podNetworkRules } from './pod-network.ts';
import { rangeRules } from './ranges.ts';
import { checkRules, type Rule, type RuleContext } from './rule.ts';
import { systemRules } from './systems.ts';
import { volumeRules } from './volumes.ts';

/** Every rule by topic, in the order of docs/problems.md. */
export const ruleTopics: { title: string; rules: readonly Rule[] }[] = [
  { title: 'Names', rules: nameRules },
  { title: 'Ranges', rules: rangeRules },
  { title: 'Networks', rules: networkRules },
  { title: 'NICs', rules: nicRules },
  { title: 'Addresses', rules: addressRules },
  { title: 'Control plane and etcd', rules: controlPlaneRules },
  { title: 'Ways in: the API’s endpoint and ingress', rules: endpointRules },
  { title: 'Operating systems', rules: systemRules },
  { title: 'Versions that go together', rules: compatibilityRules },
  { title: 'Files that hosts fetch', rules: artifactRules },
  { title: 'Pod network', rules: podNetworkRules },
  { title: 'Disks', rules: [...diskRules, ...volumeRules] },
  { title: 'Hardware', rules: hardwareRules },
  { title: 'What is put on hosts', rules: contentRules },
];

/** What all rules find. */
export function findProblems(context: Omit<RuleContext, 'host'>): Finding[] {
  const host = new Map(context.plan.hosts.map((h) => [h.name, h]));
  return checkRules(
    ruleTopics.flatMap((topic) => topic.rules),
    { ...context, host },
  );
}
