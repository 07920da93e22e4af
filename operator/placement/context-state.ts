// One context of a snapshot with the running sums that the filters ask for, so that a decision costs the same however
// many tasks are booked.
import { wholeE9 } from '../../api/utilization.ts';
import type { GpuBook } from './gpu-book.ts';
import { leastShareE9, type JoinedContext, type JoiningBook, type Outlook, type Share } from './joining-book.ts';
import type { MemoryBook } from './memory-book.ts';
import type { QuotaBook } from './quota-book.ts';
import type { Place, PlacementGpu, PlacementNode, PlacementTask } from './terms.ts';

export class ContextState {
  readonly node: PlacementNode;
  readonly gpu: PlacementGpu;
  /** The whole GPU, with its other contexts. */
  readonly whole: GpuBook;
  readonly place: Place;
  readonly streams: number;
  /** What High tasks may book here: the node's share times the streams (N_s). */
  readonly limitE9: number;
  readonly #joined: JoinedContext | undefined;
  readonly #tasks: PlacementTask[] = [];
  #highE9 = 0;
  #leastHighE9 = 0;
  #totalE9 = 0;
  #longestStageUs = 0;
  #slackUs = Number.POSITIVE_INFINITY;

  constructor(whole: GpuBook, { index, streams }: PlacementGpu['contexts'][number]) {
    const { node, gpu } = whole;
    this.node = node;
    this.gpu = gpu;
    this.whole = whole;
    this.place = { node: node.name, gpu: gpu.uuid, context: index };
    this.streams = streams;
    this.limitE9 = Number((BigInt(node.highLimitE9) * BigInt(streams * wholeE9)) / BigInt(wholeE9));
    this.#joined = whole.joining?.addContext(index, this.limitE9);
  }

  /** Of the policy that the node follows; undefined where that has no quotas. */
  get quotas(): QuotaBook | undefined {
    return this.whole.quotas;
  }

  /** Of its GPU, shared with the other contexts there. */
  get memory(): MemoryBook {
    return this.whole.memory;
  }

  /** Of its GPU, shared with the other contexts there; undefined where no jobs join. */
  get joining(): JoiningBook | undefined {
    return this.whole.joining;
  }

  get tasks(): readonly PlacementTask[] {
    return this.#tasks;
  }

  /** Sum over High tasks (eq. 4, by AFET); where jobs join, of their shares. */
  get highE9(): number {
    return this.#joined === undefined ? this.#highE9 : this.#joined.sums.highE9;
  }

  /** Sum over all tasks (eq. 6, by AFET); where jobs join, of their shares, which may become less as more tasks come. */
  get totalE9(): number {
    return this.#joined === undefined ? this.#totalE9 : this.#joined.sums.totalE9;
  }

  /**
   * Whether a High task that is here may stay. It is held against the limit by the least that it can book, as are those before
   * it: nobody is driven out since others have left and fewer go together. A changed policy may have made less of the context.
   */
  mayStay(task: PlacementTask): boolean {
    return task.priority !== 'High' || this.#leastHighE9 + this.#leastE9(task) <= this.limitE9;
  }

  /** Longest stage of any task here: what a High task may have to wait for, since stages are not preempted. */
  get longestStageUs(): number {
    return this.#longestStageUs;
  }

  /** What High tasks of the namespace may still book here, by the context's limit and by the quota; below 0: overbooked. */
  headroomE9(namespace: string): number {
    const byLimit = this.limitE9 - this.highE9;
    if (this.quotas === undefined) return byLimit;
    return Math.min(byLimit, this.quotas.limitE9(namespace) - this.quotas.bookedE9(namespace));
  }

  /** How long a stage of another task may be before it breaks a High task here: the least of deadline - AFET. */
  get slackUs(): number {
    return this.#slackUs;
  }

  /** What the task books here as things are. */
  shareOf(task: PlacementTask): Share {
    return this.joining?.shareOf(task) ?? { utilizationE9: task.demand.utilizationE9, jobs: 1 };
  }

  /** What its GPU would be with the task here; undefined where no jobs join. */
  outlook(task: PlacementTask): Outlook | undefined {
    return this.#joined && this.joining?.outlook(task, this.#joined);
  }

  book(task: PlacementTask): void {
    this.#tasks.push(task);
    if (this.#joined !== undefined) this.joining?.book(task, this.#joined);
    this.memory.book(task.package);
    this.whole.book(task.demand.utilizationE9);
    this.#totalE9 += task.demand.utilizationE9;
    this.#longestStageUs = Math.max(this.#longestStageUs, task.demand.longestStageUs);
    if (task.priority !== 'High') return;
    this.#highE9 += task.demand.utilizationE9;
    this.#leastHighE9 += this.#leastE9(task);
    this.quotas?.book(task.namespace, task.demand.utilizationE9);
    this.#slackUs = Math.min(this.#slackUs, task.deadlineUs - task.demand.afetUs);
  }

  #leastE9(task: PlacementTask): number {
    return this.joining === undefined ? task.demand.utilizationE9 : leastShareE9(task);
  }
}

/** Of one GPU: least utilization per stream first (cross-multiplied, so exact), then by index. Algorithm 1. */
export function compareContexts(a: ContextState, b: ContextState): number {
  return a.totalE9 * b.streams - b.totalE9 * a.streams || a.place.context - b.place.context;
}
