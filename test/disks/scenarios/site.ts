/** A machine that is deployed, and copies of its disks on which something goes wrong. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { scratch } from '../../rigs/scratch.ts';
import type { Files } from '../rig/archive.ts';
import { type Guest, type Results, runJob, start } from '../rig/guest.ts';
import { blankImage, copyImage } from '../rig/images.ts';
import type { Disk, Machine } from '../rig/machine.ts';
import { buildRoot } from '../rig/root.ts';
import { hostFiles, installerFiles, quick } from './host.ts';
import { bootReport, type Report } from './report.ts';
import { type Firmware, layoutOf, type Shape, selectArguments } from './shapes.ts';

const DEPLOY_SECONDS = 900;
const BOOT_SECONDS = 400;

export interface Deployment {
  wipe?: 'blank' | 'owned' | 'always';
  /** With the real update-initramfs. */
  slow?: boolean;
  /** The environment has started what arrays and volume groups it found, as most do. */
  assembled?: boolean;
}

const assemble = 'mdadm --assemble --scan --config=none; vgchange -ay; cat /proc/mdstat\n';

export class Site {
  readonly shape: Shape;
  readonly firmware: Firmware;
  readonly directory: string;
  /** By slot, in the order of their places; without one it is unplugged. */
  disks: Map<string, Disk>;
  nvram: string;

  private constructor(shape: Shape, firmware: Firmware, directory: string, disks: Map<string, Disk>) {
    this.shape = shape;
    this.firmware = firmware;
    this.directory = directory;
    this.disks = disks;
    this.nvram = join(directory, 'nvram');
  }

  /** A machine with blank disks. */
  static async build(shape: Shape, firmware: Firmware): Promise<Site> {
    const directory = await scratch();
    const disks = new Map<string, Disk>();
    for (const [slot, { mib, ...disk }] of Object.entries(shape.disks)) {
      disks.set(slot, { ...disk, file: await blankImage(join(directory, slot), mib) });
    }
    return new Site(shape, firmware, directory, disks);
  }

  /** The same machine, with copies of its disks but without those that are named. */
  async branch(without: string[] = []): Promise<Site> {
    const directory = await scratch();
    const disks = new Map<string, Disk>();
    for (const [slot, disk] of this.disks) {
      if (without.includes(slot)) continue;
      const file = join(directory, slot);
      await copyImage(disk.file, file);
      disks.set(slot, { ...disk, file });
    }
    const site = new Site(this.shape, this.firmware, directory, disks);
    if (this.firmware === 'uefi') await copyImage(this.nvram, site.nvram);
    return site;
  }

  /** Its disks are of no more use: a dozen of branches would fill the machine that tests. */
  async remove(): Promise<void> {
    await rm(this.directory, { recursive: true, force: true });
  }

  /** The rest stands in the order of the slots, as somebody sets it in a BIOS that only starts from its first disk. */
  unplug(slot: string): void {
    const order = Object.keys(this.shape.disks);
    const left = [...this.disks].filter(([name]) => name !== slot);
    this.disks = new Map(left.sort(([a], [b]) => order.indexOf(a) - order.indexOf(b)));
  }

  /**
   * A blank disk is put in for a slot's, behind the others: SeaBIOS starts from the first disk alone, and a host
   * is not restarted for a disk that is put in.
   */
  async plugIn(slot: string, serial: string): Promise<void> {
    const place = this.shape.disks[slot];
    if (place === undefined) throw new Error(`no slot ${slot}`);
    const { mib, ...disk } = place;
    const file = await blankImage(join(this.directory, serial), mib);
    this.disks.delete(slot);
    this.disks.set(slot, { ...disk, serial, file });
  }

  machine(more: Disk[] = []): Machine {
    return {
      disks: [...this.disks.values(), ...more],
      firmware: this.firmware,
      memory: 1024,
      ...(this.firmware === 'uefi' ? { nvram: this.nvram } : {}),
    };
  }

  /** The installer's environment with a job that deploys. */
  async startDeployment(how: Deployment = {}): Promise<Guest> {
    const root = { file: (await buildRoot()).tar, bus: 'scsi', cd: true } as const;
    return await start(this.machine([root]), { job: await this.#job(how) });
  }

  async #job({ wipe, slow, assembled }: Deployment): Promise<Files> {
    const words = selectArguments(this.shape, wipe).map((word) => `'${word}'`);
    return {
      ...(await installerFiles()),
      ...(await hostFiles()),
      ...(slow ? {} : { quick }),
      layout: layoutOf(this.shape, this.firmware),
      run: `${assembled ? assemble : ''}{ sh installer/deploy/deploy --layout layout --target /target --fill 'sh ./fill' -- ${words.join(' ')} 2>&1
echo $? >code; } | while IFS= read -r line; do read -r up _ </proc/uptime; printf '[%s] %s\\n' "$up" "$line"; done
cp /run/imgbuild/disks out/ 2>/dev/null; cat /proc/mdstat >out/mdstat; exit "$(cat code)"\n`,
    };
  }

  /** All of a deployment. @throws with the console where it fails */
  async deploy(how: Deployment = {}): Promise<string> {
    const guest = await this.startDeployment(how);
    const results = await guest.end(DEPLOY_SECONDS);
    if (results?.['exit-code'] !== '0\n') throw new Error(`the deployment failed:\n${guest.console}`);
    return guest.console;
  }

  /** Starts from its disks; what a script left in out/. */
  async run(script: string, seconds = BOOT_SECONDS): Promise<{ results: Results; console: string }> {
    return await runJob(this.machine(), { run: script }, { boot: 'disk', seconds });
  }

  /** Starts from its disks, and how it is then; `synced`: when the halves of all arrays are equal. */
  async boot({ synced = false } = {}): Promise<Report> {
    const job = { run: bootReport.script, ...(synced ? { 'wait-for-sync': '' } : {}) };
    const { results, console } = await runJob(this.machine(), job, { boot: 'disk', seconds: BOOT_SECONDS });
    return bootReport.read(results, console);
  }

  /** The NVRAM of a new board. */
  async forgetEntries(): Promise<void> {
    await rm(this.nvram, { force: true });
  }
}
