import { expect, test } from '@jest/globals';

import { type ObservedState, TaskPhase } from '../../node-agent/native/gen/runtime.ts';
import { beside, killWords, totals } from './kill.ts';

const state = (instanceId: string, tasks: readonly [phase: TaskPhase, released: number, missed: number][]) =>
  ({
    instanceId,
    tasks: tasks.map(([phase, released, missed]) => ({ phase, jobs: { released, missed } })),
  }) as unknown as ObservedState;

test('totals are over all tasks, and serving are those that are served', () => {
  const two = state('a', [
    [TaskPhase.TASK_PHASE_SERVING, 10, 1],
    [TaskPhase.TASK_PHASE_LOADING, 5, 0],
  ]);
  expect(totals(two)).toEqual({ instanceId: 'a', serving: 1, released: 15, missed: 1 });
});

test('another GPU is told by what it did meanwhile, and by whether its runtime is the one it was', () => {
  const before = totals(state('a', [[TaskPhase.TASK_PHASE_SERVING, 100, 2]]));
  const after = totals(state('a', [[TaskPhase.TASK_PHASE_SERVING, 150, 3]]));
  expect(beside('g', before, after)).toEqual({ gpu: 'g', sameRuntime: true, released: 50, missed: 1 });
  expect(beside('g', before, { ...after, instanceId: 'b' })).toMatchObject({ sameRuntime: false });
});

test('a kill in words', () => {
  const others = [
    { gpu: 'g1', sameRuntime: true, released: 50, missed: 0 },
    { gpu: 'g2', sameRuntime: false, released: 3, missed: 1 },
  ];
  const kill = { gpu: 'g0', tasks: 4, servedAgainSeconds: 2.5, releasedBefore: 10, releasedAfter: 12, others };
  expect(killWords(kill)).toBe(
    'its 4 tasks were served again after 2.5 s (10 jobs counted before, 12 then); g1: the same runtime, 50 jobs released and 0 missed meanwhile; g2: ANOTHER RUNTIME, 3 jobs released and 1 missed meanwhile',
  );
});
