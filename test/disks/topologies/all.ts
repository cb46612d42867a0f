/** All topologies, in the order in which the documentation has them. */
import { choices } from './choices.ts';
import { erased } from './erased.ts';
import { foreign } from './foreign.ts';
import { names } from './names.ts';
import { owned } from './owned.ts';
import { passedOver } from './passed-over.ts';
import { spanning } from './spanning.ts';
import type { Topology } from './topology.ts';

export const topologies: Topology[] = [
  ...choices,
  ...names,
  ...passedOver,
  ...owned,
  ...foreign,
  ...erased,
  ...spanning,
];
