import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compareVersions, goDuration, minorOf, sizeText, toBytes, toSeconds } from '../../src/plan/units.ts';

describe('sizes', () => {
  test.each([
    ['480G', 480e9],
    ['1.92T', 1.92e12],
    ['16Gi', 16 * 2 ** 30],
    ['512MiB', 512 * 2 ** 20],
    ['1KB', 1000],
    ['2P', 2e15],
  ])('%s is %d bytes', (text, bytes) => expect(toBytes(text)).toBe(bytes));

  test.each([
    [0, '0 B'],
    [999, '999 B'],
    [480e9, '480 GB'],
    [1.92e12, '1.9 TB'],
    [999.7e9, '1 TB'],
    [9.97e9, '10 GB'],
    [4e15, '4 PB'],
  ])('%d bytes are %s', (bytes, text) => expect(sizeText(bytes)).toBe(text));

  test('what is shown can be read again, and is within five percent', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1000, max: 10 ** 15 }), (bytes) => {
        const text = sizeText(bytes);
        const [number, unit = ''] = text.split(' ');
        expect(Number(number)).toBeLessThan(1000);
        const again = toBytes(`${number}${unit.toUpperCase()}`);
        expect(Math.abs(again - bytes) / bytes).toBeLessThan(0.06);
      }),
    );
  });

  test('a larger size is never shown as a smaller one', () => {
    const number = fc.integer({ min: 1000, max: 10 ** 15 });
    const shown = (bytes: number) => toBytes(sizeText(bytes).replace(' ', '').toUpperCase());
    fc.assert(
      fc.property(number, number, (a, b) => {
        const [small, large] = a < b ? [a, b] : [b, a];
        expect(shown(small)).toBeLessThanOrEqual(shown(large));
      }),
    );
  });
});

describe('versions', () => {
  const version = fc.array(fc.nat(99), { minLength: 1, maxLength: 4 }).map((parts) => parts.join('.'));

  test('are ordered', () => {
    fc.assert(
      fc.property(version, version, version, (a, b, c) => {
        expect(compareVersions(a, a)).toBe(0);
        expect(compareVersions(a, b) + compareVersions(b, a)).toBe(0);
        if (compareVersions(a, b) <= 0 && compareVersions(b, c) <= 0)
          expect(compareVersions(a, c)).toBeLessThanOrEqual(0);
      }),
    );
  });

  test.each([
    ['1.9.0', '1.10.0', -1],
    ['1.34', '1.34.0', 0],
    ['3.10', '3.9', 1],
    ['1.6.33-3.1', '1.6.33', 0],
    ['6.1', '5.14', 1],
  ])('%s against %s: %d', (a, b, order) => expect(compareVersions(a, b)).toBe(order));

  test('a minor version is its first two numbers', () => {
    expect(minorOf('1.34.12')).toBe('1.34');
    expect(minorOf('1.28')).toBe('1.28');
  });
});

describe('durations', () => {
  test.each([
    ['24h', 86_400, '24h0m0s'],
    ['90m', 5_400, '1h30m0s'],
    ['30m', 1_800, '30m0s'],
    ['8760h', 31_536_000, '8760h0m0s'],
    ['0', 0, '0s'],
  ])('%s is %d seconds, and %s to Go', (text, seconds, go) => {
    expect(toSeconds(text)).toBe(seconds);
    expect(goDuration(seconds)).toBe(go);
  });
});
