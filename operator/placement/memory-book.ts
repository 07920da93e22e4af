// What the packages on one GPU need, each counted once however many tasks run it. Shared by the contexts of that GPU for the
// time of one cycle. Buffers of jobs are no part of it: the runtime bounds them itself.
import type { PlacementPackage } from './terms.ts';

export class MemoryBook {
  /** Of the GPU; Infinity where that is not known. */
  readonly totalBytes: number;
  readonly #bytes = new Map<string, number>();
  #bookedBytes = 0;

  constructor(totalBytes = Number.POSITIVE_INFINITY) {
    this.totalBytes = totalBytes;
  }

  /** Below 0: overbooked, since a model proved larger than was known when it was placed. */
  get leftBytes(): number {
    return this.totalBytes - this.#bookedBytes;
  }

  /** Whether there is room for it, or it is there already. */
  holds(of: PlacementPackage | undefined): boolean {
    if (of?.memoryBytes === undefined || of.memoryBytes <= this.leftBytes) return true;
    const missing = this.missingBytes(of);
    return missing === 0 || missing <= this.leftBytes;
  }

  /** What it needs beyond what is booked for it already. */
  missingBytes(of: PlacementPackage | undefined): number {
    if (of?.memoryBytes === undefined) return 0;
    return Math.max(0, of.memoryBytes - (this.#bytes.get(of.digest) ?? 0));
  }

  /** Of several words on one package the largest counts. */
  book(of: PlacementPackage | undefined): void {
    const missing = this.missingBytes(of);
    if (of?.memoryBytes === undefined || missing === 0) return;
    this.#bytes.set(of.digest, of.memoryBytes);
    this.#bookedBytes += missing;
  }
}
