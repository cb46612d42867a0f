/** NICs of hosts: each a veth, with its other end in a bridge of the lab. */
import type { Space } from './space.ts';

export interface Link {
  /** What the host calls it. */
  name: string;
  /** The lab's first by default. */
  network?: string;
  mac?: string;
  /** With its prefix length. Without one, the host's own files are to set it. */
  address?: string;
  /** None by default, but for the first NIC with an address: the lab. */
  gateway?: string;
}

/** All NICs of a host. */
export class Links {
  readonly #space: Space;
  readonly #host: string;
  readonly #number: number;
  readonly #links: readonly Link[];
  readonly #networks: Readonly<Record<string, string>>;
  readonly #cut = new Set<string>();
  #isConnected = false;

  /** What there is to connect. */
  get all(): readonly Link[] {
    return this.#links;
  }

  constructor(
    space: Space,
    host: string,
    number: number,
    links: readonly Link[],
    networks: Readonly<Record<string, string>>,
  ) {
    this.#space = space;
    this.#host = host;
    this.#number = number;
    this.#links = links;
    this.#networks = networks;
  }

  /** A new network namespace for the host, with its NICs. What a boot before left there is gone. */
  async connect(): Promise<void> {
    await this.#space.sh(
      'ip netns delete "$1" 2>/dev/null || :; ip netns add "$1"; ip -n "$1" link set lo up',
      this.#host,
    );
    const routed = this.#links.findIndex(({ address }) => address !== undefined);
    for (const [index, link] of this.#links.entries()) await this.#add(index, link, index === routed);
    this.#isConnected = true;
    for (const link of this.#cut) await this.plug('down', link);
  }

  async #add(index: number, link: Link, isRouted: boolean): Promise<void> {
    const network = link.network ?? Object.keys(this.#networks)[0] ?? '';
    const [lab] = (this.#networks[network] ?? '').split('/');
    if (!lab) throw new Error(`${this.#host}: the lab has no network ${network}`);
    await this.#space.sh(
      // With its namespace it would go too, but not at once.
      `ip link delete "$3" 2>/dev/null || :
      ip link add "$3" type veth peer name "$2" address "$4" netns "$1"
      ip link set "$3" master "$5" up
      [ -n "$6" ] || exit 0
      ip -n "$1" addr add "$6" dev "$2"
      ip -n "$1" link set "$2" up
      [ -z "$7" ] || ip -n "$1" route add default via "$7" dev "$2"`,
      ...[this.#host, link.name, this.#port(index), link.mac ?? this.#mac(index), network],
      ...[link.address ?? '', link.gateway ?? (isRouted ? lab : '')],
    );
  }

  /** The cables of one NIC, or of all. */
  async plug(state: 'up' | 'down', name?: string): Promise<void> {
    if (name !== undefined && !this.#links.some((link) => link.name === name)) {
      throw new Error(`${this.#host} has no NIC ${name}`);
    }
    for (const [index, link] of this.#links.entries()) {
      if (name !== undefined && link.name !== name) continue;
      if (state === 'up') this.#cut.delete(link.name);
      else this.#cut.add(link.name);
      if (this.#isConnected) await this.#space.sh('ip link set "$1" "$2"', this.#port(index), state);
    }
  }

  /** Nothing is left of the host in its networks. */
  async remove(): Promise<void> {
    const ports = this.#links.map((_, index) => this.#port(index));
    await this.#space.sh(
      'host=$1; shift; for port; do ip link delete "$port" 2>/dev/null || :; done; ip netns delete "$host" 2>/dev/null || :',
      ...[this.#host, ...ports],
    );
    this.#isConnected = false;
  }

  /** The lab's end of a NIC. */
  #port(index: number): string {
    return `h${this.#number}-${index}`;
  }

  /** Locally administered. */
  #mac(index: number): string {
    const byte = (value: number) => value.toString(16).padStart(2, '0');
    return `02:00:00:00:${byte(this.#number)}:${byte(index)}`;
  }
}
