import { REPORT_KEY, STAGE } from '../../plan/secrets.ts';
import type { HostPlan } from '../../plan/types.ts';
import { absent, type Check } from './goss-checks.ts';

/** What the installation and the first boot leave on their way, beside the secrets that the plan names. */
const COPIES = [
  `${STAGE}/bootstrap-tokens`,
  '/run/imgbuild/kubeadm.yaml',
  '/root/anaconda-ks.cfg',
  '/root/original-ks.cfg',
];

/** That nothing is left which let this host in: whoever reads its disk later must not find it. */
export function leftoverChecks({ secrets }: HostPlan): Check[] {
  // Those elsewhere are for a service to read.
  const staged = secrets
    .map(({ path }) => path)
    .filter((path) => path.startsWith(`${STAGE}/`) && path !== REPORT_KEY);
  return [...new Set([...staged, ...COPIES])].sort().map((path) =>
    absent('secrets of the installation', path, {
      expected: 'none is left',
      see: 'imgbuild-firstboot status: its step cleanup takes them away',
    }),
  );
}
