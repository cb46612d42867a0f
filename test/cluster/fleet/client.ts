/**
 * A client of the API on a host: five requests a second, each with a connection of its own and five seconds'
 * patience.
 */
import type { Host } from '../rig/host.ts';

export interface Outage {
  asked: number;
  failed: number;
  /** The longest time from one answer to the next, in seconds. */
  gap: number;
  /** From the first request that failed to the end of the last one; 0 where none did. */
  trouble: number;
  /** What curl said of those that failed, each text once. */
  why: string[];
}

const KEY = '/var/lib/kubelet/pki/kubelet-client-current.pem';

const script = (url: string, log: string) => `key=${KEY}
while [ ! -e ${log}.stop ]; do
  { from=$EPOCHREALTIME
    said=$(curl -sS -m 5 -o /dev/null -w '%{http_code}' --cacert /etc/kubernetes/pki/ca.crt \
      --cert $key --key $key ${url} 2>&1)
    echo "$from $EPOCHREALTIME \${said//[[:space:]]/ }" >>${log}; } &
  sleep 0.2
done
wait`;

export class Client {
  readonly #host: Host;
  readonly #name: string;

  private constructor(host: Host, name: string) {
    this.#host = host;
    this.#name = name;
  }

  get #log(): string {
    return `/run/${this.#name}.log`;
  }

  /** One that asks for its own node and has had answers. `server` is a URL's name and port. */
  static async start(host: Host, server: string): Promise<Client> {
    const client = new Client(host, `client-${server.replaceAll(/\W/g, '-')}`);
    const url = `https://${server}/api/v1/nodes/${host.name}`;
    const log = client.#log;
    await host.exec(
      `systemctl stop ${client.#name} 2>/dev/null; rm -f ${log}*
      systemd-run --quiet --collect --unit ${client.#name} bash -c "$(cat)"`,
      // systemd-run would have a $ for itself.
      { input: script(url, log).replaceAll('$', '$$$$') },
    );
    await host.waitFor(`tail -n 3 ${log} | grep -c ' 200$' | grep -x 3`, 60);
    return client;
  }

  /** Waits until its newest requests have all been answered for two seconds. */
  async content(seconds: number): Promise<void> {
    await this.#host.waitFor(`tail -n 10 ${this.#log} | grep -c ' 200$' | grep -x 10`, seconds);
  }

  async stop(): Promise<Outage> {
    await this.#host.exec(`touch ${this.#log}.stop`);
    await this.#host.waitFor(`! systemctl is-active --quiet ${this.#name}`, 30);
    const { stdout } = await this.#host.exec(`cat ${this.#log}`);
    return outageOf(stdout);
  }
}

function outageOf(log: string): Outage {
  const requests = log
    .split('\n')
    .filter(Boolean)
    .map((line) => {
      const [from = '', to = '', ...said] = line.split(' ');
      return { from: Number(from), to: Number(to), said: said.join(' ') };
    });
  const failed = requests.filter(({ said }) => said !== '200');
  const answers = requests
    .filter(({ said }) => said === '200')
    .map(({ to }) => to)
    .sort((a, b) => a - b);
  const gaps = answers.slice(1).map((to, index) => to - (answers[index] ?? to));
  const trouble = Math.max(...failed.map(({ to }) => to)) - Math.min(...failed.map(({ from }) => from));
  return {
    asked: requests.length,
    failed: failed.length,
    gap: Math.max(0, ...gaps),
    trouble: failed.length === 0 ? 0 : trouble,
    why: [...new Set(failed.map(({ said }) => said))],
  };
}
