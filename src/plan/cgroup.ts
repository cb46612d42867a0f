import type { Target } from './types.ts';

/** The word on the kernel's command line that chooses; systemd 226 is the first to know it. */
const CHOICE = /^systemd\.unified_cgroup_hierarchy(?:=(.*))?$/;

/** The cgroup version that a host boots with: its release's own, or what its kernel is told. */
export function cgroupVersion({ os, kernelArgs }: Pick<Target, 'os' | 'kernelArgs'>): number {
  const told = chosen(kernelArgs);
  if (told === undefined || os.systemd < 226) return os.cgroup;
  return told ? 2 : 1;
}

/** The last word of several counts. */
function chosen(kernelArgs: readonly string[]): boolean | undefined {
  const words = kernelArgs.map((argument) => CHOICE.exec(argument)).filter((match) => match !== null);
  const last = words.at(-1);
  return last && /^(1|y|yes|t|true|on)$/i.test(last[1] ?? 'yes');
}
