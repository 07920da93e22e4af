import { expect, test } from '@jest/globals';
import { withTransitionTimes, type Condition } from './conditions.ts';

const ready: Condition = {
  type: 'Ready',
  status: 'True',
  reason: 'Serving',
  message: '',
  lastTransitionTime: '2026-01-01T00:00:00Z',
};
const now = Date.parse('2026-02-01T00:00:00.123Z');

test('an unchanged status keeps its transition time, whatever else changes', () => {
  const [condition] = withTransitionTimes([{ ...ready, reason: 'Other', observedGeneration: 2 }], [ready], now);
  expect(condition).toEqual({ ...ready, reason: 'Other', observedGeneration: 2 });
});

test('a changed status takes the present second', () => {
  const [condition] = withTransitionTimes([{ ...ready, status: 'False' }], [ready], now);
  expect(condition?.lastTransitionTime).toBe('2026-02-01T00:00:00Z');
});

test('a new condition takes the present second, one not wanted is left out', () => {
  const result = withTransitionTimes(
    [{ type: 'Placed', status: 'False', reason: 'NoNode', message: 'm' }],
    [ready],
    now,
  );
  expect(result.map((condition) => condition.type)).toEqual(['Placed']);
});
