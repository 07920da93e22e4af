// Whether this node may be cut off from the API server: its Lease is over, so that others may have its tasks by now. It
// ends when the Lease is renewed and the tasks in the cache are proven to be the present ones.
import type { Clock } from '../kube/clock.ts';

export interface IsolationOptions {
  /** How long the Lease holds without renewal. */
  readonly leaseMs: number;
  /** Since the last renewal; Infinity before the first. */
  readonly leaseAgeMs: () => number;
  /** Since the API server last proved the cached tasks current. */
  readonly cacheAgeMs: () => number;
  readonly clock: Clock;
}

export class Isolation {
  readonly #options: IsolationOptions;
  readonly #startMs: number;
  /** The last time at which the Lease was known to be over. */
  #overMs: number | undefined;

  constructor(options: IsolationOptions) {
    this.#options = options;
    this.#startMs = options.clock.monotonic();
  }

  get isolated(): boolean {
    const { leaseMs, leaseAgeMs, cacheAgeMs, clock } = this.#options;
    const nowMs = clock.monotonic();
    // The process before this one renewed it: a restart takes nothing away.
    if (Math.min(leaseAgeMs(), nowMs - this.#startMs) >= leaseMs) {
      this.#overMs = nowMs;
      return true;
    }
    if (this.#overMs !== undefined && nowMs - cacheAgeMs() <= this.#overMs) return true;
    this.#overMs = undefined;
    return false;
  }
}
