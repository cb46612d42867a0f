/**
 * The release of systemd that brought each directive our units use. `systemd-analyze verify` knows those of
 * this machine's systemd; EL 7 has 219 and EL 8 has 239, and both ignore what they do not know.
 *
 * A directive that is missing here is looked up in systemd's NEWS and added, with conditions on its use.
 */
const SINCE: Readonly<Record<string, number>> = {
  'Bond.LACPTransmitRate': 216,
  'Bond.MIIMonitorSec': 216,
  'Bond.Mode': 216,
  'Bond.TransmitHashPolicy': 216,
  'Install.WantedBy': 1,
  'Journal.Storage': 186,
  'Journal.SystemKeepFree': 183,
  'Journal.SystemMaxUse': 183,
  'Link.MACAddressPolicy': 211,
  'Link.MTUBytes': 211,
  'Link.NamePolicy': 211,
  'Link.RequiredForOnline': 236,
  'Link.Unmanaged': 233,
  'Manager.DefaultLimitNOFILE': 198,
  'Match.Kind': 251,
  'Match.MACAddress': 211,
  'Match.Name': 211,
  'Match.OriginalName': 218,
  'Match.PermanentMACAddress': 245,
  'Match.Type': 211,
  'Mount.Options': 1,
  'Mount.Type': 1,
  'Mount.What': 1,
  'Mount.Where': 1,
  'NetDev.Kind': 211,
  'NetDev.MACAddress': 211,
  'NetDev.Name': 211,
  'Network.Address': 211,
  'Network.Bond': 216,
  'Network.DHCP': 211,
  'Network.Gateway': 211,
  'Network.IPv6AcceptRA': 231,
  'Network.IgnoreCarrierLoss': 242,
  'Network.KeepConfiguration': 243,
  'Network.LinkLocalAddressing': 219,
  'Network.ManageForeignRoutes': 246,
  'Network.ManageForeignRoutingPolicyRules': 249,
  'Network.PrimarySlave': 233,
  'Network.VLAN': 211,
  'Route.Destination': 211,
  'Route.Gateway': 211,
  'Route.Table': 230,
  'RoutingPolicyRule.From': 235,
  'RoutingPolicyRule.Priority': 235,
  'RoutingPolicyRule.SuppressPrefixLength': 245,
  'RoutingPolicyRule.Table': 235,
  'RoutingPolicyRule.To': 235,
  'Service.Delegate': 218,
  'Service.Environment': 1,
  'Service.ExecReload': 1,
  'Service.ExecStart': 1,
  'Service.ExecStartPost': 1,
  'Service.ExecStartPre': 1,
  'Service.Group': 1,
  'Service.IOSchedulingClass': 1,
  'Service.KillMode': 1,
  'Service.KillSignal': 1,
  'Service.LimitCORE': 1,
  'Service.LimitNOFILE': 1,
  'Service.LimitNPROC': 1,
  'Service.Nice': 1,
  'Service.NoNewPrivileges': 187,
  'Service.OOMScoreAdjust': 1,
  'Service.PermissionsStartOnly': 1,
  'Service.RemainAfterExit': 1,
  'Service.Restart': 1,
  'Service.RestartSec': 1,
  'Service.RuntimeDirectory': 211,
  'Service.StandardError': 1,
  'Service.StandardOutput': 1,
  'Service.SyslogIdentifier': 1,
  'Service.SuccessExitStatus': 189,
  'Service.TimeoutSec': 1,
  'Service.TimeoutStartSec': 188,
  'Service.TimeoutStopSec': 188,
  'Service.Type': 1,
  'Service.User': 1,
  'Socket.ListenStream': 1,
  'Socket.SocketGroup': 214,
  'Socket.SocketMode': 1,
  'Socket.SocketUser': 214,
  'Timer.AccuracySec': 209,
  'Timer.OnBootSec': 1,
  'Timer.OnCalendar': 188,
  'Timer.OnUnitInactiveSec': 1,
  'Timer.Persistent': 212,
  'Unit.After': 1,
  'Unit.Before': 1,
  'Unit.ConditionPathExists': 1,
  'Unit.Conflicts': 1,
  'Unit.DefaultDependencies': 1,
  'Unit.Description': 1,
  'Unit.Documentation': 201,
  'Unit.PartOf': 198,
  'Unit.Requires': 1,
  'Unit.RequiresMountsFor': 201,
  'Unit.Wants': 1,
  'VLAN.Id': 211,
};

/** Values that came later than their directive. */
const VALUES: readonly { directive: string; value: RegExp; since: number; why: string }[] = [
  { directive: 'Service.ExecStart', value: /^[+!|:]/, since: 231, why: 'prefixes + and !' },
  { directive: 'Service.ExecStartPre', value: /^-?[+!|:]/, since: 231, why: 'prefixes + and !' },
  { directive: 'Service.ExecStartPost', value: /^-?[+!|:]/, since: 231, why: 'prefixes + and !' },
  { directive: 'Service.Type', value: /^(exec|notify-reload)$/, since: 240, why: 'Type=exec' },
  {
    directive: 'Service.StandardOutput',
    value: /^(file|append|truncate):/,
    since: 240,
    why: 'output to files',
  },
  { directive: 'Manager.DefaultLimitNOFILE', value: /:/, since: 226, why: 'soft:hard limits' },
  { directive: 'Service.LimitNOFILE', value: /:/, since: 226, why: 'soft:hard limits' },
];

interface Directive {
  section: string;
  key: string;
  value: string;
}

function directives(text: string): Directive[] {
  let section = '';
  return text.split('\n').flatMap((line) => {
    const heading = /^\[(\w+)\]$/.exec(line);
    if (heading?.[1]) section = heading[1];
    const setting = /^(\w+)=(.*)$/.exec(line);
    return setting?.[1] === undefined ? [] : [{ section, key: setting[1], value: setting[2] ?? '' }];
  });
}

/** What a systemd of this version would ignore or refuse in a unit or configuration file. */
export function tooNew(text: string, version: number): string[] {
  const all = directives(text);
  const said = all.flatMap(({ section, key, value }) => {
    const name = `${section}.${key}`;
    const since = SINCE[name];
    if (since === undefined) return [`${name} is not in the table of test/overlays/systemd-directives.ts`];
    const late = VALUES.filter(
      (rule) => rule.directive === name && rule.value.test(value) && rule.since > version,
    );
    return [
      ...(since > version ? [`${name} came with systemd ${since}`] : []),
      ...late.map((rule) => `${name}=${value}: ${rule.why} came with systemd ${rule.since}`),
    ];
  });
  const has = (name: string, value: RegExp) =>
    all.some(({ section, key, value: v }) => `${section}.${key}` === name && value.test(v));
  // Refused outright before 244: the unit would not load.
  if (version < 244 && has('Service.Type', /^oneshot$/) && has('Service.Restart', /^(?!no$)/)) {
    said.push('Restart= with Type=oneshot came with systemd 244');
  }
  return said;
}
