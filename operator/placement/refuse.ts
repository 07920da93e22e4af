// Why a task has no place, in the terms of the context that comes nearest, and what would fit there.
import { formatDurationUs } from '../../api/durations.ts';
import { utilizationE9, wholeE9 } from '../../api/utilization.ts';
import type { ContextState } from './context-state.ts';
import { contextFilters, gpuFilters, kindFilters, memory, nodeFilters, refusalBy } from './filters.ts';
import type { GpuState } from './gpu-state.ts';
import { onKind } from './kinds.ts';
import type { Snapshot } from './snapshot.ts';
import type { PlacementTask, Refusal } from './terms.ts';

const longestPeriodUs = 3_600_000_000;
const namedNodes = 3;

/** AFET above the deadline: no GPU of those measured can ever serve it. */
export function neverFits(task: PlacementTask): Refusal | undefined {
  const { afetUs } = task.demand;
  if (afetUs <= task.deadlineUs) return undefined;
  const terms = `AFET ${formatDurationUs(afetUs)} > deadline ${formatDurationUs(task.deadlineUs)}`;
  return { reason: 'NeverFits', message: `${terms} on every GPU product; ${shortest(task, afetUs)}` };
}

/** Of a task that the snapshot has no place for. */
export function explainRefusal(snapshot: Snapshot, task: PlacementTask): Refusal {
  const nearest = nearestContext(snapshot, task);
  return nearest === undefined ? explainNodes(snapshot, task) : explainContext(nearest, task);
}

function explainNodes({ nodes, gpus: all }: Snapshot, task: PlacementTask): Refusal {
  if (nodes.length === 0) return { reason: 'NoNode', message: 'there is no GpuNode: no node runs an agent' };
  let remaining = nodes;
  for (const filter of nodeFilters) {
    const passing = remaining.filter((node) => filter.passes(task, node));
    if (passing.length === 0) {
      const named = remaining.slice(0, namedNodes).map((node) => filter.words(task, node));
      return { reason: filter.reason, message: listed(named, remaining.length) };
    }
    remaining = passing;
  }
  const gpus = all.filter(({ node }) => remaining.includes(node));
  if (gpus.length > 0) return explainGpus(gpus, task);
  const names = remaining.slice(0, namedNodes).map((node) => `node ${node.name} offers no context`);
  return { reason: 'NoContext', message: listed(names, remaining.length) };
}

/** Of GPUs that it may not use, although their nodes take it. */
function explainGpus(gpus: readonly GpuState[], task: PlacementTask): Refusal {
  let remaining = gpus;
  for (const filter of gpuFilters) {
    const passing = remaining.filter((gpu) => filter.passes(task, gpu));
    if (passing.length === 0) {
      const named = remaining.slice(0, namedNodes).map((gpu) => filter.words(task, gpu));
      return { reason: filter.reason, message: listed(named, remaining.length, 'GPUs') };
    }
    remaining = passing;
  }
  throw new Error(`${task.key} may use a GPU on which it was said to have no context`);
}

function listed(words: readonly string[], count: number, noun = 'nodes'): string {
  const rest = count - words.length;
  return words.join('; ') + (rest > 0 ? `; and ${rest} ${noun} more` : '');
}

interface Nearest {
  readonly context: ContextState;
  /** By what it needs there. */
  readonly task: PlacementTask;
  readonly spanUs: number;
  /** How many contexts, and how many GPUs, it was chosen from. */
  readonly among: number;
  readonly gpus: number;
}

type Near = Omit<Nearest, 'among' | 'gpus'>;

/** The context that the least change of the task's terms would fit into; undefined where it may use none. */
function nearestContext(snapshot: Snapshot, wanted: PlacementTask): Nearest | undefined {
  let nearest: Near | undefined;
  const among: GpuState[] = [];
  for (const [kind, { gpus }] of snapshot.poolsFor(wanted)) {
    const task = onKind(wanted, kind);
    if (task === undefined) continue;
    among.push(...gpus);
    for (const context of gpus.flatMap(({ contexts }) => contexts)) {
      const spanUs = shortestSpanUs(task, context);
      if (nearest === undefined || isNearer(spanUs, context, nearest)) nearest = { context, task, spanUs };
    }
  }
  if (nearest === undefined) return undefined;
  return { ...nearest, among: among.flatMap(({ contexts }) => contexts).length, gpus: among.length };
}

function isNearer(spanUs: number, context: ContextState, than: Near): boolean {
  const { namespace } = than.task;
  if (spanUs !== than.spanUs) return spanUs < than.spanUs;
  const [left, before] = [roomBytes(than.task, context), roomBytes(than.task, than.context)];
  if (left !== before) return left > before;
  return context.headroomE9(namespace) > than.context.headroomE9(namespace);
}

/** What is left where that is too little; Infinity where it is enough, since there another filter refuses. */
function roomBytes(task: PlacementTask, context: ContextState): number {
  return memory.passes(task, context) ? Number.POSITIVE_INFINITY : context.memory.leftBytes;
}

function explainContext({ context, task, spanUs, among, gpus }: Nearest, wanted: PlacementTask): Refusal {
  const refusal = refusalBy([...kindFilters, ...contextFilters], task, context);
  if (refusal === undefined) throw new Error(`${wanted.key} fits where it was refused`);
  const [count, noun] = refusal.reason === memory.reason ? [gpus, 'GPU'] : [among, 'context'];
  const which = count === 1 ? `the only ${noun}` : `best of ${count} ${noun}s`;
  return { reason: refusal.reason, message: `${refusal.message} (${which})${remedy(task, spanUs)}` };
}

/** The least min(deadline, period) with which the task would fit there now; Infinity where none would. */
function shortestSpanUs(task: PlacementTask, context: ContextState): number {
  const { afetUs, longestStageUs } = task.demand;
  // With another span others may go together otherwise too: nobody can say without trying.
  if (context.joining !== undefined) return Number.POSITIVE_INFINITY;
  if (task.priority === 'Low' || !memory.passes(task, context) || longestStageUs > context.slackUs)
    return Number.POSITIVE_INFINITY;
  const room = context.headroomE9(task.namespace);
  if (room <= 0) return Number.POSITIVE_INFINITY;
  const byLimit = leastSpanUs(afetUs, room);
  const spanUs = Math.max(byLimit, afetUs + context.longestStageUs);
  return spanUs <= longestPeriodUs ? spanUs : Number.POSITIVE_INFINITY;
}

/** The least span whose utilization, rounded up, is within the room. A double comes within one of it. */
function leastSpanUs(afetUs: number, roomE9: number): number {
  const estimate = Math.max(1, Math.floor((afetUs / roomE9) * wholeE9) - 1);
  let spanUs = estimate;
  while (utilizationE9(afetUs, spanUs, spanUs) > roomE9) spanUs++;
  return spanUs;
}

function remedy(task: PlacementTask, spanUs: number): string {
  return Number.isFinite(spanUs) ? `; ${shortest(task, spanUs)}` : '';
}

/** A deadline of its own must grow too; where it equals the period it goes along. */
function shortest(task: PlacementTask, spanUs: number): string {
  const span = formatDurationUs(spanUs);
  if (task.deadlineUs === task.periodUs) return `the shortest period that fits is ${span}`;
  if (spanUs <= task.periodUs) return `the shortest deadline that fits is ${span}`;
  return `the shortest period and deadline that fit are ${span}`;
}
