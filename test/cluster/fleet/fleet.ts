/** A whole cluster on this machine: its spec, its rendered hosts, and what they have in common. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { HostPlan, Plan } from '../../../src/plan/types.ts';
import { cli, type Ran } from '../../cli/run.ts';
import { scratch } from '../../rigs/scratch.ts';
import { installHost } from '../mirror/install.ts';
import { openMirror } from '../mirror/mirror.ts';
import type { ExecOptions, Host } from '../rig/host.ts';
import { Lab } from '../rig/lab.ts';
import { fileServer } from '../rig/serve.ts';
import { BUSYBOX, imageLayer, kubeadmImages } from './images.ts';
import { CLOCK, type FleetSpec, specOf } from './spec.ts';

const manifest = new URL('../mirror/kube-flannel.yml', import.meta.url);

/** How full a host's disk is says how full the machine's is: no reason to evict pods or to remove images. */
const KUBELET = `KUBELET_EXTRA_ARGS="--eviction-hard=nodefs.available<1%,imagefs.available<1% \
--image-gc-high-threshold=100 --image-gc-low-threshold=99"
`;

/** Directories with the archives of images. */
interface Layers {
  node: string;
  controlPlane: string;
}

export class Fleet {
  readonly lab: Lab;
  /** Where the spec, its secrets and what was rendered are. */
  readonly directory: string;
  readonly plan: Plan;
  readonly #layers: Layers;
  readonly #options: FleetSpec;
  readonly #hosts = new Map<string, Host>();

  private constructor(lab: Lab, directory: string, plan: Plan, layers: Layers, options: FleetSpec) {
    this.lab = lab;
    this.directory = directory;
    this.plan = plan;
    this.#layers = layers;
    this.#options = options;
  }

  /** Renders a cluster, and installs its hosts, which are off. */
  static async open(options: FleetSpec): Promise<Fleet> {
    const { kubernetes } = options;
    const mirror = await openMirror(options);
    const directory = await scratch({ 'cluster.yaml': specOf(options) + mirror.spec });
    await mirror.prepare(directory);
    await imgbuild(directory, 'render', '--quiet');
    const plan = JSON.parse((await imgbuild(directory, 'plan', '--json')).out) as Plan;

    const pods = [...(await readFile(manifest, 'utf8')).matchAll(/image: (\S+)/g)].map(
      ([, name = '']) => name,
    );
    const own = await kubeadmImages(kubernetes, plan.cluster.kubernetes.imageRepository);
    const everywhere = own.filter((name) => /kube-proxy|coredns|pause/.test(name));
    const layers = {
      node: await imageLayer(kubernetes, [...everywhere, ...new Set(pods), BUSYBOX]),
      controlPlane: await imageLayer(
        kubernetes,
        own.filter((name) => !everywhere.includes(name)),
      ),
    };

    const lab = await Lab.open({ networks: { management: '192.0.2.1/24', container: '198.51.100.1/24' } });
    await lab.serve(80, fileServer(mirror.directory));
    const clock = await lab.host('clock', {
      links: [{ name: 'ens1', address: `${CLOCK}/24`, network: 'management' }],
      files: { '/etc/chrony/chrony.conf': 'local stratum 8\nallow all\n' },
      units: ['chrony'],
    });
    await clock.boot();
    const fleet = new Fleet(lab, directory, plan, layers, options);
    for (const host of plan.hosts) await fleet.#install(host);
    return fleet;
  }

  get hosts(): Host[] {
    return [...this.#hosts.values()];
  }

  host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new Error(`there is no host ${name}`);
    return host;
  }

  /** Puts a new machine, installed and off, in the place of a host: with its name and NICs, and nothing that it had written. */
  async reinstall(name: string): Promise<Host> {
    const target = this.plan.hosts.find((host) => host.name === name);
    if (target === undefined) throw new Error(`there is no host ${name}`);
    await this.lab.remove(name);
    await this.#install(target);
    return this.host(name);
  }

  async #install(target: HostPlan): Promise<void> {
    const out = join(this.directory, 'out/hosts', target.name);
    const { node, controlPlane } = this.#layers;
    const volumes = this.#options.volumes?.[target.name];
    const emulated = this.#options.emulated?.[target.name];
    const address = target.addresses.management?.address ?? '';
    const host = await this.lab.host(target.name, {
      links: target.links.map(({ macs: [mac = ''], networks: [network = ''] }, index) => ({
        name: `ens${index + 1}`,
        mac,
        network,
      })),
      layers: [...(target.isNode ? [node] : []), ...(target.isControlPlane ? [controlPlane] : [])],
      archives: [join(out, 'overlay.tar.gz'), join(out, 'secrets.tar.gz')],
      ...(target.isNode ? { files: { '/etc/default/kubelet': KUBELET } } : {}),
      ...(volumes === undefined ? {} : { volumes }),
      ...(emulated === undefined ? {} : { emulation: { address, ...emulated } }),
    });
    await installHost(host, this.plan);
    this.#hosts.set(target.name, host);
  }

  /** What kubectl prints on a control plane, with that host's own API server. */
  async kubectl(args: string, on = 'master-1', options: ExecOptions = {}): Promise<string> {
    const { code, stdout, stderr } = await this.host(on).exec(
      `kubectl --kubeconfig /etc/kubernetes/admin.conf ${args}`,
      options,
    );
    if (code !== 0) throw new Error(`kubectl ${args} on ${on}: ${stderr}`);
    return stdout;
  }
}

async function imgbuild(directory: string, ...args: string[]): Promise<Ran> {
  const ran = await cli(directory, args, { now: () => new Date() });
  if (ran.code !== 0) throw new Error(`imgbuild ${args.join(' ')} ended with ${ran.code}:\n${ran.all}`);
  return ran;
}
