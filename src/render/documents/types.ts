import type { ClusterPlan, HostPlan, Target } from '../../plan/types.ts';

/**
 * What all hosts of one kind have in common: a target without what may differ from one of them to the
 * next. Files made from this alone are rendered once for all of them.
 */
export type Kind = Omit<Target, 'disks' | 'files' | 'installUrl' | 'post' | 'console' | 'kernelArgs'>;

/** A file that a document makes; 0644 root:root where nothing else is said. */
export interface DocumentFile {
  path: string;
  content: string;
  mode?: number;
  owner?: string;
  group?: string;
}

interface Common {
  /** The host paths it makes, with `*` for a part that varies: where to look for the owner of a path. */
  paths: readonly string[];
}

/** Made once for all hosts of a kind; golden images have it too. */
export interface SharedDocument extends Common {
  scope: 'shared';
  render(cluster: ClusterPlan, kind: Kind): DocumentFile[];
}

/** Made for every host of its own. */
export interface HostDocument extends Common {
  scope: 'host';
  render(cluster: ClusterPlan, host: HostPlan): DocumentFile[];
}

/** Files serialised from objects. One that does not apply to a host renders to nothing. */
export type Document = SharedDocument | HostDocument;
