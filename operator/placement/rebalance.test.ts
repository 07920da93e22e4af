// Which Low task moves where, and that moves come to an end whatever the state that they begin with.
import { describe, expect, test } from '@jest/globals';

import { runCycle } from './cycle.ts';
import { chooseMove, leastDifferenceE9, moveWords, type Move, type Standing } from './rebalance.ts';
import { Seeded, seededNodes, seededTasks } from './seeded.ts';
import type { Place, PlacementNode, PlacementTask } from './terms.ts';
import { gpu, node, task } from './testing.ts';

const everything: Standing = { task: () => true, node: () => true };
const at = (name: string, context = 0, changes: Partial<PlacementTask> = {}): Partial<PlacementTask> => ({
  present: { node: name, gpu: 'gpu-0', context },
  settled: true,
  ...changes,
});
const low = (name: string, share: number, changes: Partial<PlacementTask>): PlacementTask =>
  task(name, { priority: 'Low', afetMs: share * 100, periodMs: 100, longestStageMs: 1, changes });
const high = (name: string, share: number, changes: Partial<PlacementTask>): PlacementTask =>
  task(name, { afetMs: share * 100, periodMs: 100, longestStageMs: 1, changes });

function moveAmong(nodes: readonly PlacementNode[], tasks: readonly PlacementTask[], standing = everything) {
  return chooseMove(runCycle(nodes, tasks).snapshot, standing);
}

/** `b to n2/gpu-0/1` */
function shown(move: Move | undefined): string | undefined {
  if (move === undefined) return undefined;
  const { node: name, gpu: uuid, context } = move.to.place;
  return `${move.task.key.slice(3)} to ${name}/${uuid}/${context}`;
}

interface Case {
  nodes: PlacementNode[];
  tasks: PlacementTask[];
  standing?: Partial<Standing>;
  want: string | undefined;
}

const onePerTwo = [node('n1', 1), node('n2', 1)];
const cases: Record<string, Case> = {
  'a node without tasks takes the largest that leaves its source as utilized as it gets': {
    nodes: onePerTwo,
    tasks: [low('a', 0.1, at('n1')), low('b', 0.2, at('n1')), low('c', 0.1, at('n1'))],
    want: 'b to n2/gpu-0/0',
  },
  'one that would turn the order round stays, a smaller one goes': {
    nodes: onePerTwo,
    tasks: [low('a', 0.3, at('n1')), low('b', 0.1, at('n1'))],
    want: 'b to n2/gpu-0/0',
  },
  'an only task stays where it is': { nodes: onePerTwo, tasks: [low('a', 0.9, at('n1'))], want: undefined },
  'a High task stays, whatever it costs': {
    nodes: onePerTwo,
    tasks: [high('a', 0.3, at('n1')), high('b', 0.3, at('n1'))],
    want: undefined,
  },
  'Low tasks leave a GPU that High tasks fill': {
    nodes: onePerTwo,
    tasks: [high('a', 0.7, at('n1')), low('b', 0.2, at('n1'))],
    want: 'b to n2/gpu-0/0',
  },
  'a difference that is not above the threshold moves nothing': {
    nodes: onePerTwo,
    tasks: [low('a', 0.05, at('n1')), low('b', 0.05, at('n1'))],
    want: undefined,
  },
  'contexts of one GPU are left to the online phase': {
    nodes: [node('n1', 2)],
    tasks: [low('a', 0.5, at('n1')), low('b', 0.5, at('n1'))],
    want: undefined,
  },
  'utilization counts per stream': {
    nodes: [node('n1', 4), node('n2', 1)],
    // 0.4 on 4 streams are as much as 0.1 on one.
    tasks: [...['a', 'b', 'c', 'd'].map((name, n) => low(name, 0.1, at('n1', n))), low('e', 0.05, at('n2'))],
    want: undefined,
  },
  'the least utilized context of the target': {
    nodes: [node('n1', 1), node('n2', 2)],
    tasks: [low('a', 0.4, at('n1')), low('b', 0.4, at('n1')), low('c', 0.1, at('n2'))],
    want: 'a to n2/gpu-0/1',
  },
  'the next one where the least utilized GPU refuses': {
    nodes: [node('n1', 1), node('n2', 1, { labels: { zone: 'b' } }), node('n3', 1)],
    tasks: ['a', 'b'].map((name) =>
      low(name, 0.4, { ...at('n1'), package: { digest: 'sha256:m', engines: ['openvino'] } }),
    ),
    want: 'a to n2/gpu-0/0',
  },
  'a selector keeps': {
    nodes: [node('n1', 1, { labels: { zone: 'a' } }), node('n2', 1)],
    tasks: ['a', 'b'].map((name) => low(name, 0.4, at('n1', 0, { nodeSelector: { zone: 'a' }, gpuClass: 'zone a' }))),
    want: undefined,
  },
  'a taint keeps': {
    nodes: [node('n1', 1), node('n2', 1, { taints: [{ key: 'dedicated', effect: 'NoSchedule' }] })],
    tasks: ['a', 'b'].map((name) => low(name, 0.4, at('n1'))),
    want: undefined,
  },
  'another engine keeps': {
    nodes: [node('n1', 1), node('n2', 0, { gpus: [gpu('gpu-0', 1, 1, 'test', 'torch')] })],
    tasks: ['a', 'b'].map((name) => {
      const loaded = { digest: 'sha256:m', engines: ['openvino'] };
      return low(name, 0.4, at('n1', 0, { package: loaded, gpuClass: 'openvino' }));
    }),
    want: undefined,
  },
  'too little memory keeps': {
    nodes: [node('n1', 1), node('n2', 0, { gpus: [{ ...gpu('gpu-0', 1), memoryBytes: 10 }] })],
    tasks: ['a', 'b'].map((name) => low(name, 0.4, at('n1', 0, { package: { digest: 'sha256:m', memoryBytes: 11 } }))),
    want: undefined,
  },
  'a High task that would be blocked keeps': {
    nodes: onePerTwo,
    tasks: [
      ...['a', 'b'].map((name) =>
        task(name, { priority: 'Low', afetMs: 40, periodMs: 100, longestStageMs: 9, changes: at('n1') }),
      ),
      task('h', { afetMs: 2, periodMs: 100, deadlineMs: 10, changes: at('n2') }),
    ],
    want: undefined,
  },
  'a node that is not ready takes nothing and gives nothing': {
    nodes: [node('n1', 1, { state: 'NotReady' }), node('n2', 1), node('n3', 1, { state: 'NotReady' })],
    tasks: ['a', 'b'].map((name) => low(name, 0.4, at('n1'))),
    want: undefined,
  },
  'a node that was ready only just takes nothing': {
    nodes: [...onePerTwo, node('n3', 1)],
    tasks: [low('a', 0.4, at('n1')), low('b', 0.4, at('n1')), low('c', 0.05, at('n2'))],
    standing: { node: (name) => name !== 'n3' },
    want: undefined,
  },
  'a task that was placed only just stays, another one goes': {
    nodes: onePerTwo,
    tasks: ['a', 'b', 'c'].map((name) => low(name, 0.2, at('n1'))),
    standing: { task: (key) => key === 'ns/c' },
    want: 'c to n2/gpu-0/0',
  },
  'terms that are not in force yet stay': {
    nodes: onePerTwo,
    tasks: ['a', 'b'].map((name) => low(name, 0.4, { ...at('n1'), settled: false })),
    want: undefined,
  },
};

describe('the task that moves', () => {
  test.each(Object.entries(cases))('%s', (_name, { nodes, tasks, standing, want }) => {
    expect(shown(moveAmong(nodes, tasks, { ...everything, ...standing }))).toBe(want);
  });

  const kinds = [node('n1', 1), node('n2', 0, { gpus: [gpu('gpu-0', 1, 1, 'slow')] })];
  const demand = (ms: number) => ({ afetUs: ms * 1_000, longestStageUs: 1_000, utilizationE9: ms * 10_000_000 });
  test.each<[what: string, changes: Partial<PlacementTask>, want: string | undefined]>([
    [
      'is measured there',
      {
        demands: new Map([
          ['test', demand(40)],
          ['slow', demand(40)],
        ]),
      },
      'a to n2/gpu-0/0',
    ],
    ['is not measured there', { demands: new Map([['test', demand(40)]]) }, undefined],
    [
      'has times there that only stand in',
      {
        demands: new Map([
          ['test', demand(40)],
          ['slow', demand(40)],
        ]),
        standIns: new Set(['slow']),
      },
      undefined,
    ],
    [
      'would be slower there than it is now',
      {
        demands: new Map([
          ['test', demand(40)],
          ['slow', demand(50)],
        ]),
      },
      undefined,
    ],
    [
      'could not meet its deadline there',
      {
        demands: new Map([
          ['test', demand(40)],
          ['slow', demand(101)],
        ]),
      },
      undefined,
    ],
  ])('between kinds of GPU: one that %s', (_what, changes, want) => {
    const tasks = ['a', 'b'].map((name) => low(name, 0.4, at('n1', 0, changes)));
    expect(shown(moveAmong(kinds, tasks))).toBe(want);
  });

  test('says from where to where, and why', () => {
    const move = moveAmong(onePerTwo, [low('a', 0.4, at('n1')), low('b', 0.4, at('n1'))]);
    expect(move && moveWords(move)).toBe(
      'from gpu-0 of node n1 (utilization 0.8 per stream) to context 0 of gpu-0 of node n2 (0), which is less utilized',
    );
  });
});

/** Any state: each task anywhere at random, whether or not it would have been placed there. */
function anyState(seed: number): { nodes: PlacementNode[]; tasks: PlacementTask[] } {
  const seeded = new Seeded(seed);
  const shape = {
    nodes: seeded.between(2, 10),
    gpusPerNode: seeded.between(1, 2),
    contextsPerGpu: seeded.between(1, 3),
  };
  const nodes = seededNodes(seeded, shape);
  // Where tasks are at first: some nodes are still to join.
  const early = nodes.slice(0, seeded.between(1, nodes.length));
  const places = early.flatMap(({ name, gpus }) =>
    gpus.flatMap(({ uuid, contexts }) =>
      contexts.map(({ index }): Place => ({ node: name, gpu: uuid, context: index })),
    ),
  );
  const utilization = 0.02 + 0.4 * seeded.next();
  const tasks = seededTasks(seeded, { count: seeded.between(1, 80), highShare: seeded.next() / 2, utilization });
  const slower = 0.5 + 2 * seeded.next();
  return { nodes, tasks: tasks.map((each) => anywhere(each, seeded, places, slower)) };
}

function anywhere(each: PlacementTask, seeded: Seeded, places: readonly Place[], slower: number): PlacementTask {
  const { afetUs, longestStageUs, utilizationE9 } = each.demand;
  const other = {
    afetUs: Math.ceil(afetUs * slower),
    longestStageUs: Math.ceil(longestStageUs * slower),
    utilizationE9: Math.ceil(utilizationE9 * slower),
  };
  const present = places[seeded.between(0, places.length - 1)];
  const demands = new Map([
    ['test', each.demand],
    ['other', other],
  ]);
  return { ...each, demands, settled: true, ...(present === undefined ? {} : { present }) };
}

const placeKey = ({ node: name, gpu: uuid, context }: Place): string => `${name}/${uuid}/${context}`;

/** As the next cycle sees what the last one has decided, without what it has refused. */
function decided(nodes: readonly PlacementNode[], tasks: readonly PlacementTask[], move?: Move): PlacementTask[] {
  const kinds = new Map(nodes.flatMap(({ name, gpus }) => gpus.map(({ uuid, kind }) => [`${name}/${uuid}`, kind])));
  const { verdicts } = runCycle(nodes, tasks);
  return tasks.flatMap((each) => {
    const verdict = verdicts.get(each.key);
    if (verdict?.kind !== 'Placed') return [];
    const present = each.key === move?.task.key ? move.to.place : verdict.place;
    const there = each.demands?.get(kinds.get(`${present.node}/${present.gpu}`) ?? '');
    return [{ ...each, present, demand: there ?? each.demand }];
  });
}

/** Utilization per stream of all GPUs, the most utilized first. */
function sharesOf(nodes: readonly PlacementNode[], tasks: readonly PlacementTask[]): number[] {
  const { contexts } = runCycle(nodes, tasks).snapshot;
  return [...Map.groupBy(contexts, ({ memory }) => memory).values()]
    .map((of) => of.reduce((sum, { totalE9 }) => sum + totalE9, 0) / of.reduce((sum, { streams }) => sum + streams, 0))
    .sort((a, b) => b - a);
}

function compareLists(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((value, n) => value !== b[n]);
  return differs < 0 ? 0 : (a[differs] ?? 0) - (b[differs] ?? 0);
}

const seeds = Array.from({ length: 60 }, (_, n) => n + 1);

test('most of the states below are such that something moves', () => {
  const moving = seeds.map(anyState).filter(({ nodes, tasks }) => moveAmong(nodes, tasks) !== undefined);
  expect(moving.length).toBeGreaterThan(seeds.length / 2);
});

describe.each(seeds)('from any state: seed %i', (seed) => {
  const { nodes, tasks: given } = anyState(seed);

  test('each move makes the most utilized less utilized, so moves end; and only Low tasks go, to where they fit', () => {
    let tasks = decided(nodes, decided(nodes, given));
    let moves = 0;
    for (let move = moveAmong(nodes, tasks); move !== undefined; move = moveAmong(nodes, tasks)) {
      const before = sharesOf(nodes, tasks);
      expect(move.task.priority).toBe('Low');
      expect(move.fromE9 - move.toE9).toBeGreaterThan(leastDifferenceE9);
      expect(`${move.from.node}/${move.from.gpu}`).not.toBe(`${move.to.node.name}/${move.to.gpu.uuid}`);
      const after = decided(nodes, tasks, move);
      const stayed = new Map(tasks.map(({ key, present }) => [key, present && placeKey(present)]));
      const changed = after.filter(({ key, present }) => present && stayed.get(key) !== placeKey(present));
      expect(changed.map(({ key }) => key)).toEqual([move.task.key]);
      // What a cycle would do of itself with the new state is nothing.
      expect(decided(nodes, after)).toEqual(after);
      expect(compareLists(sharesOf(nodes, after), before)).toBeLessThan(0);
      tasks = after;
      expect(++moves).toBeLessThan(1_000);
    }
  });

  test('nobody moves twice where those that moved are kept', () => {
    let tasks = decided(nodes, decided(nodes, given));
    const moved = new Set<string>();
    const standing: Standing = { ...everything, task: (key) => !moved.has(key) };
    for (let move = moveAmong(nodes, tasks, standing); move !== undefined;) {
      expect(moved).not.toContain(move.task.key);
      moved.add(move.task.key);
      tasks = decided(nodes, tasks, move);
      move = moveAmong(nodes, tasks, standing);
    }
    expect(moved.size).toBeLessThanOrEqual(tasks.length);
  });
});
