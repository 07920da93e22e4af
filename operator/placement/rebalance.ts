// Which Low task moves to another GPU, if any: one at a time, from the most utilized GPU to the least utilized one that takes
// it. High tasks never move, nor does anything move between contexts of one GPU, since the online phase migrates there by
// itself. Pure: what has stood long enough comes as an input.
//
// No ping-pong: after a move its source is still at least as utilized as its target. So, with all GPUs in descending order
// of utilization, each move makes that list lexicographically smaller; there are finitely many placements, so moves end.
import { formatE9, wholeE9 } from '../../api/utilization.ts';
import type { ContextState } from './context-state.ts';
import { contextFilters, kindFilters } from './filters.ts';
import { compareGpus, type GpuBook } from './gpu-book.ts';
import type { GpuState } from './gpu-state.ts';
import { type JoinedContext, JoiningBook } from './joining-book.ts';
import { onKind } from './kinds.ts';
import { compareText } from './order.ts';
import type { Snapshot } from './snapshot.ts';
import type { Place, PlacementTask } from './terms.ts';

/**
 * Of utilization per stream, between the GPU that a task leaves and the one that it goes to. A move costs loading a model
 * and the jobs that the task misses meanwhile; a tenth of a stream is what a few more admitted jobs are worth that for.
 */
export const leastDifferenceE9 = 0.1 * wholeE9;

export interface Move {
  /** By what it needs where it goes. */
  readonly task: PlacementTask;
  readonly from: Place;
  readonly to: ContextState;
  /** Utilization per stream of both GPUs before the move. */
  readonly fromE9: number;
  readonly toE9: number;
}

/** What has stood as it is for long enough. */
export interface Standing {
  /** Whether the task may leave its place. */
  task(key: string): boolean;
  /** Whether tasks may be moved to the node. */
  node(name: string): boolean;
}

/** After a cycle, by what that booked. */
export function chooseMove(snapshot: Snapshot, standing: Standing): Move | undefined {
  const loads = new Loads(snapshot, standing);
  for (const source of loads.descending) {
    // Nor will any other of those to come be far enough above it.
    if (!isFarAbove(source, loads.least)) return undefined;
    for (const task of movable(source, standing)) {
      const target = loads.leastFor(task, source);
      const move = target && moveTo(target, task, source);
      if (move !== undefined) return move;
    }
  }
  return undefined;
}

/** For people: from where to where, and why. */
export function moveWords({ from, to, fromE9, toE9 }: Move): string {
  const [left, taken] = [fromE9, toE9].map((e9) => formatE9(Math.round(e9)));
  const { node, gpu, context } = to.place;
  const target = `context ${context} of ${gpu} of node ${node} (${taken})`;
  return `from ${from.gpu} of node ${from.node} (utilization ${left} per stream) to ${target}, which is less utilized`;
}

interface Target {
  readonly context: ContextState;
  readonly task: PlacementTask;
}

class Loads {
  /** GPUs of nodes that are Ready. */
  readonly descending: readonly GpuState[];
  readonly #standing: Standing;
  readonly #snapshot: Snapshot;
  readonly #classes = new Map<string, readonly GpuState[]>();

  constructor(snapshot: Snapshot, standing: Standing) {
    this.#snapshot = snapshot;
    this.#standing = standing;
    const ready = snapshot.gpus.filter(({ node }) => node.state === 'Ready');
    this.descending = ready.toSorted((a, b) => compareGpus(b, a));
  }

  get least(): GpuState | undefined {
    return this.descending.findLast(({ node }) => this.#standing.node(node.name));
  }

  /** The least utilized GPU that takes the task and is far enough below where it is. */
  leastFor(task: PlacementTask, source: GpuState): Target | undefined {
    for (const gpu of this.#ascendingFor(task)) {
      if (!isFarAbove(source, gpu)) return undefined;
      const there = onMeasuredKind(task, gpu);
      const context = there && gpu.least((each) => takes(there, each));
      if (there !== undefined && context !== undefined) return { context, task: there };
    }
    return undefined;
  }

  #ascendingFor(task: PlacementTask): readonly GpuState[] {
    const known = this.#classes.get(task.gpuClass);
    if (known !== undefined) return known;
    const gpus = [...this.#snapshot.poolsFor(task).values()].flatMap((pool) => pool.gpus);
    const ascending = gpus.filter(({ node }) => this.#standing.node(node.name)).toSorted(compareGpus);
    this.#classes.set(task.gpuClass, ascending);
    return ascending;
  }
}

function perStream({ totalE9, streams }: GpuBook): number {
  return totalE9 / streams;
}

function isFarAbove(source: GpuBook, target: GpuBook | undefined): boolean {
  return target !== undefined && perStream(source) - perStream(target) > leastDifferenceE9;
}

/**
 * What is booked on a GPU once the task has left. Where jobs join, fewer of those that stay may go together: undefined where
 * that would bring High tasks beyond their limit, or leave as much booked as there was.
 */
function totalWithout(leaving: PlacementTask, { joining, contexts, totalE9 }: GpuState): number | undefined {
  if (joining === undefined) return totalE9 - leaving.demand.utilizationE9;
  const left = [...without(leaving, contexts)];
  const harms = left.some(([{ limitE9, highE9 }, { sums }]) => sums.highE9 > Math.max(limitE9, highE9));
  const leftE9 = left.reduce((sum, [, { sums }]) => sum + sums.totalE9, 0);
  return harms || leftE9 >= totalE9 ? undefined : leftE9;
}

/** The contexts of one GPU as they would be without one of its tasks: a book of those that stay, since nothing is ever taken out. */
function without(leaving: PlacementTask, contexts: readonly ContextState[]): ReadonlyMap<ContextState, JoinedContext> {
  const book = new JoiningBook();
  const left = new Map(
    contexts.map((context) => [context, book.addContext(context.place.context, context.limitE9)] as const),
  );
  for (const [context, where] of left) {
    for (const task of context.tasks) if (task !== leaving) book.book(task, where);
  }
  return left;
}

/** The largest first: the fewest moves. */
function movable({ contexts }: GpuState, standing: Standing): PlacementTask[] {
  return contexts
    .flatMap(({ tasks }) => tasks)
    .filter(({ priority, settled, key }) => priority === 'Low' && settled && standing.task(key))
    .toSorted((a, b) => b.demand.utilizationE9 - a.demand.utilizationE9 || compareText(a.key, b.key));
}

/** Nobody is moved on a guess. */
function onMeasuredKind(task: PlacementTask, { gpu: { kind } }: GpuBook): PlacementTask | undefined {
  return task.standIns?.has(kind) === true ? undefined : onKind(task, kind);
}

function takes(task: PlacementTask, context: ContextState): boolean {
  return (
    kindFilters.every((filter) => filter.passes(task, context)) &&
    contextFilters.every((filter) => filter.passes(task, context))
  );
}

/** Undefined where the move would turn the order of the two round, or harm who stays. */
function moveTo({ context, task }: Target, leaving: PlacementTask, source: GpuState): Move | undefined {
  const { whole } = context;
  const left = totalWithout(leaving, source);
  const taken = context.outlook(task)?.totalE9 ?? whole.totalE9 + task.demand.utilizationE9;
  if (left === undefined || left * whole.streams < taken * source.streams) return undefined;
  if (leaving.present === undefined) return undefined;
  return { task, from: leaving.present, to: context, fromE9: perStream(source), toE9: perStream(whole) };
}
