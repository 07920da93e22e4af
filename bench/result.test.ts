import { expect, test } from '@jest/globals';
import { spreadOf } from './result.ts';

test('percentiles are by nearest rank', () => {
  const values = Array.from({ length: 200 }, (_, index) => 200 - index);
  expect(spreadOf(values)).toEqual({ count: 200, min: 1, p50: 100, p99: 198, max: 200 });
});

test('one value is every percentile', () => {
  expect(spreadOf([7])).toEqual({ count: 1, min: 7, p50: 7, p99: 7, max: 7 });
});

test('no value has none', () => {
  expect(() => spreadOf([])).toThrow(RangeError);
});
