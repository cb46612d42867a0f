import { cgroupVersion } from '../../plan/cgroup.ts';
import { API_PORT } from '../../plan/cluster.ts';
import { TOKEN_GROUP, TOKEN_USAGES } from '../../plan/secrets.ts';
import type { ClusterPlan, HostPlan } from '../../plan/types.ts';
import { compareVersions } from '../../plan/units.ts';
import { header } from './header.ts';
import { STACKED_DATA } from './kubeadm-cluster.ts';
import { kubeadmForm, kubeYaml } from './kubeadm-form.ts';
import type { HostDocument } from './types.ts';

const FOLDER = '/etc/imgbuild/kubeadm';

/**
 * What kubeadm reads of a host, without its secrets: the first boot puts these where @TOKEN@ and @HASH@ stand
 * (overlays/node/usr/libexec/imgbuild/firstboot/kubeadm.sh).
 */
export const kubeadm: HostDocument = {
  scope: 'host',
  paths: [`${FOLDER}/init.yaml`, `${FOLDER}/join.yaml`],
  render(cluster, host) {
    const address = host.addresses.management?.address;
    if (!host.isNode || address === undefined) return [];
    const note = `# ${header(cluster, host, host.name)}\n`;
    const file = (name: string, text: string) => ({ path: `${FOLDER}/${name}.yaml`, content: note + text });
    return [
      ...(host.isControlPlane ? [file('init', init(cluster, host, address))] : []),
      file('join', kubeYaml(join(cluster, host, address))),
    ];
  },
};

function init(cluster: ClusterPlan, host: HostPlan, address: string): string {
  const configuration = {
    apiVersion: kubeadmForm(cluster.kubernetes).apiVersion,
    kind: 'InitConfiguration',
    nodeRegistration: nodeRegistration(cluster, host, address),
    localAPIEndpoint: localEndpoint(address),
    bootstrapTokens: [],
  };
  const token = {
    token: '@TOKEN@',
    description: '@HOST@',
    ttl: cluster.kubernetes.tokenTtl,
    groups: [TOKEN_GROUP],
    usages: TOKEN_USAGES,
  };
  return `${kubeYaml(configuration)}# For each host there comes:\n${kubeYaml([token])
    .replace(/^/gm, '#  ')
    .replace(/# {2}$/, '')}`;
}

/** By default kubeadm looks for its token's signature for five minutes without a word; the first boot tries again, and says why. */
const DISCOVERY = '1m0s';

function join(cluster: ClusterPlan, host: HostPlan, address: string): object {
  const { endpoint, kubernetes } = cluster;
  const { apiVersion } = kubeadmForm(kubernetes);
  const isOld = apiVersion === 'kubeadm.k8s.io/v1beta3';
  return {
    apiVersion,
    kind: 'JoinConfiguration',
    nodeRegistration: nodeRegistration(cluster, host, address),
    discovery: {
      bootstrapToken: {
        apiServerEndpoint: `${endpoint.name}:${endpoint.port}`,
        token: '@TOKEN@',
        caCertHashes: ['@HASH@'],
      },
      ...(isOld ? { timeout: DISCOVERY } : {}),
      tlsBootstrapToken: '@TOKEN@',
    },
    ...(host.isControlPlane ? { controlPlane: { localAPIEndpoint: localEndpoint(address) } } : {}),
    ...(isOld ? {} : { timeouts: { discovery: DISCOVERY } }),
  };
}

const localEndpoint = (advertiseAddress: string) => ({ advertiseAddress, bindPort: API_PORT });

function nodeRegistration(cluster: ClusterPlan, host: HostPlan, address: string): object {
  const { kubernetes, ingress } = cluster;
  const ignored = ignoredErrors(cluster, host);
  return {
    name: host.name,
    // Where Docker is, containerd is too: kubeadm would not know which.
    criSocket: kubernetes.criSocket,
    // kubeadm keeps pods off the control plane, but where there is nothing else.
    ...(host.isControlPlane && ingress.backends.length === 0 ? { taints: [] } : {}),
    // Here and nowhere else: kubeadm writes them to /var/lib/kubelet/kubeadm-flags.env, before a kubelet can start and for good.
    kubeletExtraArgs: kubeadmForm(kubernetes).args({
      'node-ip': address,
      // A kubelet may not name itself in node-role.kubernetes.io (NodeRestriction), or any host could draw what is meant for
      // others; this is a prefix of our own, for selectors, and no promise.
      'node-labels': `imgbuild.io/role=${host.role.name}`,
    }),
    ...(ignored.length > 0 ? { ignorePreflightErrors: ignored } : {}),
  };
}

/** What kubeadm would refuse and we mean. */
function ignoredErrors({ etcd, kubernetes }: ClusterPlan, host: HostPlan): string[] {
  const { minor } = kubernetes;
  return [
    // kubeadm's reset takes a half-made member's data away, but for one that was cut off itself.
    ...(host.isControlPlane && etcd.topology === 'stacked'
      ? [`DirAvailable-${STACKED_DATA.replaceAll('/', '-')}`]
      : []),
    // The kubelet is told to bear it (failCgroupV1), and yet kubeadm refuses.
    ...(cgroupVersion(host) === 1 && compareVersions(minor, '1.35') >= 0 ? ['SystemVerification'] : []),
  ];
}
