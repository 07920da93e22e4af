// What becomes of tasks when a policy makes fewer or smaller contexts of a node.
import { expect, test } from '@jest/globals';

import { runCycle } from './cycle.ts';
import type { PlacementNode, PlacementTask } from './terms.ts';
import { node, task } from './testing.ts';

function at(context: number): Partial<PlacementTask> {
  return { present: { node: 'n1', gpu: 'gpu-0', context }, settled: true };
}

function outcomes(nodes: readonly PlacementNode[], tasks: readonly PlacementTask[]): Record<string, string> {
  const { verdicts } = runCycle(nodes, tasks);
  return Object.fromEntries(
    [...verdicts].map(([key, verdict]) => [
      key.replace('ns/', ''),
      verdict.kind === 'Placed' ? `${verdict.place.node}/${verdict.place.context}` : 'no place',
    ]),
  );
}

test('of the High tasks of a smaller context as many stay as it holds, the largest first', () => {
  const small = [node('n1', 1, { highLimitE9: 600_000_000 })];
  const tasks = [
    task('a', { afetMs: 3, periodMs: 10, changes: at(0) }),
    task('b', { afetMs: 5, periodMs: 10, changes: at(0) }),
  ];
  expect(outcomes(small, tasks)).toEqual({ a: 'no place', b: 'n1/0' });
  expect(outcomes([...small, node('n2', 1)], tasks)).toEqual({ a: 'n2/0', b: 'n1/0' });
});

test('what was in a context that is gone goes before larger ones that wait, High before Low', () => {
  const tasks = [
    task('waits', { afetMs: 5, periodMs: 10 }),
    task('high', { afetMs: 4, periodMs: 10, changes: at(1) }),
    task('low', { priority: 'Low', afetMs: 1, periodMs: 10, changes: at(1) }),
  ];
  expect(outcomes([node('n1', 1)], tasks)).toEqual({ waits: 'no place', high: 'n1/0', low: 'n1/0' });
});
