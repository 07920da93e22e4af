// How many placement decisions a second: a whole pending set at once, and a few more on a cluster that is full of settled
// ones; what one decision costs by how many tasks are placed already; what it costs to find nothing, or something, to
// rebalance. Writes JSON to the file named by the first argument.
import { runCycle, type CycleResult } from '../operator/placement/cycle.ts';
import { chooseMove } from '../operator/placement/rebalance.ts';
import { Seeded, seededNodes, seededTasks } from '../operator/placement/seeded.ts';
import type { PlacementNode, PlacementTask } from '../operator/placement/terms.ts';
import { writeResult } from './result.ts';

const rounds = 7;
const contextsPerNode = 8;

interface Figures {
  readonly tasks: number;
  readonly contexts: number;
  readonly pending: number;
  readonly placed: number;
  readonly refused: number;
  readonly medianMs: number;
  readonly fastestMs: number;
  readonly slowestMs: number;
  /** Pending tasks decided a second, by the median. */
  readonly decisionsPerSecond: number;
}

function world(tasks: number, contexts: number, utilization: number): [PlacementNode[], PlacementTask[]] {
  const seeded = new Seeded(tasks * 31 + contexts);
  const shape = {
    nodes: contexts / contextsPerNode,
    gpusPerNode: 2,
    contextsPerGpu: contextsPerNode / 2,
    memoryGiB: 80,
  };
  return [seededNodes(seeded, shape), seededTasks(seeded, { count: tasks, highShare: 1 / 3, utilization })];
}

/** The tasks as they are once placed, all but every `n`-th, which is still to be placed; all where no `n` is given. */
function mostlySettled(tasks: readonly PlacementTask[], result: CycleResult, n?: number): PlacementTask[] {
  return tasks.map((task, at) => {
    const verdict = result.verdicts.get(task.key);
    if ((n !== undefined && at % n === 0) || verdict?.kind !== 'Placed') return task;
    return { ...task, present: verdict.place, settled: true };
  });
}

function measure(nodes: readonly PlacementNode[], tasks: readonly PlacementTask[]): Figures {
  const times: number[] = [];
  let result = runCycle(nodes, tasks);
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    result = runCycle(nodes, tasks);
    times.push(performance.now() - start);
  }
  times.sort((a, b) => a - b);
  const median = times[Math.floor(rounds / 2)] ?? Number.NaN;
  const pending = tasks.filter((task) => !task.settled).length;
  const placed = [...result.verdicts.values()].filter((verdict) => verdict.kind === 'Placed').length;
  return {
    tasks: tasks.length,
    contexts: result.snapshot.contexts.length,
    pending,
    placed,
    refused: tasks.length - placed,
    medianMs: round2(median),
    fastestMs: round2(times[0] ?? Number.NaN),
    slowestMs: round2(times.at(-1) ?? Number.NaN),
    decisionsPerSecond: Math.round((pending / median) * 1000),
  };
}

interface Growth {
  readonly placed: number;
  readonly pending: number;
  /** Of a cycle in which all of the placed ones are settled and none is pending. */
  readonly settledMs: number;
  /** Of a cycle with those that are pending beside them. */
  readonly cycleMs: number;
  /** What each of those that are pending adds to the cycle. */
  readonly usPerDecision: number;
}

const growthFactors = [1, 4, 16];
const growthPending = 1_000;

/** The same tasks to be placed on the same contexts, beside more and more that are placed already. */
function grow(nodes: readonly PlacementNode[], tasks: readonly PlacementTask[]): Growth[] {
  const most = tasks.length - growthPending;
  const pending = tasks.slice(most);
  const settled = mostlySettled(tasks, runCycle(nodes, tasks));
  return growthFactors.map((factor) => {
    const placed = settled.slice(0, Math.floor((most * factor) / Math.max(...growthFactors)));
    const settledMs = fastestMs(() => runCycle(nodes, placed));
    const cycleMs = fastestMs(() => runCycle(nodes, [...placed, ...pending]));
    const usPerDecision = round2(((cycleMs - settledMs) / pending.length) * 1000);
    return { placed: placed.length, pending: pending.length, settledMs, cycleMs, usPerDecision };
  });
}

/** Other work on the machine only ever adds to it. */
function fastestMs(run: () => unknown): number {
  let fastest = Number.POSITIVE_INFINITY;
  for (let round = 0; round <= rounds; round++) {
    const start = performance.now();
    run();
    fastest = Math.min(fastest, performance.now() - start);
  }
  return round2(fastest);
}

/** All tasks settled: once as they are placed, and once with as many contexts again that joined and are empty. */
function rebalancing(tasks: number, contexts: number): object {
  const [nodes, placed] = settledWorld(tasks, contexts);
  const joined = nodes.map((node) => ({ ...node, name: `joined-${node.name}` }));
  const even = runCycle(nodes, placed).snapshot;
  const uneven = runCycle([...nodes, ...joined], placed).snapshot;
  const standing = { task: () => true, node: () => true };
  return {
    tasks,
    contexts,
    placedEvenlyMs: fastestMs(() => chooseMove(even, standing)),
    joinedMs: fastestMs(() => chooseMove(uneven, standing)),
    movesWhenJoined: chooseMove(uneven, standing) !== undefined,
  };
}

function settledWorld(tasks: number, contexts: number): [PlacementNode[], PlacementTask[]] {
  const [nodes, pending] = world(tasks, contexts, 0.3);
  return [nodes, mostlySettled(pending, runCycle(nodes, pending))];
}

function round2(ms: number): number {
  return Math.round(ms * 100) / 100;
}

const [nodes, tasks] = world(10_000, 16_000, 0.3);
const [smallNodes, smallTasks] = world(1_000, 1_600, 0.3);
const [fullNodes, fullTasks] = world(10_000, 1_200, 0.8);
const settled = mostlySettled(tasks, runCycle(nodes, tasks), 100);
writeResult(process.argv[2] ?? 'bench/results/placement.json', {
  rounds,
  figures: {
    small: measure(smallNodes, smallTasks),
    allPending: measure(nodes, tasks),
    overfull: measure(fullNodes, fullTasks),
    oneInHundredPending: measure(nodes, settled),
  },
  growth: grow(nodes, tasks),
  rebalancing: rebalancing(10_000, 16_000),
});
