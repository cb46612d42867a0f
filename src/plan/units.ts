const POWERS: Record<string, number> = { K: 1, M: 2, G: 3, T: 4, P: 5 };

/** Bytes of a size such as `480G` (10^9, as disks are sold) or `16Gi` (2^30); the schema has checked its form. */
export function toBytes(size: string): number {
  const match = /^([0-9.]+)([KMGTP])(i?)/.exec(size);
  if (!match) return Number.NaN;
  const [, number = '', unit = '', binary] = match;
  return Math.round(Number(number) * (binary ? 1024 : 1000) ** (POWERS[unit] ?? 0));
}

/** `480 GB`, as disks are sold. */
export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];
  const rounded = (value: number) => Number(value.toFixed(value < 10 ? 1 : 0));
  let value = bytes;
  let unit = 0;
  while (rounded(value) >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${rounded(value)} ${units[unit]}`;
}

/** -1, 0 or 1: dotted versions compared number by number; anything after a dash is left out. */
export function compareVersions(a: string, b: string): number {
  const parts = (v: string) => (v.split('-')[0] ?? '').split('.').map(Number);
  const [x, y] = [parts(a), parts(b)];
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return 0;
}

/** `1.34` of `1.34.12`. */
export function minorOf(version: string): string {
  return version.split('.').slice(0, 2).join('.');
}

/** Seconds of `24h`, `30m` or `0`; the schema has checked its form. */
export function toSeconds(duration: string): number {
  return Number.parseInt(duration, 10) * (duration.endsWith('h') ? 3600 : 60);
}

/** `24h0m0s`, as Go writes a duration of whole seconds. */
export function goDuration(seconds: number): string {
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60)];
  const parts = [...(hours > 0 ? [`${hours}h`] : []), ...(seconds >= 60 ? [`${minutes}m`] : [])];
  return `${parts.join('')}${seconds % 60}s`;
}
