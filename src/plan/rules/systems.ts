import { familyOf } from '../../catalog/families.ts';
import type { Path } from '../../report/problem.ts';
import { levels } from '../../spec/levels.ts';
import type { RoleSettings } from '../../spec/schema/host.ts';
import { hasKickstart } from '../kickstart.ts';
import type { HostPlan } from '../types.ts';
import { names } from './kinds.ts';
import type { Rule, RuleContext } from './rule.ts';

/** Each level that says something, and the planned hosts that it is said for: with `nearest` those for which no nearer level does. */
function said<T>(
  { cluster, host }: RuleContext,
  what: (settings: RoleSettings) => T | undefined,
  nearest = false,
): { value: T; path: Path; hosts: HostPlan[] }[] {
  const taken = new Set<string>();
  // From the hosts to the cluster; told in the spec's order.
  return levels(cluster)
    .toReversed()
    .flatMap(({ settings, path }) => {
      const value = what(settings);
      if (value === undefined) return [];
      const [kind, which] = path;
      const found = cluster.hosts.filter(
        (spec, index) =>
          !taken.has(spec.name) &&
          (kind === undefined || (kind === 'roles' ? spec.role === which : index === which)),
      );
      if (nearest) for (const { name } of found) taken.add(name);
      return [{ value, path, hosts: found.flatMap(({ name }) => host.get(name) ?? []) }];
    })
    .toReversed();
}

/** What a spec asks of a release that its family has not. */
export const systemRules: Rule[] = [
  {
    code: 'os-kickstart',
    severity: 'warning',
    title: 'Nothing installs a release yet',
    reason:
      'Anaconda installs the EL family by kickstart. For Debian each host’s overlay and secrets are rendered; the system under them, its packages, accounts and boot loader, the kernel’s arguments and the spec’s `post` scripts are not.',
    remedy:
      'Install what `imgbuild plan HOST` lists, unpack the two archives over it, and switch its units on; or choose a release of the EL family.',
    example: 'os: { release: debian-12 }\n',
    check: (context, report) => {
      for (const { value, path, hosts } of said(context, (settings) => settings.os?.release, true)) {
        const own = hosts.filter((each) => !hasKickstart(each));
        if (own.length > 0)
          report(
            [...path, 'os', 'release'],
            `no kickstart installs ${value}: ${names(own)} would get an overlay and secrets alone`,
            'install the system and its packages by other means, and lay both archives over it',
          );
      }
    },
  },
  {
    code: 'os-kernel-version',
    severity: 'error',
    title: 'A version is given for a kernel that is the release’s own',
    reason:
      '`kernelVersion` names a build of elrepo’s. The release’s own kernel comes with the system and is updated with it; Debian has no other.',
    remedy: 'Leave `kernelVersion` out, or choose `kernel: lt` or `ml` where the release has them.',
    example: 'os: { release: debian-12, kernelVersion: 6.1.122-1 }\n',
    check: (context, report) => {
      for (const { path, hosts } of said(context, (settings) => settings.os?.kernelVersion, true)) {
        const own = hosts.filter(({ kernel }) => kernel.flavor === 'stock');
        const [first] = own;
        if (first)
          report(
            [...path, 'os', 'kernelVersion'],
            `kernelVersion is for elrepo’s kernels, and ${names(own)} would run ${own.length === 1 ? 'its' : 'their'} release’s own`,
            first.os.kernels.lt ? 'leave it out, or use kernel: lt' : 'leave it out',
          );
      }
    },
  },
  {
    code: 'os-package',
    severity: 'error',
    title: 'A package cannot be called so',
    reason:
      'Debian’s packages have names of lower-case letters, digits, "+", "-" and "."; groups such as @core are dnf’s.',
    remedy:
      'Write Debian’s names where Debian’s hosts alone have them: under their role, or under each host.',
    example: 'os: { release: debian-12 }\npackages: ["@development"]\n',
    check: (context, report) => {
      for (const { value, path, hosts } of said(context, (settings) => settings.packages)) {
        for (const [index, name] of value.entries()) {
          const own = hosts.filter(({ os }) => !familyOf(os).packageName.test(name));
          const [first] = own;
          if (first)
            report(
              [...path, 'packages', index],
              `"${name}" is no name of a package of ${familyOf(first.os).title} (${names(own)})`,
              'use the family’s own name, and say it for its hosts alone',
            );
        }
      }
    },
  },
];
