// One context of a snapshot with the running sums that the filters ask for, so that a decision costs the same however
// many tasks are booked.
import { wholeE9 } from '../../api/utilization.ts';
import type { Place, PlacementGpu, PlacementNode, PlacementTask } from './terms.ts';

export class ContextState {
  readonly node: PlacementNode;
  readonly gpu: PlacementGpu;
  readonly place: Place;
  readonly streams: number;
  /** What High tasks may book here: the node's share times the streams (N_s). */
  readonly limitE9: number;
  /** Position by node, GPU and index: the last tie breaker. */
  readonly rank: number;
  readonly #tasks: PlacementTask[] = [];
  #highE9 = 0;
  #totalE9 = 0;
  #longestStageUs = 0;
  #slackUs = Number.POSITIVE_INFINITY;

  constructor(node: PlacementNode, gpu: PlacementGpu, context: PlacementGpu['contexts'][number], rank: number) {
    this.node = node;
    this.gpu = gpu;
    this.place = { node: node.name, gpu: gpu.uuid, context: context.index };
    this.streams = context.streams;
    this.limitE9 = Number((BigInt(node.highLimitE9) * BigInt(context.streams * wholeE9)) / BigInt(wholeE9));
    this.rank = rank;
  }

  get tasks(): readonly PlacementTask[] {
    return this.#tasks;
  }

  /** Sum over High tasks (eq. 4, by AFET). */
  get highE9(): number {
    return this.#highE9;
  }

  /** Sum over all tasks (eq. 6, by AFET). */
  get totalE9(): number {
    return this.#totalE9;
  }

  /** Longest stage of any task here: what a High task may have to wait for, since stages are not preempted. */
  get longestStageUs(): number {
    return this.#longestStageUs;
  }

  /** How long a stage of another task may be before it breaks a High task here: the least of deadline - AFET. */
  get slackUs(): number {
    return this.#slackUs;
  }

  book(task: PlacementTask): void {
    this.#tasks.push(task);
    this.#totalE9 += task.demand.utilizationE9;
    this.#longestStageUs = Math.max(this.#longestStageUs, task.demand.longestStageUs);
    if (task.priority !== 'High') return;
    this.#highE9 += task.demand.utilizationE9;
    this.#slackUs = Math.min(this.#slackUs, task.deadlineUs - task.demand.afetUs);
  }
}

/** Least utilization per stream first (cross-multiplied, so exact), then node, GPU, index. */
export function compareContexts(a: ContextState, b: ContextState): number {
  return a.totalE9 * b.streams - b.totalE9 * a.streams || a.rank - b.rank;
}
