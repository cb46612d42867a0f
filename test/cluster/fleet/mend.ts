/** What the operator of a cluster sees of a host that does not get on, and does about it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { cli } from '../../cli/run.ts';
import type { Host } from '../rig/host.ts';
import type { Fleet } from './fleet.ts';

const word = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

/** Waits until the first boot has said that, since it was last started. */
export async function says(host: Host, text: string, seconds = 60): Promise<void> {
  const run = '_SYSTEMD_INVOCATION_ID=$(systemctl show -p InvocationID --value imgbuild-firstboot)';
  await host.waitFor(`journalctl -o cat ${run} | grep -F -- ${word(text)}`, seconds);
}

/** Waits until `imgbuild-firstboot status` shows that. */
export async function shows(host: Host, text: string, seconds = 60): Promise<void> {
  await host.waitFor(`imgbuild-firstboot status | grep -F -- ${word(text)}`, seconds);
}

/** Waits until a step has failed for that reason, which is said in the log and in the status. */
export async function failsFor(host: Host, step: string, reason: string, seconds = 120): Promise<void> {
  await says(host, `${step}: failed: ${reason}`, seconds);
  await shows(host, reason, 30);
}

/** All that the first boot has said since the host was switched on. */
export async function log(host: Host): Promise<string> {
  return await host.journal('-b', '-u', 'imgbuild-firstboot', '-o', 'cat');
}

/** Tells the cluster a host's token, with the command that `imgbuild secrets token` prints for that. */
export async function tellToken(fleet: Fleet, host: string): Promise<void> {
  const { out, err } = await cli(fleet.directory, ['secrets', 'token', host], {
    now: () => new Date(),
    outIsTerminal: true,
  });
  const [, address, command] = /\| ssh (?:\S+@)?(\S+) sudo (kubectl .*)$/m.exec(err) ?? [];
  const master = fleet.plan.hosts.find(({ addresses }) => addresses.management?.address === address);
  if (!master || !command) throw new Error(`it tells no command:\n${err}`);
  const { code, stderr } = await fleet.host(master.name).exec(command, { input: out });
  if (code !== 0) throw new Error(`${command}: ${stderr}`);
}

/** The tokens of hosts. */
export async function tokensOf(fleet: Fleet): Promise<Record<string, string>> {
  return JSON.parse(await readFile(join(fleet.directory, 'secrets/tokens.json'), 'utf8'));
}

/** Gives a host its secrets again. */
export async function giveSecrets(fleet: Fleet, host: string): Promise<void> {
  await fleet.host(host).unpack(join(fleet.directory, 'out/hosts', host, 'secrets.tar.gz'));
}

/** Nodes, with what their Ready condition says. */
export async function nodes(fleet: Fleet, on = 'master-1'): Promise<string[]> {
  const path = `{range .items[*]}{.metadata.name} {.status.conditions[?(@.type=="Ready")].status}{"\\n"}{end}`;
  return (await fleet.kubectl(`get nodes -o jsonpath='${path}'`, on)).trim().split('\n');
}
