import { expect, test } from '@jest/globals';
import type { Condition } from '../api/conditions.ts';
import { missEvent, transitionEvents } from './events.ts';
import { MissCause } from './native/gen/runtime.ts';
import type { StoredTask } from './resources.ts';
import { storedTask } from './testing/fixtures.ts';

function withServing(status?: Condition['status'], reason = 'Serving', message = 'jobs run on cpu-0'): StoredTask {
  if (status === undefined) return storedTask('u1');
  const condition = { type: 'Serving', status, reason, message, lastTransitionTime: '2030-01-01T00:00:00Z' };
  return storedTask('u1', { conditions: [condition] });
}

const refused = withServing('False', 'Overcommitted', '0.61 + 0.14 > 0.75');

test.each([
  [
    'served for the first time',
    withServing(),
    withServing('True'),
    ['Normal Serving served by node node-1, jobs run on cpu-0, under epoch 1'],
  ],
  ['still served', withServing('True'), withServing('True'), []],
  [
    'served again',
    withServing('Unknown', 'RuntimeUnavailable'),
    withServing('True'),
    ['Normal Serving served by node node-1, jobs run on cpu-0, under epoch 1'],
  ],
  ['loading is no event', withServing(), withServing('False', 'Loading'), []],
  [
    'refused, in the runtime’s words',
    withServing('False', 'Loading'),
    refused,
    ['Warning Refused Overcommitted: 0.61 + 0.14 > 0.75'],
  ],
  ['refused as before', refused, refused, []],
  [
    'the runtime is away: told of the node, not of each task',
    withServing('True'),
    withServing('Unknown', 'RuntimeUnavailable'),
    [],
  ],
])('%s', (_, before, after, expected) => {
  const events = transitionEvents(before, after);
  expect(events.map(({ type, reason, note }) => `${type} ${reason} ${note}`)).toEqual(expected);
  for (const { regarding } of events) expect(regarding).toBe(after);
});

test('a miss says how late, why, behind whom, and how many there were', () => {
  const figures = { coveredMs: 30_000, released: 600, admitted: 590, missed: 2, onTime: 580 };
  const miss = { timeUs: 1, lateUs: 3_200, cause: MissCause.MISS_CAUSE_BLOCKED, behind: 'default/other' };
  expect(missEvent(storedTask('u1'), figures, miss).note).toBe(
    'late by 3.2 ms (Blocked, behind default/other); 2 of 590 admitted jobs missed in the last 30 s',
  );
  expect(missEvent(storedTask('u1'), figures, undefined).note).toBe('2 of 590 admitted jobs missed in the last 30 s');
});
