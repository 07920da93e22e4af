// How tasks spread over GPUs that nothing tells apart: random sets on equal GPUs, judged by bounds that hold for every set.
import { describe, expect, test } from '@jest/globals';

import { runCycle, type CycleResult } from './cycle.ts';
import { chooseMove, type Standing } from './rebalance.ts';
import { Seeded } from './seeded.ts';
import type { Place, PlacementNode, PlacementTask } from './terms.ts';
import { gpu, node, task } from './testing.ts';

const seeds = Array.from({ length: 60 }, (_, n) => n + 1);
const everything: Standing = { task: () => true, node: () => true };

interface Shape {
  readonly gpus: number;
  readonly contexts: number;
  readonly streams: number;
}

/** On one node or two; no limit keeps a task from any of their contexts. */
function equalGpus({ gpus, contexts, streams }: Shape): PlacementNode[] {
  const all = Array.from({ length: gpus }, (_, n) => gpu(`gpu-${n}`, contexts, streams));
  const half = Math.ceil(gpus / 2);
  const highLimitE9 = 100_000_000_000;
  return [all.slice(0, half), all.slice(half)]
    .filter((own) => own.length > 0)
    .map((own, n) => node(`n${n}`, 0, { gpus: own, highLimitE9 }));
}

function shapeOf(seeded: Seeded): Shape {
  return { gpus: seeded.between(1, 6), contexts: seeded.between(1, 4), streams: seeded.between(1, 3) };
}

/** Of stages so short that none keeps another from a context. */
function anyTasks(seeded: Seeded, prefix = 'task'): PlacementTask[] {
  const highShare = seeded.next();
  return Array.from({ length: seeded.between(1, 60) }, (_, n) => {
    const priority = seeded.next() < highShare ? 'High' : 'Low';
    return task(`${prefix}-${n}`, { priority, afetMs: seeded.between(1, 30), periodMs: 100, longestStageMs: 1 });
  });
}

function settled(tasks: readonly PlacementTask[], { verdicts }: CycleResult): PlacementTask[] {
  return tasks.map((each) => {
    const verdict = verdicts.get(each.key);
    if (verdict?.kind !== 'Placed') throw new Error(`${each.key} was not placed`);
    return { ...each, present: verdict.place, settled: true };
  });
}

/** What is booked by whatever the key says of a place, with an entry for those where nothing is. */
function booked(result: CycleResult, tasks: readonly PlacementTask[], key: (place: Place) => string): number[] {
  const sums = new Map(result.snapshot.contexts.map(({ place }) => [key(place), 0]));
  for (const { present, demand } of settled(tasks, result)) {
    if (present !== undefined) sums.set(key(present), (sums.get(key(present)) ?? 0) + demand.utilizationE9);
  }
  return [...sums.values()];
}

const gpuOf = ({ node: name, gpu: uuid }: Place): string => `${name}/${uuid}`;

function difference(sums: readonly number[]): number {
  return Math.max(...sums) - Math.min(...sums);
}

function largest(tasks: readonly PlacementTask[]): number {
  return Math.max(...tasks.map(({ demand }) => demand.utilizationE9));
}

describe.each(seeds)('equal GPUs, seed %i', (seed) => {
  const seeded = new Seeded(seed);
  const shape = shapeOf(seeded);
  const nodes = equalGpus(shape);
  const tasks = anyTasks(seeded);
  const result = runCycle(nodes, tasks);

  // Whoever comes goes to the least utilized GPU, which is above none by more than that task then.
  test('no two of them differ by more than the largest task, nor do contexts of one', () => {
    expect(difference(booked(result, tasks, gpuOf))).toBeLessThanOrEqual(largest(tasks));
    for (const { uuid } of nodes.flatMap(({ gpus }) => gpus)) {
      const there = settled(tasks, result).filter(({ present }) => present?.gpu === uuid);
      const indices = Array.from({ length: shape.contexts }, (_, index) => index);
      const sums = indices.map((index) =>
        there
          .filter(({ present }) => present?.context === index)
          .reduce((sum, { demand }) => sum + demand.utilizationE9, 0),
      );
      expect(difference(sums)).toBeLessThanOrEqual(largest(tasks));
    }
  });

  test('nor do they when more come one after another', () => {
    const more = anyTasks(seeded, 'later');
    let known = settled(tasks, result);
    for (const each of more) known = settled([...known, each], runCycle(nodes, [...known, each]));
    expect(difference(booked(runCycle(nodes, known), known, gpuOf))).toBeLessThanOrEqual(largest(known));
  });

  test('what was placed together is not moved by rebalancing', () => {
    const again = runCycle(nodes, settled(tasks, result));
    expect(chooseMove(again.snapshot, everything)).toBeUndefined();
  });

  test('as many equal tasks as GPUs are one on each', () => {
    const equal = nodes
      .flatMap(({ gpus }) => gpus)
      .map((_, n) => task(`equal-${n}`, { afetMs: 3, periodMs: 100, longestStageMs: 1 }));
    const places = settled(equal, runCycle(nodes, equal)).map(({ present }) => present && gpuOf(present));
    expect(new Set(places).size).toBe(equal.length);
  });

  test('on one of them alone it is Algorithm 1', () => {
    const alone = equalGpus({ ...shape, gpus: 1 });
    const indices = settled(tasks, runCycle(alone, tasks)).map(({ key, present }) => [key, present?.context]);
    expect(Object.fromEntries(indices)).toEqual(algorithmOne(tasks, shape.contexts));
  });
});

/** As the paper has it: High tasks first, each to the context with the least total; equal ones by name and by index. */
function algorithmOne(tasks: readonly PlacementTask[], contexts: number): Record<string, number> {
  const totals = Array.from({ length: contexts }, () => 0);
  const before = (a: string, b: string): number => (a < b ? -1 : 1);
  const byUtilization = tasks.toSorted(
    (a, b) => b.demand.utilizationE9 - a.demand.utilizationE9 || before(a.key, b.key),
  );
  const high = byUtilization.filter(({ priority }) => priority === 'High');
  const low = byUtilization.filter(({ priority }) => priority === 'Low');
  const chosen = [...high, ...low].map(({ key, demand }) => {
    const least = totals.indexOf(Math.min(...totals));
    totals[least] = (totals[least] ?? 0) + demand.utilizationE9;
    return [key, least];
  });
  return Object.fromEntries(chosen) as Record<string, number>;
}

test('the least utilized GPU that takes a task is found behind many that do not', () => {
  const count = 200;
  const names = Array.from({ length: count }, (_, n) => `n${String(n).padStart(3, '0')}`);
  // The fuller its GPU, the earlier is a node by name; only the fullest third takes High tasks.
  const nodes = names.map((name, n) => node(name, 1, n < count / 3 ? {} : { highLimitE9: 1_000_000 }));
  const there = names.map((name, n) =>
    task(`there-${name}`, {
      priority: 'Low',
      afetMs: count - n,
      periodMs: 1_000,
      longestStageMs: 1,
      changes: { present: { node: name, gpu: 'gpu-0', context: 0 }, settled: true },
    }),
  );
  const tasks = ['a', 'b'].map((name) => task(name, { afetMs: 100, periodMs: 1_000, longestStageMs: 1 }));
  const { verdicts } = runCycle(nodes, [...there, ...tasks]);
  expect(verdicts.get('ns/a')).toMatchObject({ place: { node: 'n066' } });
  expect(verdicts.get('ns/b')).toMatchObject({ place: { node: 'n065' } });
  const low = task('low', { priority: 'Low', afetMs: 1, periodMs: 1_000 });
  expect(runCycle(nodes, [...there, ...tasks, low]).verdicts.get('ns/low')).toMatchObject({ place: { node: 'n199' } });
});
