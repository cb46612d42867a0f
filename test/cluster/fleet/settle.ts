/** From the start of hosts to the end of their first boots. */
import { expect } from 'vitest';
import type { Host } from '../rig/host.ts';

/**
 * Checks that no host of the rig can pass: it has no mirrored disks and no boot loader, and Debian's containerd and Docker
 * stand in for docker.com's.
 */
export const LACKS: readonly string[] = [
  ...['disks', 'watch over the arrays', 'mount /', 'mount /boot', 'mount /boot/efi', 'mount /data'],
  ...['kernel of the next start', 'version of containerd', 'version of Docker'],
];

/** The machine's kernel is not the release's, has no IPVS, and keeps these limits for the first network namespace. */
const SHARED = [
  ...['kernel modules', 'kernel release'],
  ...[1, 2, 3].map((number) => `sysctl net.ipv4.neigh.default.gc_thresh${number}`),
];

/** Steps that are done, of a host's status. */
const DONE = `imgbuild-firstboot status --json | jq -e '.done != null or ([.steps[] | select(.step != "verify").state] | all(. == "done" or . == "skipped"))'`;

/** Waits until all steps are done but verify, which cannot pass here. */
export async function assembled(host: Host, seconds = 600): Promise<void> {
  await host.waitFor(DONE, seconds);
}

/**
 * Waits for that, and then until verify finds nothing wrong but what the rig lacks; then lets the first boot end. How
 * long each step took, in seconds.
 */
export async function settled(host: Host, seconds = 600): Promise<Record<string, number>> {
  await assembled(host, seconds);
  const end = Date.now() + 120_000;
  for (let wrong = await wrongs(host); wrong.length > 0; wrong = await wrongs(host)) {
    if (Date.now() > end)
      expect(wrong, `${host.name}: ${(await host.exec('imgbuild-verify')).stdout}`).toEqual([]);
    await new Promise((resolve) => setTimeout(resolve, 2000));
  }
  // What is done already takes no time after the restart.
  const { steps } = JSON.parse((await host.exec('imgbuild-firstboot status --json')).stdout) as {
    steps: { step: string; seconds: number }[];
  };
  await host.exec('imgbuild-firstboot skip verify; systemctl restart imgbuild-firstboot');
  await host.waitFor('test -e /var/lib/imgbuild/firstboot/done', 60);
  return Object.fromEntries(steps.map((step) => [step.step, step.seconds]));
}

/** Checks that fail on a host and should not. */
async function wrongs(host: Host): Promise<string[]> {
  return (await failing(host)).filter((name) => !LACKS.includes(name) && !SHARED.includes(name));
}

/** Checks that fail on a host. */
export async function failing(host: Host): Promise<string[]> {
  const { stdout } = await host.exec('imgbuild-verify --json', { seconds: 300 });
  const { checks } = JSON.parse(stdout) as { checks: { name: string; ok: boolean }[] };
  return checks.filter(({ ok }) => !ok).map(({ name }) => name);
}
