import ipaddr from 'ipaddr.js';

/** IPv4 arithmetic on plain numbers, so that ranges compare and count without objects. */

export interface Range {
  /** The network address. */
  first: number;
  /** The broadcast address. */
  last: number;
  prefix: number;
}

/** An address the schema has accepted, as a number from 0 to 2^32-1. */
export function toNumber(address: string): number {
  return ipaddr.IPv4.parse(address).octets.reduce((sum, octet) => sum * 256 + octet, 0);
}

export function toAddress(value: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(value / 2 ** shift) % 256).join('.');
}

/** The range of a CIDR; host bits are dropped. */
export function toRange(cidr: string): Range {
  const [address = '', bits = ''] = cidr.split('/');
  const prefix = Number(bits);
  const size = 2 ** (32 - prefix);
  const first = Math.floor(toNumber(address) / size) * size;
  return { first, last: first + size - 1, prefix };
}

export function contains(range: Range, address: number): boolean {
  return address >= range.first && address <= range.last;
}

export function overlap(a: Range, b: Range): boolean {
  return a.first <= b.last && b.first <= a.last;
}

export function rangeText(range: Range): string {
  return `${toAddress(range.first)}/${range.prefix}`;
}
