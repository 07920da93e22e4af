import { expect, test } from '@jest/globals';

import { Checks } from './act.ts';
import { checkGrid, gridError } from './grid.ts';
import { observedState, observedTask } from './observed.ts';

const grid = { uid: 'h', name: 'front-camera', periodUs: 20_000, offsetUs: 5_000 };
const before = observedState(1_000_000, [observedTask('h', { released: 50 })]);

function after(released: number): ReturnType<typeof observedState> {
  return observedState(2_000_000, [observedTask('h', { released })]);
}

test.each([
  [100, 0],
  [97, -3],
  [102, 2],
])('%i releases counted, of which 50 were before the second: error %i', (released, error) => {
  expect(gridError(before, after(released), grid)).toBe(error);
});

test.each([
  [101, []],
  [99, []],
  [98, ['|releases − grid| of front-camera at 20 ms is 2, wanted at most 1']],
])('%i releases: %j', (released, failures) => {
  const checks = new Checks();
  checkGrid(checks, before, after(released), [grid]);
  expect(checks.failures).toEqual(failures);
});

test('a task that vanished does not agree', () => {
  const checks = new Checks();
  checkGrid(checks, before, observedState(2_000_000, []), [grid]);
  expect(checks.failures).toHaveLength(1);
});
