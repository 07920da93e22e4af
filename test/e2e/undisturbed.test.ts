import { expect, test } from '@jest/globals';

import { foreignShare, stolenShare, ticksOf, undisturbed, type CoreTicks, type Witness } from './undisturbed.ts';

const stat = (stolen: number, idle: number): string =>
  `cpu  9 9 9 9 9 9 9 9 9 9\ncpu1 100 0 20 ${idle} 5 0 1 ${stolen} 50 0\nintr 1\n`;

test('the stolen ticks of a core, and all of them; what guests used is part of user', () => {
  expect(ticksOf(stat(24, 50), 1)).toEqual({ stolen: 24, busy: 121, all: 200 });
  expect(stolenShare(ticksOf(stat(24, 50), 1), ticksOf(stat(34, 80), 1))).toBeCloseTo(0.25);
  expect(() => ticksOf(stat(0, 0), 7)).toThrow('/proc/stat has no line of cpu7');
});

/** Each measurement takes 100 ticks of core 1, of which so many are stolen, with a stall of so many milliseconds. */
function host(stolenEach: readonly number[], stalls: readonly number[]): Witness {
  let [reads, stolen, idle] = [0, 0, 0];
  return {
    stat() {
      if (reads % 2 === 1) {
        const taken = stolenEach[(reads - 1) / 2] ?? 0;
        [stolen, idle] = [stolen + taken, idle + 100 - taken];
      }
      reads += 1;
      return stat(stolen, idle);
    },
    watchStalls: () => () => stalls[reads / 2 - 0.5] ?? 0,
  };
}

test.each([
  ['a quiet host', [3], [150], 1, 0.03, 150],
  ['a host that took a quarter twice', [25, 25, 3], [], 3, 0.03, 0],
  ['a host that stood still twice', [0, 1, 2], [200, 151, 20], 3, 0.02, 20],
  ['a host that never lets go', [30, 30, 30, 30, 30, 30, 30], [], 6, 0.3, 0],
])('%s', async (_what, stolenEach, stalls, measured, stolen, stalledMs) => {
  let done = 0;
  const answer = await undisturbed([1], () => Promise.resolve(++done), host(stolenEach, stalls));
  expect(answer).toMatchObject({ result: measured, measured, stalledMs, quiet: measured < 6 });
  expect(answer.stolen).toBeCloseTo(stolen);
});

test('what others here use of a core disturbs; what is measured does not', async () => {
  /** A hundred ticks later each time: 60 of them busy. */
  const stats = [0, 1, 1, 2].map((times) => `cpu1 ${60 * times} 0 0 ${40 * times} 0 0 0 0\n`);
  const own = [0, 30, 30, 59 + 30];
  const answer = await undisturbed([1], () => Promise.resolve('done'), {
    stat: () => stats.shift() ?? '',
    watchStalls: () => () => 0,
    ownTicks: () => own.shift() ?? 0,
  });
  expect(answer).toMatchObject({ quiet: true, measured: 2 });
  expect(answer.foreign).toBeCloseTo(0.01);
  const ticks = (busy: number): CoreTicks => ({ stolen: 0, busy, all: 100 + busy });
  expect(foreignShare([ticks(0)], [ticks(50)], 60)).toBe(0);
});

test('of several cores the worst counts', async () => {
  const texts = ['cpu0 0 0 0 0 0 0 0 0\ncpu1 0 0 0 0 0 0 0 0\n', 'cpu0 0 0 0 98 0 0 0 2\ncpu1 0 0 0 99 0 0 0 1\n'];
  const answer = await undisturbed([0, 1], () => Promise.resolve('done'), {
    stat: () => texts.shift() ?? '',
    watchStalls: () => () => 0,
  });
  expect(answer).toEqual({ result: 'done', quiet: true, stolen: 0.02, stalledMs: 0, foreign: 0, measured: 1 });
});
