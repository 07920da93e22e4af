import { expect, test } from '@jest/globals';
import { exceeds, formatRate } from './rate.ts';

test.each([
  ['nothing of nothing', 0, 0, undefined],
  ['none', 0, 10, '0'],
  ['all', 10, 10, '1'],
  ['a half', 1, 2, '0.5'],
  ['a third, in four digits', 1, 3, '0.3333'],
  ['one in a hundred thousand is not none', 1, 100_000, '0.00001'],
  ['all but one of a hundred thousand are not all', 99_999, 100_000, '0.99999'],
  ['one in a hundred million is not none', 1, 100_000_000, '0.00000001'],
  ['a part above its whole is the whole', 11, 10, '1'],
])('%s', (_, part, whole, expected) => {
  expect(formatRate(part, whole)).toBe(expected);
});

test('a rate fits its field for any counters', () => {
  for (const whole of [1, 7, 1e6, 1e12, Number.MAX_SAFE_INTEGER]) {
    for (const part of [0, 1, Math.floor(whole / 3), whole - 1, whole]) {
      expect(formatRate(part, whole)).toMatch(/^(0|1|0\.\d{1,9}|1\.0)$/);
    }
  }
});

const once = { num: 1, den: 1 };
const half = { num: 1, den: 2 };
test.each([
  ['equal is not more', [1, 100, '0.01', once], false],
  ['one more is', [2, 100, '0.01', once], true],
  ['no miss exceeds no limit', [0, 0, '0', once], false],
  ['any miss exceeds zero', [1, 1_000_000, '0', once], true],
  ['half of the limit', [1, 200, '0.01', half], false],
  ['more than half of the limit', [2, 200, '0.01', half], true],
  ['a limit of all is never exceeded', [10, 10, '1', once], false],
] satisfies [string, Parameters<typeof exceeds>, boolean][])('exceeds: %s', (_, input, expected) => {
  expect(exceeds(...input)).toBe(expected);
});
