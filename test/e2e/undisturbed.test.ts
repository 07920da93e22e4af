import { expect, test } from '@jest/globals';

import { stolenShare, ticksOf, undisturbed } from './undisturbed.ts';

const stat = (stolen: number, idle: number): string =>
  `cpu  9 9 9 9 9 9 9 9 9 9\ncpu1 100 0 20 ${idle} 5 0 1 ${stolen} 50 0\nintr 1\n`;

test('the stolen ticks of a core, and all of them; what guests used is part of user', () => {
  expect(ticksOf(stat(24, 50), 1)).toEqual({ stolen: 24, all: 200 });
  expect(stolenShare(ticksOf(stat(24, 50), 1), ticksOf(stat(34, 80), 1))).toBeCloseTo(0.25);
  expect(() => ticksOf(stat(0, 0), 7)).toThrow('/proc/stat has no line of cpu7');
});

/** Each measurement takes 100 ticks, of which so many are stolen. */
function host(stolenEach: readonly number[]): () => string {
  let [reads, stolen, idle] = [0, 0, 0];
  return () => {
    if (reads % 2 === 1) {
      const taken = stolenEach[(reads - 1) / 2] ?? 0;
      [stolen, idle] = [stolen + taken, idle + 100 - taken];
    }
    reads += 1;
    return stat(stolen, idle);
  };
}

test.each([
  ['a quiet host', [3], 1, 0.03],
  ['a host that took a quarter twice', [25, 25, 3], 3, 0.03],
  ['a host that never lets go', [30, 30, 30, 30, 30, 30, 30], 6, 0.3],
])('%s', async (_what, stolenEach, measured, stolen) => {
  let done = 0;
  const answer = await undisturbed(1, () => Promise.resolve(++done), host(stolenEach));
  expect(answer).toMatchObject({ result: measured, measured });
  expect(answer.stolen).toBeCloseTo(stolen);
});
