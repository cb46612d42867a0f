/** What topologies are put together from. */
import { MARK, type Spec } from './topology.ts';

let made = 0;

/** A name of its own for every disk, as makers give. */
const wwn = () => `5000c500${(0xa0000000 + ++made).toString(16)}`;

export const ssd = (serial: string, more: Partial<Spec> = {}): Spec => ({
  bus: 'scsi',
  media: 'ssd',
  size: 96,
  serial,
  wwn: wwn(),
  ...more,
});
export const hdd = (serial: string, more: Partial<Spec> = {}): Spec =>
  ssd(serial, { media: 'hdd', size: 192, ...more });

export const ssds = { ssd1: ssd('SSD1'), ssd2: ssd('SSD2') };
export const hdds = { hdd1: hdd('HDD1'), hdd2: hdd('HDD2') };
export const pairs = { ...ssds, ...hdds };

export const three = { ...ssds, ssd3: ssd('SSD3') };

export const ssdOnly = '--group system --media ssd';
export const named = '--group system --serial SSD1 --serial SSD2';
export const always = '--wipe always';
export const ssdHdd = '--group system --media ssd --group data --media hdd';
export const system = { system: ['ssd1', 'ssd2'] };
export const standard = { ...system, data: ['hdd1', 'hdd2'] };

/** sh: a GPT whose partitions have these names, all of 24 MiB but the last. */
export const gpt = (disk: string, ...names: string[]) => {
  const partitions = names.map((name, i) => `${i < names.length - 1 ? 'size=24MiB,' : ''}name="${name}"\n`);
  return `sfdisk -q $${disk} <<'END'\nlabel: gpt\n${partitions.join('')}END\nudevadm settle`;
};

/** sh: the layout that a cluster gives a disk. */
export const marked = (disk: string, slot: string, mark = MARK) =>
  gpt(disk, `imgbuild:${mark}:${slot}p1`, `imgbuild:${mark}:${slot}p2`);

/** sh: an array that another host made. */
export const array = (name: string, level: number, ...members: string[]) =>
  `mdadm --create /dev/md/${name} --run --quiet --assume-clean --homehost=elsewhere --metadata=1.2 --level=${level} ` +
  `--raid-devices=${members.length} ${members.join(' ')}`;

/** sh: it runs, and the kernel writes nothing to its members. */
export const assemble = (...members: string[]) =>
  `mdadm --assemble --readonly --run /dev/md127 ${members.join(' ')}`;

/** sh: a mirror that another host made on the HDDs. */
export const mirror = array('old', 1, '$hdd1', '$hdd2');
