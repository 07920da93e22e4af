// When a task moves to another GPU: what must have stood how long, and what a move is followed by.
import { beforeEach, describe, expect, test } from '@jest/globals';

import { FakeClock } from '../../../kube/clock.ts';
import { runCycle } from '../../placement/cycle.ts';
import type { PlacementNode, PlacementTask } from '../../placement/terms.ts';
import { node, task } from '../../placement/testing.ts';
import { betweenMovesMs, Rebalancer, steadyMs, type Turn } from './rebalancer.ts';

let clock: FakeClock;
let rebalancer: Rebalancer;
let nodes: PlacementNode[];
let tasks: PlacementTask[];
let generation: number;

beforeEach(() => {
  clock = new FakeClock();
  rebalancer = new Rebalancer(clock);
  nodes = [node('n1', 1)];
  tasks = ['a', 'b', 'c', 'd'].map((name) => low(name));
  generation = 1;
});

/** A fifth of a stream, on n1. */
function low(name: string): PlacementTask {
  const present = { node: 'n1', gpu: 'gpu-0', context: 0 };
  return task(name, { priority: 'Low', afetMs: 2, periodMs: 10, changes: { present, settled: true } });
}

/** One cycle, after which a task that moves is where it goes. */
function turn(): Turn {
  const { snapshot, verdicts } = runCycle(nodes, tasks);
  const places = new Map([...verdicts].flatMap(([key, it]) => (it.kind === 'Placed' ? [[key, it.place.node]] : [])));
  const circumstances = (): string => `${generation} ${nodes.map(({ name, state }) => `${name} ${state}`).join()}`;
  const answer = rebalancer.consider({ snapshot, places, circumstances });
  const { move } = answer;
  if (move !== undefined) {
    tasks = tasks.map((each) => (each.key === move.task.key ? { ...each, present: move.to.place } : each));
  }
  return answer;
}

/** Cycles whenever one was asked for: who moved when, in ms from now. */
async function movesWithin(ms: number): Promise<[atMs: number, to: string][]> {
  const startMs = clock.monotonic();
  const moves: [number, string][] = [];
  for (;;) {
    const { move, againInMs } = turn();
    const atMs = clock.monotonic() - startMs;
    if (move !== undefined) moves.push([atMs, `${move.task.key.slice(3)} to ${move.to.node.name}`]);
    if (againInMs === undefined || atMs + againInMs > ms) return moves;
    expect(againInMs).toBeGreaterThan(0);
    await clock.advance(againInMs);
  }
}

async function join(name: string): Promise<void> {
  turn();
  await clock.advance(steadyMs);
  expect(turn()).toEqual({});
  nodes = [...nodes, node(name, 1)];
}

describe('a node that joins', () => {
  test('gets tasks once it has stood for long enough, one at a time, until both are alike', async () => {
    await join('n2');
    expect(await movesWithin(600_000)).toEqual([
      [steadyMs, 'a to n2'],
      [steadyMs + betweenMovesMs, 'b to n2'],
    ]);
  });

  test('gets none for as long as it comes and goes', async () => {
    await join('n2');
    for (let n = 0; n < 10; n++) {
      expect(turn()).toEqual({ againInMs: betweenMovesMs });
      await clock.advance(steadyMs - 1);
      nodes = [node('n1', 1), node('n2', 1, { state: n % 2 === 0 ? 'Lost' : 'NotReady' })];
      expect(turn()).toEqual({});
      nodes = [node('n1', 1), node('n2', 1)];
    }
  });

  test('gets no task that was placed only just', async () => {
    await join('n2');
    turn();
    await clock.advance(steadyMs - 5_000);
    tasks = ['e', 'f', 'g', 'h'].map(low);
    expect(await movesWithin(600_000)).toEqual([
      [steadyMs, 'e to n2'],
      [steadyMs + betweenMovesMs, 'f to n2'],
    ]);
  });

  test('another that may go does so, while the best one may not', async () => {
    await join('n2');
    turn();
    await clock.advance(steadyMs - 1);
    tasks = [...tasks.slice(1), { ...low('large'), demand: { afetUs: 3_000, longestStageUs: 1, utilizationE9: 3e8 } }];
    expect(await movesWithin(betweenMovesMs)).toEqual([[betweenMovesMs, 'b to n2']]);
  });
});

describe('a task that has moved', () => {
  /** `a` has moved to n2, where `x` makes it too much. */
  async function moved(): Promise<void> {
    await join('n2');
    await clock.advance(steadyMs);
    tasks = tasks.slice(0, 2);
    await movesWithin(steadyMs);
    tasks = tasks.filter(({ present }) => present?.node === 'n2');
    expect(tasks.map(({ key }) => key)).toEqual(['ns/a']);
    const present = { node: 'n2', gpu: 'gpu-0', context: 0 };
    tasks.push(task('x', { afetMs: 5, periodMs: 10, changes: { present, settled: true } }));
  }

  test('stays while nothing else has changed, however uneven it is', async () => {
    await moved();
    expect(await movesWithin(600_000)).toEqual([]);
  });

  test('may move again when tasks or nodes have changed', async () => {
    await moved();
    expect(turn()).toEqual({});
    await clock.advance(steadyMs);
    generation = 2;
    expect(await movesWithin(600_000)).toEqual([[0, 'a to n1']]);
  });
});
