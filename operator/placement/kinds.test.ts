// GPUs of several kinds: a task is placed by what it needs on each, and waits where nobody knows.
import { describe, expect, test } from '@jest/globals';

import { utilizationE9 } from '../../api/utilization.ts';
import { runCycle, type Verdict } from './cycle.ts';
import type { PlacementNode, PlacementTask, Refusal } from './terms.ts';
import { gpu, node, task, type TaskTerms } from './testing.ts';

const fast = (name: string, changes: Partial<PlacementNode> = {}) =>
  node(name, 1, { gpus: [gpu('gpu-0', 1, 1, 'fast')], ...changes });
const slow = (name: string, changes: Partial<PlacementNode> = {}) =>
  node(name, 1, { gpus: [gpu('gpu-0', 1, 1, 'slow')], ...changes });

/** AFETs in ms by kind. */
function onKinds(name: string, terms: TaskTerms, afetMs: Readonly<Record<string, number>>): PlacementTask {
  const base = task(name, terms);
  const demands = Object.entries(afetMs).map(([kind, ms]) => {
    const afetUs = ms * 1_000;
    const u = utilizationE9(afetUs, base.deadlineUs, base.periodUs);
    const stageAfetUs = [afetUs / 4, afetUs / 4, afetUs / 4, afetUs / 4];
    return [kind, { afetUs, longestStageUs: afetUs / 4, utilizationE9: u, stageAfetUs }] as const;
  });
  return { ...base, demands: new Map(demands), ...terms.changes };
}

const camera: TaskTerms = { afetMs: 4, periodMs: 20 };
const unmeasured = (reason: string, message: string) => ({
  unmeasured: new Map<string, Refusal>([['fast', { reason, message }]]),
});
const settledAt = (name: string) => ({ present: { node: name, gpu: 'gpu-0', context: 0 }, settled: true });

function verdictOf(nodes: readonly PlacementNode[], wanted: PlacementTask): Verdict | undefined {
  return runCycle(nodes, [wanted]).verdicts.get(wanted.key);
}

describe('a task', () => {
  test.each<[what: string, nodes: PlacementNode[], wanted: PlacementTask, want: object]>([
    [
      'is booked by what it needs where it goes',
      [slow('n1')],
      onKinds('a', camera, { fast: 2, slow: 8 }),
      {
        kind: 'Placed',
        utilizationE9: 400_000_000,
        stageAfetUs: [2_000, 2_000, 2_000, 2_000],
        place: { node: 'n1' },
      },
    ],
    [
      'goes to the kind that it fits on',
      [slow('n1'), fast('n2')],
      onKinds('a', camera, { fast: 2, slow: 18 }),
      { kind: 'Placed', utilizationE9: 100_000_000, stageAfetUs: [500, 500, 500, 500], place: { node: 'n2' } },
    ],
    [
      'that is Low goes where it meets its deadline, however busy that is',
      [slow('n1'), fast('n2')],
      onKinds('a', { ...camera, priority: 'Low' }, { fast: 19, slow: 21 }),
      { kind: 'Placed', place: { node: 'n2' } },
    ],
    [
      'that is Low waits for a GPU on which it meets its deadline',
      [slow('n1'), fast('n2', { state: 'Lost' })],
      onKinds('a', { ...camera, priority: 'Low' }, { fast: 19, slow: 21 }),
      {
        kind: 'Refused',
        reason: 'TooSlow',
        never: false,
        message: 'AFET 21ms > deadline 20ms on gpu-0 of n1 (the only context)',
      },
    ],
    [
      'goes where it is measured, whatever else there is',
      [fast('n1'), slow('n2')],
      onKinds('a', camera, { slow: 8 }),
      { kind: 'Placed', place: { node: 'n2' } },
    ],
    [
      'waits where it is measured on none that it may use, in the words of the profile',
      [fast('n1')],
      onKinds('a', { ...camera, changes: unmeasured('Profiling', 'profiling on node n1: 2 of 4 stages') }, { slow: 8 }),
      { kind: 'Refused', reason: 'Profiling', never: false, message: 'profiling on node n1: 2 of 4 stages' },
    ],
    [
      'waits where nobody has begun',
      [fast('n1')],
      onKinds('a', camera, {}),
      { kind: 'Refused', reason: 'Profiling', message: 'its package is about to be profiled' },
    ],
    [
      'waits for the kind that may still be measured, not for the one that failed',
      [fast('n1'), slow('n2')],
      onKinds('a', { ...camera, changes: unmeasured('ProfileFailed', 'failed') }, {}),
      { kind: 'Refused', reason: 'Profiling' },
    ],
    [
      'says that its profile failed where that is all there is',
      [fast('n1')],
      onKinds('a', { ...camera, changes: unmeasured('ProfileFailed', 'failed') }, {}),
      { kind: 'Refused', reason: 'ProfileFailed', message: 'failed' },
    ],
    [
      'that may use no node hears of that, not of profiles',
      [fast('n1', { state: 'NotReady', message: 'asleep' })],
      onKinds('a', camera, {}),
      { kind: 'Refused', reason: 'NoNode' },
    ],
    [
      'never fits where every kind is too slow',
      [fast('n1'), slow('n2')],
      onKinds('a', camera, { fast: 25, slow: 50 }),
      { kind: 'Refused', reason: 'NeverFits', never: true, message: expect.stringContaining('AFET 25ms') },
    ],
    [
      'may still fit where a kind is not measured',
      [fast('n1'), slow('n2')],
      onKinds('a', camera, { slow: 50 }),
      { kind: 'Refused', never: false },
    ],
    [
      'is refused by the context that comes nearest, by what it needs there',
      [fast('n1'), slow('n2')],
      onKinds('a', camera, { fast: 16, slow: 18 }),
      {
        reason: 'HighPriorityLimit',
        message:
          'HP load 0 + 0.8 > 0.75 on gpu-0 of n1 (best of 2 contexts); the shortest period that fits is 21.334ms',
      },
    ],
    [
      'that runs goes on, also where its profile is gone',
      [fast('n1')],
      onKinds('a', { ...camera, changes: settledAt('n1') }, {}),
      { kind: 'Placed', utilizationE9: 200_000_000 },
    ],
    [
      'of a lost node stays there where no other kind is measured',
      [fast('n1', { state: 'Lost', message: 'gone' }), slow('n2')],
      onKinds('a', { ...camera, changes: settledAt('n1') }, { fast: 4 }),
      { kind: 'Placed', place: { node: 'n1' } },
    ],
    [
      'that is suspended hears of the profile',
      [fast('n1')],
      onKinds('a', { ...camera, changes: { suspended: true, ...unmeasured('Profiling', 'profiling on node n1') } }, {}),
      { kind: 'Suspended', fits: false, message: 'would not fit: profiling on node n1' },
    ],
  ])('%s', (_what, nodes, wanted, want) => {
    expect(verdictOf(nodes, wanted)).toMatchObject(want);
  });

  test('of two kinds goes to the least utilized context, whatever its kind', () => {
    const tasks = ['a', 'b', 'c', 'd'].map((name) =>
      onKinds(name, { ...camera, priority: 'Low' }, { fast: 2, slow: 6 }),
    );
    const { verdicts } = runCycle([fast('n1'), slow('n2')], tasks);
    const nodes = [...verdicts.values()].map((verdict) => (verdict.kind === 'Placed' ? verdict.place.node : ''));
    expect(nodes).toEqual(['n1', 'n2', 'n1', 'n1']);
  });
});
