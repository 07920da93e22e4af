// One placement cycle: all tasks against one private snapshot (Algorithm 1), in numbered phases. Pure: the same tasks and
// nodes give the same verdicts, in whatever order they come.
import { formatE9 } from '../../api/utilization.ts';
import type { ContextState } from './context-state.ts';
import { compiledCode, contextFilters, evictingTaints, kindFilters, nodeFilters, type OnGpu } from './filters.ts';
import { compareGpus } from './gpu-book.ts';
import { leastDemand, onKind, waitsForProfile } from './kinds.ts';
import { comparePlacementTasks } from './order.ts';
import { explainRefusal, neverFits } from './refuse.ts';
import { Snapshot } from './snapshot.ts';
import type { Demand, Place, PlacementNode, PlacementTask, Refusal } from './terms.ts';
import { formatSum } from './words.ts';

export type Verdict =
  | ({
      readonly kind: 'Placed';
      readonly place: Place;
      readonly gpuProduct: string;
      /** How many go together, of which it is one by that utilization; absent: it goes alone. */
      readonly capacity?: number;
    } & Pick<Demand, 'utilizationE9' | 'stageAfetUs'>)
  /** `never`: no change of the cluster can help, only one of the task or its model. */
  | ({ readonly kind: 'Refused'; readonly never: boolean } & Refusal)
  | ({ readonly kind: 'Suspended'; readonly fits: boolean } & Pick<Refusal, 'message'>);

export interface CycleResult {
  readonly snapshot: Snapshot;
  /** One verdict a task, by its key. */
  readonly verdicts: ReadonlyMap<string, Verdict>;
}

export function runCycle(nodes: readonly PlacementNode[], tasks: readonly PlacementTask[]): CycleResult {
  const cycle = new Cycle(nodes);
  const suspended = tasks.filter((task) => task.suspended);

  // 1. What has not changed stays where it is, while its context is there and holds that much.
  let pending = tasks.filter((task) => !task.suspended).sort(comparePlacementTasks);
  pending = pending.filter((task) => !cycle.settle(task));
  // 2. What can never fit is out.
  pending = pending.filter((task) => !cycle.refuseForEver(task));
  // 3. What has changed stays where its new terms fit.
  pending = pending.filter((task) => !cycle.keep(task));
  // 4. The rest goes to the least utilized GPU that takes it, there to the least utilized context; what a lost node had stays
  // there if nothing does. Once more where jobs join: with those that have come since, more of them may go together.
  do {
    cycle.beginRound();
    pending = pending.filter((task) => !cycle.place(task));
  } while (cycle.mayHaveMadeRoom && pending.length > 0);
  // 5. Refusals are put in words when everything is booked, so that they speak of what is there.
  for (const task of pending) cycle.refuse(task);
  // 6. Suspended tasks are tried after all others, each by itself: nothing is booked for them.
  for (const task of suspended) cycle.simulate(task);
  cycle.stateShares();
  return { snapshot: cycle.snapshot, verdicts: cycle.verdicts };
}

class Cycle {
  readonly snapshot: Snapshot;
  readonly verdicts = new Map<string, Verdict>();
  /** Demands without a place. Bookings only grow, so what was refused once stays refused in this round. */
  readonly #hopeless = new Set<string>();
  readonly #refusals = new Map<string, Refusal>();
  #madeRoom = false;

  constructor(nodes: readonly PlacementNode[]) {
    this.snapshot = new Snapshot(nodes);
  }

  /** Whether something was booked in this round that may let others go together. */
  get mayHaveMadeRoom(): boolean {
    return this.#madeRoom;
  }

  beginRound(): void {
    this.#madeRoom = false;
    this.#hopeless.clear();
  }

  settle(task: PlacementTask): boolean {
    const context = this.#presentContext(task);
    if (context === undefined || !task.settled || !evictingTaints.passes(task, context.node)) return false;
    // The runtime would refuse what is beyond the limit, too.
    if (!context.mayStay(task) || !compiledCode.passes(task, context)) return false;
    return this.#book(task, context);
  }

  keep(task: PlacementTask): boolean {
    const context = this.#presentContext(task);
    if (context === undefined || task.settled) return false;
    // A node that is not ready takes nothing new, but keeps what it has.
    const nodeFits = nodeFilters.slice(1).every((filter) => filter.passes(task, context.node));
    const there = onKind(task, context.gpu.kind);
    return nodeFits && there !== undefined && takes(there, context) && this.#book(there, context);
  }

  place(task: PlacementTask): boolean {
    const found = this.#find(task) ?? this.#lostContext(task);
    return found !== undefined && this.#book(found.task, found.context);
  }

  /** How many go together is known once all is booked. */
  stateShares(): void {
    for (const context of this.snapshot.contexts) {
      if (context.joining === undefined) continue;
      for (const task of context.tasks) this.verdicts.set(task.key, placedAt(task, context));
    }
  }

  refuse(task: PlacementTask): void {
    this.verdicts.set(task.key, { kind: 'Refused', never: false, ...this.#explain(task) });
  }

  refuseForEver(task: PlacementTask): boolean {
    const refusal = this.#never(task);
    if (refusal !== undefined) this.verdicts.set(task.key, { kind: 'Refused', never: true, ...refusal });
    return refusal !== undefined;
  }

  simulate(task: PlacementTask): void {
    const never = this.#never(task);
    const found = never === undefined ? this.#find(task) : undefined;
    const message =
      found === undefined
        ? `would not fit: ${(never ?? this.#explain(task)).message}`
        : `would fit on ${wouldFit(found.task, found.context)}`;
    this.verdicts.set(task.key, { kind: 'Suspended', fits: found !== undefined, message });
  }

  #never(task: PlacementTask): Refusal | undefined {
    const demand = leastDemand(this.snapshot, task);
    return demand && neverFits({ ...task, demand });
  }

  #book(task: PlacementTask, context: ContextState): true {
    context.book(task);
    this.#madeRoom ||= context.joining !== undefined;
    this.verdicts.set(task.key, placedAt(task, context));
    return true;
  }

  /** The least utilized GPU of any kind that takes the task by what it needs there, in its least utilized context. */
  #find(task: PlacementTask): Found | undefined {
    const key = demandKey(task);
    if (this.#hopeless.has(key)) return undefined;
    let best: Found | undefined;
    for (const [kind, pool] of this.snapshot.poolsFor(task)) {
      const there = onKind(task, kind);
      const runs = there !== undefined && pool.gpus.slice(0, 1).every((any) => fitsKind(there, any));
      const context = runs ? pool.choose((candidate) => fits(there, candidate)) : undefined;
      if (there === undefined || context === undefined) continue;
      if (best === undefined || compareGpus(context.whole, best.context.whole) < 0) best = { task: there, context };
    }
    if (best === undefined) this.#hopeless.add(key);
    return best;
  }

  #explain(task: PlacementTask): Refusal {
    const key = demandKey(task);
    const known =
      this.#refusals.get(key) ?? waitsForProfile(this.snapshot, task) ?? explainRefusal(this.snapshot, task);
    this.#refusals.set(key, known);
    return known;
  }

  #presentContext(task: PlacementTask): ContextState | undefined {
    const context = task.present && this.snapshot.at(task.present);
    return context?.node.state === 'Lost' ? undefined : context;
  }

  #lostContext(task: PlacementTask): Found | undefined {
    const context = task.present && this.snapshot.at(task.present);
    if (context?.node.state !== 'Lost' || !compiledCode.passes(task, context)) return undefined;
    if (task.settled) return { task, context };
    const there = onKind(task, context.gpu.kind);
    return there !== undefined && takes(there, context) ? { task: there, context } : undefined;
  }
}

/** A place, and the task by what it needs there. */
interface Found {
  readonly task: PlacementTask;
  readonly context: ContextState;
}

/** Booked there by what the task needs there. */
export function placedAt(task: PlacementTask, context: ContextState): Verdict {
  const { place, gpu } = context;
  const { stageAfetUs } = task.demand;
  const { utilizationE9, jobs } = context.shareOf(task);
  const stages = stageAfetUs === undefined ? {} : { stageAfetUs };
  const capacity = jobs > 1 ? { capacity: jobs } : {};
  return { kind: 'Placed', place, gpuProduct: gpu.product, utilizationE9, ...capacity, ...stages };
}

function takes(task: PlacementTask, context: ContextState): boolean {
  return compiledCode.passes(task, context) && fitsKind(task, context) && fits(task, context);
}

function fitsKind(task: PlacementTask, on: OnGpu): boolean {
  return kindFilters.every((filter) => filter.passes(task, on));
}

function fits(task: PlacementTask, context: ContextState): boolean {
  return contextFilters.every((filter) => filter.passes(task, context));
}

function wouldFit(task: PlacementTask, context: ContextState): string {
  const outlook = context.outlook(task);
  const u = outlook?.share.utilizationE9 ?? task.demand.utilizationE9;
  const highE9 = outlook === undefined ? context.highE9 : outlook.there.highE9 - u;
  const terms =
    task.priority === 'High'
      ? `HP load ${formatSum(highE9, u, context.limitE9)}`
      : `utilization ${formatE9(u)} beside ${formatE9(context.totalE9)} on ${context.streams} ${context.streams === 1 ? 'stream' : 'streams'}`;
  return `gpu ${context.gpu.uuid} of node ${context.node.name}, context ${context.place.context} (${terms})`;
}

/** Two tasks with the same key get the same answer from the same snapshot. */
function demandKey(task: PlacementTask): string {
  const demands = task.demands === undefined ? demandText(task.demand) : demandsText(task);
  // Quotas are of namespaces, and for High tasks.
  const quota = task.priority === 'High' ? task.namespace : '';
  return `${task.priority}/${quota}/${demands}/${task.periodUs}/${task.deadlineUs}/${packageText(task)}/${task.gpuClass}`;
}

function demandText({ afetUs, longestStageUs, joins }: Demand): string {
  return joins === undefined ? `${afetUs}/${longestStageUs}` : `${afetUs}/${longestStageUs}/${joins.key}`;
}

function packageText({ package: loaded }: PlacementTask): string {
  return loaded?.memoryBytes === undefined ? '' : `${loaded.digest}=${loaded.memoryBytes}`;
}

/** With the words for kinds without times, since a refusal may be made of them. */
function demandsText({ demands = new Map(), unmeasured = new Map() }: PlacementTask): string {
  const known = [...demands].map(([kind, demand]) => `${kind}=${demandText(demand)}`);
  const unknown = [...unmeasured].map(([kind, { message }]) => `${kind}=${message}`);
  return [...known, ...unknown].join();
}
