import type { Path } from '../../report/problem.ts';
import { ARTIFACT_LOCK } from '../artifact-lock.ts';
import { artifactsOf } from '../artifacts.ts';
import type { ArtifactName } from '../types.ts';
import type { Rule } from './rule.ts';

/** The key that says which version of it is meant. */
const VERSION_KEY: Record<ArtifactName, Path> = {
  'calico-manifest': ['versions', 'cni'],
  'flannel-manifest': ['versions', 'cni'],
  'cni-plugins': ['versions', 'cniPlugins'],
  'cri-dockerd': ['versions', 'criDockerd'],
  etcd: ['etcd', 'version'],
  goss: ['versions', 'goss'],
};

/** The mistake that locking anew mends. */
export const CHECKSUM = 'artifact-checksum';

/** What hosts fetch beside packages. */
export const artifactRules: Rule[] = [
  {
    code: 'artifact-unlocked',
    severity: 'warning',
    title: 'Nothing is known that a file could be checked against',
    reason:
      'Hosts fetch some files from mirrors, and take them only with the right checksum. The catalogue has it for some versions; for others `imgbuild.lock` beside the spec has to.',
    remedy: 'Run `imgbuild lock` where the mirrors can be reached, and commit imgbuild.lock with the spec.',
    example: 'versions: { goss: 0.4.8 }\n',
    check: ({ plan }, report) => {
      for (const { name, version, sha256, unchecked } of artifactsOf(plan)) {
        if (sha256 !== undefined) continue;
        report(
          VERSION_KEY[name],
          `${name} ${version} is not locked: hosts ${unchecked ? 'take whatever a mirror gives them' : 'will refuse it'}`,
          'run: imgbuild lock',
        );
      }
    },
  },
  {
    code: 'artifact-unchecked',
    severity: 'warning',
    title: 'Hosts may take files unchecked',
    reason:
      'With `artifacts.allowUnlocked` whoever controls a mirror, or the way to it, decides what runs on hosts as root.',
    remedy: 'Run `imgbuild lock` and remove `allowUnlocked`.',
    example: 'artifacts: { allowUnlocked: true }\n',
    check: ({ cluster }, report) => {
      if (cluster.artifacts.allowUnlocked)
        report(
          ['artifacts', 'allowUnlocked'],
          'hosts take files that are not locked without checking them',
          'run: imgbuild lock, and remove allowUnlocked',
        );
    },
  },
  {
    code: CHECKSUM,
    severity: 'error',
    title: 'imgbuild.lock has another checksum than the catalogue',
    reason:
      'The catalogue’s is the project’s own: what was locked is another file of the same name, from a mirror that is broken or was tampered with, or from a hand that slipped.',
    remedy: 'Run `imgbuild lock --update NAME`; where it fails again, use another mirror.',
    example: '# and in imgbuild.lock: goss: { version: 0.4.9, sha256: "1111…" }\nversions: { goss: 0.4.9 }\n',
    check: ({ plan }, report) => {
      for (const { name, version, locked, known } of artifactsOf(plan)) {
        if (locked === undefined || known === undefined || locked === known) continue;
        report(
          [ARTIFACT_LOCK, name, 'sha256'],
          `${name} ${version} is locked with a checksum that is not the known one: ${known}`,
          `run: imgbuild lock --update ${name}`,
        );
      }
    },
  },
];
