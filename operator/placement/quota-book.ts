// What High tasks have booked by namespace on all nodes of one policy, against that policy's quotas. Shared by the contexts
// of those nodes for the time of one cycle.
import type { Quotas } from './terms.ts';

export class QuotaBook {
  readonly policy: string;
  readonly #limitsE9: ReadonlyMap<string, number>;
  readonly #bookedE9 = new Map<string, number>();

  constructor(quotas: Quotas) {
    this.policy = quotas.policy;
    this.#limitsE9 = quotas.limitsE9;
  }

  /** Infinity where the namespace has no quota. */
  limitE9(namespace: string): number {
    return this.#limitsE9.get(namespace) ?? Number.POSITIVE_INFINITY;
  }

  bookedE9(namespace: string): number {
    return this.#bookedE9.get(namespace) ?? 0;
  }

  book(namespace: string, utilizationE9: number): void {
    this.#bookedE9.set(namespace, this.bookedE9(namespace) + utilizationE9);
  }
}
