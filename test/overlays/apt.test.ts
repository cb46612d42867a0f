import { beforeAll, expect, test } from 'vitest';
import type { Plan } from '../../src/plan/types.ts';
import { composeHostFiles } from '../../src/render/compose.ts';
import { AptRoot, type Deb, type Signer, signedRepository, signer } from '../rigs/apt-stubs.ts';
import { describeWith } from '../rigs/programs.ts';
import { assets, hostOf, production } from './plans.ts';

const DEBIAN = { os: { release: 'debian-12' }, kubernetes: { version: '1.34.12', runtime: 'docker' } };

/** apt's files of a host. */
function aptFiles(plan: Plan, host = 'worker-1'): Record<string, string> {
  const files = composeHostFiles(hostOf(plan, host), plan.cluster, assets);
  return Object.fromEntries(
    files
      .filter(({ path }) => path.startsWith('/etc/apt/'))
      .map(({ path, content }) => [path, String(content)]),
  );
}

/** What `apt-get update` would fetch. */
async function fetched(files: Record<string, string>): Promise<string[]> {
  const root = await AptRoot.make(files);
  const { exitCode, lines } = await root.apt('apt-get', 'update', '--print-uris');
  expect({ exitCode, odd: lines.filter((line) => !line.startsWith("'")) }).toEqual({ exitCode: 0, odd: [] });
  return lines.map((line) => line.split("'")[1] ?? '').filter((url) => /InRelease|Packages/.test(url));
}

describeWith(['apt-get', 'apt-config'], 'apt reads', () => {
  test('the sources of a host, from the mirrors of the spec', async () => {
    expect((await fetched(aptFiles(await production(DEBIAN)))).toSorted()).toEqual(
      [
        'debian/dists/bookworm/InRelease',
        'debian/dists/bookworm/main/binary-amd64/Packages.xz',
        'debian/dists/bookworm/main/binary-all/Packages.xz',
        'debian/dists/bookworm/non-free-firmware/binary-amd64/Packages.xz',
        'debian/dists/bookworm/non-free-firmware/binary-all/Packages.xz',
        'debian/dists/bookworm-updates/InRelease',
        'debian/dists/bookworm-updates/main/binary-amd64/Packages.xz',
        'debian/dists/bookworm-updates/main/binary-all/Packages.xz',
        'debian/dists/bookworm-updates/non-free-firmware/binary-amd64/Packages.xz',
        'debian/dists/bookworm-updates/non-free-firmware/binary-all/Packages.xz',
        'debian-security/dists/bookworm-security/InRelease',
        'debian-security/dists/bookworm-security/main/binary-amd64/Packages.xz',
        'debian-security/dists/bookworm-security/main/binary-all/Packages.xz',
        'debian-security/dists/bookworm-security/non-free-firmware/binary-amd64/Packages.xz',
        'debian-security/dists/bookworm-security/non-free-firmware/binary-all/Packages.xz',
        'docker-ce/linux/debian/dists/bookworm/InRelease',
        'docker-ce/linux/debian/dists/bookworm/stable/binary-amd64/Packages.xz',
        'docker-ce/linux/debian/dists/bookworm/stable/binary-all/Packages.xz',
        'kubernetes-new/core/stable/v1.34/deb/InRelease',
        'kubernetes-new/core/stable/v1.34/deb/Packages.xz',
      ]
        .map((path) => `https://mirrors.aliyun.com/${path}`)
        .toSorted(),
    );
  });

  test('and leaves Debian’s own to the machine where the spec names no mirror for them', async () => {
    const files = aptFiles(await production({ ...DEBIAN, mirrors: { set: 'upstream' } }));
    const own = {
      '/etc/apt/sources.list.d/debian.sources':
        'Types: deb\nURIs: http://deb.debian.org/debian\nSuites: bookworm\nComponents: main\n',
    };
    const hosts = new Set((await fetched({ ...own, ...files })).map((url) => new URL(url).host));
    expect([...hosts].toSorted()).toEqual(['deb.debian.org', 'download.docker.com', 'pkgs.k8s.io']);
  });

  test('and takes the spec’s own URLs, one base for both families', async () => {
    const repositories = {
      os: 'http://10.0.0.5/os/{major}',
      docker: 'http://10.0.0.5/docker',
      kubernetes: 'http://10.0.0.5/k8s/{minor}/{format}',
    };
    const urls = await fetched(
      aptFiles(await production({ ...DEBIAN, mirrors: { set: 'aliyun', repositories } })),
    );
    expect(urls.filter((url) => url.endsWith('InRelease')).toSorted()).toEqual([
      'http://10.0.0.5/docker/debian/dists/bookworm/InRelease',
      'http://10.0.0.5/k8s/1.34/deb/InRelease',
      'http://10.0.0.5/os/12/debian-security/dists/bookworm-security/InRelease',
      'http://10.0.0.5/os/12/debian/dists/bookworm-updates/InRelease',
      'http://10.0.0.5/os/12/debian/dists/bookworm/InRelease',
    ]);
  });

  test('the way out, but for what is reached directly', async () => {
    const proxied = await production({
      ...DEBIAN,
      proxy: { http: 'http://user:p%40ss@proxy:3128', noProxy: ['docker.com', '10.9.0.0/16', 'intra'] },
      mirrors: { set: 'upstream', repositories: { kubernetes: 'https://10.9.0.7/{minor}' } },
    });
    const root = await AptRoot.make(aptFiles(proxied));
    const { lines } = await root.apt('apt-config', 'dump', 'Acquire');
    const of = (name: string) => lines.find((line) => line.startsWith(`Acquire::${name} `))?.split(' ')[1];
    expect(of('http::Proxy')).toBe('"http://user:p%40ss@proxy:3128";');
    expect(of('https::Proxy')).toBe('"http://user:p%40ss@proxy:3128";');
    for (const host of ['download.docker.com', '10.9.0.7', 'intra'])
      expect([host, of(`https::Proxy::${host}`)]).toEqual([host, '"DIRECT";']);
  });

  test('its own settings: nothing comes along unasked, and our files stay', async () => {
    const root = await AptRoot.make(aptFiles(await production(DEBIAN)));
    const { lines } = await root.apt('apt-config', 'dump');
    expect(lines).toContain('APT::Install-Recommends "false";');
    expect(lines).toContain('DPkg::Options:: "--force-confold";');
  });
});

describeWith(['apt-get', 'apt-cache', 'gpg'], 'with repositories', () => {
  const docker = (version: string) => `5:${version}-1~debian.12~bookworm`;
  const versions = (name: string, list: string[]): Deb[] => list.map((version) => ({ name, version }));
  const KUBERNETES = ['kubelet', 'kubeadm', 'kubectl'].flatMap((name) =>
    versions(name, ['1.34.11-1.1', '1.34.12-1.1', '1.34.13-1.1']),
  );
  const DOCKER = [
    ...['docker-ce', 'docker-ce-cli'].flatMap((name) =>
      versions(name, ['29.6.2', '29.8.0', '29.8.2'].map(docker)),
    ),
    ...versions(
      'containerd.io',
      ['2.3.4-1', '2.3.4-2', '2.3.6-1'].map((v) => `${v}~debian.12~bookworm`),
    ),
  ];
  const PLANNED = {
    kubelet: '1.34.12-1.1',
    kubeadm: '1.34.12-1.1',
    kubectl: '1.34.12-1.1',
    'docker-ce': docker('29.8.0'),
    'docker-ce-cli': docker('29.8.0'),
    'containerd.io': '2.3.4-2~debian.12~bookworm',
  };
  let own: Signer;
  let files: Record<string, string> = {};

  beforeAll(async () => {
    own = await signer();
    const keys = ['kubernetes-deb', 'docker-debian'].map((name) => `/etc/apt/keyrings/imgbuild-${name}.asc`);
    const kubernetes = await signedRepository(KUBERNETES, own);
    const ofDocker = await signedRepository(DOCKER, own, { suite: 'bookworm', component: 'stable' });
    const all = aptFiles(await production({ ...DEBIAN, mirrors: { set: 'upstream' } }));
    const rewritten = Object.entries(all).map(([path, content]) => [
      path,
      content
        .replace('https://pkgs.k8s.io/core:/stable:/v1.34/deb', `file:${kubernetes}`)
        .replace('https://download.docker.com/linux/debian', `file:${ofDocker}`),
    ]);
    files = {
      ...Object.fromEntries(rewritten),
      ...Object.fromEntries(keys.map((key) => [key, own.armoured])),
    };
  });

  /** apt takes Signed-By as a path of this machine. */
  async function rooted(more: Record<string, string> = {}, installed: Deb[] = []): Promise<AptRoot> {
    const made = await AptRoot.make({}, installed);
    const here = Object.fromEntries(
      Object.entries({ ...files, ...more }).map(([path, content]) => [
        path,
        content.replace('Signed-By: /', `Signed-By: ${made.root}/`),
      ]),
    );
    await made.put(here);
    return made;
  }

  test('apt trusts the armoured key, by its name in the file', async () => {
    const { exitCode, lines } = await (await rooted()).apt('apt-get', 'update');
    expect({ exitCode, wrong: lines.filter((line) => /^[EW]:/.test(line)) }).toEqual({
      exitCode: 0,
      wrong: [],
    });
  });

  test('and no other', async () => {
    const stranger = (await signer()).armoured;
    const root = await rooted({ '/etc/apt/keyrings/imgbuild-docker-debian.asc': stranger });
    const { lines } = await root.apt('apt-get', 'update');
    expect(lines.join('\n')).toMatch(/docker|NO_PUBKEY/);
    expect((await root.simulate('install', 'docker-ce')).installs).toEqual([]);
    expect((await root.simulate('install', 'kubelet')).installs).toEqual(['kubelet 1.34.12-1.1']);
  });

  test('the planned versions are installed, by name alone', async () => {
    const root = await rooted();
    await root.apt('apt-get', 'update');
    const { installs } = await root.simulate('install', ...Object.keys(PLANNED));
    expect(Object.fromEntries(installs.map((each) => each.split(' ')))).toEqual(PLANNED);
  });

  test('as the plan asks for them', async () => {
    const plan = await production(DEBIAN);
    const root = await rooted();
    await root.apt('apt-get', 'update');
    const asked = hostOf(plan, 'worker-1')
      .packages.post.flatMap(({ packages }) => packages)
      .filter((each) => Object.keys(PLANNED).includes(each.split('=')[0] ?? ''));
    expect(asked).toContain('docker-ce=5:29.8.0-1~debian.12~bookworm');
    const { exitCode, installs } = await root.simulate('install', ...asked);
    expect(exitCode).toBe(0);
    expect(Object.fromEntries(installs.map((each) => each.split(' ')))).toEqual(PLANNED);
  });

  const INSTALLED: Deb[] = [
    ...Object.entries(PLANNED).map(([name, version]) => ({ name, version })),
    { name: 'tool', version: '1-1' },
  ];
  const newer = async () => {
    const folder = await signedRepository([{ name: 'tool', version: '2-1' }], own);
    const source = `Types: deb\nURIs: file:${folder}\nSuites: /\nSigned-By: /etc/apt/keyrings/imgbuild-docker-debian.asc\n`;
    return { '/etc/apt/sources.list.d/tools.sources': source };
  };

  test.each(['upgrade', 'dist-upgrade'])('%s moves none of them, and everything else', async (command) => {
    const root = await rooted(await newer(), INSTALLED);
    await root.apt('apt-get', 'update');
    expect((await root.simulate(command)).installs).toEqual(['tool 2-1']);
  });

  test('without the pins it would', async () => {
    const root = await rooted({ '/etc/apt/preferences.d/90-imgbuild.pref': '' }, INSTALLED);
    await root.apt('apt-get', 'update');
    expect((await root.simulate('upgrade')).installs).toHaveLength(6);
  });

  test('a version without a build is any build of it', async () => {
    const loose = await production({
      ...DEBIAN,
      versions: { containerd: '2.3.4' },
      mirrors: { set: 'upstream' },
    });
    const asked = hostOf(loose, 'worker-1')
      .packages.post.flatMap(({ packages }) => packages)
      .find((each) => each.startsWith('containerd.io'));
    expect(asked).toBe('containerd.io=2.3.4-*');
    const pins = {
      '/etc/apt/preferences.d/90-imgbuild.pref':
        aptFiles(loose)['/etc/apt/preferences.d/90-imgbuild.pref'] ?? '',
    };
    const root = await rooted(pins, [{ name: 'containerd.io', version: '2.3.4-1~debian.12~bookworm' }]);
    await root.apt('apt-get', 'update');
    expect((await root.simulate('install', asked ?? '')).installs).toEqual([
      'containerd.io 2.3.4-2~debian.12~bookworm',
    ]);
    expect((await root.simulate('upgrade')).installs).toEqual(['containerd.io 2.3.4-2~debian.12~bookworm']);
  });
});
