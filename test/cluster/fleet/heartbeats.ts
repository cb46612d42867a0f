/**
 * How long kubelets were silent: a node is NotReady after 40 s without a renewal of its lease, and after 50 s from
 * Kubernetes 1.32 on.
 */
import type { Fleet } from './fleet.ts';

export class Heartbeats {
  readonly #fleet: Fleet;
  readonly #from: string;

  private constructor(fleet: Fleet, from: string) {
    this.#fleet = fleet;
    this.#from = from;
  }

  /** Watches from a control plane, by its own API server. */
  static async watch(fleet: Fleet, from: string): Promise<Heartbeats> {
    const format = String.raw`{.metadata.name} {.spec.renewTime}{"\n"}`;
    const kubectl = 'kubectl --kubeconfig /etc/kubernetes/admin.conf --server https://127.0.0.1:6443';
    const run = 'systemd-run --quiet --collect --unit heartbeats -p StandardOutput=truncate:/run/heartbeats';
    await fleet.host(from).exec(
      `systemctl stop heartbeats 2>/dev/null; ${run} ${kubectl} -n kube-node-lease get leases --watch \
        -o jsonpath='${format}'`,
    );
    await fleet.host(from).waitFor('test -s /run/heartbeats', 30);
    return new Heartbeats(fleet, from);
  }

  /** The longest silence of each node since then, in seconds. */
  async stop(): Promise<Record<string, number>> {
    const host = this.#fleet.host(this.#from);
    const { stdout } = await host.exec(
      'cat /run/heartbeats; systemctl stop heartbeats; date -u +"now %FT%TZ"',
    );
    const silence: Record<string, number> = {};
    const last: Record<string, number> = {};
    const now = Date.parse(/^now (.*)$/m.exec(stdout)?.[1] ?? '');
    const beat = (node: string, time: number) => {
      silence[node] = Math.max(silence[node] ?? 0, (time - (last[node] ?? time)) / 1000);
      last[node] = time;
    };
    for (const [, node = '', time = ''] of stdout.matchAll(/^(?!now)(\S+) (\S+)$/gm))
      beat(node, Date.parse(time));
    for (const node of Object.keys(last)) beat(node, now);
    return silence;
  }
}
