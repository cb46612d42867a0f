import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { contains, overlap, rangeText, toAddress, toNumber, toRange } from '../../src/plan/ipv4.ts';

const number = fc.integer({ min: 0, max: 2 ** 32 - 1 });
/** Anywhere, or so near to each other that ranges touch. */
const cidr = fc
  .tuple(fc.oneof(number, fc.integer({ min: 2 ** 24, max: 2 ** 24 + 7 })), fc.integer({ min: 0, max: 32 }))
  .map(([value, prefix]) => `${toAddress(value)}/${prefix}`);

describe('IPv4', () => {
  test('numbers and addresses round-trip', () => {
    fc.assert(fc.property(number, (value) => toNumber(toAddress(value)) === value));
    fc.assert(fc.property(fc.ipV4(), (address) => toAddress(toNumber(address)) === address));
  });

  test('a range holds its ends and as many addresses as its prefix says, and nothing beside', () => {
    fc.assert(
      fc.property(cidr, (text) => {
        const range = toRange(text);
        expect(range.last - range.first + 1).toBe(2 ** (32 - range.prefix));
        expect(contains(range, toNumber(text.split('/')[0] ?? ''))).toBe(true);
        expect(contains(range, range.first) && contains(range, range.last)).toBe(true);
        expect(contains(range, range.first - 1) || contains(range, range.last + 1)).toBe(false);
        expect(toRange(rangeText(range))).toEqual(range);
      }),
    );
  });

  test('two ranges overlap where one holds the other’s first address', () => {
    fc.assert(
      fc.property(cidr, cidr, (a, b) => {
        const [x, y] = [toRange(a), toRange(b)];
        expect(overlap(x, y)).toBe(overlap(y, x));
        expect(overlap(x, y)).toBe(contains(x, y.first) || contains(y, x.first));
      }),
    );
  });

  test.each([
    ['100.64.0.0/20', '100.64.0.0', '100.64.15.255'],
    ['10.10.0.129/25', '10.10.0.128', '10.10.0.255'],
    ['0.0.0.0/0', '0.0.0.0', '255.255.255.255'],
    ['10.0.0.1/32', '10.0.0.1', '10.0.0.1'],
    ['255.255.255.254/31', '255.255.255.254', '255.255.255.255'],
  ])('%s is from %s to %s', (text, first, last) => {
    const range = toRange(text);
    expect([toAddress(range.first), toAddress(range.last)]).toEqual([first, last]);
  });
});
