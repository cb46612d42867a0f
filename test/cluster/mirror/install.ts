/** What an installation does on a host once its overlay is laid: as a kickstart's %post, with Debian's package manager. */
import { STAGE } from '../../../src/plan/secrets.ts';
import type { ClusterPlan, HostPlan, Plan, RolePlan } from '../../../src/plan/types.ts';
import { loadAssets } from '../../../src/render/assets.ts';
import { quoted, renderAsset } from '../../../src/render/template.ts';
import type { Host } from '../rig/host.ts';

const assets = loadAssets();
const word = (text: string) => quoted(text, 'shell');

/** Where hosts of a lab see the mirror. */
const AT = 'http://192.0.2.1';

/**
 * Installs a host that is off: accounts, keys, packages of repositories at the mirror, artefacts, units. Anything that
 * fails ends it. The shared root has the packages of all other repositories.
 */
export async function installHost(host: Host, plan: Plan, at = AT): Promise<void> {
  const target = plan.hosts.find(({ name }) => name === host.name);
  if (!target) throw new Error(`the plan has no host ${host.name}`);
  await installTarget(host, target, plan.cluster, at);
}

/** As `installHost`, for a host that is to become the image of a role. */
async function installTarget(
  host: Host,
  target: HostPlan | RolePlan,
  cluster: ClusterPlan,
  at = AT,
): Promise<void> {
  const parts = [
    LIBRARY,
    accounts(target, cluster),
    keys(target, at),
    packages(target, at),
    partial('artifacts', target),
    partial('services', target),
  ];
  await host.chroot(parts.join('\n'));
}

const LIBRARY = `set -euo pipefail
exec </dev/null
export DEBIAN_FRONTEND=noninteractive
say() { echo "imgbuild: $*"; }
die() { say "$*" >&2; exit 1; }
`;

/** Those that Anaconda makes, locked, and the password of the console's. */
function accounts(target: HostPlan | RolePlan, { users, breakGlassUser }: ClusterPlan): string {
  const user = (name: string, sudo: boolean) =>
    `useradd --create-home --shell /bin/bash${sudo ? ' --groups sudo' : ''} ${word(name)}\n`;
  const made = users.map(({ name, sudo }) => user(name, sudo !== 'none'));
  if (breakGlassUser !== undefined) {
    made.push(user(breakGlassUser, true));
    if (target.kind === 'host') made.push(partial('accounts', target));
  }
  return made.join('');
}

/** Taken only with the fingerprint that the catalogue has. */
function keys({ keys: wanted }: HostPlan | RolePlan, at: string): string {
  const here = wanted.filter(({ url }) => url.startsWith(`${at}/`));
  return `take() {
  local found
  curl -fsS --create-dirs -o "$1" "$3"
  found=$(gpg --batch --quiet --no-tty --with-colons --show-keys "$1" | awk -F: '$1 == "fpr" { print $10; exit }')
  [ "$found" = "$2" ] || die "the key at $3 is $found, and not $2"
}
export GNUPGHOME=$(mktemp -d)
${here.map(({ file, fingerprint, url }) => `take ${word(file)} ${fingerprint} ${word(url)}\n`).join('')}`;
}

/** By the rendered files of these repositories alone: nothing leads to the others. */
function packages({ packages: { post }, repositories }: HostPlan | RolePlan, at: string): string {
  const here = new Set(repositories.filter(({ url }) => url.startsWith(`${at}/`)).map(({ id }) => id));
  return post
    .filter((group) => group.repositories.some((id) => here.has(id)))
    .map(({ repositories: ids, packages: names }) => {
      const list = `/etc/apt/sources.list.d/${ids.find((id) => here.has(id))}.sources`;
      const get = `apt-get -q -y -o Dir::Etc::sourcelist=${list} -o Dir::Etc::sourceparts=-`;
      // A warning alone is given where a list cannot be fetched.
      return `${get} --error-on=any update\n${get} install ${names.map(word).join(' ')}\n`;
    })
    .join('');
}

/** A step of the kickstart itself. */
function partial(name: 'accounts' | 'artifacts' | 'services', target: HostPlan | RolePlan): string {
  const { enabled, disabled } = target.services;
  const on = new Set(enabled);
  const services = { enabled: [...on], disabled: disabled.filter((unit) => !on.has(unit)) };
  const data = { target, services, consolePassword: `${STAGE}/console-password` };
  return renderAsset(assets, `kickstart/partials/post/${name}.ejs`, data, 'shell');
}
