/** etcd of a cluster on this machine: how its members are, and what they refuse. */
import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Host } from '../rig/host.ts';
import type { Fleet } from './fleet.ts';

/** What `imgbuild-etcd status --json` says. */
export interface Status {
  healthy: boolean;
  quorum: boolean;
  problems: { kind: string; text: string; remedy: string | null }[];
  members: { name: string; id: string | null; state: string; leader: boolean; started: boolean }[];
  snapshot: { path: string } | null;
}

export async function statusOf(host: Host): Promise<Status> {
  return JSON.parse((await host.exec('imgbuild-etcd status --json')).stdout) as Status;
}

/** Until the first boot is over etcd. */
export async function joined(host: Host, seconds = 120): Promise<void> {
  await host.waitFor(
    `imgbuild-firstboot status --json | jq -e '.steps[] | select(.step == "etcd").state == "done"'`,
    seconds,
  );
}

/** Until status finds nothing wrong, on each of these; the cluster has three members then, and one that leads. */
export async function allWell(hosts: readonly Host[], seconds = 60): Promise<void> {
  for (const host of hosts) {
    await host.waitFor('imgbuild-etcd status', seconds);
    const { problems, members } = await statusOf(host);
    expect(problems).toEqual([]);
    expect(members.map(({ name, state, started }) => [name, state, started])).toEqual(
      ['etcd-1', 'etcd-2', 'etcd-3'].map((name) => [name, 'serves', true]),
    );
    expect(members.filter(({ leader }) => leader)).toHaveLength(1);
  }
}

/** The IDs of members that the cluster has, by name. */
export async function idsOf(host: Host): Promise<Record<string, string | null>> {
  return Object.fromEntries((await statusOf(host)).members.map(({ name, id }) => [name, id]));
}

/** Until the first boot, which waits, says so in its log. */
export async function waits(host: Host, text: string, seconds = 90): Promise<void> {
  await host.waitFor(
    `journalctl -u imgbuild-firstboot -o cat | grep -qxF ${quote(`etcd: ${text}`)}`,
    seconds,
  );
}

/** Until status names this first. */
export async function complains(host: Host, text: string, seconds = 60): Promise<void> {
  await host.waitFor(`imgbuild-etcd status | grep -qxF ${quote(`  - ${text}`)}`, seconds);
}

/** What clients get at both ports of a member, from another host: without TLS, without a certificate, with one of the authority's. */
export async function answers(from: Host, address: string): Promise<string[]> {
  const got: string[] = [];
  const pki = '/etc/etcd/pki';
  for (const [port, path] of [
    [2379, 'health'],
    [2380, 'members'],
  ] as const) {
    for (const [title, args] of [
      ['plaintext', `http://${address}:${port}/${path}`],
      ['no certificate', `--cacert ${pki}/ca.crt https://${address}:${port}/${path}`],
      [
        'certificate',
        `--cacert ${pki}/ca.crt --cert ${pki}/peer.crt --key ${pki}/peer.key https://${address}:${port}/${path}`,
      ],
    ] as const) {
      const { code, stdout } = await from.exec(
        `curl -sS --http1.1 -m 10 -o /dev/null -w '%{http_code}' ${args}`,
      );
      got.push(`${port} ${title}: ${code === 0 ? stdout : 'nothing'}`);
    }
  }
  return got;
}

/** Those who are let in, and nobody else. */
export const GUARDED = [2379, 2380].flatMap((port) => [
  `${port} plaintext: nothing`,
  `${port} no certificate: nothing`,
  `${port} certificate: 200`,
]);

/** The power goes, and those who talk with it hear nothing: not even that its end of a connection is gone. */
export async function vanish(host: Host): Promise<void> {
  await host.cut();
  await host.kill();
}

/** It is switched on again. */
export async function comeBack(host: Host): Promise<void> {
  await host.start();
  await host.join();
}

/**
 * For how long at most nothing could be written and read by an API server while something happens, in seconds. A request that is
 * under way with a member of etcd when that dies fails; kubectl is called again, as anybody would.
 */
export async function longestGap(fleet: Fleet, on: string, happens: () => Promise<void>): Promise<number> {
  const state = { isOver: false, since: Date.now(), longest: 0 };
  const note = () => {
    state.longest = Math.max(state.longest, (Date.now() - state.since) / 1000);
  };
  const probes = (async () => {
    for (let number = 0; !state.isOver; number++) {
      const text = `${number}-${Date.now()}`;
      const isWell = await fleet
        .kubectl(`--request-timeout=5s annotate namespace default --overwrite probe=${text}`, on)
        .then(
          () => true,
          () => false,
        );
      if (isWell) {
        note();
        state.since = Date.now();
      }
      await setTimeout(200);
    }
    note();
  })();
  const over = happens().finally(() => {
    state.isOver = true;
  });
  await Promise.all([over, probes]);
  return state.longest;
}

const quote = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;
