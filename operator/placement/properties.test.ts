// What must hold in every cluster: random worlds from fixed seeds, each judged by a plain recount.
import { describe, expect, test } from '@jest/globals';

import { runCycle, type CycleResult, type Verdict } from './cycle.ts';
import { Seeded, seededNodes, seededTasks } from './seeded.ts';
import type { PlacementNode, PlacementTask } from './terms.ts';
import { missingLabels, untoleratedTaint } from './tolerations.ts';

const seeds = Array.from({ length: 60 }, (_, n) => n + 1);

interface World {
  nodes: PlacementNode[];
  tasks: PlacementTask[];
}

/** From nearly empty to overfull, by the seed. */
function worldOf(seed: number): World {
  const seeded = new Seeded(seed);
  const nodes = seededNodes(seeded, {
    nodes: seeded.between(1, 12),
    gpusPerNode: seeded.between(1, 2),
    contextsPerGpu: seeded.between(1, 4),
  });
  const utilization = 0.1 + 0.8 * seeded.next();
  return {
    nodes: withClosedGpus(nodes, new Seeded(seed + 3_000)),
    tasks: seededTasks(seeded, { count: seeded.between(1, 120), highShare: seeded.next(), utilization }),
  };
}

/** One in six has a fault, or company. */
function withClosedGpus(nodes: readonly PlacementNode[], seeded: Seeded): PlacementNode[] {
  const closed = () => ({ reason: seeded.next() < 0.5 ? 'Unhealthy' : 'ForeignSharing', message: 'closed' });
  return nodes.map((node) => ({
    ...node,
    gpus: node.gpus.map((gpu) => (seeded.next() < 1 / 6 ? { ...gpu, closed: closed() } : gpu)),
  }));
}

interface Recount {
  highE9: number;
  totalE9: number;
  tasks: PlacementTask[];
}

function placeOf(verdict: Verdict | undefined): string | undefined {
  if (verdict?.kind !== 'Placed') return undefined;
  return `${verdict.place.node}/${verdict.place.gpu}/${verdict.place.context}`;
}

function recount(tasks: readonly PlacementTask[], result: CycleResult): Map<string, Recount> {
  const sums = new Map<string, Recount>();
  for (const task of tasks) {
    const place = placeOf(result.verdicts.get(task.key));
    if (place === undefined) continue;
    const sum = sums.get(place) ?? { highE9: 0, totalE9: 0, tasks: [] };
    sum.totalE9 += task.demand.utilizationE9;
    if (task.priority === 'High') sum.highE9 += task.demand.utilizationE9;
    sum.tasks.push(task);
    sums.set(place, sum);
  }
  return sums;
}

type Context = CycleResult['snapshot']['contexts'][number];

function contextKey(context: Context): string {
  return `${context.place.node}/${context.place.gpu}/${context.place.context}`;
}

/** By its definition: no High task may find a stage of another that, with its own AFET, exceeds its deadline. */
function blockedPairs(tasks: readonly PlacementTask[]): string[] {
  return tasks.flatMap((high) =>
    tasks
      .filter((other) => other !== high && high.priority === 'High')
      .filter((other) => high.demand.afetUs + other.demand.longestStageUs > high.deadlineUs)
      .map((other) => `${high.key} by ${other.key}`),
  );
}

function mayUse(task: PlacementTask, { node, gpu: { closed } }: Context): boolean {
  return (
    closed === undefined &&
    // All GPUs of a seeded node have one engine.
    node.gpus.every((gpu) => task.package?.engines?.includes(gpu.engine)) &&
    (node.gpus.every((gpu) => gpu.engine !== 'torch') || node.codeNamespaces?.has(task.namespace) === true) &&
    missingLabels(task.nodeSelector, node.labels).length === 0 &&
    untoleratedTaint(node.taints, task.tolerations, ['NoSchedule', 'NoExecute']) === undefined
  );
}

/** Of all tasks of a GPU, each package once. */
function neededBytes(tasks: readonly PlacementTask[]): number {
  const bytes = new Map(tasks.map((task) => [task.package?.digest, task.package?.memoryBytes ?? 0]));
  return [...bytes.values()].reduce((sum, each) => sum + each, 0);
}

function onGpu(sums: ReadonlyMap<string, Recount>, { place }: Context): PlacementTask[] {
  return [...sums].flatMap(([key, { tasks }]) => (key.startsWith(`${place.node}/${place.gpu}/`) ? tasks : []));
}

/** Utilization per stream of contexts together. */
function shareOf(contexts: readonly Context[], sums: ReadonlyMap<string, Recount>): number {
  const totalE9 = contexts.reduce((sum, context) => sum + (sums.get(contextKey(context))?.totalE9 ?? 0), 0);
  return totalE9 / contexts.reduce((sum, { streams }) => sum + streams, 0);
}

/** Of the GPU that the context belongs to. */
function gpuShare({ memory }: Context, { snapshot }: CycleResult, sums: ReadonlyMap<string, Recount>): number {
  return shareOf(
    snapshot.contexts.filter((each) => each.memory === memory),
    sums,
  );
}

/** Of its GPU, by the names of node and GPU. */
function rankOf({ memory }: Context, { snapshot }: CycleResult): number {
  return snapshot.contexts.findIndex((each) => each.memory === memory);
}

function hasMemory(task: PlacementTask, there: readonly PlacementTask[], context: Context): boolean {
  return neededBytes([...there, task]) <= (context.gpu.memoryBytes ?? 0);
}

/** What a task would see if it came alone to a context with these tasks in it. */
function couldJoin(task: PlacementTask, there: readonly PlacementTask[], limitE9: number): boolean {
  const highE9 = there
    .filter((other) => other.priority === 'High')
    .reduce((sum, other) => sum + other.demand.utilizationE9, 0);
  const withinLimit = task.priority === 'Low' || highE9 + task.demand.utilizationE9 <= limitE9;
  return withinLimit && blockedPairs([...there, task]).length <= blockedPairs(there).length;
}

describe.each(seeds)('seed %i', (seed) => {
  const { nodes, tasks } = worldOf(seed);
  const result = runCycle(nodes, tasks);
  const sums = recount(tasks, result);

  test('every task has one verdict, and the running sums equal a recount', () => {
    expect([...result.verdicts.keys()].sort()).toEqual(tasks.map((task) => task.key).sort());
    for (const context of result.snapshot.contexts) {
      const sum = sums.get(contextKey(context)) ?? { highE9: 0, totalE9: 0, tasks: [] };
      expect({ highE9: context.highE9, totalE9: context.totalE9 }).toEqual({
        highE9: sum.highE9,
        totalE9: sum.totalE9,
      });
      expect(context.longestStageUs).toBe(Math.max(0, ...sum.tasks.map((task) => task.demand.longestStageUs)));
    }
  });

  test('no limit and no deadline is broken, no selector, taint or closed GPU ignored', () => {
    for (const context of result.snapshot.contexts) {
      const sum = sums.get(contextKey(context));
      if (sum === undefined) continue;
      expect(sum.highE9).toBeLessThanOrEqual(context.limitE9);
      expect(blockedPairs(sum.tasks)).toEqual([]);
      expect(sum.tasks.filter((task) => !mayUse(task, context))).toEqual([]);
      expect(neededBytes(onGpu(sums, context))).toBeLessThanOrEqual(context.gpu.memoryBytes ?? 0);
    }
  });

  test('what is refused fits nowhere', () => {
    for (const task of tasks.filter(({ key }) => result.verdicts.get(key)?.kind === 'Refused')) {
      for (const context of result.snapshot.contexts.filter((each) => mayUse(task, each))) {
        const fits = couldJoin(task, sums.get(contextKey(context))?.tasks ?? [], context.limitE9);
        expect(fits && hasMemory(task, onGpu(sums, context), context)).toBe(false);
      }
    }
  });

  test('the order of the input does not matter', () => {
    const seeded = new Seeded(seed + 1_000);
    const again = runCycle(seeded.shuffled(nodes), seeded.shuffled(tasks));
    for (const { key } of tasks) expect(again.verdicts.get(key)).toEqual(result.verdicts.get(key));
  });

  test('the last one placed went to the least utilized context of the least utilized GPU that took it', () => {
    const placed = tasks.filter(({ key }) => result.verdicts.get(key)?.kind === 'Placed');
    const last = placed.find(({ key }) =>
      result.snapshot.contexts.some((context) => context.tasks.at(-1)?.key === key),
    );
    if (last === undefined) return;
    const settled = placed
      .filter((task) => task !== last)
      .map((task) => settledIn(task, result.verdicts.get(task.key)));
    const alone = runCycle(nodes, [...settled, last]);
    const chosen = placeOf(alone.verdicts.get(last.key));
    const others = recount(settled, alone);
    const least = alone.snapshot.contexts
      .filter((context) => mayUse(last, context))
      .filter((context) => couldJoin(last, others.get(contextKey(context))?.tasks ?? [], context.limitE9))
      .filter((context) => hasMemory(last, onGpu(others, context), context))
      .map((context) => ({ context, gpu: gpuShare(context, alone, others), own: shareOf([context], others) }))
      .sort((a, b) => a.gpu - b.gpu || rankOf(a.context, alone) - rankOf(b.context, alone) || a.own - b.own)[0];
    expect(chosen).toBe(least && contextKey(least.context));
  });

  test('nothing moves without need: settled tasks stay whatever comes', () => {
    const settled = tasks.map((task) => settledIn(task, result.verdicts.get(task.key)));
    const more = seededTasks(new Seeded(seed + 2_000), { count: 20, highShare: 0.5, utilization: 0.3 });
    const newcomers = more.map((task) => ({ ...task, key: `new/${task.key}` }));
    const again = runCycle(nodes, [...settled, ...newcomers]);
    for (const { key } of settled) expect(placeOf(again.verdicts.get(key))).toBe(placeOf(result.verdicts.get(key)));
  });

  test('the period that a refusal names fits, and one microsecond less does not', () => {
    for (const task of tasks) {
      const verdict = result.verdicts.get(task.key);
      if (verdict?.kind !== 'Refused') continue;
      const spanUs = namedSpanUs(verdict.message);
      if (spanUs === undefined) continue;
      expect(retried(task, spanUs)).toBe('Placed');
      expect(retried(task, spanUs - 1)).toBe('Refused');
    }
  });

  function retried(task: PlacementTask, spanUs: number): string | undefined {
    const periodUs = Math.max(task.periodUs, spanUs);
    const utilizationE9 = Math.ceil((task.demand.afetUs * 1e9) / spanUs);
    const changed = { ...task, periodUs, deadlineUs: spanUs, demand: { ...task.demand, utilizationE9 } };
    const others = tasks
      .filter((other) => result.verdicts.get(other.key)?.kind === 'Placed')
      .map((other) => settledIn(other, result.verdicts.get(other.key)));
    return runCycle(nodes, [...others, changed]).verdicts.get(task.key)?.kind;
  }
});

function settledIn(task: PlacementTask, verdict: Verdict | undefined): PlacementTask {
  return verdict?.kind === 'Placed' ? { ...task, present: verdict.place, settled: true } : task;
}

function namedSpanUs(message: string): number | undefined {
  const [, amount, unit] = /that fits? (?:is|are) ([\d.]+)(us|ms|s)$/.exec(message) ?? [];
  if (amount === undefined || unit === undefined) return undefined;
  return Math.round(Number(amount) * ({ us: 1, ms: 1e3, s: 1e6 }[unit] ?? Number.NaN));
}
