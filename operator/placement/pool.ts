// The GPUs of one kind that one class of tasks (same selector, same tolerations) may use, ordered by utilization
// in a binary heap that is brought up to date only where it is read: sums grow during a cycle, so an old key is a lower bound.
// Where jobs join, sums may also become less; the snapshot keeps a record of that, by which the heap is put right.
import type { ContextState } from './context-state.ts';
import { compareGpus, type GpuBook } from './gpu-book.ts';
import type { GpuState } from './gpu-state.ts';

/** GPUs taken from the heap before a plain scan is cheaper than going on. */
const heapReads = 64;

interface Entry {
  readonly gpu: GpuState;
  /** The GPU's total when the entry was last put in order. */
  totalE9: number;
  /** Position in the heap. */
  at: number;
}

export class Pool {
  readonly gpus: readonly GpuState[];
  readonly #heap: Entry[];
  readonly #entries = new Map<GpuBook, Entry>();
  /** GPUs whose sums may have become less, of all pools of the snapshot. */
  readonly #lowered: readonly GpuBook[];
  /** How many of them the heap knows of. */
  #known: number;

  constructor(gpus: readonly GpuState[], lowered: readonly GpuBook[] = []) {
    this.gpus = gpus;
    this.#lowered = lowered;
    this.#known = lowered.length;
    this.#heap = gpus.map((gpu, at) => ({ gpu, totalE9: gpu.totalE9, at }));
    for (const entry of this.#heap) if (entry.gpu.joining !== undefined) this.#entries.set(entry.gpu, entry);
    for (let at = this.#heap.length >> 1; at >= 0; at--) {
      const entry = this.#heap[at];
      if (entry !== undefined) this.#sink(at, entry);
    }
  }

  /** Of the least utilized GPU that has one that is accepted, the least utilized such context. */
  choose(accepts: (context: ContextState) => boolean): ContextState | undefined {
    this.#catchUp();
    const taken: Entry[] = [];
    let chosen: ContextState | undefined;
    while (chosen === undefined && taken.length < heapReads) {
      const entry = this.#take();
      if (entry === undefined) break;
      taken.push(entry);
      chosen = entry.gpu.least(accepts);
    }
    if (chosen === undefined && this.#heap.length > 0) chosen = this.#scan(accepts);
    for (const entry of taken) this.#put(entry);
    return chosen;
  }

  #catchUp(): void {
    for (; this.#known < this.#lowered.length; this.#known++) {
      const gpu = this.#lowered[this.#known];
      const entry = gpu && this.#entries.get(gpu);
      if (entry === undefined || entry.gpu.totalE9 >= entry.totalE9) continue;
      entry.totalE9 = entry.gpu.totalE9;
      this.#rise(entry.at, entry);
    }
  }

  #scan(accepts: (context: ContextState) => boolean): ContextState | undefined {
    let best: ContextState | undefined;
    for (const gpu of this.gpus) {
      if (best === undefined || compareGpus(gpu, best.whole) < 0) best = gpu.least(accepts) ?? best;
    }
    return best;
  }

  #take(): Entry | undefined {
    for (;;) {
      const [top] = this.#heap;
      if (top === undefined) return undefined;
      if (top.totalE9 === top.gpu.totalE9) return this.#removeTop(top);
      top.totalE9 = top.gpu.totalE9;
      this.#sink(0, top);
    }
  }

  #removeTop(top: Entry): Entry {
    const last = this.#heap.pop();
    if (last !== undefined && last !== top) this.#sink(0, last);
    return top;
  }

  #put(entry: Entry): void {
    this.#rise(this.#heap.push(entry) - 1, entry);
  }

  #rise(from: number, entry: Entry): void {
    let at = from;
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = this.#heap[above];
      if (parent === undefined || !before(entry, parent)) break;
      this.#set(at, parent);
      at = above;
    }
    this.#set(at, entry);
  }

  #sink(from: number, entry: Entry): void {
    let at = from;
    for (;;) {
      const below = this.#lesserChild(at);
      const child = this.#heap[below];
      if (child === undefined || !before(child, entry)) break;
      this.#set(at, child);
      at = below;
    }
    this.#set(at, entry);
  }

  #set(at: number, entry: Entry): void {
    this.#heap[at] = entry;
    entry.at = at;
  }

  #lesserChild(at: number): number {
    const left = this.#heap[2 * at + 1];
    const right = this.#heap[2 * at + 2];
    return left !== undefined && right !== undefined && before(right, left) ? 2 * at + 2 : 2 * at + 1;
  }
}

/** As `compareGpus` puts them, by the totals that the heap knows. */
function before(a: Entry, b: Entry): boolean {
  const difference = a.totalE9 * b.gpu.streams - b.totalE9 * a.gpu.streams;
  return difference < 0 || (difference === 0 && a.gpu.rank < b.gpu.rank);
}
