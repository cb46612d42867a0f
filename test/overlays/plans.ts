import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { loadCatalog } from '../../src/catalog/load.ts';
import { buildPlan } from '../../src/plan/build.ts';
import type { HostPlan, Plan } from '../../src/plan/types.ts';
import { loadAssets, packageRoot } from '../../src/render/assets.ts';
import { parseSpec } from '../../src/spec/load.ts';

export const assets = loadAssets();
const catalog = await loadCatalog([join(packageRoot(), 'images')]);

/** One release of each major version of each family. */
export const RELEASES = ['centos-7.9', 'rocky-8', 'rocky-9', 'rocky-10', 'debian-12'] as const;

/** The plan of specs' texts, later ones laid over earlier ones. */
export function planOf(...specs: (string | object)[]): Plan {
  const texts = specs.map((spec, index) => ({
    file: `spec-${index}.yaml`,
    text: typeof spec === 'string' ? spec : stringify(spec),
  }));
  const { cluster, problems } = parseSpec(texts);
  if (!cluster || problems.length > 0) throw new Error(JSON.stringify(problems, undefined, 1));
  return buildPlan({ cluster, catalog, lock: {}, sources: new Map() }).plan;
}

/** The production example, with something laid over it. */
export async function production(over: object = {}): Promise<Plan> {
  return planOf(await readFile(join(packageRoot(), 'examples/production.yaml'), 'utf8'), over);
}

export function hostOf(plan: Plan, name: string): HostPlan {
  const host = plan.hosts.find((candidate) => candidate.name === name);
  if (!host) throw new Error(`no host ${name}`);
  return host;
}
