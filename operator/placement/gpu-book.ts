// What the contexts of one GPU share, and what is booked in all of them together, for the time of one cycle.
import { JoiningBook } from './joining-book.ts';
import { MemoryBook } from './memory-book.ts';
import type { QuotaBook } from './quota-book.ts';
import type { PlacementGpu, PlacementNode } from './terms.ts';

export interface GpuPosition {
  readonly node: PlacementNode;
  readonly gpu: PlacementGpu;
  /** Among all of the snapshot, by the names of node and GPU: the last tie breaker. */
  readonly rank: number;
  readonly quotas: QuotaBook | undefined;
  /** Called when what is booked there may have become less. */
  readonly lowered: (gpu: GpuBook) => void;
}

export class GpuBook {
  readonly node: PlacementNode;
  readonly gpu: PlacementGpu;
  readonly rank: number;
  /** Of all contexts. */
  readonly streams: number;
  /** Of the policy that the node follows; undefined where that has no quotas. */
  readonly quotas: QuotaBook | undefined;
  readonly memory: MemoryBook;
  /** Undefined where no jobs join. */
  readonly joining: JoiningBook | undefined;
  #totalE9 = 0;

  constructor({ node, gpu, rank, quotas, lowered }: GpuPosition) {
    this.node = node;
    this.gpu = gpu;
    this.rank = rank;
    this.streams = gpu.contexts.reduce((sum, { streams }) => sum + streams, 0);
    this.quotas = quotas;
    this.memory = new MemoryBook(gpu.memoryBytes);
    this.joining = gpu.joins === true ? new JoiningBook(() => lowered(this)) : undefined;
  }

  /** Over all tasks of all contexts; where jobs join, of their shares, which may become less as more tasks come. */
  get totalE9(): number {
    return this.joining?.totalE9 ?? this.#totalE9;
  }

  /** In any of its contexts, by what a job needs alone. */
  book(utilizationE9: number): void {
    this.#totalE9 += utilizationE9;
  }
}

/**
 * Least utilization per stream first (cross-multiplied, so exact), then by name. It goes before that of single contexts: those
 * of one GPU share its SMs, its memory and its copy engines, so an idle one beside busy ones is worth less than an idle GPU.
 */
export function compareGpus(a: GpuBook, b: GpuBook): number {
  return a.totalE9 * b.streams - b.totalE9 * a.streams || a.rank - b.rank;
}
