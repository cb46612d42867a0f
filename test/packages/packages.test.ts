import { describe, expect, test } from 'vitest';
import { ownCatalog } from '../project.ts';
import { describeWith } from '../rigs/programs.ts';
import { install, isKnown, LAYOUTS, type Selection } from './repositories.ts';
import { type Choice, distinct, fixtureName, planFor, RELEASES, type Wish, wishesOf } from './specs.ts';

const catalog = await ownCatalog();
const { minors, docker } = catalog.kubernetes;
/** One release of each major version. */
const MAJORS = [...new Map(RELEASES.map((os) => [os.major, os])).values()];

/** Each release with both runtimes, both ways to the API and each of its kernels; then each version. */
const CHOICES: Choice[] = [
  ...RELEASES.flatMap(({ name, major }) =>
    (['docker', 'containerd'] as const)
      // el7's containerd is too old for the newer ones.
      .map((runtime) => ({ release: name, runtime, ...(major === 7 ? { kubernetes: '1.30.14' } : {}) }))
      .flatMap((choice): Choice[] => [choice, { ...choice, endpoint: 'vip' }]),
  ),
  ...MAJORS.flatMap(({ name, kernels }) =>
    (['lt', 'ml', 'stock'] as const)
      .filter((kernel) => kernels[kernel])
      .map((kernel): Choice => ({ release: name, kernel })),
  ),
  ...Object.values(minors).map(({ newest }): Choice => ({ release: 'rocky-9', kubernetes: newest })),
  { release: 'centos-7.9', kubernetes: '1.28.2' },
  ...MAJORS.flatMap(({ name, major }) =>
    Object.entries(docker)
      .filter(([, set]) => set.majors.el?.includes(major))
      .map(([version]): Choice => ({ release: name, docker: version })),
  ),
];

const plans = await Promise.all(CHOICES.map(planFor));
const targets = plans.flatMap((plan) => [...plan.hosts, ...plan.roles].map((target) => ({ plan, target })));

const titled = (wish: Wish): [string, Wish] => [
  `el${wish.from.major} ${wish.title} from ${wish.from.repositories.join(', ')}: ${wish.packages.slice(0, 3).join(' ')} …`,
  wish,
];
const wishes = distinct(targets.flatMap(({ plan, target }) => wishesOf(target, plan))).map(titled);

describeWith(
  ['dnf', 'rpmbuild', 'createrepo_c'],
  'packages are in the repositories that they are taken from',
  () => {
    describe.concurrent('all of them', () => {
      test.each(wishes)('%s', async (_, { from, packages }) => {
        const { ok, messages } = await install(from, packages);
        // A group's member that is left out on purpose.
        const unwanted = packages.filter((name) => name.startsWith('-')).map((name) => name.slice(1));
        const expected = unwanted.map((name) => `No match for group package "${name}"`);
        expect(messages.filter((message) => !expected.includes(message))).toEqual([]);
        expect(ok).toBe(true);
      });
    });

    describe.concurrent('but not', () => {
      const os: Selection = { major: 9, repositories: ['baseos', 'appstream'] };
      const enabled: Selection = {
        major: 9,
        repositories: [...os.repositories, 'docker', 'kubernetes-1.34'],
      };
      const el7: Selection = { major: 7, repositories: ['base', 'updates', 'extras'] };
      const el10: Selection = { major: 10, repositories: ['baseos', 'appstream'] };
      test.each<[string, Selection, string[], RegExp]>([
        ['a misspelt name', os, ['@core', 'conntrack-tool'], /Unable to find a match: conntrack-tool$/m],
        ['an unknown group', os, ['@cores'], /Module or Group 'cores' is not available/],
        [
          'a package of EPEL where it is off',
          enabled,
          ['bridge-utils'],
          /Unable to find a match: bridge-utils/,
        ],
        ['a package of EPEL in %packages', el7, ['@core', 'jq'], /Unable to find a match: jq/],
        ['a kernel where elrepo is off', enabled, ['kernel-lt'], /Unable to find a match: kernel-lt/],
        [
          'a kernel-lt for el10',
          { ...el10, repositories: [...el10.repositories, 'elrepo-kernel'] },
          ['kernel-lt'],
          /Unable to find a match: kernel-lt/,
        ],
        [
          'a name of another release',
          el10,
          ['iptables-ebtables'],
          /Unable to find a match: iptables-ebtables/,
        ],
        [
          'a wrong patch',
          enabled,
          ['kubelet-1.34.99-150500.1.1'],
          /Unable to find a match: kubelet-1\.34\.99/,
        ],
        ['a wrong release', enabled, ['cri-tools-1.34.0-150500.2.1'], /Unable to find a match: cri-tools/],
        [
          'a pin of another minor',
          enabled,
          ['kubelet-1.33.13-150500.1.1'],
          /Unable to find a match: kubelet/,
        ],
        ['a pin of another el', enabled, ['docker-ce-29.8.0-1.el8'], /Unable to find a match: docker-ce/],
        [
          'Docker without the repository of its dependencies',
          { major: 7, repositories: ['base', 'updates', 'docker'] },
          ['docker-ce'],
          /nothing provides container-selinux/,
        ],
        [
          'what needs a removed package',
          os,
          ['nginx-mod-stream', '-nginx'],
          /nginx.* is filtered out by exclude/,
        ],
      ])('%s', async (_, from, packages, expected) => {
        const { ok, messages } = await install(from, packages);
        expect(ok).toBe(false);
        expect(messages.join('\n')).toMatch(expected);
      });
    });

    test('a pin brings that version and no other', async () => {
      const from = { major: 9, repositories: ['baseos', 'appstream', 'docker'] };
      const { packages } = await install(from, ['docker-ce-29.6.2-1.el9', 'containerd.io-2.3.4-1.el9']);
      expect(packages).toContain('docker-ce-3:29.6.2-1.el9.x86_64');
      expect(packages).toContain('containerd.io-2.3.4-1.el9.x86_64');
    });

    test('dependencies count: Docker 29.6 brings a firewall, old kubeadm its tools', async () => {
      const os = ['baseos', 'appstream'];
      const names = async (repositories: string[], wanted: string) =>
        (await install({ major: 9, repositories: [...os, ...repositories] }, [wanted])).packages.map(
          (nevra) => /^(.+?)-(?:\d+:)?\d[^-]*-[^-]+$/.exec(nevra)?.[1],
        );
      expect(await names(['docker'], 'docker-ce-29.8.0-1.el9')).toContain('nftables');
      expect(await names(['docker'], 'docker-ce-29.1.5-1.el9')).not.toContain('nftables');
      expect(await names(['kubernetes-1.31'], 'kubeadm')).toEqual(['cri-tools', 'kubeadm']);
      expect(await names(['kubernetes-1.34'], 'kubeadm')).toEqual(['kubeadm']);
      expect(await names(['kubernetes-1.34'], 'kubelet')).toContain('iptables-nft');
    });
  },
);

describe('repositories', () => {
  const SETS = [...catalog.mirrors.keys()];

  test('every set of mirrors has its layouts here', () => {
    expect(SETS.toSorted()).toEqual(Object.keys(LAYOUTS).toSorted());
  });

  test.each(SETS.flatMap((set) => RELEASES.map((os) => [set, os.name] as const)))(
    '%s, %s',
    async (set, name) => {
      const plan = await planFor({ release: name, mirrors: set, kubernetes: '1.30.14' });
      const fill = (url: string, major: number) =>
        url.replace('{major}', String(major)).replace('{minor}', plan.cluster.kubernetes.minor);
      const strip = (url: string) => url.replace(/\/$/, '');
      for (const { os, installUrl, repositories } of [...plan.hosts, ...plan.roles]) {
        const layout = LAYOUTS[set]?.[os.distro] ?? {};
        expect(strip(installUrl ?? '')).toBe(fill(layout.tree ?? '', os.major));
        for (const { id, url } of repositories) {
          expect(isKnown(os.major, fixtureName(id, plan)), id).toBe(true);
          expect(URL.canParse(url), url).toBe(true);
          expect(url).not.toMatch(/[{}\s]|[^:]\/\//);
          expect(strip(url), id).toBe(fill(layout[id.replace('imgbuild-', '')] ?? '', os.major));
        }
      }
    },
  );
});
