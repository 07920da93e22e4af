// The contexts of one kind of GPU that one class of tasks (same selector, same tolerations) may use, ordered by utilization
// in a binary heap that is brought up to date only where it is read: sums grow during a cycle, so an old key is a lower bound.
// Where jobs join, sums may also become less; the snapshot keeps a record of that, by which the heap is put right.
import { compareContexts, type ContextState } from './context-state.ts';

/** Contexts taken from the heap before a plain scan is cheaper than going on. */
const heapReads = 64;

interface Entry {
  readonly context: ContextState;
  /** The context's total when the entry was last put in order. */
  totalE9: number;
  /** Position in the heap. */
  at: number;
}

export class Pool {
  readonly contexts: readonly ContextState[];
  readonly #heap: Entry[];
  readonly #entries = new Map<ContextState, Entry>();
  /** Contexts whose sums may have become less, of all pools of the snapshot. */
  readonly #lowered: readonly ContextState[];
  /** How many of them the heap knows of. */
  #known: number;

  constructor(contexts: readonly ContextState[], lowered: readonly ContextState[] = []) {
    this.contexts = contexts;
    this.#lowered = lowered;
    this.#known = lowered.length;
    this.#heap = contexts.map((context, at) => ({ context, totalE9: context.totalE9, at }));
    for (const entry of this.#heap) if (entry.context.joining !== undefined) this.#entries.set(entry.context, entry);
    for (let at = this.#heap.length >> 1; at >= 0; at--) {
      const entry = this.#heap[at];
      if (entry !== undefined) this.#sink(at, entry);
    }
  }

  /** The least utilized context that is accepted. */
  choose(accepts: (context: ContextState) => boolean): ContextState | undefined {
    this.#catchUp();
    const taken: Entry[] = [];
    let chosen: ContextState | undefined;
    while (chosen === undefined && taken.length < heapReads) {
      const entry = this.#take();
      if (entry === undefined) break;
      taken.push(entry);
      if (accepts(entry.context)) chosen = entry.context;
    }
    if (chosen === undefined && this.#heap.length > 0) chosen = this.#scan(accepts);
    for (const entry of taken) this.#put(entry);
    return chosen;
  }

  #catchUp(): void {
    for (; this.#known < this.#lowered.length; this.#known++) {
      const context = this.#lowered[this.#known];
      const entry = context && this.#entries.get(context);
      if (entry === undefined || entry.context.totalE9 >= entry.totalE9) continue;
      entry.totalE9 = entry.context.totalE9;
      this.#rise(entry.at, entry);
    }
  }

  #scan(accepts: (context: ContextState) => boolean): ContextState | undefined {
    let best: ContextState | undefined;
    for (const context of this.contexts) {
      if ((best === undefined || compareContexts(context, best) < 0) && accepts(context)) best = context;
    }
    return best;
  }

  #take(): Entry | undefined {
    for (;;) {
      const [top] = this.#heap;
      if (top === undefined) return undefined;
      if (top.totalE9 === top.context.totalE9) return this.#removeTop(top);
      top.totalE9 = top.context.totalE9;
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

function before(a: Entry, b: Entry): boolean {
  const difference = a.totalE9 * b.context.streams - b.totalE9 * a.context.streams;
  return difference < 0 || (difference === 0 && a.context.rank < b.context.rank);
}
