import type { HostPlan, Plan, RolePlan } from '../plan/types.ts';

/** One `%post` section. */
export interface Step {
  /** `[3/9]` */
  label: string;
  title: string;
  /** The file under kickstart/partials/post that prints its shell. */
  partial: string;
  /** Runs inside the new system, not in the installer. */
  chroot: boolean;
  /** Where its output goes, as seen from where it runs. */
  log: string;
  script?: Verbatim;
}

/** Text that a here-document carries into a file, byte for byte. */
export interface Verbatim {
  text: string;
  /** The line that ends the here-document. */
  end: string;
  /** In place of the text, where a line of it means something to the kickstart's own reader. */
  base64?: string[];
}

interface Draft {
  name: string;
  title: string;
  partial?: string;
  chroot?: false;
  script?: Verbatim;
}

/** What is done in the new system, in order. */
export function postSteps(target: HostPlan | RolePlan, plan: Plan): Step[] {
  const host = target.kind === 'host';
  const drafts: Draft[] = [
    { name: 'overlay', title: host ? 'files and secrets of this host' : 'files of this role' },
    ...(host && hasOptional(target)
      ? [{ name: 'guard', title: 'no writing below what is not mounted' }]
      : []),
    ...(host && plan.cluster.breakGlassUser !== undefined
      ? [{ name: 'accounts', title: "the console's account" }]
      : []),
    { name: 'keys', title: 'signing keys' },
    { name: 'update', title: 'repositories and updates' },
    { name: 'packages', title: 'packages of other repositories' },
    ...(target.artifacts.length > 0 ? [{ name: 'artifacts', title: 'what no repository packages' }] : []),
    { name: 'kernel', title: 'the kernel to start' },
    { name: 'services', title: 'services on and off' },
    ...(host ? [{ name: 'boot', title: 'that each system disk can start it', chroot: false } as const] : []),
    ...target.post.map(({ name, script }) => ({
      name: `script-${name}`,
      title: `the spec's script ${name}`,
      partial: 'script',
      script: verbatim(script, 'SCRIPT'),
    })),
    host ? { name: 'finish', title: 'tidying up' } : { name: 'seal', title: 'sealing the image' },
    { name: 'logs', title: 'logs of the installation', chroot: false },
  ];
  return drafts.map(({ name, title, partial = name, chroot = true, script }, index) => {
    const number = String(index + 1).padStart(2, '0');
    return {
      label: `[${index + 1}/${drafts.length}]`,
      title,
      partial,
      chroot,
      log: chroot
        ? `/var/log/imgbuild/post-${number}-${name}.log`
        : `/tmp/imgbuild-post-${number}-${name}.log`,
      ...(script === undefined ? {} : { script }),
    };
  });
}

/** Starts without some of its file systems. */
function hasOptional({ disks }: HostPlan | RolePlan): boolean {
  return disks.layouts.some(({ filesystems }) =>
    filesystems.some(({ options }) => options.includes('nofail')),
  );
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
const OTHER_LINE_ENDS = /[\r\v\f\u001c-\u001e\u0085\u2028\u2029]/;

/** A text as a here-document with an end that is no line of it. */
export function verbatim(text: string, name: string): Verbatim {
  const whole = text.endsWith('\n') ? text : `${text}\n`;
  const lines = whole.split('\n');
  let end = `END_OF_${name}`;
  while (lines.includes(end)) end += '_';
  // Inside a section, too, Anaconda looks for %end, %include, %ksappend and the start of another section.
  // Its parser is Python's, which ends lines at other characters too (str.splitlines).
  return lines.some((line) => /^\s*%/.test(line)) || OTHER_LINE_ENDS.test(whole)
    ? { text: whole, end, base64: base64(Buffer.from(whole)) }
    : { text: whole, end };
}

/** Lines of 76 characters, as `base64` prints them. */
export function base64(bytes: Buffer): string[] {
  return bytes.toString('base64').match(/.{1,76}/g) ?? [];
}
