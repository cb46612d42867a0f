import { familyOf } from '../../catalog/families.ts';
import type { ClusterPlan, HostPlan } from '../../plan/types.ts';
import { type Check, command, escaped, exactly, look, value } from './goss-checks.ts';
import { sysctls } from './kernel.ts';
import type { Kind } from './types.ts';

/** Kernel, settings, units and clock: what every host has. */
export function systemChecks(cluster: ClusterPlan, kind: Kind): Check[] {
  return [
    kernelRelease(kind),
    look('kernel of the next start', ['default-kernel'], {
      expected: 'the one that runs',
      see: familyOf(kind.os).kernels,
    }),
    look('kernel modules', ['modules', ...kind.modules], {
      expected: 'all of the plan’s are loaded',
      see: 'systemctl status systemd-modules-load; modprobe NAME',
    }),
    ...Object.entries(sysctls(kind)).map(([key, wanted]) => sysctl(key, wanted)),
    command('swap', 'swapon --noheadings --show=NAME', '', { expected: 'none', see: 'swapoff -a' }),
    {
      type: 'file',
      id: '/etc/fstab',
      name: 'swap in /etc/fstab',
      fields: { exists: true, contents: ['!/^\\s*[^#\\s]\\S*\\s+\\S+\\s+swap\\s/'] },
      expected: 'none',
      see: '/etc/fstab',
    },
    ...unitChecks(kind),
    look('clock', ['time'], {
      expected: 'it follows a time server, at less than 0.1 s',
      see: `chronyc -n sources; the time servers are ${cluster.ntp.join(' ')}`,
    }),
  ];
}

const ELREPO = { lt: 'kernel-lt', ml: 'kernel-ml' } as const;

function kernelRelease({ os, kernel: { flavor, version } }: Kind): Check {
  const begin = `^${escaped(version)}[.-]`;
  const [pattern, whose] =
    flavor === 'stock' ? [begin, "the release's own"] : [`${begin}.*elrepo`, `elrepo's ${ELREPO[flavor]}`];
  return command(
    'kernel release',
    'uname -r',
    { 'match-regexp': pattern },
    { expected: `${version}, ${whose}`, see: `${familyOf(os).kernels}; reboot` },
  );
}

/** One key; sysctl.d takes more forms of a name, and patterns, than goss does. */
function sysctl(key: string, wanted: string): Check {
  const name = `sysctl ${key}`;
  const see = 'sysctl --system; who else sets it?';
  if (/[/*]/.test(key)) return look(name, ['sysctl', key, wanted], { expected: wanted, see });
  return {
    type: 'kernel-param',
    id: key,
    name,
    fields: { value: exactly(wanted) },
    expected: wanted,
    see,
  };
}

/** What runs to its end, or only where there are arrays. */
const RESTING = ['imgbuild-disks', 'imgbuild-firstboot', 'mdmonitor'];

function unitChecks({ services }: Kind): Check[] {
  const unit = (id: string, fields: Record<string, boolean>, expected: string): Check => ({
    type: 'service',
    id,
    name: `unit ${id}`,
    fields,
    expected,
    see: `systemctl status ${id}; journalctl -u ${id}`,
  });
  const on = (id: string) =>
    RESTING.includes(id)
      ? unit(id, { enabled: true }, 'on at boot')
      : unit(id, { enabled: true, running: true }, 'on at boot, and running');
  const off = services.disabled.filter((id) => !services.enabled.includes(id));
  return [
    ...[...new Set(services.enabled)].map(on),
    ...off.map((id) => unit(id, { enabled: false, running: false }, 'off')),
    look('units that failed', ['failed-units'], { expected: 'none', see: 'systemctl --failed' }),
  ];
}

/** What depends on how this host was started. */
export function bootChecks({ name, os, kernelArgs, console }: HostPlan): Check[] {
  const args = [...(console === undefined ? [] : [`console=${console}`]), ...kernelArgs];
  return [
    value('host name', 'uname -n', name, `hostnamectl set-hostname --static ${name}`),
    ...(args.length > 0
      ? [
          look('kernel arguments', ['arguments', ...args], {
            expected: args.join(' '),
            see: `/proc/cmdline; ${familyOf(os).kernels}`,
          }),
        ]
      : []),
    ...(os.family === 'el' ? [selinux(kernelArgs)] : []),
  ];
}

/** The installation says permissive; an argument of the kernel has the last word. */
function selinux(kernelArgs: readonly string[]): Check {
  const mode = kernelArgs.includes('selinux=0')
    ? 'Disabled'
    : kernelArgs.includes('enforcing=1')
      ? 'Enforcing'
      : 'Permissive';
  return value('SELinux', 'getenforce 2>&1', mode, '/etc/selinux/config');
}
