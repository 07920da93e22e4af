import { expect, test } from '@jest/globals';

import { firstDecrease, gridReleases, jobsOf, noJobs, offeredLoad, onTimeRate, windowBetween } from './counters.ts';
import { high, low, observedState, observedTask } from './observed.ts';

const before = observedState(1_000_000, [
  observedTask('h', { released: 100, completed: 100 }, { executionUs: 400_000 }),
  observedTask('l', { released: 50, completed: 40, rejected: 10 }, { executionUs: 200_000 }),
]);
const after = observedState(11_000_000, [
  observedTask('h', { released: 300, completed: 300, onTime: 200 }, { executionUs: 1_200_000, afetUs: 4_000 }),
  observedTask('l', { released: 150, completed: 120, rejected: 30 }, { executionUs: 600_000, afetUs: 5_000 }),
]);

test('a window holds differences, not totals', () => {
  const window = windowBetween(before, after, [high, low]);
  expect(window.seconds).toBe(10);
  expect(window.tasks[0]).toMatchObject({ jobs: { released: 200, completed: 200, onTime: 200 }, executionUs: 800_000 });
  expect(jobsOf(window, 'Low')).toMatchObject({ released: 100, completed: 80, rejected: 20 });
  expect(jobsOf(window).released).toBe(300);
});

test('a task that came within the window counts from zero; one that the runtime does not know is left out', () => {
  const window = windowBetween(observedState(0, []), after, [low, { uid: 'x', name: 'unknown', priority: 'High' }]);
  expect(window.tasks.map(({ name }) => name)).toEqual(['sign-reader']);
  expect(window.tasks[0]?.jobs.released).toBe(150);
});

test('a restart of the runtime within the window makes it worthless', () => {
  expect(() => windowBetween(before, observedState(2, [], 'two'), [])).toThrow('the runtime was restarted');
});

test('offered load counts what was asked for, refused jobs included', () => {
  // High: 200 releases × 4 ms, Low: 100 releases × 5 ms (of which 80 ran), in 10 s on 2 streams.
  expect(offeredLoad(windowBetween(before, after, [high, low]), 2)).toBeCloseTo((200 * 4 + 100 * 5) / 20_000);
});

test.each([
  ['all in time', { released: 10, onTime: 10 }, 1],
  ['some refused', { released: 10, onTime: 7, rejected: 3 }, 0.7],
  ['none released', {}, 1],
])('onTimeRate: %s', (_name, jobs, rate) => {
  expect(onTimeRate({ ...noJobs, ...jobs })).toBe(rate);
});

test('the first counter that fell is named with both values', () => {
  expect(firstDecrease({ ...noJobs, missed: 2 }, { ...noJobs, missed: 1 })).toBe('missed fell from 2 to 1');
  expect(firstDecrease(noJobs, { ...noJobs, missed: 1 })).toBeUndefined();
});

test.each([
  ['a whole number of periods', [0, 100], { period: 20, offset: 0 }, 5],
  ['the end of the span belongs to it, its start does not', [20, 40], { period: 20, offset: 0 }, 1],
  ['an offset shifts the grid', [0, 24], { period: 20, offset: 5 }, 1],
  ['nothing between two instants of the grid', [21, 39], { period: 20, offset: 0 }, 0],
])('releases of the grid: %s', (_name, [from = 0, to = 0], { period, offset }, count) => {
  expect(gridReleases(from, to, period, offset)).toBe(count);
});
