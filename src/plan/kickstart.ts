import type { AnacondaRelease } from '../catalog/schema.ts';
import type { Target } from './types.ts';

/** A target that Anaconda installs, by a kickstart. */
export type KickstartTarget<T extends Target = Target> = T & { os: AnacondaRelease; installUrl: string };

/** Whether a kickstart installs a target. The releases of the other families have overlays and secrets alone. */
export function hasKickstart<T extends Target>(target: T): target is KickstartTarget<T> {
  return target.os.kickstart !== undefined && target.installUrl !== undefined;
}
