import { expect, test } from '@jest/globals';
import { formatE9, parseE9, utilizationE9 } from './utilization.ts';

test('Eq3_utilizationIsExecutionOverPeriod', () => {
  expect(utilizationE9(2_500, 10_000, 10_000)).toBe(250_000_000);
});

test('Eq10_utilizationRoundsUp', () => {
  expect(utilizationE9(1, 3, 3)).toBe(333_333_334);
});

test('a deadline below the period counts instead of it', () => {
  expect(utilizationE9(30_000, 20_000, 100_000)).toBe(1_500_000_000);
});

test('products beyond 2^53 stay exact', () => {
  const us = 3_600_000_000;
  expect(utilizationE9(us - 1, us, us)).toBe(1_000_000_000);
});

test.each([
  [614_000_000, '0.614'],
  [0, '0'],
  [1_000_000_000, '1'],
  [333_333_334, '0.333333'],
])('%d billionths read %s', (e9, text) => {
  expect(formatE9(e9)).toBe(text);
});

test.each([
  ['0.75', 750_000_000],
  ['1', 1_000_000_000],
])('%s parses', (text, e9) => {
  expect(parseE9(text)).toBe(e9);
});

test.each(['', 'x', '0.7.5', 'Infinity'])('"%s" is refused', (text) => {
  expect(() => parseE9(text)).toThrow(RangeError);
});
