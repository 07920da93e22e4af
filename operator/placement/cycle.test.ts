// The rules of placement, one table a rule.
import { describe, expect, test } from '@jest/globals';

import { runCycle, type Verdict } from './cycle.ts';
import type { Place, PlacementNode, PlacementTask } from './terms.ts';
import { gpu, node, task } from './testing.ts';

function verdictOf(
  nodes: readonly PlacementNode[],
  tasks: readonly PlacementTask[],
  name: string,
): Verdict | undefined {
  return runCycle(nodes, tasks).verdicts.get(`ns/${name}`);
}

/** `n1/gpu-0/2`, or the reason of the refusal. */
function outcome(verdict: Verdict | undefined): string {
  if (verdict?.kind === 'Placed') return `${verdict.place.node}/${verdict.place.gpu}/${verdict.place.context}`;
  return verdict?.kind === 'Refused' ? verdict.reason : String(verdict?.kind);
}

function outcomes(nodes: readonly PlacementNode[], tasks: readonly PlacementTask[]): Record<string, string> {
  const { verdicts } = runCycle(nodes, tasks);
  return Object.fromEntries([...verdicts].map(([key, verdict]) => [key.slice(3), outcome(verdict)]));
}

const at = (name: string, context: number): Place => ({ node: name, gpu: 'gpu-0', context });
const settledAt = (name: string, context: number): Partial<PlacementTask> => ({
  present: at(name, context),
  settled: true,
});
const changedAt = (name: string, context: number): Partial<PlacementTask> => ({ present: at(name, context) });

const settledOn = (uuid: string, context: number): Partial<PlacementTask> => ({
  present: { node: 'n1', gpu: uuid, context },
  settled: true,
});

interface Case {
  nodes: PlacementNode[];
  tasks: PlacementTask[];
  want: Record<string, string>;
}

const order: Record<string, Case> = {
  'the least utilized context is chosen': {
    nodes: [node('n1', 2)],
    tasks: [task('a', { afetMs: 4, periodMs: 10 }), task('b', { afetMs: 3, periodMs: 10 })],
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/1' },
  },
  'descending utilization: the third goes beside the smaller of the first two': {
    nodes: [node('n1', 2)],
    tasks: [
      task('small', { afetMs: 1, periodMs: 10 }),
      task('large', { afetMs: 5, periodMs: 10 }),
      task('medium', { afetMs: 3, periodMs: 10 }),
    ],
    want: { large: 'n1/gpu-0/0', medium: 'n1/gpu-0/1', small: 'n1/gpu-0/1' },
  },
  'High before Low, whatever the utilization': {
    nodes: [node('n1', 2)],
    tasks: [
      task('low', { priority: 'Low', afetMs: 9, periodMs: 10 }),
      task('high', { afetMs: 1, periodMs: 10, deadlineMs: 10 }),
    ],
    want: { high: 'n1/gpu-0/0', low: 'n1/gpu-0/1' },
  },
  'equal tasks go by name, equal GPUs by node and name, equal contexts by index': {
    nodes: [node('n2', 1), node('n1', 0, { gpus: [gpu('gpu-1', 1), gpu('gpu-0', 2)] })],
    tasks: ['d', 'c', 'a', 'b'].map((name) => task(name, { afetMs: 4, periodMs: 10 })),
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-1/0', c: 'n2/gpu-0/0', d: 'n1/gpu-0/1' },
  },
  'an empty GPU before an empty context of one that has work': {
    nodes: [node('n1', 0, { gpus: [gpu('gpu-0', 4, 2), gpu('gpu-1', 4, 2)] })],
    tasks: ['a', 'b', 'c', 'd', 'e'].map((name) => task(name, { afetMs: 1, periodMs: 10 })),
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-1/0', c: 'n1/gpu-0/1', d: 'n1/gpu-1/1', e: 'n1/gpu-0/2' },
  },
  'the less utilized GPU, although another has the least utilized context': {
    nodes: [node('n1', 0, { gpus: [gpu('gpu-0', 2), gpu('gpu-1', 2)] })],
    tasks: [
      task('a', { afetMs: 5, periodMs: 10, changes: settledOn('gpu-0', 0) }),
      task('b', { afetMs: 1, periodMs: 10, changes: settledOn('gpu-0', 1) }),
      task('c', { afetMs: 2, periodMs: 10, changes: settledOn('gpu-1', 0) }),
      task('d', { afetMs: 3, periodMs: 10, changes: settledOn('gpu-1', 1) }),
      task('e', { afetMs: 1, periodMs: 10 }),
    ],
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/1', c: 'n1/gpu-1/0', d: 'n1/gpu-1/1', e: 'n1/gpu-1/0' },
  },
  'another GPU where no context of the least utilized one takes it': {
    nodes: [node('n1', 0, { gpus: [gpu('gpu-0', 2), gpu('gpu-1', 2)] })],
    tasks: [
      task('a', { afetMs: 4, periodMs: 10, changes: settledOn('gpu-0', 0) }),
      task('b', { afetMs: 4, periodMs: 10, changes: settledOn('gpu-0', 1) }),
      task('c', { afetMs: 9, periodMs: 10, priority: 'Low', longestStageMs: 1, changes: settledOn('gpu-1', 0) }),
      task('d', { afetMs: 5, periodMs: 10 }),
    ],
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/1', c: 'n1/gpu-1/0', d: 'n1/gpu-1/1' },
  },
  'utilization counts per stream': {
    nodes: [node('n1', 0, { gpus: [gpu('one', 1, 1), gpu('three', 1, 3)] })],
    tasks: [
      task('a', { afetMs: 5, periodMs: 10 }),
      task('b', { afetMs: 4, periodMs: 10 }),
      task('c', { afetMs: 3, periodMs: 10 }),
    ],
    // one: 0.5; three: 0.4 / 3, then 0.7 / 3, still less than 0.5.
    want: { a: 'n1/one/0', b: 'n1/three/0', c: 'n1/three/0' },
  },
};

const highPriorityLimit: Record<string, Case> = {
  'up to the limit': {
    nodes: [node('n1', 1)],
    tasks: [task('a', { afetMs: 5, periodMs: 10 }), task('b', { afetMs: 2.5, periodMs: 10 })],
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/0' },
  },
  'one billionth above it': {
    nodes: [node('n1', 1)],
    tasks: [task('a', { afetMs: 5, periodMs: 10 }), task('b', { afetMs: 2.501, periodMs: 10 })],
    want: { a: 'n1/gpu-0/0', b: 'HighPriorityLimit' },
  },
  'the limit is a share of the streams': {
    nodes: [node('n1', 0, { gpus: [gpu('gpu-0', 1, 2)] })],
    tasks: ['a', 'b', 'c', 'd'].map((name) => task(name, { afetMs: 5, periodMs: 10, longestStageMs: 1 })),
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/0', c: 'n1/gpu-0/0', d: 'HighPriorityLimit' },
  },
  'a fuller context is taken where the least utilized one is at its limit': {
    nodes: [node('n1', 1, { highLimitE9: 100_000_000 }), node('n2', 1)],
    tasks: [
      task('there', { priority: 'Low', afetMs: 3, periodMs: 10, changes: settledAt('n2', 0) }),
      task('a', { afetMs: 5, periodMs: 10, longestStageMs: 1 }),
    ],
    want: { there: 'n2/gpu-0/0', a: 'n2/gpu-0/0' },
  },
  'Low tasks have no limit: they may oversubscribe': {
    nodes: [node('n1', 1)],
    tasks: ['a', 'b', 'c'].map((name) => task(name, { priority: 'Low', afetMs: 9, periodMs: 10 })),
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/0', c: 'n1/gpu-0/0' },
  },
};

const blocking: Record<string, Case> = {
  'a stage exactly as long as the slack': {
    nodes: [node('n1', 1)],
    tasks: [
      task('there', { priority: 'Low', afetMs: 8, periodMs: 100, longestStageMs: 6, changes: settledAt('n1', 0) }),
      task('a', { afetMs: 4, periodMs: 10 }),
    ],
    want: { there: 'n1/gpu-0/0', a: 'n1/gpu-0/0' },
  },
  'a High task is kept from a long stage that is there': {
    nodes: [node('n1', 1)],
    tasks: [
      task('there', { priority: 'Low', afetMs: 8, periodMs: 100, longestStageMs: 6.001, changes: settledAt('n1', 0) }),
      task('a', { afetMs: 4, periodMs: 10 }),
    ],
    want: { there: 'n1/gpu-0/0', a: 'Blocking' },
  },
  'a Low task with a long stage is kept from a High task that is there': {
    nodes: [node('n1', 1), node('n2', 1)],
    tasks: [
      task('high', { afetMs: 4, periodMs: 10 }),
      task('low', { priority: 'Low', afetMs: 8, periodMs: 100, longestStageMs: 7 }),
      task('lower', { priority: 'Low', afetMs: 8, periodMs: 200, longestStageMs: 7 }),
    ],
    want: { high: 'n1/gpu-0/0', low: 'n2/gpu-0/0', lower: 'n2/gpu-0/0' },
  },
  'Low tasks do not block each other': {
    nodes: [node('n1', 1)],
    tasks: ['a', 'b'].map((name) => task(name, { priority: 'Low', afetMs: 9, periodMs: 10, longestStageMs: 9 })),
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/0' },
  },
};

const dedicated = { key: 'dedicated', value: 'vision', effect: 'NoSchedule' };
const low = (name: string, changes: Partial<PlacementTask> = {}): PlacementTask =>
  task(name, { priority: 'Low', afetMs: 1, periodMs: 10, changes });

const nodes: Record<string, Case> = {
  'no node at all': { nodes: [], tasks: [low('a')], want: { a: 'NoNode' } },
  'no node that is ready': {
    nodes: [node('n1', 1, { state: 'NotReady', message: 'runtime does not answer' })],
    tasks: [low('a')],
    want: { a: 'NoNode' },
  },
  'a node without contexts': { nodes: [node('n1', 0)], tasks: [low('a')], want: { a: 'NoContext' } },
  'a label that no node has': {
    nodes: [node('n1', 1, { labels: { zone: 'a' } })],
    tasks: [low('a', { nodeSelector: { zone: 'b' } })],
    want: { a: 'NodeSelector' },
  },
  'the node with the label': {
    nodes: [node('n1', 1), node('n2', 1, { labels: { zone: 'b' } })],
    tasks: [low('a', { nodeSelector: { zone: 'b' }, gpuClass: 'zone b' }), low('b')],
    want: { a: 'n2/gpu-0/0', b: 'n1/gpu-0/0' },
  },
  'a taint': { nodes: [node('n1', 1, { taints: [dedicated] })], tasks: [low('a')], want: { a: 'Taint' } },
  'a taint that is tolerated by key': {
    nodes: [node('n1', 1, { taints: [dedicated] })],
    tasks: [low('a', { tolerations: [{ key: 'dedicated', operator: 'Exists' }] })],
    want: { a: 'n1/gpu-0/0' },
  },
  'a taint that is tolerated by value': {
    nodes: [node('n1', 1, { taints: [dedicated] })],
    tasks: [low('a', { tolerations: [{ key: 'dedicated', value: 'vision', effect: 'NoSchedule' }] })],
    want: { a: 'n1/gpu-0/0' },
  },
  'another value is not tolerated': {
    nodes: [node('n1', 1, { taints: [dedicated] })],
    tasks: [low('a', { tolerations: [{ key: 'dedicated', value: 'audio' }] })],
    want: { a: 'Taint' },
  },
  'PreferNoSchedule keeps nothing away': {
    nodes: [node('n1', 1, { taints: [{ ...dedicated, effect: 'PreferNoSchedule' }] })],
    tasks: [low('a')],
    want: { a: 'n1/gpu-0/0' },
  },
  'taints of a node’s life are not asked: the Lease tells that': {
    nodes: [node('n1', 1, { taints: [{ key: 'node.kubernetes.io/unreachable', effect: 'NoExecute' }] })],
    tasks: [low('a')],
    want: { a: 'n1/gpu-0/0' },
  },
};

const staying: Record<string, Case> = {
  'nothing moves to a less utilized context': {
    nodes: [node('n1', 2)],
    tasks: [low('a', settledAt('n1', 0)), low('b', settledAt('n1', 0))],
    want: { a: 'n1/gpu-0/0', b: 'n1/gpu-0/0' },
  },
  'what is settled leaves a context that a changed policy has made too small for it': {
    nodes: [node('n1', 1, { highLimitE9: 100_000_000 }), node('n2', 1)],
    tasks: [task('a', { afetMs: 5, periodMs: 10, changes: settledAt('n1', 0) })],
    want: { a: 'n2/gpu-0/0' },
  },
  'changed terms that fit stay': {
    nodes: [node('n1', 2)],
    tasks: [low('a', changedAt('n1', 1))],
    want: { a: 'n1/gpu-0/1' },
  },
  'changed terms that do not fit go elsewhere': {
    nodes: [node('n1', 2)],
    tasks: [
      task('there', { afetMs: 4, periodMs: 10, changes: settledAt('n1', 0) }),
      task('a', { afetMs: 5, periodMs: 10, changes: changedAt('n1', 0) }),
    ],
    want: { there: 'n1/gpu-0/0', a: 'n1/gpu-0/1' },
  },
  'a changed selector moves': {
    nodes: [node('n1', 1), node('n2', 1, { labels: { zone: 'b' } })],
    tasks: [low('a', { ...changedAt('n1', 0), nodeSelector: { zone: 'b' } })],
    want: { a: 'n2/gpu-0/0' },
  },
  'a context that is no more is left': {
    nodes: [node('n1', 1)],
    tasks: [low('a', settledAt('n1', 7))],
    want: { a: 'n1/gpu-0/0' },
  },
  'a node that is not ready keeps what it has': {
    nodes: [node('n1', 1, { state: 'NotReady' }), node('n2', 1)],
    tasks: [low('settled', settledAt('n1', 0)), low('changed', changedAt('n1', 0))],
    want: { settled: 'n1/gpu-0/0', changed: 'n1/gpu-0/0' },
  },
  'a lost node’s tasks go elsewhere': {
    nodes: [node('n1', 1, { state: 'Lost' }), node('n2', 1)],
    tasks: [low('a', settledAt('n1', 0))],
    want: { a: 'n2/gpu-0/0' },
  },
  'and stay where there is no other': {
    nodes: [node('n1', 1, { state: 'Lost' })],
    tasks: [low('a', settledAt('n1', 0)), low('b')],
    want: { a: 'n1/gpu-0/0', b: 'NoNode' },
  },
  'NoExecute drives out what is there, NoSchedule does not': {
    nodes: [
      node('n1', 1, { taints: [dedicated] }),
      node('n2', 1, { taints: [{ ...dedicated, effect: 'NoExecute' }] }),
      node('n3', 1),
    ],
    tasks: [low('a', settledAt('n1', 0)), low('b', settledAt('n2', 0))],
    want: { a: 'n1/gpu-0/0', b: 'n3/gpu-0/0' },
  },
};

describe.each(Object.entries({ order, highPriorityLimit, blocking, nodes, staying }))('%s', (_rule, cases) => {
  test.each(Object.entries(cases))('%s', (_name, { nodes: given, tasks, want }) => {
    expect(outcomes(given, tasks)).toEqual(want);
  });
});

const full = task('there', { afetMs: 6.1, periodMs: 10, longestStageMs: 1, changes: settledAt('n3', 0) });
const words: Record<string, { nodes: PlacementNode[]; tasks: PlacementTask[]; want: string }> = {
  'HP limit, with the shortest period': {
    nodes: [node('n3', 1)],
    tasks: [full, task('a', { afetMs: 4.2, periodMs: 20 })],
    want: 'HP load 0.61 + 0.21 > 0.75 on gpu-0 of n3 (the only context); the shortest period that fits is 30ms',
  },
  'HP limit with a deadline of its own': {
    nodes: [node('n3', 1)],
    tasks: [full, task('a', { afetMs: 4.2, periodMs: 50, deadlineMs: 20 })],
    want: 'HP load 0.61 + 0.21 > 0.75 on gpu-0 of n3 (the only context); the shortest deadline that fits is 30ms',
  },
  'HP limit where even the period is too short for the deadline that fits': {
    nodes: [node('n3', 1)],
    tasks: [full, task('a', { afetMs: 4.2, periodMs: 25, deadlineMs: 20 })],
    want: 'HP load 0.61 + 0.21 > 0.75 on gpu-0 of n3 (the only context); the shortest period and deadline that fit are 30ms',
  },
  'the best of several contexts is named': {
    nodes: [node('n3', 2), node('n4', 2)],
    tasks: [
      full,
      ...[at('n3', 1), at('n4', 0), at('n4', 1)].map((present, n) =>
        task(`other-${n}`, { afetMs: 7 - n, periodMs: 10, longestStageMs: 1, changes: { present, settled: true } }),
      ),
      task('a', { afetMs: 5, periodMs: 10 }),
    ],
    want: 'HP load 0.5 + 0.5 > 0.75 on gpu-0 of n4 (best of 4 contexts); the shortest period that fits is 20ms',
  },
  'as many digits as it takes to be true': {
    nodes: [node('n3', 1)],
    tasks: [
      task('there', { afetMs: 6.104, periodMs: 10, longestStageMs: 1, changes: settledAt('n3', 0) }),
      task('a', { afetMs: 1.4, periodMs: 10 }),
    ],
    want: 'HP load 0.6104 + 0.14 > 0.75 on gpu-0 of n3 (the only context); the shortest period that fits is 10.029ms',
  },
  'nothing left for High tasks': {
    nodes: [node('n3', 1, { highLimitE9: 0 })],
    tasks: [task('a', { afetMs: 1, periodMs: 10 })],
    want: 'HP load 0 + 0.1 > 0 on gpu-0 of n3 (the only context)',
  },
  'blocked by a longer stage': {
    nodes: [node('n1', 1)],
    tasks: [
      task('there', { priority: 'Low', afetMs: 8, periodMs: 100, longestStageMs: 7, changes: settledAt('n1', 0) }),
      task('a', { afetMs: 4, periodMs: 10 }),
    ],
    want: 'AFET 4ms + longest stage 7ms of ns/there > deadline 10ms in context 0 of gpu-0 of n1 (the only context); the shortest period that fits is 11ms',
  },
  'would block a High task': {
    nodes: [node('n1', 1)],
    tasks: [
      task('there', { afetMs: 4, periodMs: 10, changes: settledAt('n1', 0) }),
      task('a', { priority: 'Low', afetMs: 8, periodMs: 100, longestStageMs: 7 }),
    ],
    want: 'longest stage 7ms + AFET 4ms of ns/there > its deadline 10ms in context 0 of gpu-0 of n1 (the only context)',
  },
  'never fits': {
    nodes: [],
    tasks: [task('a', { afetMs: 12, periodMs: 20, deadlineMs: 10 })],
    want: 'AFET 12ms > deadline 10ms on every GPU product; the shortest deadline that fits is 12ms',
  },
  'no agent anywhere': { nodes: [], tasks: [low('a')], want: 'there is no GpuNode: no node runs an agent' },
  'no node is ready': {
    nodes: ['n1', 'n2', 'n3', 'n4', 'n5'].map((name) => node(name, 1, { state: 'Lost', message: 'lost' })),
    tasks: [low('a')],
    want: 'node n1: lost; node n2: lost; node n3: lost; and 2 nodes more',
  },
  'missing labels': {
    nodes: [node('n1', 1), node('n2', 1, { state: 'NotReady' })],
    tasks: [low('a', { nodeSelector: { zone: 'b', gpu: 'yes' } })],
    want: 'node n1 lacks the label zone=b, gpu=yes',
  },
  'a taint that is not tolerated': {
    nodes: [node('n1', 1, { taints: [dedicated] })],
    tasks: [low('a')],
    want: 'node n1 has the taint dedicated=vision:NoSchedule, which is not tolerated',
  },
};

test.each(Object.entries(words))('in words: %s', (_name, { nodes: given, tasks, want }) => {
  const verdict = verdictOf(given, tasks, 'a');
  expect(verdict).toMatchObject({ kind: 'Refused', message: want });
});

const suspended: Record<string, { nodes: PlacementNode[]; tasks: PlacementTask[]; fits: boolean; want: string }> = {
  'a High task that would fit': {
    nodes: [node('n3', 2)],
    tasks: [
      full,
      task('b', { afetMs: 2, periodMs: 10, changes: settledAt('n3', 1) }),
      task('a', { afetMs: 2, periodMs: 10, changes: { suspended: true } }),
    ],
    fits: true,
    want: 'would fit on gpu gpu-0 of node n3, context 1 (HP load 0.2 + 0.2 <= 0.75)',
  },
  'a Low task that would fit': {
    nodes: [node('n3', 1)],
    tasks: [full, low('a', { suspended: true })],
    fits: true,
    want: 'would fit on gpu gpu-0 of node n3, context 0 (utilization 0.1 beside 0.61 on 1 stream)',
  },
  'one that would not': {
    nodes: [node('n3', 1)],
    tasks: [full, task('a', { afetMs: 4.2, periodMs: 20, changes: { suspended: true } })],
    fits: false,
    want: 'would not fit: HP load 0.61 + 0.21 > 0.75 on gpu-0 of n3 (the only context); the shortest period that fits is 30ms',
  },
  'one that never will': {
    nodes: [node('n3', 1)],
    tasks: [task('a', { afetMs: 12, periodMs: 10, changes: { suspended: true } })],
    fits: false,
    want: 'would not fit: AFET 12ms > deadline 10ms on every GPU product; the shortest period that fits is 12ms',
  },
};

test.each(Object.entries(suspended))('suspended: %s', (_name, { nodes: given, tasks, fits, want }) => {
  expect(verdictOf(given, tasks, 'a')).toEqual({ kind: 'Suspended', fits, message: want });
});

test('a suspended task takes nobody’s place, not even another suspended one’s', () => {
  const terms = { afetMs: 7, periodMs: 10, changes: { suspended: true } };
  const { verdicts, snapshot } = runCycle([node('n1', 1)], [task('a', terms), task('b', terms)]);
  expect([...verdicts.values()].map((verdict) => verdict.kind === 'Suspended' && verdict.fits)).toEqual([true, true]);
  expect(snapshot.contexts[0]?.totalE9).toBe(0);
});
