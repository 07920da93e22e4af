import { describe, expect, test } from '@jest/globals';
import { formatDurationUs, parseDurationUs } from './durations.ts';

describe('parseDurationUs', () => {
  test.each([
    ['33ms', 33_000],
    ['16.667ms', 16_667],
    ['100us', 100],
    ['1.5s', 1_500_000],
    ['1m30s', 90_000_000],
    ['0ms', 0],
    ['0.0004ms', 0],
  ])('%s is %d us', (text, us) => {
    expect(parseDurationUs(text)).toBe(us);
  });

  test.each(['33', '-33ms', '', 'ms', '33 ms', '33ms ', '1h', '.5s', '5.ms', '33MS', '1e3ms', 'NaNms'])(
    '"%s" is refused with what to write',
    (text) => {
      expect(() => parseDurationUs(text)).toThrow(/is not a duration; write one with a unit, like 33ms/);
    },
  );

  test('a duration beyond exact integers is refused', () => {
    expect(() => parseDurationUs('99999999999999999999s')).toThrow(/too long/);
  });

  test('what is formatted parses to the same number', () => {
    for (let us = 1; us < 1e13; us = us * 3 + 7) expect(parseDurationUs(formatDurationUs(us))).toBe(us);
  });
});
