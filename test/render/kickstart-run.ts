import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Section, sections } from '../rigs/kickstart-rules.ts';
import { type Run, run } from '../rigs/programs.ts';
import { kickstartOf, planFor } from './kickstart-cases.ts';

/** Parts of kickstarts, and a place to run them for real. */

/** The kickstart of the host that has this role. */
export function kickstart(
  role: string,
  release = 'rocky-9',
  firmware: 'bios' | 'uefi' = 'uefi',
  more = '',
): string {
  const plan = planFor(release, firmware, 'docker', more);
  const target = plan.hosts.find((one) => one.role.name === role);
  if (!target) throw new Error(`no ${role}`);
  return kickstartOf({ target, plan });
}

/** The section whose log has a name that ends so. */
export function section(ks: string, log: string): Section {
  const found = sections(ks).find(({ flags }) => flags.includes(`${log}.log`));
  if (!found) throw new Error(`no section keeps ${log}`);
  return found;
}

/** A function of a script, as it stands there. */
export function functionOf({ body }: Section, name: string): string {
  const text = new RegExp(`^${name}\\(\\) \\{(?:.*\\}$|[\\s\\S]*?^\\}$)`, 'm').exec(body)?.[0];
  if (text === undefined) throw new Error(`no function ${name}`);
  return text;
}

/**
 * Runs a text in a folder of its own. `places` are put in place of paths of the real system; `stubs` are
 * programs of their own, by name; both may say $DIR.
 */
export async function shell(
  interpreter: 'bash' | 'dash',
  text: string,
  {
    dir,
    places = {},
    stubs = {},
  }: { dir: string; places?: Record<string, string>; stubs?: Record<string, string> },
): Promise<Run> {
  const place = (value: string) => value.replaceAll('$DIR', dir);
  // In one go: a folder of ours may itself bear the name of a place.
  const from = Object.keys(places).map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  const known = new RegExp(from.join('|') || '$^', 'g');
  const script = text.replace(known, (path) => place(places[path] ?? path));
  await mkdir(join(dir, 'bin'), { recursive: true });
  for (const [name, body] of Object.entries(stubs)) {
    await writeFile(join(dir, 'bin', name), `#!/bin/sh\n${place(body)}\n`);
    await chmod(join(dir, 'bin', name), 0o755);
  }
  await writeFile(join(dir, 'script'), script);
  return run({ path: interpreter }, [join(dir, 'script')], {
    cwd: dir,
    env: { PATH: `${join(dir, 'bin')}:${process.env.PATH}` },
  });
}

/** The library that every step of %post reads, with what it says kept from this machine's console. */
export function library(ks: string): string {
  const text = /^cat >\/root\/imgbuild\.sh <<'END'\n([\s\S]*?)^END$/m.exec(section(ks, '-library').body)?.[1];
  if (text === undefined) throw new Error('no library');
  return text.replaceAll('/dev/console', '/dev/null').replaceAll('sleep ', ': ');
}
